"""A Kinesis mapping whose function fails: retries, splits, destinations, and nothing lost."""

from __future__ import annotations

import base64
import os
import re
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import Running
from tests.integration.deployed import SAW, Deployed, unique, wait_until, zipped

POISON = (
    SAW
    + """
def handle(event, context):
    data = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    saw(data)
    if "poison" in data:
        raise ValueError("poison")
"""
)
REPORT = (
    SAW
    + """
def handle(event, context):
    data = [base64.b64decode(r["kinesis"]["data"]).decode() for r in event["Records"]]
    saw(data)
    numbers = [r["kinesis"]["sequenceNumber"] for r in event["Records"]]
    bad = [n for n, d in zip(numbers, data) if d == "poison"]
    return {"batchItemFailures": [{"itemIdentifier": n} for n in reversed(bad)]}
"""
)


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


def to(arn: str) -> dict[str, Any]:
    return {"DestinationConfig": {"OnFailure": {"Destination": arn}}}


def settled(deployed: Deployed, name: str, last: str) -> list[list[str]]:
    """The batches that a function saw, once a record has come by itself or with others."""
    wait_until(lambda: any(last in batch for batch in deployed.seen(name)))
    return deployed.seen(name)


def test_retries_then_a_record_in_the_bucket_then_the_next_batch(deployed: Deployed) -> None:
    name, bucket = deployed.function(POISON), unique("failures")
    deployed.s3.create_bucket(Bucket=bucket)
    stream, arn = deployed.stream()
    numbers = deployed.put(stream, "a", "poison", "next")
    settings = {"BatchSize": 2, "MaximumRetryAttempts": 2} | to(f"arn:aws:s3:::{bucket}")
    uuid = deployed.map(name, arn, **settings)
    assert settled(deployed, name, "next") == [["a", "poison"]] * 3 + [["next"]]
    (entry,) = deployed.s3.list_objects_v2(Bucket=bucket)["Contents"]
    day = r"\d{4}/\d\d/\d\d/\d{4}-\d\d-\d\dT\d\d\.\d\d\.\d\d"
    assert re.fullmatch(
        rf"aws/lambda/{uuid}/shardId-000000000000/{day}-[0-9a-f-]{{36}}", entry["Key"]
    )
    record = deployed.read(bucket, entry["Key"])
    assert record["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["responseContext"]["functionError"] == "Unhandled"
    info = record["KinesisBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"]) == (numbers[0], numbers[1])
    assert (info["batchSize"], info["streamArn"]) == (2, arn)
    assert info["shardId"] == "shardId-000000000000"
    held = [base64.b64decode(r["kinesis"]["data"]) for r in record["payload"]["Records"]]
    assert held == [b"a", b"poison"]


def test_a_queue_is_told_without_the_records(deployed: Deployed) -> None:
    name = deployed.function(POISON)
    url, queue = deployed.queue()
    stream, arn = deployed.stream()
    deployed.map(name, arn, MaximumRetryAttempts=0, **to(queue))
    deployed.put(stream, "poison")
    (record,) = wait_until(lambda: deployed.messages(url))
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert "payload" not in record


def test_a_topic_is_told_too(deployed: Deployed) -> None:
    name = deployed.function(POISON)
    url, queue = deployed.queue()
    sns = deployed.cloud.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    stream, arn = deployed.stream()
    deployed.map(name, arn, MaximumRetryAttempts=0, **to(topic))
    deployed.put(stream, "poison")
    (note,) = wait_until(lambda: deployed.messages(url))
    assert '"KinesisBatchInfo"' in note["Message"]


def test_bisect_gives_up_the_poison_alone(deployed: Deployed) -> None:
    name = deployed.function(POISON)
    url, queue = deployed.queue()
    stream, arn = deployed.stream()
    numbers = deployed.put(stream, "a", "b", "c", "poison", "d", "e")
    settings = {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 1}
    deployed.map(name, arn, **settings, **to(queue))
    (record,) = wait_until(lambda: deployed.messages(url))
    assert record["KinesisBatchInfo"]["startSequenceNumber"] == numbers[3]
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    batches = settled(deployed, name, "e")
    done = [each for batch in batches if "poison" not in batch for each in batch]
    assert done == ["a", "b", "c", "d", "e"]
    assert batches.count(["poison"]) == 2  # the splits used up no retry


