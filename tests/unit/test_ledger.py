"""The books: what counts as pushed, how rows are looked for, and when they balance."""

from collections import Counter
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from moto import mock_aws

from headrace import landed, ledger, plan, pushed, stuck
from stream import block
from stream.kinesis import StreamRecord

SPEECHES = plan.load("speeches")
GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def record(shard: str, sequence: str, data: bytes) -> StreamRecord:
    return StreamRecord(shard, sequence, "key", data)


def numbered(producer: str, first: int, count: int) -> bytes:
    return block.encode([b"{}"] * count, producer, first)


def test_numbered_records_count_once_and_others_each_time() -> None:
    was = pushed.pushed(
        [
            record("s-0", "001", numbered("p", 0, 10)),
            record("s-0", "002", numbered("p", 0, 10)),  # all of it again
            record("s-0", "003", numbered("p", 5, 10)),  # half of it again
            record("s-0", "004", b'{"year": 1}'),
            record("s-0", "005", b'{"year": 1}'),
            record("s-0", "006", b"\x00garbage"),
            record("s-1", "007", numbered("p", 12, 5)),  # two more, the rest from elsewhere
            record("s-1", "008", numbered("q", 0, 1)),
            record("s-1", "009", numbered("r", 7, 0)),  # a block of nothing
        ]
    )
    assert list(was.counts()) == [("s-0", 15 + 2 + 1, 15), ("s-1", 2 + 1, 3)]
    assert was.total() == 21
    assert was.counters() == {"p": [(0, 16)], "q": [(0, 0)]}


def test_rows_are_looked_for_by_number_or_from_the_first_sequence_number() -> None:
    was = pushed.pushed(
        [
            record("shardId-0", "0495", numbered("laptop-1", 0, 3)),
            record("shardId-0", "0496", numbered("laptop-1", 8, 2)),
            record("shardId-1", "0497", b"{}"),
        ]
    )
    golden = (GOLDEN / "ledger.sql").read_text()
    assert "\n".join(landed.statements(SPEECHES, was)) + "\n" == golden


def test_a_statement_stays_below_athenas_limit() -> None:
    records = [record("s", f"{n:056}", numbered(f"{n}" + "x" * 120, n, 1)) for n in range(1200)]
    statements = list(landed.statements(SPEECHES, pushed.pushed(records)))
    assert len(statements) > 1
    assert max(map(len, statements)) < 262_144
    assert sum(s.count("BETWEEN") for s in statements) == 2 * 1200  # once a table


def test_an_empty_stream_asks_nothing() -> None:
    def ask(sql: str) -> pa.Table:
        raise AssertionError(sql)

    assert landed.landed(SPEECHES, pushed.Pushed({}), ask).total() == 0


def found(rows: dict[str, int], bad: dict[str, int]) -> landed.Landed:
    return landed.Landed(Counter(rows), Counter(bad), Counter())


def books(lines: list[ledger.Line]) -> ledger.Ledger:
    return ledger.Ledger(lines, {}, stuck.Stuck())


def test_the_books_balance_shard_by_shard() -> None:
    was = pushed.pushed([record("s-0", "1", numbered("p", 0, 10))])
    (line,) = ledger.balance(was, found({"s-0": 9}, {"s-0": 1}))
    assert line == ledger.Line("s-0", 10, 0, 9, 1)
    assert line.missing == 0
    assert books([line]).verdict().startswith("Every record is there, and once: 10 pushed")


def test_a_loss_in_one_shard_is_not_paid_by_a_double_in_another() -> None:
    was = pushed.pushed(
        [record("s-0", "1", numbered("p", 0, 10)), record("s-1", "2", numbered("p", 10, 10))]
    )
    taken = books(ledger.balance(was, found({"s-0": 9, "s-1": 11}, {})))
    assert taken.sum().missing == 0
    assert not taken.balanced
    assert taken.verdict().startswith(
        "1 records are missing, or still on their way, and 1 too many"
    )
    assert taken.table().num_rows == 3  # both and the sum


def test_rows_of_a_source_that_nobody_pushed_to_are_shown() -> None:
    (line,) = ledger.balance(pushed.Pushed({}), found({"s-9": 2}, {}))
    assert (line.source, line.missing) == ("s-9", -2)


def test_an_empty_stream_has_nothing_to_compare() -> None:
    assert "nothing to compare" in books([]).verdict()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():

        def client(service: str) -> Any:
            return boto3.client(service, region_name="us-east-1")

        client("s3").create_bucket(Bucket="lake")
        client("kinesis").create_stream(StreamName=SPEECHES.stream, ShardCount=1)
        for name in (SPEECHES.commit_queue, SPEECHES.commit_dead_letters):
            client("sqs").create_queue(QueueName=name, Attributes={"FifoQueue": "true"})
        yield client


def send(client: Any, queue: str) -> None:
    url = client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
    client("sqs").send_message(
        QueueUrl=url, MessageBody="{}", MessageGroupId="t", MessageDeduplicationId="1"
    )


def test_what_waits_or_was_given_up_is_found(account: Any) -> None:
    body = b'{"KinesisBatchInfo": {"shardId": "s", "batchSize": 3}, "payload": "..."}'
    account("s3").put_object(Bucket="lake", Key="aws/lambda/a/b/1.json", Body=body)
    account("s3").put_object(Bucket="lake", Key="raw/other", Body=b"")
    send(account, SPEECHES.commit_queue)
    send(account, SPEECHES.commit_dead_letters)
    now = stuck.look(SPEECHES, account, "lake")
    assert now == stuck.Stuck(1, 3, 1, 1)
    assert now.given_up == 2


def answering(*counts: int) -> Any:
    left = list(counts)

    def ask(sql: str) -> pa.Table:
        n = left.pop(0) if len(left) > 1 else left[0]
        shard = "shardId-000000000000"
        row = {"of_table": "sentences", "source": shard, "reason": None, "n": n}
        return pa.Table.from_pylist([row])

    return ask


def waiting(account: Any, ask: Any, **settings: Any) -> ledger.Ledger:
    account("kinesis").put_record(
        StreamName=SPEECHES.stream, Data=numbered("p", 0, 5), PartitionKey="k"
    )
    ticks = iter(range(1000))
    return ledger.wait(
        SPEECHES, account, "lake", ask,
        clock=lambda: float(next(ticks)), sleep=lambda s: None, **settings,
    )  # fmt: skip


def test_waiting_ends_when_all_has_landed(account: Any) -> None:
    seen: list[tuple[int, int]] = []
    taken = waiting(account, answering(0, 2, 5), on_count=lambda *now: seen.append(now))
    assert seen == [(0, 5), (2, 5), (5, 5)]
    assert taken.balanced


def test_waiting_gives_up_when_nothing_more_lands(account: Any) -> None:
    with pytest.raises(ledger.NotLandedError, match=r"5 records to land, found 2 of them"):
        waiting(account, answering(0, 2), patience_s=10)


def test_waiting_gives_up_at_the_first_dead_letter(account: Any) -> None:
    def ask(sql: str) -> pa.Table:
        send(account, SPEECHES.commit_dead_letters)
        return answering(2)(sql)

    with pytest.raises(ledger.NotLandedError, match="1 dead letters"):
        waiting(account, ask)


def test_letters_that_were_dead_before_stop_nobody(account: Any) -> None:
    send(account, SPEECHES.commit_dead_letters)
    assert waiting(account, answering(0, 5)).stuck.dead_letters == 1
