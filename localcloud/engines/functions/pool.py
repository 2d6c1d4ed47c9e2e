"""Keeps a function's warm execution environments, and starts more when all are busy."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from localcloud.engines.functions.environment import Environment
from localcloud.engines.functions.outcome import Outcome
from localcloud.engines.functions.runtime_api import Invocation
from localcloud.engines.functions.settings import Settings

#: Environments of one function at a time: the machine's limit, not AWS's, so callers wait.
MOST = 10
IDLE_S = 120


class ThrottledError(RuntimeError):
    """A function's reserved concurrency is used up."""


class Pool:
    """The environments of one version of one function.

    Parameters
    ----------
    make : callable
        Makes an environment that has not started.
    """

    def __init__(self, make: Callable[[Settings], Environment], most: int = MOST) -> None:
        self._make, self._most = make, most
        self._changed = threading.Condition()
        self._idle: list[Environment] = []
        self._busy: set[Environment] = set()
        self._running = 0
        self._closed = False

    def run(self, settings: Settings, invocation: Invocation, reserved: int | None) -> Outcome:
        """Run one event in a warm environment with these settings, or in a new one.

        Raises
        ------
        ThrottledError
            Where `reserved` invocations are running already.
        """
        with self._changed:
            if reserved is not None and self._running >= reserved:
                raise ThrottledError
            self._running += 1
        try:
            environment = self._take(settings)
            usable = False
            try:
                outcome = environment.invoke(invocation)
                usable = outcome.usable
                return outcome
            finally:
                self._give(environment, usable)
        finally:
            with self._changed:
                self._running -= 1

    def sweep(self, idle_s: float = IDLE_S) -> None:
        """Close what was idle for longer than `idle_s`."""
        before = time.monotonic() - idle_s
        with self._changed:
            old = [e for e in self._idle if e.idle_since < before]
            self._idle = [e for e in self._idle if e not in old]
        for environment in old:
            environment.close()

    def close(self) -> None:
        """Close every environment; what runs now ends with its process."""
        with self._changed:
            self._closed = True
            every = [*self._idle, *self._busy]
            self._idle = []
            self._changed.notify_all()
        for environment in every:
            environment.close()

    def _take(self, settings: Settings) -> Environment:
        stale: list[Environment] = []
        with self._changed:
            while True:
                stale += [e for e in self._idle if e.settings != settings or not e.alive]
                self._idle = [e for e in self._idle if e not in stale]
                if self._idle:
                    taken = self._idle.pop()
                    break
                if len(self._busy) < self._most or self._closed:
                    taken = self._make(settings)
                    break
                self._changed.wait()
            self._busy.add(taken)
        for environment in stale:
            environment.close()
        return taken

    def _give(self, environment: Environment, usable: bool) -> None:
        with self._changed:
            self._busy.discard(environment)
            keep = usable and not self._closed
            if keep:
                environment.idle_since = time.monotonic()
                self._idle.append(environment)
            self._changed.notify()
        if not keep:
            environment.close()
