"""Reads one shard for one mapping: collects a batch, invokes, and goes on when it is done."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException

from localcloud.cloud import Cloud
from localcloud.engines.functions.outcome import Outcome
from localcloud.engines.functions.pool import ThrottledError
from localcloud.engines.functions.service import Functions
from localcloud.engines.mappings import batching
from localcloud.engines.mappings.batching import Gathering, GivenUp, Next, Policy, Work
from localcloud.engines.mappings.partial import failures
from localcloud.engines.streams import event
from localcloud.engines.streams.failures import Failures
from localcloud.engines.streams.shard import after

log = logging.getLogger(__name__)

AGAIN_S = 2  # until another takes its place, after an error of our own
FAILED = "PROBLEM: Function call failed"


class ShardPoller:
    """One thread: the order of a shard is kept by one batch being in flight.

    Parameters
    ----------
    mapping
        moto's, read at every step: a change holds from the next batch.
    position : int
        The last sequence number that was done with.
    moved : callable
        Called with the new position.
    ended : callable
        Called at the end of the thread; `drained` then says whether a closed shard was read
        to its end.
    """

    def __init__(
        self,
        cloud: Cloud,
        functions: Functions,
        mapping: Any,
        stream: Any,
        shard: Any,
        position: int,
        moved: Callable[[int], None],
        ended: Callable[[], None],
    ) -> None:
        self._functions = functions
        self._failures = Failures(cloud, functions, mapping, stream, shard)
        self._mapping, self._stream, self._shard = mapping, stream, shard
        self._moved, self._ended = moved, ended
        self.drained = False
        self._position = position
        self._todo: list[Work] = []
        self._stopped = threading.Event()
        name = f"poller-{shard.shard_id}"
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for the thread's end."""
        self._thread.join()

    @property
    def alive(self) -> bool:
        """Whether it still reads."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """Stop after the batch in flight, which is not given up."""
        self._stopped.set()
        self.wake()

    def wake(self) -> None:
        """Have a waiting poller look again: its settings may have changed."""
        with self._stream.activity:
            self._stream.activity.notify_all()

    def _run(self) -> None:
        try:
            while not self._stopped.is_set():
                if not self._todo:
                    batch = self._gather()
                    if batch is None:
                        break
                    self._todo = [batch]
                self._attempt()
            self.drained = not self._stopped.is_set()
        except Exception:
            if not self._functions.stopping.is_set():
                log.exception("the poller of %s ended", self._shard.shard_id)
                self._mapping.last_result = "PROBLEM: internal Lambda error"
                self._stopped.wait(AGAIN_S)
        finally:
            self._ended()

    def _gather(self) -> Work | None:
        """Collect a batch; None where stopped, or at the end of a closed shard."""
        gathering, since = Gathering(), 0.0
        with self._stream.activity:
            while not self._stopped.is_set():
                had = bool(gathering.records)
                self._read(gathering)
                if gathering.records and not had:
                    since = time.monotonic()
                left = since + self._mapping.max_batch_window - time.monotonic()
                over = left <= 0 or not self._shard.is_open
                work = gathering.take(self._mapping.batch_size, over)
                if work or not (gathering.records or self._shard.is_open):
                    return work
                self._stream.activity.wait(left if gathering.records else None)
        return None

    def _read(self, gathering: Gathering) -> None:
        """Add what the shard has and the batch takes."""
        role = self._role()
        last = gathering.records[-1].sequence if gathering.records else self._position
        for raw in after(self._shard, last, gathering.room(self._mapping.batch_size)):
            record = event.record_of(raw, self._shard.shard_id, self._stream, role)
            if not gathering.offer(record):
                return

    def _attempt(self) -> None:
        """Send the first batch that waits, and see what follows."""
        work, expired = batching.expire(self._todo[0], self._policy(), time.time())
        if expired:
            self._failures.give_up(expired, "")
            self._advance([work] if work else [])
            if work is None:
                return
        assert work is not None  # noqa: S101
        if batching.too_large(work):
            self._failures.give_up(GivenUp(work, "RetryAttemptsExhausted"), "")
            self._advance([])
            return
        request_id, following = self._send(work)
        if self._stopped.is_set() and following.given_up:
            return  # not given up by a cloud that stops, or a mapping that was taken away
        if following.given_up:
            self._failures.give_up(following.given_up, request_id)
        self._advance(list(following.again))
        if following.wait_s:
            self._stopped.wait(following.wait_s)

    def _send(self, work: Work) -> tuple[str, Next]:
        try:
            function = self._functions.find(self._mapping.function_arn)
            self._measure_age(function, work)
            request_id, outcome = self._functions.invoke(function, event.payload(work.records))
        except (ThrottledError, UnknownFunctionException) as fault:
            self._mapping.last_result = f"PROBLEM: {type(fault).__name__}"
            return "", batching.throttled(work)
        first = self._first_failure(work, outcome)
        self._mapping.last_result = "OK" if first is None else FAILED
        if first is None:
            return request_id, Next()
        return request_id, batching.failed(work, first, self._policy())

    def _first_failure(self, work: Work, outcome: Outcome) -> int | None:
        """Index of the lowest record that failed, None where all is done."""
        if outcome.error_type:
            return 0
        if "ReportBatchItemFailures" not in (self._mapping.function_response_types or []):
            return None
        known = [str(r.sequence) for r in work.records]
        named = failures(outcome.payload, set(known))
        return min((known.index(name) for name in named), default=None)

    def _advance(self, again: list[Work]) -> None:
        """Put what is left of the first batch back, and move past what is done."""
        end = self._todo[0].records[-1].sequence
        self._todo[:1] = again
        self._position = self._todo[0].records[0].sequence - 1 if self._todo else end
        self._moved(self._position)

    def _measure_age(self, function: Any, work: Work) -> None:
        age_ms = (time.time() - work.records[-1].arrived) * 1000
        self._functions.metrics.put(
            function.function_name, IteratorAge=(max(age_ms, 0.0), "Milliseconds")
        )

    def _policy(self) -> Policy:
        """What the mapping says of failures now; no record is older than its stream keeps it."""
        kept_s = int(self._stream.retention_period_hours) * 3600
        age_s = int(self._mapping.max_record_age)
        return Policy(
            bisect=bool(self._mapping.bisect_on_error),
            max_retries=int(self._mapping.max_retry_attempts),
            max_age_s=kept_s if age_s < 0 else min(age_s, kept_s),
        )

    def _role(self) -> str:
        try:
            return str(self._functions.find(self._mapping.function_arn).role)
        except UnknownFunctionException:
            return ""
