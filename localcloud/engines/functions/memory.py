"""Watches the resident memory of a function's process and its children."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil

CHILDREN_EVERY = 10  # looking for children reads all of /proc


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
                self._children = self._process.children(recursive=True)
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


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0
