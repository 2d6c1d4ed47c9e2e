"""Where records are that neither landed nor were quarantined: queues, and what was given up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from headrace.plan import Plan

#: AWS chooses this prefix: docs/contracts.md, Objects in the lake bucket.
UNDELIVERED = "aws/lambda/"


@dataclass(frozen=True)
class Stuck:
    """What waits, and what was given up.

    Parameters
    ----------
    undelivered_objects, undelivered_records : int
        Batches that land failed on for good, and the stream records in them.
    dead_letters : int
        Messages that commit failed on for good.
    waiting : int
        Messages that commit has yet to read. SQS counts both approximately.
    """

    undelivered_objects: int = 0
    undelivered_records: int = 0
    dead_letters: int = 0
    waiting: int = 0

    @property
    def given_up(self) -> int:
        """Messages and batches that nobody will try again."""
        return self.dead_letters + self.undelivered_objects

    def words(self) -> str:
        """All of it in a sentence."""
        return (
            f"Waiting for commit: {self.waiting:,} messages; given up: {self.dead_letters:,} dead"
            f" letters and {self.undelivered_objects:,} undelivered batches"
            f" ({self.undelivered_records:,} stream records)."
        )


def look(plan: Plan, client: Callable[[str], Any], bucket: str) -> Stuck:
    """Look into the bucket and the queues.

    Parameters
    ----------
    plan : Plan
    client : callable
        Makes a boto3 client of a service.
    bucket : str
        The lake's.
    """
    objects, records = undelivered(client("s3"), bucket)
    sqs = client("sqs")
    return Stuck(
        objects, records, messages(sqs, plan.commit_dead_letters), messages(sqs, plan.commit_queue)
    )


def undelivered(client: Any, bucket: str) -> tuple[int, int]:
    """Batches that the event source mapping gave up on: objects, and stream records in them.

    Each object is a JSON document whose ``KinesisBatchInfo`` has a ``batchSize``
    (https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html).
    """
    objects = records = 0
    for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=UNDELIVERED):
        for found in page.get("Contents", ()):
            body = client.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
            objects += 1
            records += json.loads(body)["KinesisBatchInfo"]["batchSize"]
    return objects, records


def messages(client: Any, queue: str) -> int:
    """Messages of an SQS queue, those in flight too; approximately, as SQS counts."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    url = client.get_queue_url(QueueName=queue)["QueueUrl"]
    found = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(found[name]) for name in names)
