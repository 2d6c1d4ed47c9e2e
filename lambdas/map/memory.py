"""How much memory a process has resident."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

MIB = 1 << 20
_LINUX = sys.platform.startswith("linux")
#: Seconds between two looks at a process, at first and as an item lasts: macOS tells only through
#: a program of its own.
SOON_S, LOOK_S = (0.02, 0.1) if _LINUX else (0.5, 0.5)


def resident(pid: int) -> int:
    """Bytes that a process has resident; 0 where it has ended."""
    if _LINUX:
        try:
            pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        except (OSError, IndexError):
            return 0
        return int(pages) * os.sysconf("SC_PAGE_SIZE")
    words = ["ps", "-o", "rss=", "-p", str(pid)]
    told = subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()
    return int(told or 0) * 1024


def peak(pid: int) -> int:
    """The most bytes that a process ever had resident, where the system keeps it, or has now."""
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resident(pid)
