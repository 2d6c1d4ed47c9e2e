"""What was pushed, counted by reading the stream itself within its retention.

A numbered record counts once, however often it was sent; a record without a number each time;
a block that can't be read as one, since it becomes one row of the quarantine table.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from headrace import lake
from stream import kinesis


@dataclass
class Shard:
    """What the stream holds of one shard.

    Parameters
    ----------
    first : str
        The first sequence number that the stream still has.
    ranges : dict
        Producer to the closed ranges of counters that were sent, in order, re-sends included.
    others : int
        Records without a number, and blocks that can't be read, one each.
    """

    first: str
    ranges: dict[str, list[lake.Range]] = field(default_factory=lambda: defaultdict(list))
    others: int = 0

    def add(self, data: bytes) -> None:
        """Count one stream record."""
        held = kinesis.count_records(data)
        self.others += held.plain + held.unreadable
        for producer, first, count in held.numbered:
            if count:
                self.ranges[producer].append((first, first + count - 1))


@dataclass(frozen=True)
class Pushed:
    """What was pushed, as the stream tells it: shard id to what it holds, parents first."""

    shards: dict[str, Shard]

    def counters(self) -> dict[str, list[lake.Range]]:
        """Producer to the counters that were pushed, as few closed ranges as can be."""
        every: dict[str, list[lake.Range]] = defaultdict(list)
        for shard in self.shards.values():
            for producer, ranges in shard.ranges.items():
                every[producer] += ranges
        return {producer: lake.union(ranges) for producer, ranges in every.items()}

    def counts(self) -> Iterator[tuple[str, int, int]]:
        """Shard id, records that it was the first to have, and records sent again."""
        seen: dict[str, list[lake.Range]] = defaultdict(list)
        for name, shard in self.shards.items():
            new = sent = 0
            for producer, ranges in shard.ranges.items():
                known = lake.union(seen[producer], ranges)
                new += _size(known) - _size(seen[producer])
                sent += _size(ranges)
                seen[producer] = known
            yield name, new + shard.others, sent - new

    def total(self) -> int:
        """Records pushed, each once."""
        return sum(new for _, new, _ in self.counts())


def _size(ranges: Iterable[lake.Range]) -> int:
    return sum(high - low + 1 for low, high in ranges)


def pushed(records: Iterable[kinesis.StreamRecord]) -> Pushed:
    """Count what a stream holds, as :func:`stream.kinesis.read` gives it."""
    shards: dict[str, Shard] = {}
    for record in records:
        shards.setdefault(record.shard, Shard(record.sequence)).add(record.data)
    return Pushed(shards)
