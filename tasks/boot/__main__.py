"""What a container starts: fetches a program, runs it on its ranks, and tells how it went.

python -m boot --program s3://…/archive.zip --main tasks/mpi/x.py --ranks 4 --timeout-s 3600
    --input URI --output URI --params JSON

Without ``--ranks`` the program is one process, without mpiexec. Exit 0: done, and the output has
``_SUCCESS``. 1: it failed, and beside the output lies ``failed.json``. 75: another try may mend
it. Of a job of many nodes the main one does this; see `boot.main_node` for the others.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from . import clean, nodes, outcome, store
from .archive import unpack
from .failure import TRY_AGAIN, Failure, TryAgainError
from .job import Job
from .main_node import gather
from .other_node import serve
from .ranks import run


def main(words: Sequence[str] | None = None) -> int:
    """Run the job; gives the exit's code."""
    job = _job(words)
    signal.signal(signal.SIGTERM, _stop)  # TerminateJob, and a spot instance that goes
    clean.adopt()
    try:
        with tempfile.TemporaryDirectory(prefix="headrace-job-") as folder:
            job.prepare(Path(folder))
            job.root = unpack(job.program, job.main, job.folder)
            if not nodes.is_main():
                return serve(job)
            with gather(job) as others:
                program_s = run(job, others)
        outcome.succeeded(job.output, program_s, os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX"))
    except Failure as failure:
        if nodes.is_main():
            outcome.failed(job.output, failure)
        print(failure, file=sys.stderr, flush=True)
        return failure.code
    except store.StoreError as error:
        again = TryAgainError(f"While writing beside {job.output}, found {error}. See its role.")
        print(again, file=sys.stderr, flush=True)
        return TRY_AGAIN
    return 0


def _job(words: Sequence[str] | None) -> Job:
    parser = argparse.ArgumentParser(prog="boot", description="Runs a program of a study's stage.")
    for name, meaning in (
        ("program", "URI of the program's archive"),
        ("main", "the program's path in it"),
        ("input", "URI that is read"),
        ("output", "URI that is written"),
    ):
        parser.add_argument(f"--{name}", required=True, help=meaning)
    parser.add_argument("--ranks", type=int, help="processes under mpiexec")
    parser.add_argument("--timeout-s", type=float, required=True, help="seconds it may take")
    parser.add_argument("--params", default="{}", help="a JSON object")
    told = parser.parse_args(words)
    if told.ranks is not None and told.ranks < 1:
        parser.error(f"--ranks {told.ranks} is less than 1")
    return Job(**vars(told), deadline=time.monotonic() + told.timeout_s)


def _stop(number: int, _: FrameType | None) -> None:
    raise Failure(None, f"stopped from outside, by {signal.Signals(number).name}", code=143)


if __name__ == "__main__":
    sys.exit(main())
