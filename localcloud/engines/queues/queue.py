"""Makes moto's queues deliver as SQS does.

moto 5.2.5 pushes into functions from inside SendMessage; finds a duplicate only while the first
message is still in the queue; may deliver the second message of a FIFO group before the first
after a visibility timeout; spins while it waits on a group that is in flight; hands one message
to two receivers that ask at once; keeps what its retention is over for; and numbers FIFO
messages at random.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from copy import deepcopy
from typing import Any

from moto.sqs import models

from localcloud.engines.patching import patch, wrap

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


def changed(queue: Any) -> threading.Condition:
    """What to wait on for a queue to change; its lock guards the queue."""
    condition: threading.Condition = queue._messages_lock
    return condition


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


def take(queue: Any, count: int, visibility_s: int) -> list[Any]:
    """Receive at most `count` messages now; the caller holds `changed(queue)`.

    Messages of a FIFO group come in order, and none while another of the group is in flight.
    """
    _expire(queue)
    visible = queue.messages
    # All that timed out, before the groups that are in flight are counted.
    for message in visible:
        queue.pending_messages.discard(message)
    blocked = set(queue.pending_message_groups) if queue.fifo_queue else set()
    taken: list[Any] = []
    for message in visible:
        if len(taken) == count:
            break
        if queue.fifo_queue and message.group_id in blocked:
            continue
        if _redrive(queue, message):
            continue
        if visibility_s:
            queue.pending_messages.add(message)
        message.mark_received(visibility_timeout=visibility_s)
        taken.append(deepcopy(message))
    return taken


def _expire(queue: Any) -> None:
    """Forget what its retention is over for."""
    oldest_ms = (time.time() - queue.message_retention_period) * 1000
    gone = [m for m in queue._messages if m.sent_timestamp < oldest_ms]
    for message in gone:
        queue._messages.remove(message)
        queue.pending_messages.discard(message)


def _redrive(queue: Any, message: Any) -> bool:
    """Move a message that was received too often to the dead-letter queue."""
    letters, policy = queue.dead_letter_queue, queue.redrive_policy
    if letters is None or not policy:
        return False
    if message.approximate_receive_count < int(policy["maxReceiveCount"]):
        return False
    queue._messages.remove(message)
    message.visible_at = 0.0
    letters.add_message(message)
    return True


def put_back(queue: Any, taken: list[Any]) -> None:
    """Undo `take` for messages that nobody was given."""
    names = {message.id for message in taken}
    for message in queue._messages:
        if message.id in names:
            message.approximate_receive_count -= 1
            message.visible_at = 0.0
            queue.pending_messages.discard(message)
    changed(queue).notify_all()


def next_change_s(queue: Any) -> float | None:
    """Seconds until a message comes back by itself; None where none will."""
    times = [max(m.visible_at, m.delayed_until) for m in queue._messages]
    now_ms = time.time() * 1000
    soon = [t - now_ms for t in times if t > now_ms]
    return min(soon) / 1000 + 0.002 if soon else None


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
