"""A Kinesis mapping: what a function sees, in which order, and when."""

from __future__ import annotations

import base64
import itertools
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.deployed import SAW, Deployed, unique, wait_until

SEE = (
    SAW
    + """
def handle(event, context):
    data = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    saw(data)
    time.sleep(float(os.environ.get("SLEEP", 0)))
"""
)


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


def flat(batches: list[list[str]]) -> list[str]:
    return [each for batch in batches for each in batch]


def settled(deployed: Deployed, name: str, count: int, limit_s: float = 15) -> list[list[str]]:
    """The batches a function saw, once they hold `count` records."""
    wait_until(lambda: len(flat(deployed.seen(name))) >= count, limit_s)
    return deployed.seen(name)


def test_the_event_is_awss(deployed: Deployed) -> None:
    name = deployed.function(SAW + "def handle(event, context): saw(event)")
    stream, arn = deployed.stream()
    deployed.map(name, arn)
    before = time.time()
    (number,) = deployed.put(stream, "hello", key="the key")
    (event,) = wait_until(lambda: deployed.seen(name))
    arrived = event["Records"][0]["kinesis"].pop("approximateArrivalTimestamp")
    assert before - 0.01 <= arrived <= time.time()
    assert event == {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": "the key",
                    "sequenceNumber": number,
                    "data": base64.b64encode(b"hello").decode(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"shardId-000000000000:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": deployed.role,
                "awsRegion": "us-east-1",
                "eventSourceARN": arn,
            }
        ]
    }


def test_an_idle_mapping_wakes_at_once(deployed: Deployed) -> None:
    name = deployed.function(SAW + "def handle(event, context): saw(time.time())")
    stream, arn = deployed.stream()
    deployed.map(name, arn)
    waits = []
    for count in range(1, 7):
        before = time.time()
        deployed.put(stream, "one")
        while len(seen := deployed.seen(name)) < count:
            assert time.time() - before < 10
        waits.append(seen[-1] - before)
        time.sleep(0.2)  # idle
    assert min(waits) < 0.1  # with the put and the call themselves; the machine may be busy


