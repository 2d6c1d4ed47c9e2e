"""The producer: what is pushed is in the stream, once, in order, within the limits."""

from __future__ import annotations

import datetime
import json
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from stream import block, kinesis, lines, pack
from stream.producer import Producer, ProducerError, Receipt
from stream.send import ATTEMPTS

Fail = Callable[[int, int], str | None]


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class FakeKinesis:
    """A stream that fails as told: by the number of the call and the entry's place in it."""

    def __init__(self, shards: int = 1, fail: Fail = lambda call, place: None) -> None:
        self.starts = [i * 2**128 // shards for i in range(shards)]
        self.fail = fail
        self.calls: list[list[dict[str, Any]]] = []
        self.taken: list[tuple[str, dict[str, Any]]] = []

    def list_shards(self, **words: Any) -> dict[str, Any]:
        ends = [*(s - 1 for s in self.starts[1:]), 2**128 - 1]
        return {
            "Shards": [
                {
                    "ShardId": f"shard-{i}",
                    "HashKeyRange": {"StartingHashKey": str(a), "EndingHashKey": str(b)},
                    "SequenceNumberRange": {"StartingSequenceNumber": "0"},
                }
                for i, (a, b) in enumerate(zip(self.starts, ends, strict=True))
            ]
        }

    def put_records(self, StreamName: str, Records: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls.append(Records)
        answers = []
        errors = [self.fail(len(self.calls) - 1, place) for place in range(len(Records))]
        for code in ("ProvisionedThroughputExceededException", "AccessDenied"):
            if f"raise {code}" in errors:
                raise ClientError({"Error": {"Code": code}}, "PutRecords")
        for record, error in zip(Records, errors, strict=True):
            if error and error != "answer lost":
                answers.append({"ErrorCode": error, "ErrorMessage": "slow down"})
                continue
            number = int(record.get("ExplicitHashKey", lines.hash_key(record["PartitionKey"])))
            shard = f"shard-{sum(start <= number for start in self.starts) - 1}"
            self.taken.append((shard, record))
            answers.append({"ShardId": shard, "SequenceNumber": str(len(self.taken))})
        if "answer lost" in errors:
            raise ReadTimeoutError(endpoint_url="nowhere")
        return {"FailedRecordCount": sum("ErrorCode" in a for a in answers), "Records": answers}

    def blocks(self) -> list[tuple[str, block.Block]]:
        parts = [(s, part) for s, r in self.taken for part in block.decode(r["Data"])]
        assert all(isinstance(part, block.Block) for _, part in parts)
        return parts  # type: ignore[return-value]


def push(client: Any, records: Any, **words: Any) -> tuple[Receipt, Clock]:
    clock = Clock()
    given: dict[str, Any] = {"rng": random.Random(1), "block_bytes": 200, "key": "k"} | words
    producer = Producer(client, "s", clock=clock, sleep=clock.sleep, **given)
    return producer.push(records), clock


def records(count: int) -> list[dict[str, Any]]:
    return [{"k": n % 7, "n": n} for n in range(count)]


def numbers(client: FakeKinesis) -> dict[tuple[str, int], bytes]:
    """Each numbered record once: its name and its line."""
    named: dict[tuple[str, int], bytes] = {}
    for _, part in client.blocks():
        assert part.header
        for counter, line in enumerate(part.lines, part.header.first):
            assert (part.header.producer, counter) not in named
            named[part.header.producer, counter] = line
    return named


def by_key(client: FakeKinesis) -> dict[Any, list[int]]:
    order: dict[Any, list[int]] = defaultdict(list)
    for _, part in client.blocks():
        for line in part.lines:
            record = json.loads(line)
            order[record["k"]].append(record["n"])
    return order


def test_everything_is_in_once_and_numbered_without_a_gap() -> None:
    client = FakeKinesis(3)
    receipt, _ = push(client, records(100), producer="alice")
    named = numbers(client)
    assert {name for name, _ in named} == {"alice"}
    assert sorted(counter for _, counter in named) == list(range(100))
    assert sorted(json.loads(line)["n"] for line in named.values()) == list(range(100))
    assert (receipt.records, receipt.retries, receipt.producer) == (100, 0, "alice")
    assert receipt.blocks == len(client.taken)
    assert sum(receipt.shards.values()) == 100
    assert receipt.bytes == sum(len(r["Data"]) + len("alice") for _, r in client.taken)


def test_a_key_lies_in_the_shard_of_its_hash_and_in_order() -> None:
    client = FakeKinesis(4)
    push(client, records(200))
    for shard, part in client.blocks():
        for line in part.lines:
            number = lines.hash_key(str(json.loads(line)["k"]))
            assert shard == f"shard-{number * 4 >> 128}"
    assert all(order == sorted(order) for order in by_key(client).values())


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 20), max_size=60), st.integers(1, 6), st.integers(1, 6))
def test_numbers_do_not_depend_on_shards(keys: list[int], one: int, two: int) -> None:
    given = [{"k": key, "n": place} for place, key in enumerate(keys)]
    first, second = FakeKinesis(one), FakeKinesis(two)
    push(first, given, producer="p")
    push(second, given, producer="p", block_bytes=90)
    assert numbers(first) == numbers(second)
    assert len(numbers(first)) == len(given)


