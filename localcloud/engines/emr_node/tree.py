"""A process with all that it has started: who they are, what they hold in memory, their end."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

LINUX = sys.platform.startswith("linux")
PAGE = os.sysconf("SC_PAGE_SIZE")
UNITS = ("B", "KB", "MB", "GB", "TB")


def descendants(pid: int) -> list[int]:
    """All that a process has started, and those have; Linux says so file by file."""
    if not LINUX:
        return _by_ps(pid)
    found: list[int] = []
    todo = [pid]
    while todo:
        for told in _threads(todo.pop()):
            with contextlib.suppress(OSError):  # it ended meanwhile
                pids = [int(each) for each in (told / "children").read_text().split()]
                todo += pids
                found += pids
    return found


def _threads(pid: int) -> list[Path]:
    try:
        return [*Path(f"/proc/{pid}/task").iterdir()]
    except OSError:  # it ended meanwhile
        return []


def memory(pid: int) -> tuple[int, int]:
    """Resident and virtual bytes of a process and its descendants."""
    resident = virtual = 0
    for each in [pid, *descendants(pid)]:
        with contextlib.suppress(OSError, ValueError, IndexError):
            if LINUX:
                pages = Path(f"/proc/{each}/statm").read_text().split()
                virtual, resident = virtual + int(pages[0]) * PAGE, resident + int(pages[1]) * PAGE
            else:
                kib = _ps("-o", "vsz=,rss=", "-p", str(each)).split()
                virtual, resident = virtual + int(kib[0]) * 1024, resident + int(kib[1]) * 1024
    return resident, virtual


def kill(pid: int, itself: bool = True) -> None:
    """End a process's descendants, those that left its group too, and by default its group."""
    known = descendants(pid)
    if itself:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    for each in known:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(each, signal.SIGKILL)


def beyond(container: str, pid: int, used: int, limit: int, virtual: int) -> str:
    """Say that a container outgrew its memory, in YARN's words.

    ContainersMonitorImpl.formatErrorMessage of Hadoop 3; 2.1 is its virtual memory ratio.
    """
    return (
        f"Container [pid={pid},containerID={container}] is running {used - limit}B beyond the "
        f"'PHYSICAL' memory limit. Current usage: {amount(used)} of {amount(limit)} physical "
        f"memory used; {amount(virtual)} of {amount(int(limit * 2.1))} virtual memory used. "
        "Killing container."
    )


def amount(count: float) -> str:
    """A number of bytes as Hadoop writes it: ``1.5 GB``."""
    unit = 0
    while count >= 1024 and unit < len(UNITS) - 1:
        count, unit = count / 1024, unit + 1
    return f"{count:.0f} {UNITS[unit]}" if count == int(count) else f"{count:.1f} {UNITS[unit]}"


def _by_ps(pid: int) -> list[int]:
    pairs = [tuple(map(int, line.split())) for line in _ps("-axo", "pid=,ppid=").splitlines()]
    found, todo = [], [pid]
    while todo:
        parent = todo.pop()
        new = [child for child, its in pairs if its == parent]
        todo += new
        found += new
    return found


def _ps(*words: str) -> str:
    return subprocess.run(["ps", *words], capture_output=True, text=True, check=False).stdout
