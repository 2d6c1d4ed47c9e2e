"""What a container's processes hold in memory, as its host would count it.

A page that several processes share, as MPI's ranks do, is one page: of each process counts what
is its own, and of what is shared the largest part that one of them sees.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from localcloud.engines.emr_node import tree


def held(pid: int) -> int:
    """Bytes held by all that a process has started; it is a guard, which isn't counted.

    Notes
    -----
    Of /proc/PID/statm (proc(5)) `resident` less `shared` is a process's own.
    """
    if not tree.LINUX:
        resident, _ = tree.memory(pid)
        return resident
    own, shared = 0, [0]
    for each in tree.descendants(pid):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it ended meanwhile
            words = Path(f"/proc/{each}/statm").read_text().split()
            own += (int(words[1]) - int(words[2])) * tree.PAGE
            shared.append(int(words[2]) * tree.PAGE)
    return own + max(shared)