@given(st.lists(st.integers(0, 9), max_size=40), st.integers(1, 12))
def test_windows_are_runs(keys: list[int], size: int) -> None:
    items = list(lines.items([{"k": key} for key in keys], "k"))
    first = 0
    for window in pack.windows(items, records=size):
        assert len(window) <= size
        starts = [0, 2**126, 2**127]
        parcels = pack.cut(window, first, starts, "p", None, 50)
        runs = []
        for parcel in (p for several in parcels for p in several):
            (part,) = block.decode(parcel.data)
            assert isinstance(part, block.Block)
            assert part.header
            runs += list(range(part.header.first, part.header.first + part.header.count))
        assert runs == list(range(first, first + len(window)))
        first += len(window)
    assert first == len(keys)


def test_a_window_closes_by_bytes_too() -> None:
    items = lines.items([{"k": "x" * 100}] * 10, "k")
    assert [len(w) for w in pack.windows(items, size=250)] == [3, 3, 3, 1]


def test_what_is_pushed_in_several_calls_is_numbered_on() -> None:
    client = FakeKinesis()
    producer = Producer(client, "s", producer="p")
    producer.push(records(5))
    producer.push(records(5))
    assert sorted(n for _, n in numbers(client)) == list(range(10))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.booleans())
def test_failures_lose_nothing_and_keep_the_order(seed: int, shards: int, whole: bool) -> None:
    rng = random.Random(seed)
    codes = ["ProvisionedThroughputExceededException", "InternalFailure"]
    codes += ["raise ProvisionedThroughputExceededException"] if whole else []
    client = FakeKinesis(
        shards, lambda call, place: rng.choice(codes) if rng.random() < 0.3 else None
    )
    receipt, _ = push(client, records(80))
    assert len(numbers(client)) == receipt.records == 80
    assert all(order == sorted(order) for order in by_key(client).values())
    sent = sum(len(call) for call in client.calls)
    assert receipt.retries == sent - len(client.taken)


def test_an_answer_that_is_lost_sends_under_the_same_numbers() -> None:
    client = FakeKinesis(2, lambda call, place: "answer lost" if call in (0, 2) else None)
    receipt, _ = push(client, records(60))
    sent_as: dict[int, set[bytes]] = defaultdict(set)
    sent = 0
    for _, part in client.blocks():
        assert part.header
        sent += len(part.lines)
        for counter, line in enumerate(part.lines, part.header.first):
            sent_as[counter].add(line)
    assert receipt.records == 60 < sent
    assert sorted(sent_as) == list(range(60))
    assert all(len(several) == 1 for several in sent_as.values())


