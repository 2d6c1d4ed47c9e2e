"""Reads a queue for one mapping: receives a batch, invokes, deletes what is done."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.sqs.exceptions import ReceiptHandleIsInvalid

from localcloud.engines.functions.pool import ThrottledError
from localcloud.engines.functions.service import Functions
from localcloud.engines.mappings.batching import FRAME_BYTES, PAYLOAD_BYTES, SEPARATOR_BYTES
from localcloud.engines.mappings.partial import failures
from localcloud.engines.queues import event
from localcloud.engines.queues.delivery import changed, next_change_s, put_back, take

log = logging.getLogger(__name__)

#: Batches of one mapping at a time. AWS begins with five:
#: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
BATCHES = 5
FAILED = "PROBLEM: Function call failed"


def batches_of(mapping: Any) -> int:
    """How many batches of a mapping may be in flight here."""
    return min(int((mapping.scaling_config or {}).get("MaximumConcurrency") or BATCHES), BATCHES)


class QueuePoller:
    """The threads of one mapping; what one has received no other gets.

    Parameters
    ----------
    mapping
        moto's, read at every step: a change holds from the next batch.
    """

    def __init__(self, functions: Functions, mapping: Any, queue: Any) -> None:
        self._functions, self._mapping, self._queue = functions, mapping, queue
        self._stopped = threading.Event()
        self._turn = threading.Lock()  # one gathers at a time, or a batch would be spread thin
        self._in_flight = 0
        self._threads = [
            threading.Thread(target=self._run, name="queue-poller", daemon=True)
            for _ in range(BATCHES)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the batches in flight."""
        self._stopped.set()
        self.wake()

    def wake(self) -> None:
        """Have waiting threads look again."""
        with changed(self._queue):
            changed(self._queue).notify_all()

    def _run(self) -> None:
        while not self._stopped.is_set():
            with self._turn:
                batch = self._gather()
            if not batch:
                return
            try:
                self._send(batch)
            except Exception:
                if self._functions.stopping.is_set():
                    return
                # Its messages come back when their visibility timeout is over.
                log.exception("a batch of %s failed", self._queue.name)
            finally:
                with changed(self._queue):
                    self._in_flight -= 1
                    changed(self._queue).notify_all()

    def _gather(self) -> dict[str, tuple[Any, str]]:
        """Receive a batch: messages and their JSON by id; nothing where stopped."""
        batch: dict[str, tuple[Any, str]] = {}
        until = 0.0
        with changed(self._queue):
            while not self._stopped.is_set():
                full = self._in_flight < batches_of(self._mapping) and self._fill(batch)
                if batch and not until:
                    until = time.monotonic() + (self._mapping.max_batch_window or 0)
                left = until - time.monotonic()
                if batch and (full or left <= 0):
                    self._in_flight += 1
                    return batch
                waits = [left] if batch else []
                coming = next_change_s(self._queue)
                waits += [coming] if coming is not None else []
                changed(self._queue).wait(min(waits) if waits else None)
            put_back(self._queue, [message for message, _ in batch.values()])
        return {}

    def _fill(self, batch: dict[str, tuple[Any, str]]) -> bool:
        """Receive what fits; whether the batch is full."""
        room = self._mapping.batch_size - len(batch)
        taken = take(self._queue, room, int(self._queue.visibility_timeout))
        size = FRAME_BYTES + sum(len(t) + SEPARATOR_BYTES for _, t in batch.values())
        for index, message in enumerate(taken):
            text = event.record_of(message, self._queue)
            size += len(text) + SEPARATOR_BYTES
            if size > PAYLOAD_BYTES and batch:
                put_back(self._queue, taken[index:])
                return True
            batch[message.id] = (message, text)
        return len(batch) >= int(self._mapping.batch_size)

    def _send(self, batch: dict[str, tuple[Any, str]]) -> None:
        """Invoke, and delete what did not fail; the rest comes back by its visibility timeout."""
        try:
            function = self._functions.find(self._mapping.function_arn)
            payload = event.payload([text for _, text in batch.values()])
            _, outcome = self._functions.invoke(function, payload)
        except (ThrottledError, UnknownFunctionException) as fault:
            self._mapping.last_result = f"PROBLEM: {type(fault).__name__}"
            return
        failed = set(batch) if outcome.error_type else set()
        partial = "ReportBatchItemFailures" in (self._mapping.function_response_types or [])
        if partial and not failed:
            failed = failures(outcome.payload, set(batch))
        self._mapping.last_result = FAILED if failed else "OK"
        for name, (message, _) in batch.items():
            if name not in failed:
                with contextlib.suppress(ReceiptHandleIsInvalid):  # purged meanwhile
                    self._queue.delete_message(message.receipt_handle)
