"""Where a mapping begins in each shard, how far it has come, and which shards may be read."""

from __future__ import annotations

from typing import Any

BEFORE_ALL = 0


class Positions:
    """The checkpoints of one mapping, kept while it is disabled too.

    Parameters
    ----------
    stream
        moto's, as it is when the mapping is made: ``LATEST`` is after what is in it now.
    starting_position : str
        ``TRIM_HORIZON``, ``LATEST`` or ``AT_TIMESTAMP``.
    at : float, optional
        Seconds since the epoch, for ``AT_TIMESTAMP``.
    """

    def __init__(self, stream: Any, starting_position: str, at: float | None) -> None:
        self._at: dict[str, int] = {}
        self._drained: set[str] = set()
        for name, shard in stream.shards.items():
            if starting_position == "LATEST":
                self._at[name] = shard.last_number
                if not shard.is_open:
                    self._drained.add(name)
            elif starting_position == "AT_TIMESTAMP":
                self._at[name] = shard.get_sequence_number_at(at)

    def get(self, shard: str) -> int:
        """The last number that was done with; a shard opened later is read from its start."""
        return self._at.get(shard, BEFORE_ALL)

    def move(self, shard: str, number: int) -> None:
        """Take note of progress."""
        self._at[shard] = number

    def drain(self, shard: str) -> None:
        """Take note that a closed shard was read to its end."""
        self._drained.add(shard)

    def readable(self, shards: dict[str, Any]) -> list[str]:
        """The shards to read now: those not at their end whose parents are.

        https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
        """
        return [
            name
            for name, shard in shards.items()
            if name not in self._drained
            and all(
                parent not in shards or parent in self._drained
                for parent in (shard.parent, shard.adjacent_parent)
                if parent
            )
        ]
