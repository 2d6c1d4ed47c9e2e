"""Reads a Kinesis stream: its shards, and what lies in them from the oldest record to the tip."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from stream import block

#: Each shard answers five GetRecords calls a second:
#: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
PAUSE_S = 0.2


@dataclass(frozen=True)
class Shard:
    """A shard and its range of hashes, both ends included."""

    id: str
    start: int
    end: int
    parents: tuple[str, ...]
    open: bool


@dataclass(frozen=True)
class StreamRecord:
    """One record of the stream, as it lies there."""

    shard: str
    sequence: str
    partition_key: str
    data: bytes


@dataclass
class Count:
    """Records in a stream record.

    Parameters
    ----------
    numbered : list of (str, int, int)
        Runs that a producer numbered: its id, the first number, how many.
    plain : int
        Records that nobody numbered.
    unreadable : int
        Blocks that can't be read; each becomes one row of the quarantine table.
    """

    numbered: list[tuple[str, int, int]] = field(default_factory=list)
    plain: int = 0
    unreadable: int = 0

    @property
    def total(self) -> int:
        """Rows that the stream record must become, quarantined ones included."""
        return self.plain + self.unreadable + sum(count for _, _, count in self.numbered)


def count_records(data: bytes, cap: int = block.CAP_BYTES) -> Count:
    """Count what a ledger expects of one stream record."""
    count = Count()
    for part in block.decode(data, cap):
        if isinstance(part, block.Unreadable):
            count.unreadable += 1
        elif part.header:
            count.numbered.append((part.header.producer, part.header.first, part.header.count))
        else:
            count.plain += len(part.lines)
    return count


def list_shards(client: Any, stream: str) -> list[Shard]:
    """List a stream's shards, closed ones included, parents before their children.

    Parameters
    ----------
    client : Kinesis client
    stream : str
        Name of the stream.
    """
    page = client.list_shards(StreamName=stream)
    found = list(page["Shards"])
    while page.get("NextToken"):
        page = client.list_shards(NextToken=page["NextToken"])
        found += page["Shards"]
    return _parents_first([_shard(told) for told in found])


def _shard(told: dict[str, Any]) -> Shard:
    parents = (told.get("ParentShardId"), told.get("AdjacentParentShardId"))
    return Shard(
        id=told["ShardId"],
        start=int(told["HashKeyRange"]["StartingHashKey"]),
        end=int(told["HashKeyRange"]["EndingHashKey"]),
        parents=tuple(p for p in parents if p),
        open=told["SequenceNumberRange"].get("EndingSequenceNumber") is None,
    )


def _parents_first(shards: list[Shard]) -> list[Shard]:
    waiting = {shard.id: shard for shard in sorted(shards, key=lambda s: s.id)}
    ordered: list[Shard] = []
    while waiting:
        # A parent that has expired is no longer listed and holds nobody up.
        ready = [s for s in waiting.values() if not any(p in waiting for p in s.parents)]
        ordered += ready
        for shard in ready:
            del waiting[shard.id]
    return ordered


def read(
    client: Any, stream: str, sleep: Callable[[float], None] = time.sleep
) -> Iterator[StreamRecord]:
    """Read all that a stream holds, from the oldest record to the tip.

    Parameters
    ----------
    client : Kinesis client
    stream : str
        Name of the stream.
    sleep : callable
        Waits between two calls on one shard.

    Yields
    ------
    StreamRecord
        Shard by shard, parents before their children, in order within each.
    """
    for shard in list_shards(client, stream):
        yield from _read_shard(client, stream, shard.id, sleep)


def _read_shard(
    client: Any, stream: str, shard: str, sleep: Callable[[float], None]
) -> Iterator[StreamRecord]:
    iterator = client.get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while iterator:
        try:
            page = client.get_records(ShardIterator=iterator)
        except client.exceptions.ProvisionedThroughputExceededException:
            sleep(1.0)  # another reader took this second's share
            continue
        for told in page["Records"]:
            yield StreamRecord(
                shard, told["SequenceNumber"], told["PartitionKey"], bytes(told["Data"])
            )
        # A page may be empty before the tip: only the age of the last record tells.
        if page.get("MillisBehindLatest", 0) == 0:
            return
        iterator = page.get("NextShardIterator")
        sleep(PAUSE_S)
