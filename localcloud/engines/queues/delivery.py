"""Which messages a receiver gets: the visible ones, in a FIFO queue group by group.

https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/FIFO-queues-understanding-logic.html
"""

from __future__ import annotations

import threading
import time
from copy import deepcopy
from typing import Any


def changed(queue: Any) -> threading.Condition:
    """What to wait on for a queue to change; its lock guards the queue."""
    condition: threading.Condition = queue._messages_lock
    return condition


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
