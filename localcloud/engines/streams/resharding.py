"""Splits and merges shards as Kinesis does: a closed shard keeps its records for its readers.

moto 5.2.5 moves them to the children, where a reader of the parent never sees them.
https://docs.aws.amazon.com/streams/latest/dev/kinesis-using-sdk-java-after-resharding.html
"""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from moto.kinesis.exceptions import InvalidArgumentError

from localcloud.engines.patching import patch
from localcloud.engines.streams.shard import Shard, Stream, number


def install(changed: Callable[[], None]) -> None:
    """Put the patches in place.

    Parameters
    ----------
    changed : callable
        Called after shards were opened and closed.
    """

    def split_shard(self: Any, shard_to_split: str, new_starting_hash_key: str) -> None:
        split(self, shard_to_split, int(new_starting_hash_key))
        changed()

    def merge_shards(self: Any, shard_to_merge: str, adjacent_shard_to_merge: str) -> None:
        merge(self, shard_to_merge, adjacent_shard_to_merge)
        changed()

    patch(Stream, split_shard=split_shard, merge_shards=merge_shards)


def split(stream: Any, name: str, hash_key: int) -> None:
    """Close a shard and open two in its place."""
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


def merge(stream: Any, one: str, other: str) -> None:
    """Close two neighbours and open one in their place."""
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
