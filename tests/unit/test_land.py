"""The land function: what arrives is archived, staged or quarantined, and told in order."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from headrace.lake import QUARANTINE
from lambdas.land.events import EventError, kinesis_batch
from lambdas.land.landing import Landing
from stream import block
from tests.unit.record_path import (
    RECORD,
    SHARD,
    golden_event,
    kinesis_event,
    plan,
    rows_of,
    sequence,
    small_lake,
    table_plan,
)
from tests.unit.test_block import aggregate

GOOD = b'{"year":1790,"text":"hello"}'
OURS = block.encode([GOOD, b"oops", GOOD], "alice", 100)

#: Every kind of stream record that is wrong as a whole, or holds one record that is.
BAD = {
    "not JSON": b"oops",
    "wrong type": b'{"year":"1790","text":"a"}',
    "missing field": b'{"year":1790}',
    "extra field": b'{"year":1790,"text":"a","more":1}',
    "truncated block": block.encode([GOOD] * 3, "p", 0)[:-5],
    "zip bomb": zstandard.compress(bytes(300 << 20)),
    "gzip bomb": gzip.compress(bytes(80 << 20), 1),
    "wrong count": zstandard.compress(b'{"headrace":1,"producer":"p","first":0,"count":9}\n{}'),
    "garbage after": gzip.compress(GOOD) + b"x",
    "checksum": aggregate([GOOD])[:-1] + b"?",
    "array": b"[]",
    "empty": b"",
    "two documents": GOOD + b"\n" + GOOD,
}


def by_table(messages: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {message["table"]: message for message in messages}


@pytest.mark.parametrize("kind", BAD)
def test_what_is_bad_is_one_row_in_quarantine_and_stops_nothing(kind: str, tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        told = by_table(lake.land([GOOD, BAD[kind], GOOD]))
        assert [r["_sequence"] for r in lake.staged(told["sentences"])] == [
            sequence(0),
            sequence(2),
        ]
        (row,) = lake.staged(told[QUARANTINE])
    assert row["bytes"] == BAD[kind]
    assert row["reason"].strip()
    assert (row["_source"], row["_sequence"], row["_index"]) == (SHARD, sequence(1), 0)


def test_rows_carry_their_lineage(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        told = by_table(lake.land([OURS, aggregate([GOOD, OURS, GOOD])]))
        rows = lake.staged(told["sentences"])
        bad = lake.staged(told[QUARANTINE])
    lineage = [(r["_sequence"], r["_index"], r["_producer"], r["_counter"]) for r in rows]
    assert lineage == [
        (sequence(0), 0, "alice", 100),
        (sequence(0), 2, "alice", 102),
        (sequence(1), 0, None, None),
        (sequence(1), 1, "alice", 100),
        (sequence(1), 3, "alice", 102),
        (sequence(1), 4, None, None),
    ]
    assert [(r["_index"], r["_counter"], r["intended"]) for r in bad] == [
        (1, 101, "sentences"),
        (2, 101, "sentences"),
    ]


def test_the_message_is_the_contracts(tmp_path: Path) -> None:
    other = block.encode([GOOD] * 2, "bob", 7)
    with small_lake(tmp_path) as lake:
        (message,) = lake.land([block.encode([GOOD] * 5, "alice", 0), other, other], 3)
    assert message == {
        "v": 1,
        "table": "sentences",
        "key": f"staged/sentences/{SHARD}/{sequence(3)}-{sequence(5)}.parquet",
        "rows": 9,
        "source": SHARD,
        "first": sequence(3),
        "last": sequence(5),
        "producers": {"alice": [[0, 4]], "bob": [[7, 8]]},
    }


def test_messages_are_sent_once_under_the_key_s_hash(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []

    class Sqs:
        def send_message(self, **words: Any) -> None:
            sent.append(words)

    with small_lake(tmp_path) as lake:
        land = lake.lander.__class__(**{**lake.lander.__dict__, "sqs": Sqs()})
        land.land(kinesis_event([GOOD, b"oops"]))
    assert [m["MessageGroupId"] for m in sent] == ["sentences", QUARANTINE]
    for message in sent:
        key = json.loads(message["MessageBody"])["key"]
        assert message["MessageDeduplicationId"] == hashlib.sha256(key.encode()).hexdigest()


def test_nothing_is_told_before_everything_is_staged(tmp_path: Path) -> None:
    class Sqs:
        def send_message(self, **words: Any) -> None:
            listed = lake.s3.list_objects_v2(Bucket="lake")["Contents"]
            assert [o["Key"].split("/")[0] for o in listed] == ["raw", "staged", "staged"]
            raise ConnectionError("no queue")

    with small_lake(tmp_path) as lake:
        land = lake.lander.__class__(**{**lake.lander.__dict__, "sqs": Sqs()})
        with pytest.raises(ConnectionError):
            land.land(kinesis_event([GOOD, b"oops"]))


def test_the_batch_is_archived_as_it_came(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        lake.land([GOOD, b"oops", OURS])
        rows = lake.object(f"raw/{SHARD}/{sequence(0)}-{sequence(2)}.parquet")
    assert [(r["sequence"], r["data"]) for r in rows] == [
        (sequence(0), GOOD),
        (sequence(1), b"oops"),
        (sequence(2), OURS),
    ]
    assert rows[0]["partition_key"] == "1"
    assert rows[0]["arrived"].timestamp() == 1545084650.987


def test_what_is_delivered_again_is_written_the_same(tmp_path: Path) -> None:
    stream = [OURS, GOOD, b"oops"]
    with small_lake(tmp_path) as lake:
        told = lake.land(stream)
        before = {o["Key"]: o["ETag"] for o in lake.s3.list_objects_v2(Bucket="lake")["Contents"]}
        assert lake.land(stream) in ([], told)  # a queue knows a message for five minutes
        after = {o["Key"]: o["ETag"] for o in lake.s3.list_objects_v2(Bucket="lake")["Contents"]}
    assert before == after


def test_tables_are_told_by_the_header(tmp_path: Path) -> None:
    numbers = table_plan("numbers", record=[["n", "long", True]], columns=[["n", "long", True]])
    stream = [
        block.encode([b'{"n":1}', b"{}"], "p", 0, "numbers"),
        block.encode([GOOD], "p", 2),
        block.encode([GOOD], "p", 3, "nowhere"),
        block.encode([GOOD], "p", 4, QUARANTINE),
    ]
    with small_lake(tmp_path, plan(table_plan(), numbers)) as lake:
        told = by_table(lake.land(stream))
        assert [r["n"] for r in lake.staged(told["numbers"])] == [1]
        assert [r["_counter"] for r in lake.staged(told["sentences"])] == [2]
        bad = {r["_counter"]: (r["intended"], r["reason"]) for r in lake.staged(told[QUARANTINE])}
    assert bad == {
        1: ("numbers", "field `n` is missing"),
        3: ("nowhere", "study has no table `nowhere`"),
        4: (QUARANTINE, f"study has no table `{QUARANTINE}`"),
    }


def test_a_transform_s_failures_are_quarantined_with_their_bytes(tmp_path: Path) -> None:
    scored = table_plan(
        columns=[*RECORD, ["sentiment", "double", True]], transform="studies.speeches.mood:score"
    )
    refused = table_plan("refused", transform="studies.speeches.mood:score")
    stream = [
        block.encode([GOOD, b"?"], "p", 0),
        block.encode([GOOD], "p", 2, "refused"),
    ]
    with small_lake(tmp_path, plan(scored, refused)) as lake:
        told = by_table(lake.land(stream))
        (row,) = lake.staged(told["sentences"])
        assert row["sentiment"] == 0.0
        bad = lake.staged(told[QUARANTINE])
    assert [(r["bytes"], r["_counter"]) for r in bad] == [(b"?", 1), (GOOD, 2)]
    assert bad[1]["reason"].startswith("transform: gave columns ['year', 'text', 'sentiment']")


def test_many_small_records_and_chunks_lose_nothing(tmp_path: Path) -> None:
    stream = [GOOD] * 50 + [block.encode([GOOD, b"?"] * 20, "p", 0)] + [b"?"] * 7
    with small_lake(tmp_path) as lake:
        tables, quarantine = lake.lander.tables, lake.lander.quarantine
    landing = Landing(tables, quarantine, kinesis_batch(kinesis_event(stream)), chunk_bytes=100)
    found = [rows_of(landing.staged[name].close()) for name in ("sentences", QUARANTINE)]
    names = [(r["_sequence"], r["_index"]) for rows in found for r in rows]
    assert ([len(rows) for rows in found], len(set(names))) == ([70, 27], 97)


def test_an_event_of_aws_s_own_shape_lands(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        rows = lake.lander.land(golden_event("kinesis"))
        told = by_table(lake.messages())
        (bad,) = lake.staged(told[QUARANTINE])
    assert rows == {"sentences": 1, QUARANTINE: 1}
    assert told["sentences"]["source"] == "shardId-000000000006"
    assert bad["bytes"] == b"This is only a test."


def test_an_empty_block_is_no_row(tmp_path: Path) -> None:
    with small_lake(tmp_path) as lake:
        assert lake.land([block.encode([], "p", 0), gzip.compress(b"")]) == []


def test_records_of_two_shards_are_no_batch() -> None:
    two = kinesis_event([GOOD, GOOD])
    two["Records"][1]["eventID"] = "shardId-000000000001:1"
    none: dict[str, Any] = {"Records": []}
    for event in (two, none):
        with pytest.raises(EventError, match="shards"):
            kinesis_batch(event)


def test_memory_is_that_of_one_block_at_a_time(tmp_path: Path) -> None:
    # 40 MiB of JSON in ten blocks: rows are kept compressed, so peak memory stays below it.
    import tracemalloc

    text = json.dumps({"year": 1, "text": "x" * 1000}).encode()
    data = block.encode([text] * 4000, "p", 0)
    with small_lake(tmp_path) as lake:
        tables, bad = lake.lander.tables, lake.lander.quarantine
    batch = kinesis_batch(kinesis_event([data] * 10))
    tracemalloc.start()
    try:
        landing = Landing(tables, bad, batch)
        assert tracemalloc.get_traced_memory()[1] < 40 << 20
    finally:
        tracemalloc.stop()
    assert landing.staged["sentences"].rows == 40_000