def test_an_idle_mapping_costs_nothing(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream(4)
    _, queue = deployed.queue(VisibilityTimeout="5")
    deployed.map(name, arn)
    deployed.map(name, queue)
    deployed.put(stream, "warm up")
    settled(deployed, name, 1)
    cloud = psutil.Process(deployed.cloud.pid)

    def spent_s() -> float:
        before = sum(cloud.cpu_times()[:2])
        time.sleep(1)
        return float(sum(cloud.cpu_times()[:2]) - before)

    wait_until(lambda: spent_s() < 0.03)


def test_the_age_of_what_is_read_is_measured(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    deployed.put(stream, "old")
    time.sleep(0.5)
    deployed.map(name, arn)
    settled(deployed, name, 1)
    got = deployed.cloud.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/Lambda",
        MetricName="IteratorAge",
        Dimensions=[{"Name": "FunctionName", "Value": name}],
        StartTime=time.time() - 300,
        EndTime=time.time() + 300,
        Period=60,
        Statistics=["Maximum"],
    )
    assert 500 <= max(point["Maximum"] for point in got["Datapoints"]) < 15_000


def test_a_batch_closes_on_its_size_and_keeps_the_order(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    sent = [str(n) for n in range(25)]
    deployed.put(stream, *sent)
    deployed.map(name, arn, BatchSize=10)
    batches = settled(deployed, name, 25)
    assert [len(batch) for batch in batches] == [10, 10, 5]
    assert flat(batches) == sent


def test_a_batch_waits_for_its_window(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    deployed.map(name, arn, BatchSize=100, MaximumBatchingWindowInSeconds=2)
    for n in range(4):
        deployed.put(stream, str(n))
        time.sleep(0.05)
    assert settled(deployed, name, 4) == [["0", "1", "2", "3"]]


def test_a_batch_closes_on_6_mb(deployed: Deployed) -> None:
    name = deployed.function(
        SAW
        + "def handle(event, context): saw([len(r['kinesis']['data']) for r in event['Records']])"
    )
    stream, arn = deployed.stream()
    for _ in range(2):
        deployed.put(stream, *["x" * 900_000] * 4)
    deployed.map(name, arn)
    wait_until(lambda: sum(map(len, deployed.seen(name))) == 8)
    # 900,000 bytes are 1.2 million of base64: five of them, and no more, are under 6 MB.
    assert [len(batch) for batch in deployed.seen(name)] == [5, 3]


def test_one_batch_of_a_shard_is_in_flight(deployed: Deployed) -> None:
    name = deployed.function(
        SAW + "def handle(event, context):\n"
        "    begun = time.time(); time.sleep(0.1); saw([begun, time.time()])"
    )
    stream, arn = deployed.stream()
    deployed.map(name, arn, BatchSize=1)
    deployed.put(stream, *"abcdef")
    times = wait_until(lambda: len(s := deployed.seen(name)) == 6 and s)
    assert all(end <= begun for (_, end), (begun, _) in itertools.pairwise(times))


def test_shards_are_read_side_by_side(deployed: Deployed) -> None:
    name = deployed.function(
        SAW + "def handle(event, context):\n"
        "    begun = time.time(); time.sleep(1); saw([begun, time.time()])",
        Timeout=5,
    )
    stream, arn = deployed.stream(2)
    kinesis = deployed.cloud.client("kinesis")
    for hash_key in ("0", str(2**128 - 1)):  # both ends of the range belong to a shard
        kinesis.put_record(StreamName=stream, PartitionKey="k", ExplicitHashKey=hash_key, Data=b"x")
    deployed.map(name, arn)
    (one, two) = wait_until(lambda: len(s := deployed.seen(name)) == 2 and s)
    assert max(one[0], two[0]) < min(one[1], two[1])


def test_latest_begins_after_what_is_there(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    deployed.put(stream, "before")
    deployed.map(name, arn, StartingPosition="LATEST")
    deployed.put(stream, "after")
    assert settled(deployed, name, 1) == [["after"]]


def test_a_timestamp_begins_there(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    deployed.put(stream, "before")
    time.sleep(1.1)
    at = datetime.now(UTC) - timedelta(seconds=0.5)
    deployed.put(stream, "after")
    deployed.map(name, arn, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=at)
    assert settled(deployed, name, 1) == [["after"]]


def test_a_changed_mapping_goes_on_where_it_was(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    uuid = deployed.map(name, arn, BatchSize=2)
    deployed.put(stream, *"abcd")
    assert settled(deployed, name, 4) == [["a", "b"], ["c", "d"]]
    deployed.lambdas.update_event_source_mapping(UUID=uuid, BatchSize=3)
    deployed.put(stream, *"efghij")
    assert settled(deployed, name, 10)[2:] == [["e", "f", "g"], ["h", "i", "j"]]


def test_a_disabled_mapping_rests_and_goes_on(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    uuid = deployed.map(name, arn)
    deployed.put(stream, "one")
    settled(deployed, name, 1)
    got = deployed.lambdas.update_event_source_mapping(UUID=uuid, Enabled=False)
    assert got["State"] == "Disabled"
    deployed.put(stream, "two")
    time.sleep(0.4)
    assert flat(deployed.seen(name)) == ["one"]
    deployed.lambdas.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert flat(settled(deployed, name, 2)) == ["one", "two"]


def test_a_deleted_mapping_stops(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    uuid = deployed.map(name, arn)
    deployed.put(stream, "one")
    settled(deployed, name, 1)
    deployed.lambdas.delete_event_source_mapping(UUID=uuid)
    deployed.put(stream, "two")
    time.sleep(0.4)
    assert flat(deployed.seen(name)) == ["one"]
    with pytest.raises(ClientError, match="does not exist"):
        deployed.lambdas.get_event_source_mapping(UUID=uuid)


def test_a_mapping_tells_its_settings_and_its_last_result(deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return 1 / len(event['nothing'])")
    stream, arn = deployed.stream()
    uuid = deployed.map(name, arn, BatchSize=5)

    def told() -> Any:
        return deployed.lambdas.get_event_source_mapping(UUID=uuid)

    settings = {
        "BatchSize": 5,
        "BisectBatchOnFunctionError": False,
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "State": "Enabled",
        "LastProcessingResult": "No records processed",
    }
    assert {key: told()[key] for key in settings} == settings
    deployed.put(stream, "one")
    wait_until(lambda: told()["LastProcessingResult"] == "PROBLEM: Function call failed")
    with pytest.raises(ClientError, match="already exists"):
        deployed.map(name, arn)


def test_resharding_drains_parents_before_children(deployed: Deployed) -> None:
    name = deployed.function(SEE, Environment={"Variables": {"SLEEP": "0.1"}})
    stream, arn = deployed.stream()
    kinesis = deployed.cloud.client("kinesis")
    deployed.map(name, arn, BatchSize=1)
    deployed.put(stream, "p1", "p2", "p3")
    kinesis.split_shard(
        StreamName=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    for data, hash_key in (("low", "0"), ("high", str(2**128 - 1))):
        kinesis.put_record(
            StreamName=stream, PartitionKey="k", ExplicitHashKey=hash_key, Data=data.encode()
        )
    kinesis.merge_shards(
        StreamName=stream,
        ShardToMerge="shardId-000000000001",
        AdjacentShardToMerge="shardId-000000000002",
    )
    deployed.put(stream, "last")
    seen = flat(settled(deployed, name, 6))
    assert seen[:3] == ["p1", "p2", "p3"]
    assert set(seen[3:5]) == {"low", "high"}
    assert seen[5:] == ["last"]


def test_records_stay_readable_whatever_mappings_do(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    deployed.map(name, arn)
    deployed.put(stream, *"abc")
    settled(deployed, name, 3)
    kinesis = deployed.cloud.client("kinesis")
    iterator = kinesis.get_shard_iterator(
        StreamARN=arn, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    got = kinesis.get_records(ShardIterator=iterator, Limit=2)
    rest = kinesis.get_records(ShardIterator=got["NextShardIterator"])
    assert [r["Data"] for r in got["Records"] + rest["Records"]] == [b"a", b"b", b"c"]


def test_a_mapping_outlives_its_function_being_replaced(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    stream, arn = deployed.stream()
    deployed.map(name, arn)
    deployed.put(stream, "one")
    settled(deployed, name, 1)
    deployed.lambdas.delete_function(FunctionName=name)
    deployed.put(stream, "two")
    time.sleep(0.3)
    deployed.function(SEE, FunctionName=name)
    assert flat(settled(deployed, name, 2)) == ["one", "two"]


def test_what_no_mapping_can_do_is_refused(deployed: Deployed) -> None:
    name = deployed.function(SEE)
    _, arn = deployed.stream()
    with pytest.raises(ClientError, match="ParallelizationFactor"):
        deployed.map(name, arn, ParallelizationFactor=2)
    filters = {"Filters": [{"Pattern": json.dumps({"data": {"a": [1]}})}]}
    with pytest.raises(ClientError, match="FilterCriteria"):
        deployed.map(name, arn, FilterCriteria=filters)
    uuid = deployed.map(name, arn)
    with pytest.raises(ClientError, match="TumblingWindowInSeconds"):
        deployed.lambdas.update_event_source_mapping(UUID=uuid, TumblingWindowInSeconds=10)
    with pytest.raises(ClientError, match="not found"):
        deployed.map(unique("not-there"), arn)
