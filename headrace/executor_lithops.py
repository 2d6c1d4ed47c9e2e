"""The executor itself: lithops' FunctionExecutor, at home in a study.

What it changes of lithops: items are named in errors, data are deleted at once and by this
process (lithops starts another, which outlives the notebook), plots are shown where the
notebook is, and the workers of this machine end with it.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import lithops
from lithops.constants import JOBS_PREFIX, LITHOPS_TEMP_DIR, LOCALHOST, SERVERLESS, TEMP_PREFIX
from lithops.job.job import invalidate_function_cache

from headrace import executor_storage
from headrace.executor_aws import LambdaHandler
from headrace.executor_futures import name_items
from headrace.executor_local import Handler

executor_storage.register()


def _bar(total: int, initial: int) -> Any:
    """Make the progress bar: lithops' own is hidden in a notebook that has no ipywidgets."""
    from tqdm import tqdm  # type: ignore[import-untyped]

    hidden = False if _in_notebook() else None  # None: where nobody looks at a terminal
    return tqdm(total=total, initial=min(initial, total), disable=hidden, unit="call")


sys.modules["lithops.wait"]._create_progressbar = _bar  # type: ignore[attr-defined]


class Executor(lithops.FunctionExecutor):  # type: ignore[misc]
    """lithops' FunctionExecutor for a study; `headrace.executor` opens it."""

    def __exit__(self, *error: Any) -> None:
        """Stop what still runs, and delete what the executor stored."""
        super().__exit__(*error)
        self.clean(clean_fn=True, force=True)

    def wait(self, *words: Any, **more: Any) -> Any:
        """Wait as lithops does, and look as often as the target says, not once a second."""
        if more.get("wait_dur_sec") is None:
            more["wait_dur_sec"] = self.config["lithops"]["monitoring_interval"]
        return super().wait(*words, **more)

    def plot(
        self, fs: Any = None, dst: str | None = None, figsize: tuple[float, float] = (10, 6)
    ) -> list[Path]:
        """Draw the timeline of the calls, and how many ran at one time.

        Parameters
        ----------
        fs : list of futures, optional
            All of this executor's, if not given.
        dst : str, optional
            What the two files' names begin with; in the project's state if not given.
        figsize : tuple of float
            Width and height in inches.

        Returns
        -------
        list of Path
            ``…_timeline.png`` and ``…_histogram.png``; a notebook shows them. Empty where no
            call has succeeded.
        """
        to = dst or str(Path(self._home, "plots", f"{self.executor_id}-{time.time_ns()}"))
        Path(to).expanduser().parent.mkdir(parents=True, exist_ok=True)
        with _own_backend():
            super().plot(fs, to, figsize)
        begin = Path(to).expanduser().resolve()
        files = [begin.with_name(f"{begin.name}_{n}.png") for n in ("timeline", "histogram")]
        files = [file for file in files if file.is_file()]
        _show(files)
        return files

    def clean(
        self,
        fs: Any = None,
        cs: Any = None,
        clean_cloudobjects: bool = True,
        clean_fn: bool = False,
        force: bool = False,
        on_exit: bool = False,
    ) -> None:
        """Delete what jobs stored; lithops' words, done at once.

        A job's data go when none of its results is unread, or with `force` or `on_exit`.
        """
        for stored in cs or ():
            self.storage.delete_cloudobject(stored)
        if cs and not fs:
            return
        futures = self._as_future_list(fs or self.futures)
        jobs = {f.job_key for f in futures if f.executor_id.count("-") == 1}
        if not (force or on_exit):
            both = (*self.futures, *futures)
            jobs -= {f.job_key for f in both if not (f.done or f.futures)}
        for job in jobs:
            self._delete(f"{JOBS_PREFIX}/{job}/")
            if clean_cloudobjects:
                self._delete_cloudobjects(job)
            shutil.rmtree(Path(LITHOPS_TEMP_DIR, self.storage.bucket, JOBS_PREFIX, job), True)
        self.cleaned_jobs.update(jobs)
        if clean_fn:
            invalidate_function_cache(self.executor_id)
            self._delete(f"{JOBS_PREFIX}/{self.executor_id}/")

    @property
    def _home(self) -> str:
        return str(self.config[self.backend]["home"])

    def _delete(self, prefix: str) -> None:
        keys = self.storage.list_keys(self.storage.bucket, prefix)
        if keys:
            self.storage.delete_objects(self.storage.bucket, keys)

    def _delete_cloudobjects(self, job: str) -> None:
        # Those of a call lie under the job's key, a hyphen and the call's number.
        self._delete(f"{TEMP_PREFIX}/{job}-")

    def _submit_map(
        self, map_function: Callable[..., Any], iterdata: Iterable[Any], *words: Any, **more: Any
    ) -> Any:
        items = iterdata if isinstance(iterdata, list) else list(iterdata)
        given = super()._submit_map(map_function, items, *words, **more)
        name_items(given[2], items)
        return given

    def _create_compute_handler(self) -> Any:
        section = self.config[self.backend]
        if self.mode == LOCALHOST:
            return Handler(section)
        if self.mode == SERVERLESS:
            return LambdaHandler(
                {"backend": self.backend, self.backend: section}, self.internal_storage
            )
        return super()._create_compute_handler()


class _own_backend:  # noqa: N801 - used as a word, like contextlib's
    """lithops' plots switch matplotlib to files for good: switch it back."""

    def __enter__(self) -> None:
        import matplotlib

        self.before = matplotlib.get_backend()

    def __exit__(self, *error: Any) -> None:
        from matplotlib import pyplot

        pyplot.close("all")
        pyplot.switch_backend(self.before)


def _in_notebook() -> bool:
    shell = sys.modules.get("IPython")
    return shell is not None and shell.get_ipython() is not None


def _show(files: list[Path]) -> None:
    if not _in_notebook():
        return
    from IPython.display import Image, display

    for file in files:
        display(Image(filename=str(file)))  # type: ignore[no-untyped-call]
