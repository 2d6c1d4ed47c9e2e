"""However batches are cut, repeated and reordered, a record lands once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace.lake import PRODUCERS_MARK, SOURCE_MARK, Range
from lambdas.commit.resend import (
    PRODUCERS_KEPT,
    Marks,
    Message,
    MessageError,
    new_rows,
    parse,
)

BODY = {
    "v": 1,
    "table": "t",
    "key": "staged/t/s/1-2.parquet",
    "rows": 2,
    "source": "s",
    "first": "1",
    "last": "2",
    "producers": {"alice": [[0, 1]]},
}
SCHEMA = pa.schema(
    [
        ("_source", pa.string()),
        ("_sequence", pa.string()),
        ("_index", pa.int64()),
        ("_producer", pa.string()),
        ("_counter", pa.int64()),
    ]
)


@dataclass(frozen=True)
class StreamRecord:
    """A block: its records' numbers if a producer gave some, and which of them are good."""

    producer: str | None
    first: int
    good: tuple[bool, ...]


class Table:
    """What commit does, on a table that is a list: one append and marks, or neither."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.properties: dict[str, str] = {}

    def commit(self, messages: list[tuple[Message, pa.Table]]) -> None:
        marks = Marks.of(self.properties)
        added: list[list[dict[str, Any]]] = []
        for message, rows in messages:

            def landed(source: str, first: str, last: str) -> set[tuple[str, int]]:
                held = [*self.rows, *(row for part in added for row in part)]
                return {
                    (r["_sequence"], r["_index"])
                    for r in held
                    if r["_source"] == source and first <= r["_sequence"] <= last
                }

            added.append(new_rows(rows, message, marks, landed).to_pylist())
            marks.note(message)
        self.rows += [row for part in added for row in part]
        self.properties.update(marks.properties())


def delivery(
    stream: list[StreamRecord], low: int, high: int, wanted: bool = True, source: str = "s"
) -> tuple[Message, pa.Table] | None:
    """What land makes of the stream records from low to high: good rows, or bad ones."""
    rows = []
    covered: dict[str, list[Range]] = {}
    for place in range(low, high + 1):
        record = stream[place]
        if record.producer and record.good:
            end = record.first + len(record.good) - 1
            covered.setdefault(record.producer, []).append((record.first, end))
        for index, good in enumerate(record.good):
            if good == wanted:
                counter = record.first + index if record.producer else None
                rows.append((source, f"{place:03d}", index, record.producer, counter))
    if not rows:
        return None
    columns = list(zip(*rows, strict=True))
    table = pa.Table.from_arrays(
        [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
    )
    first, last = f"{low:03d}", f"{high:03d}"
    return Message("t", "k", len(rows), source, first, last, covered), table


def names(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """What each row is: the producer's number, or its place in the stream."""
    return [
        (r["_producer"], r["_counter"])
        if r["_producer"]
        else (r["_source"], r["_sequence"], r["_index"])
        for r in rows
    ]


goods = st.lists(st.booleans(), max_size=4).map(tuple)


@st.composite
def streams(draw: st.DrawFn) -> list[StreamRecord]:
    """A stream in which producers' blocks come again, cut otherwise, between plain ones."""
    truth = {p: draw(st.lists(st.booleans(), min_size=1, max_size=8)) for p in ("alice", "bob")}
    stream = []
    for _ in range(draw(st.integers(1, 8))):
        producer = draw(st.sampled_from([None, "alice", "bob"]))
        if producer is None:
            stream.append(StreamRecord(None, 0, draw(goods)))
        else:
            flags = truth[producer]
            first = draw(st.integers(0, len(flags) - 1))
            count = draw(st.integers(0, len(flags) - first))
            stream.append(StreamRecord(producer, first, tuple(flags[first : first + count])))
    return stream


@settings(max_examples=300, deadline=None)
@given(streams(), st.data())
def test_pushed_is_rows_plus_quarantined(stream: list[StreamRecord], data: st.DataObject) -> None:
    """Any batches, in any order, any number of times, in any commits, and then all of them."""
    end = len(stream) - 1
    spans = data.draw(
        st.lists(
            st.integers(0, end).flatmap(lambda low: st.tuples(st.just(low), st.integers(low, end))),
            max_size=8,
        )
    )
    # What was not delivered yet comes in the end: nothing is lost by land's own retries.
    spans += [(place, place) for place in data.draw(st.permutations(range(end + 1)))]
    for wanted in (True, False):
        table = Table()
        waiting = [d for low, high in spans if (d := delivery(stream, low, high, wanted))]
        while waiting:
            size = data.draw(st.integers(1, 4))
            table.commit(waiting[:size])
            waiting = waiting[size:]
        found = names(table.rows)
        expected = {
            (r.producer, r.first + i) if r.producer else ("s", f"{place:03d}", i)
            for place, r in enumerate(stream)
            for i, good in enumerate(r.good)
            if good == wanted
        }
        assert sorted(map(str, found)) == sorted(map(str, expected))


