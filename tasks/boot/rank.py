"""One rank: runs a program as ``__main__``, and tells what became of it.

    python rank.py PROGRAM [the program's own words]

PROGRAM is a path, below ``BOOT_ROOT`` where that is set. A rank that raises ends all ranks, as
``python -m mpi4py`` does: without that the others wait for it in their next collective until the
job's time is over. The program runs in a child of this process, which so sees it die of a signal
before mpiexec does: mpiexec then kills the others the same way, and names any of them.

Where ``BOOT_RANKS`` names a folder it gets ``<rank>.json``, the rank's process id and how it
ended, and ``<rank>.stack``, where it was when it crashed, or after ``BOOT_DUMP_S`` seconds. A
stack is written by C, so also by a rank that is in a kernel or waits for a message. It imports
the standard library alone: each rank pays for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import json
import os
import re
import runpy
import signal
import sys
import time
import traceback
from pathlib import Path
from types import TracebackType
from typing import Any

#: One rank, one core. More threads would have the cores twice, and the order in which a BLAS
#: adds, so the last digits of an answer, depends on how many it has.
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
PR_SET_PDEATHSIG = 1  # linux/prctl.h
LOOK_S = 0.2
SHARED = re.compile(r"/dev/shm/mpich_shm_\w+")  # noqa: S108  # MPICH's own name


class Report:
    """What a rank tells `boot`, in files."""

    def __init__(self, folder: str | None, rank: int) -> None:
        self.path = Path(folder) / f"{rank}.json" if folder else None

    def tell(self, **what: Any) -> None:
        """Write the report anew, in one piece."""
        if self.path:
            part = self.path.with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps({"at": time.time(), **what}), encoding="utf-8")
            part.rename(self.path)

    def ended(self) -> bool:
        """Whether the program told that it ran to its end, or already told why not."""
        told = self.path and self.path.is_file() and json.loads(self.path.read_text())
        return not self.path or bool(told and ("ended" in told or "failed" in told))

    def note_shared(self, process: int | str) -> None:
        """Note MPICH's shared memory in ``<rank>.shm``: where ranks are killed, nobody frees it."""
        if not self.path or (note := self.path.with_suffix(".shm")).exists():
            return
        if found := shared(process):
            note.write_text(found, encoding="utf-8")

    def note_neighbours(self) -> None:
        """Note it by ranks that still live: this one may have died before it was looked at."""
        for path in self.path.parent.glob("*.json") if self.path else ():
            self.note_shared(json.loads(path.read_text(encoding="utf-8")).get("pid", ""))

    def dump(self) -> None:
        """Have a stack written where this process crashes, or takes too long."""
        if self.path is None:
            faulthandler.enable()
            return
        # Never closed: faulthandler keeps its number alone.
        self.stack = self.path.with_suffix(".stack").open("w", encoding="utf-8")
        faulthandler.enable(self.stack)
        if dump_s := os.environ.get("BOOT_DUMP_S"):
            faulthandler.dump_traceback_later(max(0.1, float(dump_s)), file=self.stack)


def main(words: list[str]) -> int:
    """Run the program in a child, and tell how that ended; gives the exit's code."""
    rank = number()
    report = Report(os.environ.get("BOOT_RANKS"), rank or 0)
    die_with_parent()
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})  # watch() waits for it
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
        die_with_parent()
        if os.getppid() != parent:
            os._exit(1)  # it died before we could ask to be told
        program(words, rank, report)
    return watch(child, report)


