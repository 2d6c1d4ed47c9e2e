"""Runs a task of any MRJob class, unmodified, inside Hadoop streaming.

python launch.py JOBFILE --step-num=N --mapper|--combiner|--reducer [the job's own arguments]

The job's file runs as mrjob would run it, as ``__main__``, and whichever class its ``run()`` is
called of does the task; only mrjob's loops are replaced by those of :mod:`emr_steps.tasks`.
JOBFILE is a path in the archive that this file lies in, or any path.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def main(words: Sequence[str]) -> None:
    """Run the task that the words say.

    Raises
    ------
    SystemExit
        Where there is no such file, or its class doesn't run when the file does.
    """
    if not words:
        sys.exit(__doc__)
    job = next((p for p in (ROOT / words[0], Path(words[0])) if p.is_file()), None)
    if job is None:
        sys.exit(
            f"While launching {words[0]}, found no such file in {ROOT} or {Path.cwd()}. "
            "Name a job's file in the archive."
        )
    # As if the job's file had been started: its own folder first; then the archive.
    sys.path[0:1] = [str(job.parent), str(ROOT)]
    sys.argv = [str(job), *words[1:]]
    ran = _quicker()
    runpy.run_path(str(job), run_name="__main__")
    if not ran:
        sys.exit(
            f"While launching {words[0]}, found that it ran no job. "
            'End it with `if __name__ == "__main__":` and the class\'s `run()`.'
        )


def _quicker() -> list[str]:
    """Put the quicker loops into mrjob; gives a list that is empty until a job runs."""
    from mrjob.job import MRJob

    from emr_steps import launched, tasks

    ran: list[str] = []

    def execute(job: Any) -> None:
        ran.append(type(job).__name__)
        launched.execute(job)

    MRJob.run_mapper = tasks.run_mapper
    MRJob.run_combiner = tasks.run_combiner
    MRJob.run_reducer = tasks.run_reducer
    MRJob.execute = execute
    return ran


if __name__ == "__main__":
    main(sys.argv[1:])
