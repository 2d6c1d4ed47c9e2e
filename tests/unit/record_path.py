"""A small lake for tests of the record path: plan, events, buckets and queues on moto."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
from moto import mock_aws

from headrace import lake
from lambdas.commit.append import Outcome
from lambdas.commit.handler import Committer
from lambdas.land.handler import Lander, lander
from lambdas.table.evolve import ensure
from tests.unit.memory_catalog import MemoryCatalog

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SHARD = "shardId-000000000000"
RECORD = [["year", "long", True], ["text", "string", True]]
QUARANTINE = {
    "name": lake.QUARANTINE,
    "record": [],
    "columns": [
        ["bytes", "binary", True],
        ["reason", "string", True],
        ["intended", "string", False],
    ],
    "transform": None,
}


def table_plan(name: str = "sentences", **words: Any) -> dict[str, Any]:
    """A table of the plan, whose rows are its records unless told otherwise."""
    return {"name": name, "record": RECORD, "columns": RECORD, "transform": None} | words


def plan(*tables: dict[str, Any]) -> dict[str, Any]:
    """A deployed plan."""
    return {"study": "tests", "tables": [*(tables or [table_plan()]), QUARANTINE]}


def golden_event(name: str) -> dict[str, Any]:
    """An event of AWS's own shape."""
    event: dict[str, Any] = json.loads((GOLDEN / "events" / f"{name}.json").read_text())
    return event


def sequence(number: int) -> str:
    """A sequence number of as many digits as Kinesis's own."""
    return f"{number:056d}"


def kinesis_event(stream: Sequence[bytes], first: int = 0) -> dict[str, Any]:
    """What the mapping sends of stream records that are numbered from `first`."""
    shape = golden_event("kinesis")["Records"][0]
    return {
        "Records": [
            shape
            | {
                "eventID": f"{SHARD}:{sequence(number)}",
                "kinesis": shape["kinesis"]
                | {
                    "sequenceNumber": sequence(number),
                    "data": base64.b64encode(data).decode(),
                },
            }
            for number, data in enumerate(stream, first)
        ]
    }


def sqs_event(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the mapping sends of messages of the commit queue."""
    shape = golden_event("sqs_fifo")["Records"][0]
    return {
        "Records": [
            shape
            | {
                "messageId": f"message-{place}",
                "body": json.dumps(message),
                "attributes": shape["attributes"] | {"MessageGroupId": message["table"]},
            }
            for place, message in enumerate(messages)
        ]
    }


def rows_of(parquet: bytes) -> list[dict[str, Any]]:
    """Rows of a Parquet file."""
    rows: list[dict[str, Any]] = pq.read_table(io.BytesIO(parquet)).to_pylist()
    return rows


@dataclass
class Lake:
    """Land and commit with nothing between them but what they write."""

    lander: Lander
    committer: Committer
    s3: Any
    sqs: Any
    queue: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def land(self, stream: Sequence[bytes], first: int = 0) -> list[dict[str, Any]]:
        """Land stream records; gives the messages that were sent."""
        self.lander.land(kinesis_event(stream, first))
        return self.messages()

    def messages(self) -> list[dict[str, Any]]:
        """Take what waits in the queue."""
        found = []
        while told := self.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in told:
                found.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def commit(self, messages: Sequence[dict[str, Any]]) -> list[str]:
        """Commit messages; gives the ids of those that must come again."""
        failed, self.outcomes = self.committer.commit(sqs_event(messages))
        return failed

    def staged(self, message: dict[str, Any]) -> list[dict[str, Any]]:
        """Rows of a staged file."""
        return self.object(message["key"])

    def object(self, key: str) -> list[dict[str, Any]]:
        """Rows of a Parquet object."""
        body = self.s3.get_object(Bucket="lake", Key=key)["Body"].read()
        return rows_of(body)

    def rows(self, table: str = "sentences") -> list[dict[str, Any]]:
        """Rows of a table."""
        found = self.committer.catalog.load_table(("tests", table)).scan().to_arrow()
        rows: list[dict[str, Any]] = found.to_pylist()
        return rows

    def properties(self, table: str = "sentences") -> dict[str, str]:
        """Properties of a table."""
        return dict(self.committer.catalog.load_table(("tests", table)).properties)


@contextmanager
def small_lake(folder: Path, told: dict[str, Any] | None = None) -> Iterator[Lake]:
    """A lake with the tables of a plan, empty."""
    told = told or plan()
    words = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    with mock_aws():
        s3, sqs = (boto3.client(service, **words) for service in ("s3", "sqs"))
        s3.create_bucket(Bucket="lake")
        queue = sqs.create_queue(QueueName="c.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
        catalog = MemoryCatalog(folder)
        for table in told["tables"]:
            columns = [(n, kind) for n, kind, _ in (*table["columns"], *lake.LINEAGE)]
            ensure(catalog, "tests", table["name"], (folder / table["name"]).as_uri(), columns)
        yield Lake(
            lander(told, s3, sqs, "lake", queue),
            Committer(catalog, s3, "lake", "tests"),
            s3,
            sqs,
            queue,
        )
