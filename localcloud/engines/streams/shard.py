"""Makes moto's Kinesis keep records as AWS does.

moto 5.2.5 numbers records 1, 2, 3, searches a shard from its start at every read, sends records
of a split shard to the shard that was closed, and moves a closed shard's records to its
children, where a reader of the parent never sees them.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from moto.kinesis import models
from moto.kinesis.exceptions import InvalidArgumentError
from moto.utilities.utils import md5_hash

from localcloud.engines.patching import patch, wrap

MOST_RECORDS = 10_000  # https://docs.aws.amazon.com/kinesis/latest/APIReference/API_GetRecords.html
MOST_BYTES = 10 << 20
SPAN = 2**128

Shard, Stream, Record = models.Shard, models.Stream, models.Record


def number(created_s: int, counter: int, now_s: int, shard: int) -> int:
    """A sequence number as long as AWS's: 56 digits, growing with `counter` in its shard.

    The layout follows AWS's own, as others have read it: a version, when the shard was made,
    a counter, when the record came, and the shard.
    """
    return 2 << 184 | created_s << 148 | counter << 84 | now_s << 48 | shard << 16 | 2


def install(changed: Callable[[], None]) -> None:
    """Put the patches in place.

    Parameters
    ----------
    changed : callable
        Called after shards were opened or closed, or a stream was made or deleted.
    """
    wrap(Shard, __init__=_making_shard)
    wrap(Stream, __init__=_making_stream)
    patch(
        Shard,
        put_record=put_record,
        get_records=get_records,
        get_min_sequence_number=lambda self: self.first_number,
        get_max_sequence_number=lambda self: self.last_number,
        get_sequence_number_at=get_sequence_number_at,
    )

    def split_shard(self: Any, shard_to_split: str, new_starting_hash_key: str) -> None:
        _split(self, shard_to_split, int(new_starting_hash_key))
        changed()

    def merge_shards(self: Any, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        _merge(self, shard_to_merge, adjacent_shard_to_merge)
        changed()

    patch(
        Stream,
        put_record=put_to_stream,
        get_shard_for_key=get_shard_for_key,
        split_shard=split_shard,
        merge_shards=merge_shards,
    )


def _making_shard(original: Callable[..., None]) -> Callable[..., None]:
    def make(self: Any, *args: Any, **words: Any) -> None:
        original(self, *args, **words)
        self.created_s = int(time.time())
        self.counter = 0
        self.numbers = []
        self.first_number = self.last_number = number(self.created_s, 0, 0, self._shard_id)

    return make


def _making_stream(original: Callable[..., None]) -> Callable[..., None]:
    def make(self: Any, *args: Any, **words: Any) -> None:
        self.activity = threading.Condition()
        self.max_record_bytes = 1 << 20
        original(self, *args, **words)

    return make


def put_record(self: Any, partition_key: str, data: str, explicit_hash_key: str) -> str:
    """Append to a shard; the caller holds the stream's condition."""
    self.counter += 1
    sequence = number(self.created_s, self.counter, int(time.time()), self._shard_id)
    self.records[sequence] = Record(partition_key, data, sequence, explicit_hash_key)
    self.numbers.append(sequence)
    self.last_number = sequence
    return str(sequence)


def after(shard: Any, sequence: int, limit: int) -> list[Any]:
    """At most `limit` records that follow a sequence number."""
    start = bisect_right(shard.numbers, sequence)
    return [shard.records[n] for n in shard.numbers[start : start + limit]]


def get_records(self: Any, last_sequence_id: str, limit: int | None) -> tuple[list[Any], int, int]:
    """What one GetRecords gives: 10,000 records or 10 MiB."""
    last = int(last_sequence_id)
    found: list[Any] = []
    size = 0
    for record in after(self, last, min(limit or MOST_RECORDS, MOST_RECORDS)):
        size += len(record.data) * 3 // 4 + len(record.partition_key)
        if found and size > MOST_BYTES:
            break
        found.append(record)
    if not found:
        return [], last, 0
    behind_s = self.records[self.numbers[-1]].created_at - found[-1].created_at
    return found, found[-1].sequence_number, int(behind_s * 1000)


