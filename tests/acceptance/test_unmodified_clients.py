"""Unmodified boto3 and the aws CLI, with nothing but the endpoint set, do what the tool does."""

from __future__ import annotations

import json
import subprocess
import time
from typing import Any

import pytest

from tests.acceptance.conftest import House

STREAM = DATABASE_WORKGROUP = "headrace-speeches"
RECORD = {"year": 2099, "president": "Nobody", "party": "none", "position": 0}


def wait_for(what: str, probe: Any, seconds: float = 60) -> Any:
    """Ask again until there is an answer."""
    until = time.monotonic() + seconds
    while not (answer := probe()):
        assert time.monotonic() < until, f"{what} did not happen within {seconds} s"
        time.sleep(0.3)
    return answer


def athena(client: Any, sql: str) -> list[list[str | None]]:
    """Rows of a query, header left out, by the plain start, wait and read loop."""
    started = client.start_query_execution(
        QueryString=sql,
        QueryExecutionContext={"Database": "speeches"},
        WorkGroup=DATABASE_WORKGROUP,
    )["QueryExecutionId"]

    def ended() -> Any:
        found = client.get_query_execution(QueryExecutionId=started)["QueryExecution"]["Status"]
        return found if found["State"] not in ("QUEUED", "RUNNING") else None

    status = wait_for("the query", ended)
    assert status["State"] == "SUCCEEDED", status
    rows = client.get_query_results(QueryExecutionId=started)["ResultSet"]["Rows"]
    return [[c.get("VarCharValue") for c in r["Data"]] for r in rows][1:]


