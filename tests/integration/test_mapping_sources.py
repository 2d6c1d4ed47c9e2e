"""What mappings rely on: streams and queues that keep and deliver as AWS's do.

Each test says what moto alone does otherwise.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.deployed import Deployed, unique

SHARD = "shardId-000000000000"


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


def iterator(deployed: Deployed, stream: str, kind: str, shard: str = SHARD, **more: Any) -> str:
    got = deployed.cloud.client("kinesis").get_shard_iterator(
        StreamName=stream, ShardId=shard, ShardIteratorType=kind, **more
    )
    return str(got["ShardIterator"])


def read(deployed: Deployed, start: str) -> list[bytes]:
    """All that a GetRecords loop gives, from an iterator to the end."""
    kinesis, found = deployed.cloud.client("kinesis"), []
    while start:
        got = kinesis.get_records(ShardIterator=start, Limit=3)
        found += [record["Data"] for record in got["Records"]]
        if not got["Records"]:
            break
        start = got.get("NextShardIterator", "")
    return found


def test_sequence_numbers_have_56_digits_and_grow(deployed: Deployed) -> None:
    """Moto numbers 1, 2, 3: text that does not sort."""
    stream, _ = deployed.stream()
    numbers = [*deployed.put(stream, *"abc"), *deployed.put(stream, *map(str, range(300)))]
    assert {len(number) for number in numbers} == {56}
    assert numbers == sorted(set(numbers))


def test_iterators_at_after_latest_and_by_time(deployed: Deployed) -> None:
    stream, arn = deployed.stream()
    a, b, _ = deployed.put(stream, "a", "b", "c")
    at = {"StartingSequenceNumber": b}
    assert read(deployed, iterator(deployed, stream, "TRIM_HORIZON")) == [b"a", b"b", b"c"]
    assert read(deployed, iterator(deployed, stream, "AT_SEQUENCE_NUMBER", **at)) == [b"b", b"c"]
    assert read(deployed, iterator(deployed, stream, "AFTER_SEQUENCE_NUMBER", **at)) == [b"c"]
    latest = iterator(deployed, stream, "LATEST")
    time.sleep(0.05)
    now = time.time()
    deployed.put(stream, "d")
    assert read(deployed, latest) == [b"d"]
    assert read(deployed, iterator(deployed, stream, "AT_TIMESTAMP", Timestamp=now)) == [b"d"]
    assert read(deployed, iterator(deployed, stream, "AT_TIMESTAMP", Timestamp=0))[0] == b"a"
    assert read(deployed, iterator(deployed, stream, "AT_TIMESTAMP", Timestamp=now + 60)) == []
    kinesis = deployed.cloud.client("kinesis")
    by_arn = kinesis.get_shard_iterator(
        StreamARN=arn,
        ShardId=SHARD,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=a,
    )["ShardIterator"]  # moto writes `None` into it for the stream's name
    assert read(deployed, by_arn)[0] == b"a"


def test_one_read_gives_ten_mebibytes_at_most(deployed: Deployed) -> None:
    """Moto gives all."""
    stream, _ = deployed.stream()
    for _ in range(3):
        deployed.put(stream, *["x" * 1_000_000] * 5)
    kinesis = deployed.cloud.client("kinesis")
    got = kinesis.get_records(ShardIterator=iterator(deployed, stream, "TRIM_HORIZON"))
    assert len(got["Records"]) == 10
    assert len(kinesis.get_records(ShardIterator=got["NextShardIterator"])["Records"]) == 5


def test_what_is_put_is_held_to_the_limits(deployed: Deployed) -> None:
    """Moto takes 5 MB together, and any size by PutRecord."""
    stream, arn = deployed.stream()
    deployed.put(stream, *["x" * ((1 << 20) - 1)] * 9)
    kinesis = deployed.cloud.client("kinesis")
    too_many = [{"Data": b"x", "PartitionKey": "k"}] * 501
    with pytest.raises(ClientError, match="less than or equal to 500"):
        kinesis.put_records(StreamName=stream, Records=too_many)
    with pytest.raises(ClientError, match="10 MB limit"):
        deployed.put(stream, *["x" * 1_000_000] * 11)
    for put in (
        lambda: deployed.put(stream, "x" * (1 << 20)),  # and the key
        lambda: kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"x" * (1 << 20)),
    ):
        with pytest.raises(ClientError, match="less than or equal to 1048576"):
            put()
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=2048)
    assert deployed.put(stream, "x" * (1 << 20))
    with pytest.raises(ClientError, match="MaxRecordSizeInKiB"):
        kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=10_241)


def test_records_of_a_split_shard_stay_in_it_and_new_ones_go_to_its_children(
    deployed: Deployed,
) -> None:
    """Moto moves the old ones, and puts the new ones into the closed parent."""
    stream, _ = deployed.stream()
    (old,) = deployed.put(stream, "old")
    kinesis = deployed.cloud.client("kinesis")
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey=str(2**127))
    got = kinesis.put_record(
        StreamName=stream, PartitionKey="k", ExplicitHashKey=str(2**128 - 1), Data=b"new"
    )
    assert got["ShardId"] == "shardId-000000000002"
    assert got["SequenceNumber"] > old
    assert read(deployed, iterator(deployed, stream, "TRIM_HORIZON")) == [b"old"]
    at_end = kinesis.get_records(ShardIterator=iterator(deployed, stream, "LATEST"))
    assert "NextShardIterator" not in at_end  # a reader of a closed shard comes to its end
    assert read(deployed, iterator(deployed, stream, "TRIM_HORIZON", "shardId-000000000002")) == [
        b"new"
    ]
    shards = kinesis.list_shards(StreamName=stream)["Shards"]
    assert [shard.get("ParentShardId") for shard in shards] == [None, SHARD, SHARD]
    assert "EndingSequenceNumber" in shards[0]["SequenceNumberRange"]
    assert "EndingSequenceNumber" not in shards[1]["SequenceNumberRange"]
    with pytest.raises(ClientError, match="already been merged or split"):
        kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey=str(2**126))


def test_a_count_of_shards_is_reached_both_ways(deployed: Deployed) -> None:
    stream, _ = deployed.stream()
    kinesis = deployed.cloud.client("kinesis")
    for count in (2, 4, 1):
        kinesis.update_shard_count(
            StreamName=stream, TargetShardCount=count, ScalingType="UNIFORM_SCALING"
        )
        shards = kinesis.list_shards(StreamName=stream)["Shards"]
        is_open = [s for s in shards if "EndingSequenceNumber" not in s["SequenceNumberRange"]]
        assert len(is_open) == count
        summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
        assert summary["OpenShardCount"] == count
        ranges = [(int(s["HashKeyRange"]["EndingHashKey"])) for s in is_open]
        assert max(ranges) == 2**128 - 1


def fifo(deployed: Deployed, url: str, body: str, group: str = "g") -> None:
    deployed.cloud.client("sqs").send_message(
        QueueUrl=url, MessageBody=body, MessageGroupId=group, MessageDeduplicationId=body
    )


def receive(deployed: Deployed, url: str, **words: Any) -> list[str]:
    got = deployed.cloud.client("sqs").receive_message(
        QueueUrl=url, **{"MaxNumberOfMessages": 10} | words
    )
    return [message["Body"] for message in got.get("Messages", [])]


def test_a_duplicate_is_known_after_its_message_was_deleted(deployed: Deployed) -> None:
    """Moto looks for it among the messages still in the queue."""
    url, _ = deployed.queue(FifoQueue="true")
    sqs = deployed.cloud.client("sqs")
    fifo(deployed, url, "a")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    fifo(deployed, url, "a")
    assert receive(deployed, url) == []


def test_a_group_keeps_its_order_after_a_visibility_timeout(deployed: Deployed) -> None:
    """Moto may give the second message before the first: the second still counts as in flight."""
    url, _ = deployed.queue(FifoQueue="true", VisibilityTimeout="1")
    for body in ("a", "b", "c"):
        fifo(deployed, url, body)
    assert receive(deployed, url, MaxNumberOfMessages=2) == ["a", "b"]
    assert receive(deployed, url) == []
    assert receive(deployed, url, WaitTimeSeconds=3, MaxNumberOfMessages=1) == ["a"]


def test_numbers_of_fifo_messages_grow(deployed: Deployed) -> None:
    """Moto draws them at random, and gives none where the content names the duplicate."""
    url, _ = deployed.queue(FifoQueue="true", ContentBasedDeduplication="true")
    sqs = deployed.cloud.client("sqs")
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=body)
    got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, AttributeNames=["All"])
    numbers = [m["Attributes"]["SequenceNumber"] for m in got["Messages"]]
    assert {len(number) for number in numbers} == {20}
    assert numbers == sorted(set(numbers))


def test_no_message_is_given_to_two_receivers(deployed: Deployed) -> None:
    """Moto's receive takes no lock."""
    url, _ = deployed.queue()
    sqs = deployed.cloud.client("sqs")
    for block in range(10):
        entries = [{"Id": str(n), "MessageBody": f"{block}-{n}"} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)
    with ThreadPoolExecutor(8) as pool:
        got = [m for some in pool.map(lambda _: receive(deployed, url), range(30)) for m in some]
    assert sorted(got) == sorted(f"{block}-{n}" for block in range(10) for n in range(10))


def test_waiting_on_a_group_in_flight_costs_nothing(deployed: Deployed) -> None:
    """Moto spins: it waits until any message is visible, and one that is blocked is."""
    url, _ = deployed.queue(FifoQueue="true")
    fifo(deployed, url, "a")
    fifo(deployed, url, "b")
    assert receive(deployed, url, MaxNumberOfMessages=1) == ["a"]
    cloud = psutil.Process(deployed.cloud.pid)
    before, began = sum(cloud.cpu_times()[:2]), time.monotonic()
    assert receive(deployed, url, WaitTimeSeconds=2) == []
    assert time.monotonic() - began >= 2
    assert sum(cloud.cpu_times()[:2]) - before < 0.5


def test_a_queue_forgets_what_its_retention_is_over_for(deployed: Deployed) -> None:
    """Moto keeps it, and stops at it."""
    url, _ = deployed.queue()
    sqs = deployed.cloud.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="old")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "60"})
    assert receive(deployed, url, VisibilityTimeout=0) == ["old"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"MessageRetentionPeriod": "0"})
    sqs.send_message(QueueUrl=url, MessageBody=unique("new"))
    time.sleep(0.01)
    assert receive(deployed, url) == []