def alice(first: int, count: int) -> StreamRecord:
    return StreamRecord("alice", first, (True,) * count)


def landed_of(*batches: tuple[list[StreamRecord], int, int]) -> Table:
    table = Table()
    for stream, low, high in batches:
        told = delivery(stream, low, high)
        assert told
        table.commit([told])
    return table


PLAIN = [StreamRecord(None, 0, (True, True))] * 6


def test_a_batch_twice_lands_once() -> None:
    assert len(landed_of((PLAIN, 0, 2), (PLAIN, 0, 2)).rows) == 6


def test_a_batch_that_is_cut_anew_lands_once() -> None:
    assert len(landed_of((PLAIN, 0, 2), (PLAIN, 0, 0), (PLAIN, 1, 4), (PLAIN, 2, 5)).rows) == 12


def test_a_dead_letter_that_comes_late_is_neither_lost_nor_twice() -> None:
    assert len(landed_of((PLAIN, 2, 3), (PLAIN, 4, 5), (PLAIN, 0, 1)).rows) == 12
    assert len(landed_of((PLAIN, 2, 3), (PLAIN, 0, 2)).rows) == 8


def test_a_file_pushed_twice_lands_once() -> None:
    stream = [alice(0, 3), alice(3, 2), alice(0, 2), alice(2, 3)]
    assert len(landed_of((stream, 0, 1), (stream, 2, 3)).rows) == 5
    assert len(landed_of((stream, 0, 3)).rows) == 5


def test_sources_do_not_know_each_other() -> None:
    table = Table()
    for source in ("s", "orders-0"):
        told = delivery(PLAIN, 0, 1, source=source)
        assert told
        table.commit([told])
    assert len(table.rows) == 8


def test_new_batches_are_not_looked_up() -> None:
    def never(source: str, first: str, last: str) -> set[tuple[str, int]]:
        raise AssertionError("looked into the table")

    told = delivery(PLAIN, 3, 4)
    assert told
    message, rows = told
    assert new_rows(rows, message, Marks({"s": "002"}), never).num_rows == 4


def test_marks_are_written_as_the_contract_says() -> None:
    marks = Marks.of({})
    marks.note(parse(json.dumps(BODY)))
    marks.note(parse(json.dumps(BODY | {"last": "1", "producers": {"alice": [[5, 9], [2, 3]]}})))
    assert marks.properties() == {
        SOURCE_MARK + "s": "2",
        PRODUCERS_MARK: '{"alice": "0-3,5-9"}',
    }
    assert Marks.of(marks.properties() | {"other": "1"}) == marks


def test_the_producers_that_came_last_are_remembered() -> None:
    marks = Marks()
    for number in range(PRODUCERS_KEPT + 2):  # p0 comes back each time
        marks.note(parse(json.dumps(BODY | {"producers": {f"p{number}": [[0, 1]]}})))
        marks.note(parse(json.dumps(BODY | {"producers": {"p0": [[number, number]]}})))
    kept = Marks.of(marks.properties()).producers
    assert len(kept) == PRODUCERS_KEPT
    assert kept["p0"] == [(0, PRODUCERS_KEPT + 1)]
    assert "p2" not in kept
    assert list(kept)[-2:] == [f"p{PRODUCERS_KEPT + 1}", "p0"]


def test_marks_stay_below_what_glue_takes() -> None:
    holes = [[n, n] for n in range(0, 60_000, 2)]
    marks = Marks()
    for name in ("old", "middle", "new"):
        marks.note(parse(json.dumps(BODY | {"producers": {name: holes}})))
    written = marks.properties()[PRODUCERS_MARK]
    assert len(written) < 512_000
    assert list(json.loads(written)) == ["new"]


@pytest.mark.parametrize(
    "body",
    [
        "oops",
        "[]",
        json.dumps(BODY | {"v": 2}),
        json.dumps({k: v for k, v in BODY.items() if k != "key"}),
        json.dumps(BODY | {"more": 1}),
        json.dumps(BODY | {"producers": {"alice": [1]}}),
    ],
)
def test_a_message_of_another_shape_is_refused(body: str) -> None:
    with pytest.raises(MessageError, match="While reading a message, found"):
        parse(body)
