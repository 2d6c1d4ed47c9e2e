"""Makes moto's Kinesis keep records as AWS does.

moto 5.2.5 numbers records 1, 2, 3, searches a shard from its start at every read, and puts
records into shards that are closed.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable
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


def install() -> None:
    """Put the patches in place."""
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
    patch(
        Stream,
        put_record=put_to_stream,
        get_shard_for_key=get_shard_for_key,
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
