"""Watches the resident memory of a function's process and its children."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import psutil

#: Looks at the memory for one at who is there: psutil reads all of /proc for it, which for ten
#: functions twenty times a second would take a fifth of a CPU.
CHILDREN_EVERY = 10


class MemoryWatch:
    """Samples one process.

    Attributes
    ----------
    peak : int
        The most that was seen, in bytes.
    """

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._status = Path(f"/proc/{pid}/status")
        self._samples = 0
        self._children: list[psutil.Process] = []
        self.peak = 0

    def sample(self) -> int:
        """Look once; give the bytes in use now, 0 where the process has ended."""
        if self._samples % CHILDREN_EVERY == 0:
            with contextlib.suppress(psutil.Error):
                self._children = children(self._process)
        self._samples += 1
        used = sum(_resident(process) for process in [self._process, *self._children])
        self.peak = max(self.peak, used)
        return used

    def settle(self) -> int:
        """The peak, with what rose and fell between two samples where the system keeps it."""
        with contextlib.suppress(OSError):
            for line in self._status.read_text().splitlines():
                if line.startswith("VmHWM:"):
                    self.peak = max(self.peak, int(line.split()[1]) * 1024)
        return self.peak


def children(process: psutil.Process) -> list[psutil.Process]:
    """All that a process has started, and those have: Linux says so itself, file by file.

    Raises
    ------
    psutil.Error
        Where it has ended.
    """
    found: list[psutil.Process] = []
    todo = [process.pid]
    try:
        while todo:
            for told in Path(f"/proc/{todo.pop()}/task").glob("*/children"):
                pids = [int(pid) for pid in told.read_text().split()]
                todo += pids
                found += [psutil.Process(pid) for pid in pids]
    except OSError:  # it ended meanwhile
        return found
    if not found and not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        everyone: list[psutil.Process] = process.children(recursive=True)
        return everyone
    return found


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
