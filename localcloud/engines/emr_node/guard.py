"""Stands over one command of a step: watches its memory, and leaves none of its processes.

Run as ``guard LIMIT_MIB REPORT COMMAND…`` with a pipe as standard input. When the pipe's other
end goes, because the step was cancelled or the local cloud itself was killed, all is killed.
``REPORT`` is written where the command outgrew ``LIMIT_MIB`` (0 is none).
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import time
from pathlib import Path

from localcloud.engines.emr_node import tree

WATCH_S = 0.25
#: Orphans come to the guard as they lose their parents, so some are found only afterwards.
ROUNDS = 20


def main(words: list[str]) -> None:
    """Run the command; exit as it did."""
    limit, report = int(words[0]) << 20, Path(words[1])
    _adopt_orphans()
    try:
        child = subprocess.Popen(words[2:], stdin=subprocess.DEVNULL)
    except OSError as fault:  # as YARN's and EMR's launchers say it
        print(f'Cannot run program "{words[2]}": {fault}', file=sys.stderr)
        sys.exit(127)
    code = _watch(child, limit, report)
    _end_all()
    os._exit(code if code >= 0 else 128 - code)


def _watch(child: subprocess.Popen[bytes], limit: int, report: Path) -> int:
    pause_s = 0.01
    while True:
        gone = bool(select.select([0], [], [], 0)[0]) and not os.read(0, 1)
        if gone:
            _end_all()
            os._exit(137)
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(pause_s)
        pause_s = min(2 * pause_s, WATCH_S)
        if limit:
            used, virtual = tree.memory(child.pid)
            if used > limit:
                container = os.environ.get("LOCALCLOUD_CONTAINER", "")
                report.write_text(tree.beyond(container, child.pid, used, limit, virtual))
                return 143


def _adopt_orphans() -> None:
    """Have processes whose parent ends become the guard's own: PR_SET_CHILD_SUBREAPER."""
    if tree.LINUX:
        import ctypes

        ctypes.CDLL(None).prctl(36, 1)


def _end_all() -> None:
    for _ in range(ROUNDS):
        tree.kill(os.getpid(), itself=False)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not tree.descendants(os.getpid()):
            return
        time.sleep(0.02)
