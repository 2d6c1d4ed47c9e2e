"""When a batch is sent, and what becomes of it: rules without threads, time passed in.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventsourcemapping.html
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

#: Payload of one invocation. AWS says 6 MB of it and its framework: 6,291,456 bytes.
PAYLOAD_BYTES = 6_291_456
FRAME_BYTES = len('{"Records": []}')
SEPARATOR_BYTES = len(", ")

FIRST_WAIT_S = 0.1
MOST_WAIT_S = 10.0


@dataclass(frozen=True)
class Record:
    """One record of a shard as the event shows it.

    Parameters
    ----------
    sequence : int
        Sequence number.
    arrived : float
        Seconds since the epoch.
    text : str
        The record's JSON in the event; ASCII.
    """

    sequence: int
    arrived: float
    text: str


@dataclass(frozen=True)
class Policy:
    """What to do with a batch that fails.

    Parameters
    ----------
    bisect : bool
        Split a failed batch in two.
    max_retries : int
        Retries of a batch; -1 for as many as it takes.
    max_age_s : int
        Age at which a record is given up; -1 for never.
    """

    bisect: bool = False
    max_retries: int = -1
    max_age_s: int = -1


@dataclass(frozen=True)
class Work:
    """Records that are sent together.

    Parameters
    ----------
    retries : int
        How many failures count as retries so far.
    throttles : int
        How often the function could not be invoked.
    invocations : int
        How often the function was.
    """

    records: tuple[Record, ...]
    retries: int = 0
    throttles: int = 0
    invocations: int = 0


@dataclass(frozen=True)
class GivenUp:
    """Records that are passed over, and why."""

    work: Work
    condition: Literal["RetryAttemptsExhausted", "RecordAgeExceeded"]


@dataclass(frozen=True)
class Next:
    """What follows an attempt.

    Parameters
    ----------
    again : tuple of Work
        To be sent, in this order, before anything new.
    given_up : GivenUp, optional
        What goes to the on-failure destination.
    wait_s : float
        Seconds until the first of `again`.
    """

    again: tuple[Work, ...] = ()
    given_up: GivenUp | None = None
    wait_s: float = 0.0


class Gathering:
    """Records on their way into one batch, oldest first.

    It closes on its size, on the payload limit, or when its window is over. A record that
    alone is over the limit is a batch of its own: it can't be sent.
    """

    def __init__(self) -> None:
        self.records: list[Record] = []
        self._bytes = FRAME_BYTES
        self._closed = False

    def room(self, batch_size: int) -> int:
        """How many more records may be offered."""
        return 0 if self._closed else max(batch_size - len(self.records), 0)

    def offer(self, record: Record) -> bool:
        """Take a record; False where it is left for the next batch."""
        more = len(record.text) + (SEPARATOR_BYTES if self.records else 0)
        self._closed = self._bytes + more > PAYLOAD_BYTES
        if self._closed and self.records:
            return False
        self.records.append(record)
        self._bytes += more
        return True

    def take(self, batch_size: int, window_over: bool) -> Work | None:
        """The batch, where it is to be sent now."""
        if not self.records:
            return None
        if not (window_over or self._closed or len(self.records) >= batch_size):
            return None
        return Work(tuple(self.records[:batch_size]))


def too_large(work: Work) -> bool:
    """Whether a batch can't be sent at all: one record over the payload limit."""
    return len(work.records) == 1 and len(work.records[0].text) + FRAME_BYTES > PAYLOAD_BYTES


def back_off(times: int) -> float:
    """Seconds to wait after this many failures in a row: doubling, to a limit."""
    return float(min(FIRST_WAIT_S * 2 ** max(times - 1, 0), MOST_WAIT_S))


def expire(work: Work, policy: Policy, now: float) -> tuple[Work | None, GivenUp | None]:
    """Part what is too old from the rest: records age in their order."""
    if policy.max_age_s < 0:
        return work, None
    old = sum(1 for r in work.records if now - r.arrived > policy.max_age_s)
    if not old:
        return work, None
    expired = replace(work, records=work.records[:old])
    rest = replace(work, records=work.records[old:])
    return (rest if rest.records else None), GivenUp(expired, "RecordAgeExceeded")


def throttled(work: Work) -> Next:
    """What follows where the function could not be invoked: no retry is counted."""
    again = replace(work, throttles=work.throttles + 1)
    return Next((again,), wait_s=back_off(again.throttles))


def failed(work: Work, first: int, policy: Policy) -> Next:
    """What follows a failure.

    Parameters
    ----------
    first : int
        Index of the first record that failed; 0 where the whole batch did. Those before it
        are done. With bisect on, the batch is split there, else in the middle; a split uses
        up no retry.
    """
    rest = replace(work, records=work.records[first:], invocations=work.invocations + 1)
    if policy.bisect and first > 0:
        return Next((rest,))
    if policy.bisect and len(rest.records) > 1:
        half = len(rest.records) // 2
        low, high = rest.records[:half], rest.records[half:]
        return Next((replace(rest, records=low), replace(rest, records=high)))
    rest = replace(rest, retries=rest.retries + 1)
    if 0 <= policy.max_retries < rest.retries:
        return Next(given_up=GivenUp(rest, "RetryAttemptsExhausted"))
    return Next((rest,), wait_s=back_off(rest.retries))
