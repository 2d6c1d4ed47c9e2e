"""One attempt of a task: a process, fed, watched and in the end judged."""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from localcloud.engines.emr_node import tree
from localcloud.engines.emr_node.spool import Spool, copy

WATCH_S = 0.1


@dataclass(frozen=True)
class Limits:
    """What a job allows its tasks: attempts, bytes, and seconds without a sign of life."""

    attempts: int
    memory: int
    idle_s: float


class Attempt:
    """One attempt.

    Parameters
    ----------
    command : sequence of str
        The program, looked for in `home` first, as streaming does.
    home : Path
        Its working directory.
    logs : Path
        Where its ``stderr`` and ``syslog`` go.

    Attributes
    ----------
    killed : bool
        Whether the node ended it.
    reason : str
        Why it failed.
    """

    def __init__(
        self,
        command: Sequence[str],
        home: Path,
        logs: Path,
        environment: Mapping[str, str],
        limits: Limits,
    ) -> None:
        self._command, self._home, self._logs = list(command), home, logs
        self._environment, self._limits = dict(environment), limits
        self._out, self._err = home.with_suffix(".out"), logs / "stderr"
        self.killed, self.reason, self._peak = False, "", 0

    def run(self, spool: Spool) -> int:
        """Run it to its end; give its exit code, negative for a signal."""
        began, parent = time.monotonic(), os.getppid()
        try:
            child = self._start()
        except OSError as fault:
            self.reason = f'Cannot run program "{self._command[0]}": {fault}'
            return 127
        stop = threading.Event()
        feeder = threading.Thread(target=spool.feed, args=(child.stdin, stop), daemon=True)
        feeder.start()
        code = self._watch(child, spool, parent)
        stop.set()
        tree.kill(child.pid)  # what it left in the background
        feeder.join()
        if code and not self.reason:
            told = code if code > 0 else 128 - code  # Java's word for a signal
            self.reason = f"PipeMapRed.waitOutputThreads(): subprocess failed with code {told}"
        self._note(code, time.monotonic() - began)
        return code

    def hand_on(self) -> None:
        """Give Hadoop what the attempt wrote: its counters and status, then its output."""
        with self._err.open("rb") as lines:
            for line in lines:
                if line.startswith(b"reporter:"):
                    os.write(2, line if line.endswith(b"\n") else line + b"\n")
        self._tidy()
        copy(self._out, 1)
        self._out.unlink()

    def discard(self) -> None:
        """Drop what a failed attempt wrote; its log stays."""
        if self._err.exists():
            self._tidy()
        self._out.unlink(missing_ok=True)

    def _start(self) -> subprocess.Popen[bytes]:
        beside = self._home / self._command[0]
        path = f"{self._home}{os.pathsep}{self._environment.get('PATH', '')}"
        if beside.is_file():
            with contextlib.suppress(OSError):
                beside.chmod(beside.stat().st_mode | 0o111)
        found = shutil.which(self._command[0], path=path)
        ceiling = 4 * self._limits.memory + (4 << 30)  # the watch keeps the limit; this, the rest
        with self._out.open("wb") as out, self._err.open("wb") as err:
            return subprocess.Popen(
                [found or self._command[0], *self._command[1:]],
                cwd=self._home,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=err,
                bufsize=0,
                process_group=0,
                preexec_fn=lambda: _ceiling(ceiling),
            )

    def _watch(self, child: subprocess.Popen[bytes], spool: Spool, parent: int) -> int:
        alive, seen = time.monotonic(), (-1, -1, -1)
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(WATCH_S)
            used, virtual = tree.memory(child.pid)
            self._peak = max(self._peak, used)
            now = (spool.fed, self._out.stat().st_size, self._err.stat().st_size)
            if now != seen:
                alive, seen = time.monotonic(), now
            if os.getppid() != parent:  # the job is gone
                self._kill(child)
                os._exit(1)
            if used > self._limits.memory:
                self.reason = tree.beyond(
                    self._logs.name, child.pid, used, self._limits.memory, virtual
                )
            elif 0 < self._limits.idle_s < time.monotonic() - alive:
                name = self._environment.get("mapreduce_task_attempt_id", "")
                self.reason = f"AttemptID:{name} Timed out after {self._limits.idle_s:g} secs"
            if self.reason:
                self.killed = True
                self._kill(child)
                return 143  # YARN's: Container killed on request. Exit code is 143

    def _kill(self, child: subprocess.Popen[bytes]) -> None:
        tree.kill(child.pid)
        child.wait()

    def _note(self, code: int, lasted_s: float) -> None:
        with (self._logs / "syslog").open("a") as file:
            file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} INFO {self._logs.name}: ")
            file.write(f"{' '.join(self._command)} exited with code {code} after ")
            file.write(f"{lasted_s:.1f} s; peak memory {tree.amount(self._peak)}\n")
            if self.reason:
                file.write(f"{self.reason}\n")

    def _tidy(self) -> None:
        """Leave in the log what isn't for Hadoop, as YARN's logs have it."""
        kept = self._logs / "stderr.part"
        with self._err.open("rb") as lines, kept.open("wb") as out:
            out.writelines(line for line in lines if not line.startswith(b"reporter:"))
        kept.replace(self._err)


def _ceiling(count: int) -> None:
    if tree.LINUX:
        resource.setrlimit(resource.RLIMIT_DATA, (count, count))
