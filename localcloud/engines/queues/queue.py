"""Makes moto's queues deliver as SQS does.

moto 5.2.5 pushes into functions from inside SendMessage; finds a duplicate only while the first
message is still in the queue; may deliver the second message of a FIFO group before the first
after a visibility timeout; spins while it waits on a group that is in flight; hands one message
to two receivers that ask at once; keeps what its retention is over for; and numbers FIFO
messages at random.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from moto.sqs import models

from localcloud.engines.patching import patch, wrap
from localcloud.engines.queues.delivery import changed, next_change_s, take

Queue, Backend = models.Queue, models.SQSBackend

DEDUPLICATION_S = 300
#: SQS's FIFO sequence numbers have 20 digits and grow.
FIRST_NUMBER = 18_800_000_000_000_000_000


def install(noticed: Callable[[], None]) -> None:
    """Put the patches in place.

    Parameters
    ----------
    noticed : callable
        Called after a queue was made or deleted.
    """
    wrap(Queue, __init__=_making, delete_message=_telling)
    patch(Queue, add_message=add_message)
    patch(Backend, receive_message=receive_message)
    wrap(
        Backend,
        change_message_visibility=_changing,
        purge_queue=_purging,
        create_queue=lambda original: _noticing(original, noticed),
        delete_queue=lambda original: _noticing(original, noticed),
    )


def _making(original: Callable[..., None]) -> Callable[..., None]:
    def make(self: Any, *args: Any, **words: Any) -> None:
        self.seen = {}  # when each deduplication id came
        self.numbered = FIRST_NUMBER
        original(self, *args, **words)

    return make


def add_message(self: Any, message: Any) -> None:
    """Keep a message, unless it was sent in the last five minutes."""
    with changed(self):
        redriven = message.approximate_receive_count > 0
        if self.fifo_queue and not redriven and _is_duplicate(self, message):
            return
        if self.fifo_queue and not redriven:
            self.numbered += 256
            message.sequence_number = str(self.numbered)
        self._messages.append(message)
        changed(self).notify_all()


def _is_duplicate(queue: Any, message: Any) -> bool:
    """Whether this id came in the last five minutes, received and deleted or not.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/using-messagededuplicationid-property.html
    """
    if not message.deduplication_id:
        return False
    scope = message.group_id if queue.deduplication_scope == "messageGroup" else ""
    key, now = (scope, message.deduplication_id), time.time()
    queue.seen = {k: t for k, t in queue.seen.items() if now - t < DEDUPLICATION_S}
    if key in queue.seen:
        return True
    queue.seen[key] = now
    return False


def receive_message(
    self: Any,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Any]:
    """Answer ReceiveMessage, waiting for a message where that is asked for."""
    queue = self.get_queue(queue_name)
    deadline = time.monotonic() + wait_seconds_timeout
    with changed(queue):
        while True:
            taken = take(queue, count, int(visibility_timeout or 0))
            left = deadline - time.monotonic()
            if taken or left <= 0 or queue_name not in self.queues:
                break
            coming = next_change_s(queue)
            changed(queue).wait(left if coming is None else min(left, coming))
    for message in taken:
        models._filter_message_attributes(message, message_attribute_names or [])
    return taken


def _telling(original: Callable[..., None]) -> Callable[..., None]:
    def delete(self: Any, receipt_handle: str) -> None:
        with changed(self):
            original(self, receipt_handle)
            changed(self).notify_all()

    return delete


def _changing(original: Callable[..., None]) -> Callable[..., None]:
    def change(self: Any, queue_name: str, *args: Any, **words: Any) -> None:
        queue = self.get_queue(queue_name)
        with changed(queue):
            original(self, queue_name, *args, **words)
            changed(queue).notify_all()

    return change


def _purging(original: Callable[..., None]) -> Callable[..., None]:
    def purge(self: Any, queue_name: str) -> None:
        queue = self.get_queue(queue_name)
        with changed(queue):
            original(self, queue_name)

    return purge


def _noticing(original: Callable[..., Any], noticed: Callable[[], None]) -> Callable[..., Any]:
    def call(self: Any, *args: Any, **words: Any) -> Any:
        answer = original(self, *args, **words)
        noticed()
        return answer

    return call
