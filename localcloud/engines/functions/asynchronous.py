"""Asynchronous invocation: a queue, retries with waits, then a destination.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
"""

from __future__ import annotations

import heapq
import itertools
import json
import logging
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines.functions import destinations
from localcloud.engines.functions.outcome import Outcome
from localcloud.engines.functions.pool import ThrottledError
from localcloud.engines.functions.service import Functions

log = logging.getLogger(__name__)

#: AWS waits one minute, then two: here it is seconds, since nobody sits out an outage on a laptop.
RETRY_S = (1.0, 2.0)
THROTTLED_S = 1.0
MAX_AGE_S = 21_600
WORKERS = 10


@dataclass
class Waiting:
    """An event that waits for its turn."""

    name: str
    qualifier: str | None
    payload: bytes
    client_context: str = ""
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    queued: float = field(default_factory=time.time)
    failures: int = 0
    throttles: int = 0


def retry_in(failures: int, most: int) -> float | None:
    """Seconds to wait after this many failed attempts, or None where they are used up."""
    return RETRY_S[min(failures, len(RETRY_S)) - 1] if failures <= most else None


class Asynchronous:
    """Runs queued events.

    Parameters
    ----------
    functions : Functions
    cloud : Cloud
        Where destinations are.
    """

    def __init__(self, functions: Functions, cloud: Cloud) -> None:
        self._functions, self._cloud = functions, cloud
        self._heap: list[tuple[float, int, Waiting]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="async-invoke")
        threading.Thread(target=self._dispatch, name="async-queue", daemon=True).start()

    def submit(self, event: Waiting, after_s: float = 0.0) -> None:
        """Queue an event."""
        with self._changed:
            due = time.monotonic() + after_s
            heapq.heappush(self._heap, (due, next(self._order), event))
            self._changed.notify()

    def stop(self) -> None:
        """Drop what waits."""
        with self._changed:
            self._changed.notify_all()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _dispatch(self) -> None:
        stopping = self._functions.stopping
        while not stopping.is_set():
            with self._changed:
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is None or left > 0:
                    self._changed.wait(left)
                    continue
                event = heapq.heappop(self._heap)[2]
            self._workers.submit(self._guarded, event)

    def _guarded(self, event: Waiting) -> None:
        try:
            self._attempt(event)
        except Exception:
            if not self._functions.stopping.is_set():
                log.exception("asynchronous event %s of %s was lost", event.request_id, event.name)

    def _attempt(self, event: Waiting) -> None:
        function = self._functions.find(event.name, event.qualifier)
        config = function.event_invoke_config[-1].config if function.event_invoke_config else {}
        max_age_s = config.get("MaximumEventAgeInSeconds", MAX_AGE_S)
        if time.time() - event.queued > max_age_s:
            self._give_up(function, config, event, "EventAgeExceeded", None)
            return
        try:
            _, outcome = self._functions.invoke(
                function, event.payload, event.client_context, event.request_id
            )
        except ThrottledError:  # not an attempt: it goes back with a growing wait
            event.throttles += 1
            self.submit(event, min(THROTTLED_S * 2**event.throttles, 300))
            return
        if self._functions.stopping.is_set():
            return
        if not outcome.error_type:
            self._tell(function, config, "OnSuccess", event, "Success", outcome)
            return
        event.failures += 1
        wait = retry_in(event.failures, config.get("MaximumRetryAttempts", 2))
        if wait is None:
            self._give_up(function, config, event, "RetriesExhausted", outcome)
        else:
            self.submit(event, wait)

    def _give_up(
        self,
        function: Any,
        config: dict[str, Any],
        event: Waiting,
        condition: str,
        outcome: Outcome | None,
    ) -> None:
        told = self._tell(function, config, "OnFailure", event, condition, outcome)
        letters = (getattr(function, "dead_letter_config", None) or {}).get("TargetArn")
        if letters:
            error = json.loads(outcome.payload).get("errorMessage", "") if outcome else condition
            attributes = {"RequestID": event.request_id, "ErrorCode": "200", "ErrorMessage": error}
            destinations.dead_letter(self._cloud, letters, event.payload, attributes)
        if not told and not letters:
            log.warning("event %s of %s was dropped: %s", event.request_id, event.name, condition)

    def _tell(
        self,
        function: Any,
        config: dict[str, Any],
        which: str,
        event: Waiting,
        condition: str,
        outcome: Outcome | None,
    ) -> bool:
        where = config.get("DestinationConfig", {}).get(which, {}).get("Destination")
        if not where:
            return False
        key = destinations.object_key(f"async/{function.function_name}")
        record = invocation_record(function, event, condition, outcome)
        destinations.send(self._cloud, where, record, key)
        return True


def invocation_record(
    function: Any, event: Waiting, condition: str, outcome: Outcome | None
) -> dict[str, Any]:
    """What a destination is told.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": destinations.timestamp(),
        "requestContext": {
            "requestId": event.request_id,
            "functionArn": f"{function.function_arn}:{function.version}",
            "condition": condition,
            "approximateInvokeCount": event.failures + (condition == "Success"),
        },
        "requestPayload": json.loads(event.payload or b"{}"),
    }
    if outcome is not None:
        context = {"statusCode": 200, "executedVersion": str(function.version)}
        if outcome.error_type:
            context["functionError"] = "Unhandled"
        record["responseContext"] = context
        record["responsePayload"] = json.loads(outcome.payload or b"null")
    return record
