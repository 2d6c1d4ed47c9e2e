"""Nothing of a job stays: no process, and no shared memory."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
import time
from pathlib import Path

from .rank import shared

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
WAIT_S = 5


_LIBC = ctypes.CDLL(None)


def die_with_parent() -> None:
    """Ask for SIGKILL when the thread that started this process dies, whatever it dies of."""
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt() -> None:
    """Become the parent of all that is orphaned below this process.

    mpiexec's proxies and the ranks, each in a session of its own, outlive mpiexec for a moment,
    or for good where it is killed.
    """
    if sys.platform == "linux":
        _LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


def processes() -> None:
    """Kill what is left below this process, and wait for it."""
    until = time.monotonic() + WAIT_S
    while (left := _children()) and time.monotonic() < until:
        for child in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(child, os.WNOHANG)
        time.sleep(0.01)


def look(notes: Path) -> None:
    """Note the shared memory of ranks that live, before they are ended: afterwards none tells."""
    for path in notes.glob("*.json"):
        pid = json.loads(path.read_text(encoding="utf-8")).get("pid")
        if pid and (found := shared(pid)):
            path.with_suffix(".shm").write_text(found, encoding="utf-8")


def shared_memory(notes: Path) -> None:
    """Free the shared memory that ranks noted: MPICH does so only where they end by themselves."""
    for note in notes.glob("*.shm"):
        Path(note.read_text(encoding="utf-8")).unlink(missing_ok=True)


def _children() -> list[int]:
    # Of each thread: a process is its parent's thread's child.
    found: list[int] = []
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):  # it ended meanwhile
            found += [int(number) for number in (thread / "children").read_text().split()]
    return found
