"""Numbers records and cuts them into what is put into shards.

Records are taken in windows of the input, each closed by a fixed number of records or bytes.
A window is sorted by the hash of the partition key, records of one key staying in order, and
numbered in that order. A shard is a range of hashes, so its part of a window is a run without
gaps; and since neither windows nor hashes know of shards, the same input gets the same numbers
however many shards there are. What is pushed twice under one producer id is so recognised. ::

    window n, sorted by hash    0 1 2 3 4 5 6 7 8 9
    cut by two shards           [0 1 2 3 4 5][6 7 8 9]
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from stream import block
from stream.lines import Item
from stream.lines import PackError as PackError

#: Part of the numbering, like the sort: change them and a second push is taken for a new one.
WINDOW_RECORDS = 65_536
WINDOW_BYTES = 32 << 20


@dataclass(frozen=True)
class Parcel:
    """What becomes one record of the stream."""

    data: bytes
    partition_key: str
    hash: int | None  # an explicit hash key, where the partition key doesn't place it
    records: int

    @property
    def size(self) -> int:
        """Bytes that count against the limits: data and partition key."""
        return len(self.data) + len(self.partition_key.encode())


def windows(
    stream: Iterable[Item], records: int = WINDOW_RECORDS, size: int = WINDOW_BYTES
) -> Iterator[list[Item]]:
    """Group records into windows, closed by a number of records or bytes."""
    window: list[Item] = []
    held = 0
    for item in stream:
        window.append(item)
        held += len(item.line)
        if len(window) >= records or held >= size:
            yield window
            window, held = [], 0
    if window:
        yield window


def cut(
    window: list[Item],
    first: int,
    starts: Sequence[int],
    producer: str,
    table: str | None,
    block_bytes: int,
) -> list[list[Parcel]]:
    """Number a window's records and make the blocks of each shard.

    Parameters
    ----------
    window : list of Item
        In the order of the input.
    first : int
        Number of the window's first record.
    starts : sequence of int
        Where the shards' hash ranges start, ascending, the first at 0.
    producer, table : str
        For the blocks' headers.
    block_bytes : int
        Decompressed bytes that a block holds at most, where it holds several records.

    Returns
    -------
    list of list of Parcel
        Blocks of each shard, in order.
    """
    ordered = sorted(window, key=lambda item: item.hash)  # stable: keys keep their order
    parcels: list[list[Parcel]] = [[] for _ in starts]
    run: list[bytes] = []
    held, shard = 0, 0

    def close(end: int) -> None:
        nonlocal run, held
        if run:
            data = block.encode(run, producer, end - len(run), table)
            parcels[shard].append(Parcel(data, producer, starts[shard], len(run)))
        run, held = [], 0

    for number, item in enumerate(ordered, first):
        here = bisect_right(starts, item.hash) - 1
        if here != shard or held + len(item.line) >= block_bytes:
            close(number)
            shard = here
        run.append(item.line)
        held += len(item.line) + 1
    close(first + len(ordered))
    return parcels


def plain(window: list[Item], starts: Sequence[int]) -> list[list[Parcel]]:
    """Make one stream record of each record, in the order of the input, not numbered."""
    parcels: list[list[Parcel]] = [[] for _ in starts]
    for item in window:
        shard = bisect_right(starts, item.hash) - 1
        parcels[shard].append(Parcel(item.line, item.key, None, 1))
    return parcels