def die_with_parent() -> None:
    """Ask for SIGKILL when the process that started this one dies, whatever it dies of."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def watch(child: int, report: Report) -> int:
    """Wait for the program; tell of an end that it could not tell of itself."""
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        report.note_shared(child)
        signal.sigtimedwait({signal.SIGCHLD}, LOOK_S)
    code = os.waitstatus_to_exitcode(ended[1])
    if code < 0 or not report.ended():
        report.note_neighbours()
    if code < 0:
        name = signal.Signals(-code).name
        why = ", as a kernel does where memory runs out" if -code == signal.SIGKILL else ""
        report.tell(failed={"reason": f"killed by signal {-code} ({name}){why}", "where": None})
    elif not report.ended():
        reason = f"left by itself with exit code {code}, before its program's end"
        report.tell(failed={"reason": reason, "where": None})
    return 1 if code < 0 else code


def program(words: list[str], rank: int | None, report: Report) -> None:
    """Run the program, and exit as it does."""
    root = Path(os.environ.get("BOOT_ROOT", ".")).resolve()
    path = root / words[0]
    report.tell(pid=os.getpid())
    report.dump()
    os.chdir(os.environ.get("BOOT_FOLDER", root))
    if rank is not None:
        for name in THREADS:
            os.environ.setdefault(name, "1")
    # As if the program had been started: its own folder first. This file's holds `boot`.
    sys.path[0:1] = [str(path.parent), str(root)]
    sys.argv = [str(path), *words[1:]]
    for stream in (sys.stdout, sys.stderr):  # whole lines, or mpiexec mixes those of two ranks
        stream.reconfigure(line_buffering=True, write_through=False)  # type: ignore[union-attr]
    try:
        runpy.run_path(str(path), run_name="__main__")
    except BaseException as error:
        if not (isinstance(error, SystemExit) and error.code in (None, 0)):
            report.tell(pid=os.getpid(), failed=told(error, path, root))
            end_all(rank)
    report.tell(pid=os.getpid(), ended=True)
    sys.exit()


def number() -> int | None:
    """Give the rank's number, which process managers tell before MPI begins; None without one."""
    for name in ("PMI_RANK", "PMIX_RANK", "SLURM_PROCID"):
        if told := os.environ.get(name):
            return int(told)
    return None


def told(error: BaseException, path: Path, root: Path) -> dict[str, str | None]:
    """What an error is, the innermost place of the program that it came from, and its traceback.

    Where nobody reads reports it is printed here. `boot` prints it where it does: what a rank has
    just printed is mostly lost in the abort.
    """
    shown = "".join(traceback.format_exception(error.with_traceback(_below(error, path))))
    if not os.environ.get("BOOT_RANKS"):
        print(shown, file=sys.stderr, end="")
    places = [(f.filename, f.lineno) for f in traceback.extract_tb(error.__traceback__)]
    reason = " ".join("".join(traceback.format_exception_only(error)).split())
    if isinstance(error, SyntaxError) and error.filename:
        places.append((error.filename, error.lineno))
        reason = f"{type(error).__name__}: {error.msg}"
    inside = [f"{Path(f).relative_to(root)}:{n}" for f, n in places if Path(f).is_relative_to(root)]
    return {"reason": reason, "where": inside[-1] if inside else None, "traceback": shown}


def _below(error: BaseException, program: Path) -> TracebackType | None:
    """The traceback from the program on: what ran it tells its author nothing."""
    at = error.__traceback__
    while at and at.tb_frame.f_code.co_filename != str(program):
        at = at.tb_next
    return at or error.__traceback__


def shared(process: int | str) -> str | None:
    """The file of a process' shared memory."""
    with contextlib.suppress(OSError):  # a process that has just ended has no maps
        maps = Path(f"/proc/{process}/maps").read_text(encoding="utf-8", errors="replace")
        return found[0] if (found := SHARED.search(maps)) else None
    return None


def end_all(rank: int | None) -> None:
    """End every rank, or, without ranks, this process."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    if found := shared("self"):  # who has it mapped keeps it
        Path(found).unlink(missing_ok=True)
    if rank is not None:
        # mpi4py may be what is missing: then the exit's code has to do.
        with contextlib.suppress(ImportError, RuntimeError):
            from mpi4py import MPI

            if not MPI.Is_finalized():
                MPI.COMM_WORLD.Abort(1)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
