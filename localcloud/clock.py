"""The cloud's clock: what engines read where AWS waits for long, so that a test can move it on.

`POST /_localcloud/clock` with `{"advance_s": 900}` moves it; `GET` tells where it stands. It
never stops and never goes back. EMR's and Batch's times follow it, as a
cluster's idle time and a job's timeout.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localcloud.cloud import Cloud


class Clock:
    """The time of this machine, and as many seconds on as it was moved."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._lock = threading.Lock()
        self._moved: list[Callable[[], None]] = []

    def now(self) -> float:
        """Seconds since 1970, to the millisecond, as AWS tells times."""
        return round(time.time() + self._ahead_s, 3)

    def advance(self, seconds: float) -> None:
        """Move on, and tell all who wait.

        Raises
        ------
        ValueError
            Where it would go back.
        """
        if not 0 <= seconds < float("inf"):
            raise ValueError(
                f"While moving the clock, found advance_s={seconds}. It goes on, never back. "
                "Give a number of seconds that is not negative."
            )
        with self._lock:
            self._ahead_s += seconds
        for tell in list(self._moved):
            tell()

    def on_move(self, tell: Callable[[], None]) -> None:
        """Have `tell` called whenever the clock is moved."""
        self._moved.append(tell)


def install(cloud: Cloud) -> None:
    """Answer under ``/_localcloud/clock``."""

    def page(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        status = "200 OK"
        told: dict[str, Any] = {}
        if environ["REQUEST_METHOD"] == "POST":
            try:
                size = int(environ.get("CONTENT_LENGTH") or 0)
                cloud.clock.advance(
                    float(json.loads(environ["wsgi.input"].read(size))["advance_s"])
                )
            except (KeyError, TypeError, ValueError) as fault:
                status, told = "400 Bad Request", {"error": str(fault)}
        sent = json.dumps({"now": cloud.clock.now(), **told}).encode()
        start(status, [("Content-Type", "application/json"), ("Content-Length", str(len(sent)))])
        return [sent]

    cloud.pages["clock"] = page
