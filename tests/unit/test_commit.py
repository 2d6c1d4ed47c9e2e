"""The commit function on a real Iceberg table: one append, its marks, and what fails."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyiceberg.exceptions import CommitFailedException

from headrace.lake import PRODUCERS_MARK, QUARANTINE, SOURCE_MARK
from lambdas.commit.append import ATTEMPTS, append, read_staged
from lambdas.commit.resend import parse
from lambdas.table.evolve import ensure
from stream import block
from tests.unit.memory_catalog import MemoryCatalog
from tests.unit.record_path import (
    SHARD,
    Lake,
    golden_event,
    plan,
    sequence,
    small_lake,
    sqs_event,
    table_plan,
)

GOOD = b'{"year":1790,"text":"hello"}'


def lines(count: int) -> list[bytes]:
    return [json.dumps({"year": n, "text": f"t{n}"}).encode() for n in range(count)]


def balanced(lake: Lake, pushed: int) -> bool:
    rows, bad = lake.rows(), lake.rows(QUARANTINE)
    names = [(r["_producer"], r["_counter"]) for r in rows + bad]
    return len(rows) + len(bad) == pushed == len(set(names))


def catalog(lake: Lake) -> MemoryCatalog:
    found = lake.committer.catalog
    assert isinstance(found, MemoryCatalog)
    return found


def test_rows_and_marks_are_committed_together(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        sent = lake.land([block.encode([*lines(3), b"?"], "alice", 0)])
        sent += lake.land([block.encode(lines(2), "alice", 4), GOOD], 1)
        assert lake.commit(sent) == []
        assert catalog(lake).commits == 2  # one for each table, however many messages
        assert [r["text"] for r in lake.rows()] == ["t0", "t1", "t2", "t0", "t1", "hello"]
        marks = lake.properties()
        assert marks[SOURCE_MARK + SHARD] == sequence(2)
        assert marks[PRODUCERS_MARK] == '{"alice": "0-5"}'
        assert lake.properties(QUARANTINE)[PRODUCERS_MARK] == '{"alice": "0-3"}'
        table = catalog(lake).load_table(("tests", "sentences"))
        assert len(table.snapshots()) == 1


def test_every_batch_twice_is_there_once(tmp_path: Path) -> None:
    stream = [block.encode([*lines(5), b"?"], "alice", 6 * n) for n in range(4)]
    with small_lake(tmp_path) as lake:
        for first, last in ((0, 1), (0, 1), (2, 3), (2, 3)):
            sent = lake.land(stream[first : last + 1], first)
            lake.commit(sent)
            lake.commit(sent)
        assert balanced(lake, 24)
        assert lake.outcomes["sentences"].resent == 10


def test_shifted_batches_are_there_once(tmp_path: Path) -> None:
    stream = [b'{"year":%d,"text":"a"}' % n if n % 3 else b"?" for n in range(12)]
    with small_lake(tmp_path) as lake:
        for first, last in ((0, 5), (0, 2), (3, 7), (6, 11), (5, 9)):
            lake.commit(lake.land(stream[first : last + 1], first))
        rows, bad = lake.rows(), lake.rows(QUARANTINE)
        assert sorted(int(r["_sequence"]) for r in rows) == [n for n in range(12) if n % 3]
        assert sorted(int(r["_sequence"]) for r in bad) == [0, 3, 6, 9]


def test_a_late_dead_letter_is_neither_lost_nor_twice(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        dead = lake.land([GOOD] * 3, 0)
        lake.commit(lake.land([GOOD] * 3, 3))
        lake.commit(dead)
        lake.commit(dead)
        assert sorted(int(r["_sequence"]) for r in lake.rows()) == list(range(6))
        assert lake.properties()[SOURCE_MARK + SHARD] == sequence(5)


def test_a_file_pushed_twice_under_one_id_is_there_once(tmp_path: Path) -> None:
    first = [block.encode(lines(4), "alice", 0), block.encode([b"?", *lines(3)], "alice", 4)]
    again = [block.encode([*lines(4), b"?"], "alice", 0), block.encode(lines(3), "alice", 5)]
    with small_lake(tmp_path) as lake:
        lake.commit(lake.land(first, 0))
        lake.commit(lake.land(again, 2))
        assert balanced(lake, 8)
        lake.commit(lake.land([block.encode(lines(4), "bob", 0)], 4))
        assert balanced(lake, 12)


def test_a_crash_after_the_append_lands_nothing_twice(tmp_path: Path) -> None:
    class Dies(MemoryCatalog):
        """Commits, and then the answer is lost."""

        def commit_table(self, table: Any, requirements: Any, updates: Any) -> Any:
            super().commit_table(table, requirements, updates)
            raise ConnectionError("the function died")

    with small_lake(tmp_path) as lake:
        dies = Dies(tmp_path)
        dies.tables = catalog(lake).tables
        sent = lake.land([block.encode([*lines(3), b"?"], "alice", 0)])
        crashed = lake.committer.__class__(dies, lake.s3, "lake", "tests")
        failed, _ = crashed.commit(sqs_event(sent))
        assert failed == ["message-0", "message-1"]
        assert lake.commit(sent) == []
        assert balanced(lake, 4)


def test_what_is_all_known_makes_no_snapshot(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        sent = lake.land([GOOD])
        lake.commit(sent)
        before = catalog(lake).commits
        assert lake.commit(sent) == []
        assert catalog(lake).commits == before


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spans=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)).map(sorted), max_size=4))
def test_any_deliveries_end_balanced(
    tmp_path_factory: pytest.TempPathFactory, spans: list[list[int]]
) -> None:
    blocks = [block.encode([*lines(2), b"?"], "alice", 3 * n) for n in range(3)]
    stream = [*blocks, *blocks]
    with small_lake(tmp_path_factory.mktemp("lake")) as lake:
        for low, high in [*spans, [0, 5]]:
            lake.commit(lake.land(stream[low : high + 1], low))
        assert balanced(lake, 9)


def test_from_the_first_failure_on_a_group_s_messages_come_again(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        good = [m for n in range(3) for m in lake.land([GOOD, b"?"], 2 * n)]
        lost = good[2]
        assert lost["table"] == "sentences"
        lake.s3.delete_object(Bucket="lake", Key=lost["key"])
        assert lake.commit(good) == ["message-2", "message-4"]
        assert "NoSuchKey" in str(lake.outcomes["sentences"].error)
        assert len(lake.rows()) == 1
        assert len(lake.rows(QUARANTINE)) == 3


def test_a_message_that_is_none_stops_only_its_group(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        event = sqs_event(lake.land([GOOD, b"?"]) + lake.land([GOOD], 2))
        event["Records"][0]["body"] = "oops"
        failed, outcomes = lake.committer.commit(event)
        assert failed == ["message-0", "message-2"]
        assert "found 'oops'" in str(outcomes["sentences"].error)
        assert len(lake.rows(QUARANTINE)) == 1


def test_a_message_in_another_table_s_group_fails(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        event = sqs_event(lake.land([GOOD]))
        event["Records"][0]["attributes"]["MessageGroupId"] = "elsewhere"
        failed, outcomes = lake.committer.commit(event)
    assert failed == ["message-0"]
    assert "group of another table" in str(outcomes["elsewhere"].error)


def test_an_event_of_aws_s_own_shape_is_read(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        failed, outcomes = lake.committer.commit(golden_event("sqs_fifo"))
    assert failed == ["11d6ee51-4cc7-4302-9e22-7cd8afdaadf5"]  # its file was never staged
    assert "NoSuchKey" in str(outcomes["sentences"].error)


def test_columns_that_the_table_lacks_fail_by_name(tmp_path: Path) -> None:
    wider = table_plan(
        record=[["year", "long", True], ["text", "string", True], ["party", "string", False]],
        columns=[["year", "long", True], ["text", "string", True], ["party", "string", False]],
    )
    with small_lake(tmp_path / "one", plan(wider)) as new:
        stream = [b'{"year":1,"text":"a","party":"b"}']
        (message,) = new.land(stream)
        staged = read_staged(new.s3, "lake", parse(json.dumps(message)))
    with small_lake(tmp_path / "two") as old:
        name = ("tests", "sentences")
        told = append(old.committer.catalog, name, [parse(json.dumps(message))], lambda m: staged)
        assert "columns ['party'] that table sentences lacks" in str(told.error)
        assert told.committed == 0
        columns = [("party", "string")]
        ensure(
            old.committer.catalog,
            *name,
            (tmp_path / "two" / "sentences").as_uri(),
            [("year", "long"), ("text", "string"), *columns],
        )
        told = append(old.committer.catalog, name, [parse(json.dumps(message))], lambda m: staged)
        assert told.error is None
        old.commit(old.land([GOOD], 5))  # staged before the column was there
        assert {r["party"] for r in old.rows()} == {"b", None}


def test_another_writer_makes_it_look_again(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        sent = lake.land([block.encode(lines(2), "alice", 0)])
        message = parse(json.dumps(sent[0]))
        waits: list[float] = []

        def read(told: Any) -> pa.Table:
            if not waits:
                lake.commit(sent)  # someone commits the same message between look and append
            return read_staged(lake.s3, "lake", told)

        told = append(lake.committer.catalog, ("tests", "sentences"), [message], read, waits.append)
        assert (told.committed, told.rows, told.resent, told.error) == (1, 0, 2, None)
        assert len(waits) == 1
        assert len(lake.rows()) == 2


def test_it_gives_up_where_others_always_write(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        busy = lake.land([GOOD])
        message = parse(json.dumps(lake.land([GOOD], 1)[0]))
        lake.commit(busy)

        def read(told: Any) -> pa.Table:
            table = lake.committer.catalog.load_table(("tests", "sentences"))
            table.append(table.scan().to_arrow())
            return read_staged(lake.s3, "lake", told)

        waits: list[float] = []
        told = append(lake.committer.catalog, ("tests", "sentences"), [message], read, waits.append)
        assert isinstance(told.error, CommitFailedException)
        assert (told.committed, len(waits)) == (0, ATTEMPTS - 1)


def test_metadata_files_stay_few(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        for number in range(26):
            lake.commit(lake.land([GOOD], number))
        assert len(lake.rows()) == 26
    files = list((tmp_path / "sentences" / "metadata").glob("*.metadata.json"))
    assert len(files) == 21  # the current one and 20 before it


def test_types_survive_the_way_to_the_table(tmp_path: Path) -> None:
    columns = [
        ["a", "long", True],
        ["b", "double", True],
        ["c", "boolean", True],
        ["d", "date", True],
        ["e", "timestamptz", True],
        ["f", "binary", True],
    ]
    record = {"a": 2**63 - 1, "b": 1, "c": False, "d": "1790-01-08", "e": "1790-01-08T12:00:00Z"}
    with small_lake(tmp_path, plan(table_plan(record=columns, columns=columns))) as lake:
        lake.commit(lake.land([json.dumps(record | {"f": "aGk="}).encode()]))
        (row,) = lake.rows()
    noon = datetime.datetime(1790, 1, 8, 12, tzinfo=datetime.UTC)
    told = {"a": 2**63 - 1, "b": 1.0, "c": False, "d": noon.date(), "e": noon, "f": b"hi"}
    assert {name: row[name] for name in told} == told
