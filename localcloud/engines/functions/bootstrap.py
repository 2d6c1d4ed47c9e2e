"""What a function's process runs first; copied beside the runtime, and knows nothing of us.

Run as ``python -I -S bootstrap.py TASK_ROOT OPT RUNTIME PARENT_PID DATA_BYTES HANDLER``: isolated
and without `site`, so that no environment's packages are on the path.
"""

from __future__ import annotations

import os
import sys


def _die_with_parent(parent: int) -> None:
    """Have Linux kill this process when the thread that started it ends (prctl(2))."""
    if not sys.platform.startswith("linux"):
        return
    import ctypes

    ctypes.CDLL(None).prctl(1, 9)  # PR_SET_PDEATHSIG, SIGKILL
    if os.getppid() != parent:  # it was gone already
        os._exit(1)


def _limit(data_bytes: int) -> None:
    """Back the watch of resident memory up with a limit that the system keeps."""
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (data_bytes, data_bytes))


def main() -> None:
    """Set the process up as AWS does and hand over to the Runtime Interface Client."""
    task, opt, runtime, parent, data_bytes, handler = sys.argv[1:]
    _die_with_parent(int(parent))
    _limit(int(data_bytes))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    # The function, then its layers, then what the runtime brings:
    # https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-searchpath
    sys.path[:0] = [task, f"{opt}/python/lib/{version}/site-packages", f"{opt}/python", runtime]
    from awslambdaric.__main__ import main as serve

    sys.argv = ["bootstrap", handler]
    serve(sys.argv)


main()
