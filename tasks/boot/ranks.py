"""Runs the ranks, passes on what they print, and finds out whose fault it was if they fail."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from . import blame, clean
from .failure import Failure
from .job import Job
from .nodes import Nodes

#: What ran the program tells its author nothing.
OWN = re.compile(r'File "(<frozen runpy>|.*/boot/rank\.py)"')
ANSWER_S = 5  # that ranks are given to write their stacks once the time is over
STOP_S = 10  # that mpiexec is given to end its ranks


def run(job: Job, nodes: Nodes) -> float:
    """Run the program; gives its seconds.

    Raises
    ------
    Failure
        Where a rank fails, or the time is over.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        _command(job, nodes),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=job.environment(),
        preexec_fn=clean.die_with_parent,  # it only calls prctl, by what is loaded already
    )
    output = Output(process, nodes.launch)
    try:
        code = process.wait(job.left_s)
        program_s = time.monotonic() - started
    except subprocess.TimeoutExpired:
        told = _answers(job, nodes)
        for rank, one in sorted(told.items()):
            show(rank, [line for line in one.stack.splitlines() if not OWN.search(line)])
        raise blame.of_hang(told, job.ranks or 1, job.root, job.timeout_s) from None
    finally:
        clean.look(job.notes)
        stop(process)
        output.join(STOP_S)
        nodes.end()
        clean.processes()
        clean.shared_memory(job.notes)
    told = blame.read(job.notes, job.root) | nodes.told(wait=True)
    if failure := blame.of_end(told, job.ranks or 1, code, list(output.own)):
        if failure.rank is not None:
            trace = told[failure.rank].report["failed"].get("traceback", "")
            show(failure.rank, trace.splitlines())
        raise failure
    return program_s


def show(rank: int, lines: list[str]) -> None:
    """Print what a rank told, as if it had printed it."""
    for line in lines:
        print(f"[{rank}] {line}", flush=True)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End mpiexec, and so its ranks, which end with what started them."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _command(job: Job, nodes: Nodes) -> list[str]:
    if job.ranks is None:
        return job.command()
    here = Path(sys.executable).parent / "mpiexec"
    mpiexec = str(here) if here.is_file() else shutil.which("mpiexec")
    if mpiexec is None:
        raise Failure(None, f"While starting ranks, found no mpiexec in {here.parent} or on PATH.")
    # Lines get their rank's number. A rank goes to its node's folder by itself.
    return [mpiexec, "-l", "-wdir", "/", *nodes.words(), "-n", str(job.ranks), *job.command()]


def _answers(job: Job, nodes: Nodes) -> dict[int, blame.Told]:
    """The stacks of all ranks that write one in time."""
    until = time.monotonic() + ANSWER_S
    while True:
        told = blame.read(job.notes, job.root) | nodes.told()
        if time.monotonic() > until or sum(bool(t.stack) for t in told.values()) == job.ranks:
            return told
        time.sleep(0.1)


class Output(threading.Thread):
    """Passes on what mpiexec prints, line by line."""

    def __init__(self, process: subprocess.Popen[bytes], launch: Callable[[str], None]) -> None:
        super().__init__(daemon=True)
        self.process, self.launch = process, launch
        self.own: deque[str] = deque(maxlen=20)
        self.start()

    def run(self) -> None:
        """Read to the end."""
        assert self.process.stdout is not None  # noqa: S101  # it is a pipe
        for line in self.process.stdout:
            if line.startswith(b"HYDRA_LAUNCH"):
                self.launch(line.decode())
                continue
            if not line.startswith(b"["):
                self.own.append(line.decode(errors="replace"))
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