def test_what_is_reported_is_sent_again_from_there(deployed: Deployed) -> None:
    name = deployed.function(REPORT)
    stream, arn = deployed.stream()
    deployed.put(stream, "a", "b", "poison", "c", "poison", "d")
    deployed.map(
        name,
        arn,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=0,
    )
    wait_until(lambda: deployed.seen(name)[-1:] == [["d"]])
    batches = deployed.seen(name)
    assert batches[:2] == [["a", "b", "poison", "c", "poison", "d"], ["poison", "c", "poison", "d"]]
    assert [each for batch in batches if "poison" not in batch for each in batch] == ["c", "d"]


def test_a_report_nobody_asked_for_is_ignored(deployed: Deployed) -> None:
    name = deployed.function(REPORT)
    stream, arn = deployed.stream()
    deployed.put(stream, "a", "poison", "b", "c")
    deployed.map(name, arn, BatchSize=3)
    assert settled(deployed, name, "c") == [["a", "poison", "b"], ["c"]]


def test_nothing_is_lost_when_the_process_is_killed_in_mid_batch(deployed: Deployed) -> None:
    name = deployed.function(
        SAW + "def handle(event, context):\n"
        "    data = [base64.b64decode(r['kinesis']['data']).decode() for r in event['Records']]\n"
        "    saw([os.getpid(), 'begun', data])\n"
        "    time.sleep(1)\n"
        "    saw([os.getpid(), 'done', data])",
        Timeout=5,
    )
    stream, arn = deployed.stream()
    deployed.map(name, arn)
    deployed.put(stream, "a", "b")
    pid, _, data = wait_until(lambda: deployed.seen(name))[0]
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: [d for _, what, d in deployed.seen(name) if what == "done"] == [data])
    again = deployed.seen(name)[1]
    assert again[0] != pid
    assert again[1:] == ["begun", data]


def test_repaired_code_goes_on_with_the_batch_that_failed(deployed: Deployed) -> None:
    name = deployed.function(POISON)
    stream, arn = deployed.stream()
    deployed.map(name, arn, BatchSize=2)
    deployed.put(stream, "a", "poison", "b")
    wait_until(lambda: len(deployed.seen(name)) >= 2)
    repaired = POISON.replace('"poison" in data', "False")
    deployed.lambdas.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": repaired}))
    batches = settled(deployed, name, "b")
    assert batches[-2:] == [["a", "poison"], ["b"]]
    assert all(batch == ["a", "poison"] for batch in batches[:-1])


def test_a_throttled_function_gets_its_batch_later(deployed: Deployed) -> None:
    name = deployed.function(POISON)
    deployed.lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    stream, arn = deployed.stream()
    uuid = deployed.map(name, arn, MaximumRetryAttempts=0)
    deployed.put(stream, "a")

    def result() -> str:
        told = deployed.lambdas.get_event_source_mapping(UUID=uuid)
        return str(told["LastProcessingResult"])

    wait_until(lambda: "Throttled" in result())
    deployed.lambdas.delete_function_concurrency(FunctionName=name)
    assert settled(deployed, name, "a") == [["a"]]


def test_a_destination_that_is_gone_stops_nothing(deployed: Deployed) -> None:
    name = deployed.function(POISON)
    stream, arn = deployed.stream()
    gone = to("arn:aws:s3:::no-such-bucket-anywhere")
    deployed.map(name, arn, BatchSize=1, MaximumRetryAttempts=0, **gone)
    deployed.put(stream, "poison", "next")
    assert settled(deployed, name, "next") == [["poison"], ["next"]]
    wait_until(
        lambda: "could not be sent to arn:aws:s3:::no-such" in deployed.cloud.log.read_text()
    )


def test_a_record_over_the_payload_limit_is_given_up(deployed: Deployed) -> None:
    name = deployed.function(POISON)
    url, queue = deployed.queue()
    stream, arn = deployed.stream()
    kinesis = deployed.cloud.client("kinesis")
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=10_240)
    deployed.map(name, arn, **to(queue))
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"x" * 6_000_000)
    deployed.put(stream, "next")
    assert settled(deployed, name, "next") == [["next"]]
    (record,) = wait_until(lambda: deployed.messages(url))
    assert record["KinesisBatchInfo"]["batchSize"] == 1
    assert "responseContext" not in record  # it was never invoked
