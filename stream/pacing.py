"""Paces what goes into one shard, and waits longer after each failure."""

from __future__ import annotations

import random

#: A shard takes 1 MiB and 1,000 records a second:
#: https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
SHARD_BYTES_PER_S = 1 << 20
SHARD_RECORDS_PER_S = 1000
#: How far a shard may be ahead of its rate, in seconds: a request of 250 records.
_AHEAD_S = 0.25
_BACKOFF_S = (0.1, 5.0)  # first and longest


class Pace:
    """When one shard may get its next record.

    Every record books its share of a second on the shard, the larger of its share of the bytes
    and of the records, and the next one waits until the booked time is nearly over.

    Parameters
    ----------
    rng : random.Random
        Draws the jitter, so that producers that failed together don't come back together.
    """

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._booked = 0.0
        self._retry_at = 0.0
        self.failures = 0

    def ready_at(self) -> float:
        """Time from which a record may go."""
        return max(self._booked - _AHEAD_S, self._retry_at)

    def book(self, now: float, size: int) -> None:
        """Note a record of so many bytes as sent."""
        share = max(size / SHARD_BYTES_PER_S, 1 / SHARD_RECORDS_PER_S)
        self._booked = max(self._booked, now) + share

    def failed(self, now: float) -> None:
        """Note that the shard refused: wait a random part of a span that doubles each time."""
        span = min(_BACKOFF_S[1], _BACKOFF_S[0] * 2 ** min(self.failures, 16))
        self.failures += 1
        self._retry_at = now + self._rng.uniform(span / 2, span)

    def succeeded(self) -> None:
        """Note that the shard took a record."""
        self.failures = 0