def aws(house: House, *words: str) -> Any:
    """What the aws CLI prints: JSON, but for its `s3` commands, which print text."""
    done = subprocess.run(
        ["aws", *words, "--output", "json"],
        env=house.environment,
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, (words, done.stderr)
    return None if words[0] == "s3" else json.loads(done.stdout)


def test_boto3_client_and_resource_keep_objects(house: House) -> None:
    house.client("s3").create_bucket(Bucket="a-bucket-of-mine")
    bucket = house.resource("s3").Bucket("a-bucket-of-mine")
    bucket.put_object(Key="notes/one.txt", Body=b"first")
    assert [o.key for o in bucket.objects.all()] == ["notes/one.txt"]
    got = house.client("s3").get_object(Bucket="a-bucket-of-mine", Key="notes/one.txt")
    assert got["Body"].read() == b"first"


def test_a_plain_put_record_lands_and_athena_answers(house: House) -> None:
    text = "A wonderful, peaceful and prosperous year for all."
    house.client("kinesis").put_record(
        StreamName=STREAM, Data=json.dumps(RECORD | {"text": text}).encode(), PartitionKey="2099"
    )
    sql = f"SELECT year, text, sentiment FROM sentences WHERE text = '{text}'"
    client = house.client("athena")
    ((year, found, sentiment),) = wait_for("landing", lambda: athena(client, sql))
    assert (year, found) == ("2099", text)
    assert 0.5 < float(sentiment or 0) <= 1


def test_a_get_records_loop_reads_the_stream(house: House) -> None:
    kinesis = house.client("kinesis")
    put = kinesis.put_record(StreamName=STREAM, Data=b'{"for": "the loop"}', PartitionKey="k")
    (shard,) = kinesis.list_shards(StreamName=STREAM)["Shards"]
    iterator = kinesis.get_shard_iterator(
        StreamName=STREAM, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    seen: list[dict[str, Any]] = []
    for _ in range(100):
        answer = kinesis.get_records(ShardIterator=iterator, Limit=50)
        seen += answer["Records"]
        iterator = answer["NextShardIterator"]
        if not answer["Records"] and answer["MillisBehindLatest"] == 0:
            break
    last = next(r for r in seen if r["SequenceNumber"] == put["SequenceNumber"])
    assert (last["Data"], last["PartitionKey"]) == (b'{"for": "the loop"}', "k")
    numbers = [r["SequenceNumber"] for r in seen]
    assert numbers == sorted(numbers, key=int)


def test_the_aws_cli_does_the_same(house: House, tmp_path: Any) -> None:
    aws(house, "s3", "mb", "s3://made-by-the-cli")
    file = tmp_path / "two.txt"
    file.write_text("second")
    aws(house, "s3", "cp", str(file), "s3://made-by-the-cli/two.txt")
    listed = aws(house, "s3api", "list-objects-v2", "--bucket", "made-by-the-cli")
    assert [(o["Key"], o["Size"]) for o in listed["Contents"]] == [("two.txt", 6)]

    record = json.dumps(RECORD | {"year": 2098, "text": "A dreadful year of war."})
    aws(
        house, "kinesis", "put-record", "--stream-name", STREAM, "--partition-key", "2098",
        "--data", record,
    )  # fmt: skip

    def asked() -> Any:
        started = aws(
            house, "athena", "start-query-execution", "--work-group", DATABASE_WORKGROUP,
            "--query-execution-context", "Database=speeches",
            "--query-string", "SELECT count(*) FROM sentences WHERE year = 2098",
        )["QueryExecutionId"]  # fmt: skip

        def ended() -> Any:
            found = aws(house, "athena", "get-query-execution", "--query-execution-id", started)
            return found["QueryExecution"]["Status"]["State"] in ("SUCCEEDED", "FAILED")

        wait_for("the query", ended)
        rows = aws(house, "athena", "get-query-results", "--query-execution-id", started)
        return rows["ResultSet"]["Rows"][1]["Data"][0]["VarCharValue"] == "1"

    wait_for("landing", asked)


#: How each service lists what it has: client, operation, result key, and the item's id.
LISTINGS: dict[str, tuple[str, str, str, str]] = {
    "AWS::S3::Bucket": ("s3", "list_buckets", "Buckets", "Name"),
    "AWS::Kinesis::Stream": ("kinesis", "list_streams", "StreamNames", ""),
    "AWS::Lambda::Function": ("lambda", "list_functions", "Functions", "FunctionName"),
    "AWS::Lambda::EventSourceMapping": (
        "lambda", "list_event_source_mappings", "EventSourceMappings", "UUID",
    ),
    "AWS::SQS::Queue": ("sqs", "list_queues", "QueueUrls", ""),
    "AWS::Glue::Database": ("glue", "get_databases", "DatabaseList", "Name"),
    "AWS::Athena::WorkGroup": ("athena", "list_work_groups", "WorkGroups", "Name"),
    "AWS::Logs::LogGroup": ("logs", "describe_log_groups", "logGroups", "logGroupName"),
    "AWS::CloudWatch::Alarm": ("cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName"),
    "AWS::IAM::Role": ("iam", "list_roles", "Roles", "RoleName"),
    "AWS::SNS::Topic": ("sns", "list_topics", "Topics", "TopicArn"),
}  # fmt: skip


@pytest.mark.parametrize("stack", ["headrace-speeches-data", "headrace-speeches-flow"])
def test_boto3_lists_every_deployed_resource(house: House, stack: str) -> None:
    pages = house.client("cloudformation").get_paginator("list_stack_resources")
    resources = [r for p in pages.paginate(StackName=stack) for r in p["StackResourceSummaries"]]
    assert resources
    # These have no list of their own: they are read through what they belong to.
    parts = {"AWS::S3::BucketPolicy", "AWS::IAM::Policy", "AWS::Lambda::LayerVersion",
             "AWS::SQS::QueuePolicy", "AWS::Lambda::Permission"}  # fmt: skip
    for resource in resources:
        kind, physical = resource["ResourceType"], resource["PhysicalResourceId"]
        if kind in parts:
            continue
        if kind.startswith("Custom::"):
            database, table = physical.split(".")
            assert house.client("glue").get_table(DatabaseName=database, Name=table)
            continue
        service, operation, key, field = LISTINGS[kind]
        items = getattr(house.client(service), operation)()[key]
        assert physical in [i[field] if field else i for i in items], (kind, physical)