def test_only_what_failed_goes_again() -> None:
    client = FakeKinesis(
        4, lambda call, place: "InternalFailure" if (call, place) == (0, 1) else None
    )
    receipt, clock = push(client, records(28), block_bytes=10**6)
    sent = [r["Data"] for call in client.calls for r in call]
    assert len(client.calls[0]) == len(client.taken)
    assert sent.count(client.calls[0][1]["Data"]) == 2
    assert len(sent) == len(client.taken) + 1
    assert receipt.retries == 1
    assert clock.now >= 0.05


def test_plain_failures_leave_what_went_in() -> None:
    client = FakeKinesis(
        1, lambda call, place: "InternalFailure" if call == 0 and place % 2 else None
    )
    receipt, _ = push(client, records(20), plain=True)
    assert sorted(json.loads(r["Data"])["n"] for _, r in client.taken) == list(range(20))
    assert (receipt.records, receipt.producer, receipt.retries) == (20, None, 10)


def test_a_shard_that_always_refuses_is_given_up() -> None:
    client = FakeKinesis(1, lambda call, place: "ProvisionedThroughputExceededException")
    with pytest.raises(ProducerError, match=r"slow down.*after 0 records.*again with the id bob"):
        push(client, records(3), producer="bob")
    assert len(client.calls) == ATTEMPTS


def test_an_error_that_does_not_pass_is_not_tried_again() -> None:
    client = FakeKinesis(1, lambda call, place: "raise AccessDenied")
    with pytest.raises(ProducerError, match="AccessDenied"):
        push(client, records(3))
    assert len(client.calls) == 1


def test_a_shard_gets_its_mebibyte_a_second() -> None:
    rng = random.Random(3)
    noise = [{"k": 1, "n": rng.randbytes(30_000).hex()} for _ in range(150)]
    receipt, clock = push(FakeKinesis(), noise, block_bytes=200_000)
    assert receipt.bytes / (1 << 20) - 1 < clock.now < receipt.bytes / (1 << 20) * 1.2 + 1


def test_a_shard_gets_its_thousand_records_a_second_in_requests_of_500_at_most() -> None:
    client = FakeKinesis()
    _, clock = push(client, records(5000), plain=True)
    assert 4 < clock.now < 6
    assert max(len(call) for call in client.calls) <= 500
    many = FakeKinesis(40)
    _, clock = push(many, records(5000), plain=True, key="n")
    assert max(len(call) for call in many.calls) == 500
    assert clock.now < 1


def test_requests_stay_below_their_limit() -> None:
    rng = random.Random(3)
    noise = [{"n": rng.randbytes(300_000).hex()} for _ in range(30)]
    client = FakeKinesis(20)
    push(client, noise, key=None, block_bytes=100_000)
    sizes = [sum(len(r["Data"]) for r in call) for call in client.calls]
    assert max(sizes) <= 5 << 20


def test_a_record_above_a_mebibyte_is_refused_with_its_size() -> None:
    noise = random.Random(3).randbytes(900_000).hex()
    with pytest.raises(ProducerError, match=r"found 1\d{6} bytes .*limit 1048576"):
        push(FakeKinesis(), [{"n": noise + noise[::-1]}, {"n": 1}], key=None)


def test_large_records_do_not_make_each_other_too_large() -> None:
    noise = [{"n": random.Random(n).randbytes(450_000).hex()} for n in range(4)]
    client = FakeKinesis()
    receipt, _ = push(client, noise, key=None, block_bytes=512 << 10)
    assert (receipt.blocks, receipt.records) == (4, 4)


def test_plain_records_are_documents_of_their_own() -> None:
    client = FakeKinesis(2)
    push(client, [{"k": "a", "n": 1}, b'{"k":"b"}'], plain=True)
    assert sorted(r["Data"] for _, r in client.taken) == [b'{"k":"a","n":1}', b'{"k":"b"}']
    assert {r["PartitionKey"] for _, r in client.taken} == {"a", "b"}


def test_without_a_key_records_are_spread() -> None:
    client = FakeKinesis(4)
    receipt, _ = push(client, [b"{}"] * 400, key=None)
    assert min(receipt.shards.values()) > 60


