"""The deployed functions on a running cloud: whatever comes twice, a record lands once.

Streams, queues, tables and mappings are made by boto3; the functions are the speeches study's
own zips and layers.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from pyiceberg.catalog.glue import GlueCatalog

from headrace import lake
from headrace import plan as plans
from headrace import target as targets
from infra.bundle import Bundler
from lambdas.commit.handler import Committer
from stream import block, kinesis
from stream.producer import Producer
from tests.integration.conftest import Running
from tests.integration.deployed import ARCHITECTURE, ROLE, RUNTIME, unique, wait_until

PLAN = plans.load("speeches")
DATABASE = "exactly_once"
TABLES = {t["name"]: t["columns"] for t in PLAN.deployed()["tables"]}
BAD = [
    b"oops",
    b"[]",
    block.encode([b"{}"] * 3, "cut", 0)[:-4],
    zstandard.compress(bytes(80 << 20)),
]


def sentences(count: int) -> list[dict[str, Any]]:
    return [
        {
            "year": 1790 + n % 9,
            "president": "G. W.",
            "party": "none",
            "position": n,
            "text": "What a good day.",
        }
        for n in range(count)
    ]


@dataclass
class Spine:
    """A stream, the two functions and the lake, with nothing of another test in them."""

    cloud: Running
    bucket: str
    stream: str
    queue: str
    functions: dict[str, str]

    def __post_init__(self) -> None:
        for service in ("s3", "sqs", "kinesis", "lambda"):
            setattr(self, f"_{service}", self.cloud.client(service))
        self.arn = self.client("kinesis").describe_stream_summary(StreamName=self.stream)[
            "StreamDescriptionSummary"
        ]["StreamARN"]

    def client(self, service: str) -> Any:
        return getattr(self, f"_{service}")

    @property
    def catalog(self) -> GlueCatalog:
        keys = {"access-key-id": "local", "secret-access-key": "local", "region": "us-east-1"}
        words = {f"{kind}.{k}": v for kind in ("glue", "s3") for k, v in keys.items()}
        endpoint = self.cloud.endpoint
        return GlueCatalog("t", **words, **{"glue.endpoint": endpoint, "s3.endpoint": endpoint})

    def map(self, batch: int) -> str:
        """Have land read the whole stream, from its beginning."""
        made = self.client("lambda").create_event_source_mapping(
            FunctionName=self.functions["land"],
            EventSourceArn=self.arn,
            StartingPosition="TRIM_HORIZON",
            BatchSize=batch,
        )
        return str(made["UUID"])

    def unmap(self, mapping: str) -> None:
        api = self.client("lambda")
        api.delete_event_source_mapping(UUID=mapping)
        wait_until(
            lambda: (
                not api.list_event_source_mappings(EventSourceArn=self.arn)["EventSourceMappings"]
            )
        )

    def archived(self) -> list[list[str]]:
        """Sequence numbers of every archived batch."""
        s3 = self.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix="raw/")
        keys = [o["Key"] for page in pages for o in page.get("Contents", [])]
        bodies = (s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys)
        return [pq.read_table(io.BytesIO(b))["sequence"].to_pylist() for b in bodies]

    def forget_archive(self) -> None:
        s3 = self.client("s3")
        for o in s3.list_objects_v2(Bucket=self.bucket, Prefix="raw/").get("Contents", []):
            s3.delete_object(Bucket=self.bucket, Key=o["Key"])

    def settled(self) -> None:
        """Wait until all that is in the stream was landed and committed."""
        held = {r.sequence for r in kinesis.read(self.client("kinesis"), self.stream)}
        wait_until(lambda: held == {s for batch in self.archived() for s in batch}, 90)
        counts = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]

        def empty() -> bool:
            told = self.client("sqs").get_queue_attributes(
                QueueUrl=self.queue, AttributeNames=counts
            )["Attributes"]
            return not any(int(told[name]) for name in counts)

        wait_until(empty, 90)

    def rows(self, table: str) -> pa.Table:
        return self.catalog.load_table((DATABASE, table)).scan().to_arrow()

    def pushed(self) -> int:
        """Records in the stream: a numbered one once, others each time."""
        names: set[tuple[str, int]] = set()
        others = 0
        for record in kinesis.read(self.client("kinesis"), self.stream):
            count = kinesis.count_records(record.data)
            others += count.plain + count.unreadable
            names |= {(p, n) for p, first, k in count.numbered for n in range(first, first + k)}
        return len(names) + others

    def balance(self) -> tuple[int, int, int]:
        """Pushed, rows, quarantined; and no row is there twice."""
        rows, bad = self.rows("sentences"), self.rows(lake.QUARANTINE)
        for found in (rows, bad):
            names = [
                (r["_producer"], r["_counter"])
                if r["_producer"]
                else (r["_source"], r["_sequence"], r["_index"])
                for r in found.select([n for n, _, _ in lake.LINEAGE]).to_pylist()
            ]
            assert len(names) == len(set(names))
        return self.pushed(), rows.num_rows, bad.num_rows


def deploy(cloud: Running, bucket: str, name: str, layers: dict[str, str], **env: str) -> str:
    """Put one function in place, with its layer."""
    api, bundler = cloud.client("lambda"), Bundler(PLAN, targets.local(None))
    asset = bundler.layer(name)
    assert asset
    if asset.digest not in layers:
        cloud.client("s3").upload_file(str(asset.path), bucket, f"code/{asset.digest}")
        layers[asset.digest] = api.publish_layer_version(
            LayerName=unique("layer"),
            Content={"S3Bucket": bucket, "S3Key": f"code/{asset.digest}"},
            CompatibleRuntimes=[RUNTIME],
            CompatibleArchitectures=[ARCHITECTURE],
        )["LayerVersionArn"]
    function = unique(name)
    api.create_function(
        FunctionName=function,
        Role=f"arn:aws:iam::{cloud.account}:role/{ROLE}",
        Code={"ZipFile": bundler.code(name).path.read_bytes()},
        Handler=f"lambdas.{name}.handler.handle",
        Runtime=RUNTIME,
        Architectures=[ARCHITECTURE],
        MemorySize=1769,
        Timeout=120,
        Layers=[layers[asset.digest]],
        Environment={"Variables": env},
    )
    return function


def make_table(cloud: Running, bucket: str, function: str, name: str) -> dict[str, Any]:
    """Ask the table function for a table as CloudFormation does; gives its answer."""
    columns = [(n, kind) for n, kind, _ in (*TABLES[name], *lake.LINEAGE)]
    s3, key = cloud.client("s3"), f"answers/{name}"
    event = {
        "RequestType": "Create",
        "ResponseURL": s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key}),
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": name,
        "ResourceProperties": {
            "Database": DATABASE,
            "Table": name,
            "Location": f"s3://{bucket}/tables/{name}",
            "Columns": [{"Name": n, "Type": kind} for n, kind in columns],
        },
    }
    told = cloud.client("lambda").invoke(FunctionName=function, Payload=json.dumps(event))
    assert "FunctionError" not in told, told["Payload"].read()
    answer: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    return answer


@pytest.fixture(scope="module")
def spine(cloud: Running) -> Iterator[Spine]:
    bucket = unique("exactly-once")
    iam, sqs = cloud.client("iam"), cloud.client("sqs")
    with contextlib.suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument="{}")
    cloud.client("s3").create_bucket(Bucket=bucket)
    cloud.client("glue").create_database(DatabaseInput={"Name": DATABASE})
    stream = unique("stream")
    cloud.client("kinesis").create_stream(StreamName=stream, ShardCount=2)
    cloud.client("kinesis").get_waiter("stream_exists").wait(StreamName=stream)
    queue = sqs.create_queue(
        QueueName=unique("commit") + ".fifo",
        Attributes={"FifoQueue": "true", "VisibilityTimeout": "120"},
    )["QueueUrl"]
    layers: dict[str, str] = {}
    functions = {
        "land": deploy(cloud, bucket, "land", layers, LAKE_BUCKET=bucket, COMMIT_QUEUE_URL=queue),
        "commit": deploy(cloud, bucket, "commit", layers, LAKE_BUCKET=bucket, DATABASE=DATABASE),
        "table": deploy(cloud, bucket, "table", layers),
    }
    for name in TABLES:
        answer = make_table(cloud, bucket, functions["table"], name)
        assert answer["Status"] == "SUCCESS", answer
        assert answer["PhysicalResourceId"] == f"{DATABASE}.{name}"
    made = Spine(cloud, bucket, stream, queue, functions)
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    commits = cloud.client("lambda").create_event_source_mapping(
        FunctionName=functions["commit"],
        EventSourceArn=arn["Attributes"]["QueueArn"],
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    yield made
    cloud.client("lambda").delete_event_source_mapping(UUID=commits["UUID"])


def push(spine: Spine, count: int, producer: str | None, **words: Any) -> None:
    client = spine.client("kinesis")
    Producer(client, spine.stream, key="year", producer=producer, block_bytes=4000, **words).push(
        sentences(count)
    )


def test_whatever_comes_twice_lands_once(spine: Spine) -> None:
    push(spine, 400, "alice")
    push(spine, 30, None, plain=True)
    for data in BAD:
        spine.client("kinesis").put_record(StreamName=spine.stream, Data=data, PartitionKey="b")
    mapping = spine.map(batch=3)
    spine.settled()
    assert spine.balance() == (434, 430, 4)
    assert min(spine.rows("sentences")["sentiment"].to_pylist()) > 0
    reasons = spine.rows(lake.QUARANTINE)["reason"].to_pylist()
    assert len(set(reasons)) == 4

    push(spine, 400, "alice")  # the same file, under the same id
    spine.settled()
    assert spine.balance() == (434, 430, 4)

    spine.unmap(mapping)  # every block again, in other batches
    spine.forget_archive()
    mapping = spine.map(batch=5)
    spine.settled()
    assert spine.balance() == (434, 430, 4)

    push(spine, 50, "bob")  # and what is new still lands
    spine.settled()
    assert spine.balance() == (484, 480, 4)
    spine.unmap(mapping)


def test_committers_at_the_same_time_land_each_row_once(spine: Spine) -> None:
    """The queue lets one call at a table; this is what stands behind it if ever it didn't."""
    before = spine.rows("sentences").num_rows
    s3, records = spine.client("s3"), []
    schema = spine.catalog.load_table((DATABASE, "sentences")).schema().as_arrow()
    for number in range(4):
        rows = [
            dict.fromkeys(schema.names)
            | {"_source": "race", "_sequence": f"{number:03d}", "_index": i}
            for i in range(5)
        ]
        key, out = f"staged/race/{number}.parquet", io.BytesIO()
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), out)
        s3.put_object(Bucket=spine.bucket, Key=key, Body=out.getvalue())
        place = {"source": "race", "first": f"{number:03d}", "last": f"{number:03d}"}
        body = {"v": 1, "table": "sentences", "key": key, "rows": 5, "producers": {}, **place}
        group = {"MessageGroupId": "sentences"}
        records.append({"messageId": f"m{number}", "body": json.dumps(body), "attributes": group})
    left = _race(spine, records)
    while left:
        left = _race(spine, [r for r in records if r["messageId"] in left])
    found = [r for r in spine.rows("sentences").to_pylist() if r["_source"] == "race"]
    assert len(found) == 20 == spine.rows("sentences").num_rows - before
    assert len({(r["_sequence"], r["_index"]) for r in found}) == 20


def _race(spine: Spine, records: list[dict[str, Any]]) -> set[str]:
    """Commit the same messages in three committers at once; gives the ids that all failed on."""
    failed: list[set[str]] = []

    def work(order: Callable[[list[dict[str, Any]]], Any]) -> None:
        committer = Committer(spine.catalog, spine.client("s3"), spine.bucket, DATABASE)
        told, _ = committer.commit({"Records": list(order(records))})
        failed.append(set(told))

    threads = [threading.Thread(target=work, args=(o,)) for o in (list, reversed, list)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(failed) == 3, f"a committer raised in process {os.getpid()}"
    return set.intersection(*failed)
