"""Where a mapping begins in a stream, and in which order shards are read."""

from __future__ import annotations

from dataclasses import dataclass, field

from localcloud.engines.streams.positions import Positions


@dataclass
class Shard:
    """As much of a shard as positions look at."""

    last_number: int = 0
    is_open: bool = True
    parent: str | None = None
    adjacent_parent: str | None = None
    times: dict[float, int] = field(default_factory=dict)

    def get_sequence_number_at(self, at: float) -> int:
        return max((n for t, n in self.times.items() if t < at), default=0)


@dataclass
class Stream:
    """As much of a stream."""

    shards: dict[str, Shard]


def test_trim_horizon_begins_before_all() -> None:
    positions = Positions(Stream({"a": Shard(7)}), "TRIM_HORIZON", None)
    assert positions.get("a") == 0


def test_latest_begins_after_what_is_there() -> None:
    stream = Stream({"a": Shard(7), "old": Shard(5, is_open=False)})
    positions = Positions(stream, "LATEST", None)
    assert positions.get("a") == 7
    assert positions.readable(stream.shards) == ["a"]  # a closed shard gets nothing more


def test_at_timestamp_begins_with_the_first_record_from_then_on() -> None:
    stream = Stream({"a": Shard(3, times={10.0: 1, 20.0: 2, 30.0: 3})})
    assert Positions(stream, "AT_TIMESTAMP", 20.0).get("a") == 1


def test_children_wait_until_their_parents_are_read() -> None:
    parents = {"a": Shard(is_open=False), "b": Shard(is_open=False)}
    merged = {"c": Shard(parent="a", adjacent_parent="b")}
    shards = parents | merged
    positions = Positions(Stream(shards), "TRIM_HORIZON", None)
    assert positions.readable(shards) == ["a", "b"]
    positions.drain("a")
    assert positions.readable(shards) == ["b"]
    positions.drain("b")
    assert positions.readable(shards) == ["c"]


def test_a_child_opened_later_is_read_from_its_start_by_latest_too() -> None:
    stream = Stream({"a": Shard(7)})
    positions = Positions(stream, "LATEST", None)
    stream.shards["a"].is_open = False
    stream.shards["b"] = Shard(20, parent="a")
    assert positions.readable(stream.shards) == ["a"]
    positions.drain("a")
    assert positions.readable(stream.shards) == ["b"]
    assert positions.get("b") == 0


def test_a_child_whose_parent_is_gone_is_read() -> None:
    shards = {"b": Shard(parent="a")}
    assert Positions(Stream(shards), "TRIM_HORIZON", None).readable(shards) == ["b"]


def test_progress_is_kept() -> None:
    positions = Positions(Stream({"a": Shard()}), "TRIM_HORIZON", None)
    positions.move("a", 5)
    assert positions.get("a") == 5
