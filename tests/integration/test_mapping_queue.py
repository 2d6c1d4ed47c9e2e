"""An SQS mapping: batches, deletion, redrive, and one batch of a group in flight."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.deployed import SAW, Deployed, wait_until

SEE = (
    SAW
    + """
def handle(event, context):
    bodies = [r["body"] for r in event["Records"]]
    begun = time.time()
    time.sleep(float(os.environ.get("SLEEP", 0)))
    saw([bodies, begun, time.time()])
    if "poison" in bodies:
        raise ValueError("poison")
"""
)
REPORT = (
    SAW
    + """
def handle(event, context):
    saw([[r["body"] for r in event["Records"]], 0, 0])
    bad = [r["messageId"] for r in event["Records"] if r["body"] == "poison"]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}
"""
)


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


def send(deployed: Deployed, url: str, *bodies: str, group: str = "") -> None:
    sqs = deployed.cloud.client("sqs")
    for body in bodies:
        fifo = {"MessageGroupId": group, "MessageDeduplicationId": body + group} if group else {}
        sqs.send_message(QueueUrl=url, MessageBody=body, **fifo)


def bodies(deployed: Deployed, name: str) -> list[list[str]]:
    return [batch for batch, _, _ in deployed.seen(name)]


def counts(deployed: Deployed, url: str) -> list[str]:
    """Messages that are visible, and those in flight."""
    got = deployed.cloud.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    told = got["Attributes"]
    names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    return [told[name] for name in names]


def settled(deployed: Deployed, name: str, count: int) -> list[list[str]]:
    wait_until(lambda: sum(map(len, bodies(deployed, name))) >= count)
    return bodies(deployed, name)


def test_the_event_is_awss(deployed: Deployed) -> None:
    name = deployed.function(SAW + "def handle(event, context): saw(event)", Timeout=2)
    url, arn = deployed.queue()
    deployed.map(name, arn)
    deployed.cloud.client("sqs").send_message(
        QueueUrl=url,
        MessageBody="hello",
        MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}},
    )
    (event,) = wait_until(lambda: deployed.seen(name))
    (record,) = event["Records"]
    assert record["body"] == "hello"
    assert record["md5OfBody"] == "5d41402abc4b2a76b9719d911017c592"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"] == arn
    assert record["awsRegion"] == "us-east-1"
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert set(record["attributes"]) == {
        "ApproximateReceiveCount",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }
    assert record["messageAttributes"] == {
        "a": {
            "stringValue": "b",
            "stringListValues": [],
            "binaryListValues": [],
            "dataType": "String",
        }
    }
    assert {"messageId", "receiptHandle"} <= set(record)


def test_what_is_done_is_deleted(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=2)
    url, arn = deployed.queue()
    deployed.map(name, arn)
    send(deployed, url, "a", "b")
    assert sorted(itertools.chain(*settled(deployed, name, 2))) == ["a", "b"]
    wait_until(lambda: counts(deployed, url) == ["0", "0"])


def test_a_window_fills_a_batch_beyond_ten(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=2)
    url, arn = deployed.queue()
    deployed.map(name, arn, BatchSize=12, MaximumBatchingWindowInSeconds=5)
    sent = [str(n) for n in range(12)]
    send(deployed, url, *sent)
    (batch,) = settled(deployed, name, 12)
    assert batch == sent


def test_what_fails_comes_back_and_ends_in_the_dead_letter_queue(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=1)
    dead, dead_arn = deployed.queue()
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "2"})
    url, arn = deployed.queue(VisibilityTimeout="1", RedrivePolicy=policy)
    uuid = deployed.map(name, arn)
    sent = time.time()
    send(deployed, url, "poison")
    sqs = deployed.cloud.client("sqs")
    got = wait_until(lambda: sqs.receive_message(QueueUrl=dead).get("Messages"))
    assert got[0]["Body"] == "poison"
    times = [begun for _, begun, _ in deployed.seen(name)]
    assert len(times) == 2
    assert times[1] - sent >= 1
    told = deployed.lambdas.get_event_source_mapping(UUID=uuid)
    assert told["LastProcessingResult"] == "PROBLEM: Function call failed"


def test_only_what_is_reported_comes_back(deployed: Deployed) -> None:
    name = deployed.function(REPORT, Timeout=1)
    url, arn = deployed.queue(VisibilityTimeout="1")
    settings: dict[str, Any] = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
    deployed.map(name, arn, BatchSize=3, MaximumBatchingWindowInSeconds=2, **settings)
    send(deployed, url, "a", "poison", "b")
    wait_until(lambda: len(bodies(deployed, name)) >= 2)
    assert bodies(deployed, name)[:2] == [["a", "poison", "b"], ["poison"]]


def test_batches_of_a_standard_queue_run_side_by_side(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=5, Environment={"Variables": {"SLEEP": "1"}})
    url, arn = deployed.queue()
    deployed.map(name, arn, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    send(deployed, url, "a", "b", "c", "d")
    seen = wait_until(lambda: len(s := deployed.seen(name)) == 4 and s)
    edges = sorted([(begun, 1) for _, begun, _ in seen] + [(end, -1) for _, _, end in seen])
    assert max(itertools.accumulate(step for _, step in edges)) == 2


def test_one_batch_of_a_group_is_in_flight_in_order(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=2, Environment={"Variables": {"SLEEP": "0.1"}})
    url, arn = deployed.queue(FifoQueue="true")
    deployed.map(name, arn, BatchSize=2)
    for n in range(6):
        for group in "xyz":
            send(deployed, url, f"{group}{n}", group=group)
    wait_until(lambda: sum(map(len, bodies(deployed, name))) == 18)
    for group in "xyz":
        mine = [
            ([b for b in batch if b[0] == group], begun, end)
            for batch, begun, end in deployed.seen(name)
            if any(b[0] == group for b in batch)
        ]
        mine.sort(key=lambda each: each[1])
        assert [b for batch, _, _ in mine for b in batch] == [f"{group}{n}" for n in range(6)]
        assert all(end <= begun for (_, _, end), (_, begun, _) in itertools.pairwise(mine))


def test_a_group_waits_behind_its_failed_message_and_others_do_not(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=1)
    dead, dead_arn = deployed.queue(FifoQueue="true")
    policy = json.dumps({"deadLetterTargetArn": dead_arn, "maxReceiveCount": "2"})
    url, arn = deployed.queue(FifoQueue="true", VisibilityTimeout="1", RedrivePolicy=policy)
    deployed.map(name, arn, BatchSize=1)
    send(deployed, url, "poison", "after", group="x")
    send(deployed, url, "other", group="y")
    wait_until(lambda: ["after"] in bodies(deployed, name))
    seen = bodies(deployed, name)
    assert [batch for batch in seen if batch != ["other"]] == [["poison"], ["poison"], ["after"]]
    assert seen.index(["other"]) < 2
    sqs = deployed.cloud.client("sqs")
    (letter,) = sqs.receive_message(QueueUrl=dead, AttributeNames=["All"])["Messages"]
    assert letter["Body"] == "poison"
    assert letter["Attributes"]["MessageGroupId"] == "x"


def test_a_disabled_mapping_leaves_messages_where_they_are(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=2)
    url, arn = deployed.queue()
    uuid = deployed.map(name, arn)
    deployed.lambdas.update_event_source_mapping(UUID=uuid, Enabled=False)
    send(deployed, url, "a")
    time.sleep(0.3)
    assert counts(deployed, url) == ["1", "0"]
    deployed.lambdas.update_event_source_mapping(UUID=uuid, Enabled=True)
    assert settled(deployed, name, 1) == [["a"]]
    deployed.lambdas.delete_event_source_mapping(UUID=uuid)
    send(deployed, url, "b")
    time.sleep(0.3)
    assert counts(deployed, url) == ["1", "0"]


def test_a_visibility_timeout_below_the_functions_is_refused(deployed: Deployed) -> None:
    name = deployed.function(SEE, Timeout=31)
    _, arn = deployed.queue()
    with pytest.raises(ClientError, match="visibility timeout: 30 seconds is less than Function"):
        deployed.map(name, arn)