def get_sequence_number_at(self: Any, at_timestamp: float) -> int:
    """The number before the first record that arrived at or after a time."""
    times = [self.records[n].created_at for n in self.numbers]
    index = next((i for i, t in enumerate(times) if t >= at_timestamp), len(times))
    return int(self.numbers[index - 1]) if index else 0


def put_to_stream(
    self: Any, partition_key: str, explicit_hash_key: str, data: str
) -> tuple[str, str]:
    """Append to the shard that a key belongs to, and wake who waits."""
    with self.activity:
        shard = self.get_shard_for_key(partition_key, explicit_hash_key)
        sequence = shard.put_record(partition_key, data, explicit_hash_key)
        _trim(shard, time.time() - self.retention_period_hours * 3600)
        self.activity.notify_all()
    return sequence, shard.shard_id


def get_shard_for_key(self: Any, partition_key: str, explicit_hash_key: str) -> Any:
    """The open shard whose hash range, both ends included, holds a key."""
    if not isinstance(partition_key, str) or not 1 <= len(partition_key) <= 256:
        raise InvalidArgumentError("partition_key")
    if explicit_hash_key:
        key = int(explicit_hash_key)
    else:
        key = int(md5_hash(partition_key.encode()).hexdigest(), 16)
    if not 0 <= key < SPAN:
        raise InvalidArgumentError("explicit_hash_key")
    shards = (s for s in self.shards.values() if s.is_open)
    return next(s for s in shards if s.starting_hash <= key <= s.ending_hash)


def _trim(shard: Any, before: float) -> None:
    """Forget what the stream's retention is over for."""
    old = 0
    while old < len(shard.numbers) and shard.records[shard.numbers[old]].created_at < before:
        del shard.records[shard.numbers[old]]
        old += 1
    del shard.numbers[:old]


def _split(stream: Any, name: str, hash_key: int) -> None:
    shard = stream.shards[name]
    if not shard.starting_hash < hash_key < shard.ending_hash:
        raise InvalidArgumentError(
            f"NewStartingHashKey {hash_key} used in SplitShard() on shard {name} in stream "
            f"{stream.stream_name} under account {stream.account_id} is not both greater than one "
            f"plus the shard's StartingHashKey {shard.starting_hash} and less than the shard's "
            f"EndingHashKey {shard.ending_hash - 1}."
        )
    _check_open(stream, shard)
    with stream.activity:
        _close(stream, shard)
        _open(stream, shard.starting_hash, hash_key - 1, shard)
        _open(stream, hash_key, shard.ending_hash, shard)
        stream.activity.notify_all()


def _merge(stream: Any, one: str, other: str) -> None:
    first, second = stream.shards[one], stream.shards[other]
    low, high = sorted((first, second), key=attrgetter("starting_hash"))
    if low.ending_hash != high.starting_hash - 1:
        raise InvalidArgumentError(
            f"Shards {one} and {other} in stream {stream.stream_name} under account "
            f"{stream.account_id} are not an adjacent pair of shards eligible for merging"
        )
    _check_open(stream, first)
    _check_open(stream, second)
    with stream.activity:
        _close(stream, first)
        _close(stream, second)
        _open(stream, low.starting_hash, high.ending_hash, first, second)
        stream.activity.notify_all()


def _check_open(stream: Any, shard: Any) -> None:
    if not shard.is_open:
        raise InvalidArgumentError(
            f"Shard {shard.shard_id} in stream {stream.stream_name} under account "
            f"{stream.account_id} has already been merged or split, and thus is not eligible for "
            "merging or splitting."
        )


def _close(stream: Any, shard: Any) -> None:
    shard.is_open = False
    stream.shard_count -= 1


def _open(stream: Any, low: int, high: int, parent: Any, adjacent: Any = None) -> None:
    index = max(s._shard_id for s in stream.shards.values()) + 1
    shard: Any = Shard(index, low, high, parent.shard_id, adjacent.shard_id if adjacent else None)
    # A child's numbers come after its parents', even of the same second.
    shard.created_s = max([shard.created_s, *(p.created_s + 1 for p in (parent, adjacent) if p)])
    shard.first_number = shard.last_number = number(shard.created_s, 0, 0, index)
    stream.shards[shard.shard_id] = shard
    stream.shard_count += 1  # moto tells the count of the beginning
