"""A MapReduce stage's job on lines: its tasks as on a node, and between them what Hadoop does.

    lines ─▶ two splits ─▶ mapper (combining) ─▶ partitions, each sorted by key ─▶ reducer ─▶ …

The tasks are the launcher's own code. Of Hadoop there is what a job can tell: splits, partitions by
the hash of a key, sorting by its bytes, a tab behind a line that has none.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import io
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.job_steps import ROOT, passthrough
from headrace.stage_plan import StagePlan
from headrace.table_plans import columns_of as planned
from headrace.testing import rows_in, written
from headrace.testing.made import Made, StageFailedError, columns_of
from headrace.testing.place import place
from headrace.testing.shuffle import shuffled, tabbed

#: What of a job Java alone can do, by the method that says so.
JAVA = ("partitioner", "hadoop_input_format", "hadoop_output_format", "libjars", "archives")
#: Settings that change how lines are split into keys, sorted and grouped.
GROUPING = ("stream.", "mapreduce.partition.", "mapreduce.job.output.", "mapreduce.job.partitioner")
REDUCES = "mapreduce.job.reduces"


def on_rows(
    stage: StagePlan,
    rows: Iterable[Mapping[str, Any] | str] | Path,
    params: Mapping[str, Any] | None,
    seed: int,
) -> Made:
    """Run a stage's job on rows.

    Raises
    ------
    StageFailedError
        Where the job fails, or wants what only Hadoop has.
    """
    given: Any = stage.stage
    path = ROOT / given.job
    arguments = passthrough(given.params if params is None else params)
    environment = {"HEADRACE_SEED": str(seed), "HEADRACE_WORKERS": "1"}
    doing = f"running {stage.name} in process"
    raw = rows_in.uris if stage.prefix else rows_in.splits
    source = rows.resolve() if isinstance(rows, Path) else rows
    with place(environment, path.parent, [str(path), *arguments]), _named(doing):
        job = Job(job_class(path), arguments, given.reducers, doing)
        told = job.lines((raw if job.raw else rows_in.splits)(source, doing))
    return written.lines(columns_of(planned(given.produces)), told)


def job_class(path: Path) -> type[Any]:
    """The one job of a file.

    Raises
    ------
    StageFailedError
        Where there isn't exactly one ``MRJob`` class.
    """
    from mrjob.job import MRJob

    name = f"headrace_job_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec  # noqa: S101 - it ends in .py, so there is a loader
    assert spec.loader  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # by which mrjob finds the job's own files
    spec.loader.exec_module(module)
    found = [
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, MRJob) and one.__module__ == name
    ]
    if len(found) != 1:
        names = ", ".join(one.__name__ for one in found) or "none"
        raise StageFailedError(f"reading {path.name}", names, "Give it one class of MRJob.")
    return found[0]


@contextlib.contextmanager
def _named(doing: str) -> Iterator[None]:
    """Tell whose error it is; the error itself is the cause."""
    try:
        yield
    except StageFailedError:
        raise
    except SystemExit as error:
        raise StageFailedError(doing, f"its end: {error.code}", "Correct the job.") from error
    except Exception as error:
        raise StageFailedError(
            doing, f"{type(error).__name__}: {error}", "Correct the job, or its rows."
        ) from error


@dataclass
class Job:
    """A job, and how it is called.

    Parameters
    ----------
    kind : type
        A class of ``MRJob``.
    arguments : list of str
        Its own.
    reducers : int
        Partitions, where the job's own settings don't say.
    doing : str
        For errors.
    """

    kind: type[Any]
    arguments: list[str]
    reducers: int
    doing: str

    def __post_init__(self) -> None:
        self._made = self.kind(list(self.arguments))
        self._steps = self._made.steps()
        self._sorts_values = bool(self._made.sort_values())
        self._refuse()

    @property
    def raw(self) -> bool:
        """Whether its first mapper reads whole files."""
        return bool(self._described(0).get("input_manifest"))

    def lines(self, splits: Sequence[bytes]) -> list[bytes]:
        """What the job gives for splits of whole lines: its lines, without their ends."""
        for number in range(len(self._steps)):
            splits = self._step(number, splits)
        return [line for split in splits for line in split.splitlines()]

    def _described(self, number: int) -> dict[str, Any]:
        told: dict[str, Any] = self._steps[number].description(number)
        return told

    def _step(self, number: int, splits: Sequence[bytes]) -> list[bytes]:
        step = self._described(number)
        if "mapper" in step:
            splits = [self._task("mapper", number, split) for split in splits]
        mapped = [tabbed(split) for split in splits]
        if "reducer" not in step:
            return mapped
        reducers = int(self._settings(number).get(REDUCES, self.reducers))
        parts = shuffled(mapped, reducers, by_line=self._sorts_values)
        return [tabbed(self._task("reducer", number, part)) for part in parts]

    def _task(self, kind: str, number: int, data: bytes) -> bytes:
        from emr_steps import launched, tasks

        job = self.kind([*self.arguments, f"--step-num={number}", f"--{kind}"])
        loops = {"run_mapper": tasks.run_mapper, "run_reducer": tasks.run_reducer}
        for name, loop in loops.items():
            if getattr(self.kind, name) is getattr(_mrjob(), name):
                setattr(job, name, functools.partial(loop, job))
        out, err = io.BytesIO(), io.BytesIO()
        with tempfile.TemporaryFile() as stdin:  # a filter of the job reads it by its number
            stdin.write(data)
            stdin.seek(0)
            job.sandbox(stdin=stdin, stdout=out, stderr=err)
            # What a task prints is its output: on a node there is but one standard output.
            printed = io.TextIOWrapper(out, encoding="utf-8", write_through=True)
            try:
                with contextlib.redirect_stdout(printed):
                    launched.execute(job)
            finally:
                printed.detach()
                sys.stderr.write(err.getvalue().decode(errors="replace"))
        return out.getvalue()

    def _settings(self, number: int) -> dict[str, Any]:
        own: dict[str, Any] = dict(self._made.jobconf() or {})
        own |= self._described(number).get("jobconf", {})
        return own

    def _refuse(self) -> None:
        """Refuse by name what can't be had without Hadoop, rather than give other rows."""
        found = [f"its {name}" for name in JAVA if getattr(self._made, name)()]
        for number in range(len(self._steps)):
            told = self._described(number)
            if told["type"] != "streaming":
                found.append(f"a step of type {told['type']}")
            found += [
                f"a {kind}_cmd"
                for kind in ("mapper", "combiner", "reducer")
                if "command" in told.get(kind, {})
            ]
            found += [name for name in self._settings(number) if name.startswith(GROUPING)]
        if found:
            raise StageFailedError(
                self.doing,
                f"{found[0]}, which only Hadoop has",
                "Run the stage on the local cloud.",
            )


def _mrjob() -> type[Any]:
    from mrjob.job import MRJob

    return MRJob  # type: ignore[no-any-return]  # mrjob has no types
