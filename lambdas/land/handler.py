"""The land function: a batch of a Kinesis shard, landed or failed as a whole.

What is wrong with records ends in quarantine; anything else raises, and the event source
mapping delivers the batch again.
"""

from __future__ import annotations

import functools
import json
import os
import time
from dataclasses import dataclass
from typing import Any

import boto3
import pyarrow as pa

from headrace.lake import QUARANTINE, arrow_schema, deployed_plan
from lambdas.land import stage
from lambdas.land.events import kinesis_batch
from lambdas.land.landing import Landing, Table


@dataclass(frozen=True)
class Lander:
    """All that outlives one call."""

    tables: list[Table]
    quarantine: pa.Schema
    s3: Any
    sqs: Any
    bucket: str
    queue_url: str

    def land(self, event: dict[str, Any]) -> dict[str, int]:
        """Land one event.

        Returns
        -------
        dict
            Rows by table, the quarantine table among them.
        """
        batch = kinesis_batch(event)
        stage.archive(self.s3, self.bucket, batch)
        landing = Landing(self.tables, self.quarantine, batch)
        messages = stage.write(self.s3, self.bucket, batch, landing.staged, landing.covered)
        stage.send(self.sqs, self.queue_url, messages)
        return {name: rows.rows for name, rows in landing.staged.items()}


def lander(plan: dict[str, Any], s3: Any, sqs: Any, bucket: str, queue_url: str) -> Lander:
    """Make a lander from a deployed plan and clients."""
    *tables, quarantine = plan["tables"]
    return Lander(
        [Table(table) for table in tables],
        arrow_schema(quarantine["columns"]),
        s3,
        sqs,
        bucket,
        queue_url,
    )


@functools.cache
def _deployed() -> Lander:
    return lander(
        deployed_plan(),
        boto3.client("s3"),
        boto3.client("sqs"),
        os.environ["LAKE_BUCKET"],
        os.environ["COMMIT_QUEUE_URL"],
    )


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the event source mapping."""
    began = time.perf_counter()
    rows = _deployed().land(event)
    quarantined = rows.pop(QUARANTINE)
    told = {
        "blocks": len(event["Records"]),
        "rows": rows,
        "quarantined": quarantined,
        "seconds": round(time.perf_counter() - began, 3),
    }
    print(json.dumps({"land": told}))
    return {"batchItemFailures": []}
