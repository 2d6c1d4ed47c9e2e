"""One execution environment: a process that runs one version of a function, one event at a time."""

from __future__ import annotations

import dataclasses
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from localcloud.engines.functions import outcome
from localcloud.engines.functions.log import FunctionLog, Report
from localcloud.engines.functions.memory import MemoryWatch
from localcloud.engines.functions.outcome import Outcome
from localcloud.engines.functions.process import Process
from localcloud.engines.functions.runtime_api import Invocation, RuntimeApi
from localcloud.engines.functions.settings import RUNTIME, Settings

MIB = 1 << 20
#: Seconds between two looks at a process's memory: at first, and where a call lasts.
WATCH_S, WATCH_MOST_S = 0.05, 0.25
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html: init may take
#: 10 s; beyond, Lambda starts it again within the function's own timeout.
INIT_S = 10

Ending = Literal["answered", "timeout", "exited", "memory"]


@dataclass(frozen=True)
class Places:
    """Folders of one environment; `home` is its own and goes with it."""

    task: Path
    opt: Path
    runtime: Path
    bootstrap: Path
    home: Path


class Environment:
    """A process and the Runtime API that feeds it.

    Parameters
    ----------
    interpreter : str
        The Python to run.
    variables : callable
        Gives the process's environment for a Runtime API address.
    """

    def __init__(
        self,
        settings: Settings,
        places: Places,
        interpreter: str,
        variables: Callable[[str], dict[str, str]],
        log: FunctionLog,
    ) -> None:
        self.settings, self._places, self._log = settings, places, log
        self._interpreter, self._variables = interpreter, variables
        self._changed = threading.Condition()
        self._ready = False
        self._answer: tuple[str, bytes] | None = None
        self._api = RuntimeApi(self._on_ready, self._on_answer)
        self._process: Process | None = None
        self._closed = False
        self.idle_since = time.monotonic()

    @property
    def alive(self) -> bool:
        """Whether it can take an event."""
        return not self._closed and (self._process is None or self._process.alive)

    def invoke(self, invocation: Invocation) -> Outcome:
        """Run the handler on one event; starts the process at the first."""
        init_ms = None
        ending: Ending = "answered"
        if self._process is None:
            began = time.monotonic()
            self._start()
            ending = self._wait(lambda: self._ready, max(INIT_S, self.settings.timeout_s))
            init_ms = (time.monotonic() - began) * 1000
        assert self._process is not None  # noqa: S101
        # What was printed on the way here belongs before START, also where the reader lags.
        self._process.drain()
        self._logging(lambda: self._log.start(invocation.request_id, self.settings.version))
        began = time.monotonic()
        if ending == "answered" and self._answer is None:
            deadline_ms = int((time.time() + self.settings.timeout_s) * 1000)
            self._api.send(dataclasses.replace(invocation, deadline_ms=deadline_ms))
            ending = self._wait(lambda: False, self.settings.timeout_s)
        duration_ms = (time.monotonic() - began) * 1000
        return self._conclude(invocation, ending, duration_ms, init_ms)

    def close(self) -> None:
        """End the process and remove its folder."""
        self._closed = True
        if self._process is not None:
            self._process.kill()
            self._process.drain()
        self._api.close()
        shutil.rmtree(self._places.home, ignore_errors=True)
        with self._changed:
            self._changed.notify_all()

    def _start(self) -> None:
        places = self._places
        for name in ("home", "tmp"):
            (places.home / name).mkdir(parents=True)
        words = [self._interpreter, "-I", "-S", str(places.bootstrap)]
        words += [str(places.task), str(places.opt), str(places.runtime), str(os.getpid())]
        # The watch below is what keeps the limit: an address space holds far more than memory.
        words += [str(4 * self.settings.memory_mb * MIB + 4096 * MIB), self.settings.handler]
        self._log.init_start(RUNTIME.replace("python", "python:"))
        self._process = Process(
            words, self._variables(self._api.address), str(places.task), self._log.output
        )
        if self._closed:  # while it was being started
            self._process.kill()
        self._memory = MemoryWatch(self._process.pid)

    def _wait(self, done: Callable[[], bool], limit_s: float) -> Ending:
        assert self._process is not None  # noqa: S101
        deadline, pause_s = time.monotonic() + limit_s, WATCH_S
        with self._changed:
            while not done() and self._answer is None:
                if not self._process.alive:
                    return "exited"
                if self._memory.sample() > self.settings.memory_mb * MIB:
                    return "memory"
                left = deadline - time.monotonic()
                if left <= 0:
                    return "timeout"
                self._changed.wait(min(left, pause_s))
                pause_s = min(1.2 * pause_s, WATCH_MOST_S)
        return "answered"

    def _conclude(
        self, invocation: Invocation, ending: Ending, duration_ms: float, init_ms: float | None
    ) -> Outcome:
        assert self._process is not None  # noqa: S101
        peak = self._memory.settle()
        if ending == "answered" and peak > self.settings.memory_mb * MIB:
            ending = "memory"
        kind, payload = self._answer or ("", b"")
        self._answer = None
        usable = ending == "answered" and kind != "init"
        if not usable:
            self._process.kill()
        self._process.drain()
        if ending != "answered":
            payload, error_type, status = self._fault(invocation.request_id, ending)
        else:
            payload, error_type, status = outcome.judge(kind, payload, invocation.request_id)
        used_mb = -(-peak // MIB)
        report = Report(
            invocation.request_id,
            duration_ms,
            self.settings.memory_mb,
            used_mb,
            init_ms,
            status,
            "Runtime.OutOfMemory" if ending == "memory" else error_type,
        )
        self._logging(lambda: self._log.end(report))
        return Outcome(payload, error_type, usable, report, self._log.tail())

    def _fault(self, request_id: str, ending: Ending) -> tuple[bytes, str, str]:
        assert self._process is not None  # noqa: S101
        if ending == "timeout":
            said, answer = outcome.timed_out(request_id, self.settings.timeout_s)
        else:
            said, answer = outcome.exited(request_id, self._process.ending())
        self._logging(lambda: self._log.say(said))
        return answer

    def _logging(self, write: Callable[[], None]) -> None:
        assert self._process is not None  # noqa: S101
        with self._process.lock:
            write()

    def _on_ready(self) -> None:
        with self._changed:
            self._ready = True
            self._changed.notify_all()

    def _on_answer(self, kind: str, body: bytes) -> None:
        with self._changed:
            self._answer = (kind, body)
            self._changed.notify_all()
