"""What runs a notebook's functions on this machine, and ends with the notebook.

lithops' own runner in a process group of its own, plus a thread that looks twice a second
whether the parent is still there. When it is gone, however it went, the whole group is killed:
the runner, its workers, and what their functions started. ::

    python -m headrace.executor_worker PARENT HOME run_job FILE
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

LOOK_S = 0.5


def end_with(parent: int) -> None:
    """Kill this process group once `parent` is gone; the group must be this process's own.

    Asking who the parent is works on Linux and macOS alike, and also for a parent that went
    before this process began to ask.
    """

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(LOOK_S)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=look, name="end-with-parent", daemon=True).start()


def main() -> None:
    """Run one job of lithops."""
    parent, home = int(sys.argv.pop(1)), Path(sys.argv.pop(1))
    end_with(parent)
    from headrace import executor_home

    executor_home.settle(home)
    from headrace import executor_storage

    executor_storage.register()
    from lithops.localhost.v1 import runner

    runner.main()


if __name__ == "__main__":
    main()