def test_text_and_dicts_get_the_same_key() -> None:
    for value, key in (("é", "é"), (1790, "1790"), (True, "true"), ([1], "[1]"), ("", "-")):
        one, two = {"k": value}, json.dumps({"k": value}).encode()
        assert [i.key for i in lines.items([one, two], "k")] == [key, key]
    assert len(next(iter(lines.items([{"k": "x" * 300}], "k"))).key) == 256


def test_a_line_that_is_no_record_is_sent_as_it_is() -> None:
    client = FakeKinesis()
    push(client, [b"oops", '{"z":1}', b"", b'{"k":1}\r\n'])
    assert set(numbers(client).values()) == {b"oops", b'{"z":1}', b"", b'{"k":1}'}


def test_a_document_of_several_lines_becomes_one() -> None:
    assert lines.encode(b'{\n "a": 1\n}\n') == b'{"a":1}'
    with pytest.raises(lines.PackError, match=r"record 1, found text of several lines"):
        list(lines.items([b"{}", b"oops\nagain"], None))


def test_values_that_json_lacks_are_not_made_null() -> None:
    assert lines.encode({"a": float("nan"), "b": None}) == b'{"a":NaN,"b":null}'
    assert lines.encode({"a": float("inf")}) == b'{"a":Infinity}'
    noon = datetime.datetime(2020, 1, 1, 12, tzinfo=datetime.UTC)
    for null in (1, None):
        line = lines.encode({"t": noon, "d": noon.date(), "b": b"hi", "n": null})
        assert datetime.datetime.fromisoformat(json.loads(line)["t"]) == noon
        assert json.loads(line)["d"] == "2020-01-01"
        assert json.loads(line)["b"] == "aGk="
    assert lines.encode({"a": "\ud800"}) == b'{"a": "\\ud800"}'


def test_a_value_that_has_no_json_names_its_record() -> None:
    with pytest.raises(lines.PackError, match="While packing record 1, found"):
        list(lines.items([{}, {"a": object()}], None))


def test_an_id_must_be_plain() -> None:
    with pytest.raises(ProducerError, match="found the id 'a b'"):
        Producer(FakeKinesis(), "s", producer="a b")


def test_progress_is_told() -> None:
    told: list[int] = []
    push(FakeKinesis(), records(50), progress=lambda receipt: told.append(receipt.records))
    assert told == sorted(told)
    assert told[-1] == 50


@mock_aws
def test_what_is_pushed_into_a_stream_is_read_back() -> None:
    client = boto3.client("kinesis", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    client.create_stream(StreamName="s", ShardCount=3)
    receipt, _ = push(client, records(300), producer="p")
    client.put_record(StreamName="s", Data=b"?", PartitionKey="x")
    counts = [kinesis.count_records(r.data) for r in kinesis.read(client, "s", lambda s: None)]
    assert sum(c.total for c in counts) == 301
    assert sum(c.unreadable for c in counts) == 1
    runs = sorted((first, count) for c in counts for _, first, count in c.numbered)
    assert [n for first, count in runs for n in range(first, first + count)] == list(range(300))
    assert sum(receipt.shards.values()) == 300
    assert set(receipt.shards) <= {s.id for s in kinesis.list_shards(client, "s")}


@mock_aws
def test_parents_come_before_their_children() -> None:
    client = boto3.client("kinesis", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
    client.create_stream(StreamName="s", ShardCount=2)
    client.split_shard(
        StreamName="s", ShardToSplit="shardId-000000000001", NewStartingHashKey=str(3 * 2**126)
    )
    push(client, records(50), producer="p")
    shards = kinesis.list_shards(client, "s")
    seen: set[str] = set()
    for shard in shards:
        assert set(shard.parents) <= seen
        seen.add(shard.id)
    assert [s.open for s in shards].count(False) == 1
    total = sum(kinesis.count_records(r.data).total for r in kinesis.read(client, "s"))
    assert total == 50
