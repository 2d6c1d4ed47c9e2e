"""Athena asked as boto3 users do: start, wait, read every page."""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

from pyiceberg.catalog import Catalog, load_catalog

WAIT_S = 60


@dataclass
class Lake:
    """A bucket and a Glue database of a test module's own, and a client for each service."""

    cloud: Any
    bucket: str
    database: str
    athena: Any
    s3: Any
    glue: Any

    def start(self, sql: str, **more: Any) -> str:
        """StartQueryExecution in this database, results in this bucket."""
        words = {
            "QueryExecutionContext": {"Database": self.database},
            "ResultConfiguration": {"OutputLocation": f"s3://{self.bucket}/athena/"},
        } | more
        return str(self.athena.start_query_execution(QueryString=sql, **words)["QueryExecutionId"])

    def wait(self, execution: str) -> dict[str, Any]:
        """The execution when it has ended."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            told = self.athena.get_query_execution(QueryExecutionId=execution)["QueryExecution"]
            if told["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return dict(told)
            time.sleep(0.02)
        raise TimeoutError(execution)

    def run(self, sql: str, **more: Any) -> dict[str, Any]:
        """Start and wait."""
        return self.wait(self.start(sql, **more))

    def ask(self, sql: str, **more: Any) -> list[list[str | None]]:
        """The rows, the header of a SELECT first."""
        told = self.run(sql, **more)
        assert told["Status"]["State"] == "SUCCEEDED", told["Status"].get("StateChangeReason")
        return self.rows(told["QueryExecutionId"])

    def rows(self, execution: str, page: int = 1000) -> list[list[str | None]]:
        """All rows of a result, page by page."""
        pages = self.athena.get_paginator("get_query_results").paginate(
            QueryExecutionId=execution, PaginationConfig={"PageSize": page}
        )
        return [
            [v.get("VarCharValue") for v in row["Data"]]
            for p in pages
            for row in p["ResultSet"]["Rows"]
        ]

    def reason(self, sql: str, **more: Any) -> str:
        """Why a query fails."""
        status = self.run(sql, **more)["Status"]
        assert status["State"] == "FAILED", status
        return str(status["StateChangeReason"])

    def put(self, key: str, body: bytes) -> None:
        """PutObject."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)

    def get(self, url: str) -> bytes:
        """GetObject of an s3:// URL."""
        bucket, key = url.removeprefix("s3://").split("/", 1)
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        """Keys under a prefix."""
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
        return [o["Key"] for o in found.get("Contents", [])]

    def iceberg(self) -> Catalog:
        """pyiceberg's catalog over this cloud's Glue and S3."""
        keys = {"access-key-id": "local", "secret-access-key": "local"}
        words = {f"{s}.{k}": v for s in ("glue", "s3") for k, v in keys.items()}
        words |= {f"{s}.region": self.cloud.region for s in ("glue", "s3")}
        words |= {"type": "glue", "glue.endpoint": self.cloud.endpoint}
        return load_catalog("test", **words, **{"s3.endpoint": self.cloud.endpoint})


def lake(cloud: Any, name: str) -> Lake:
    """A new bucket and database."""
    name = f"{name}{uuid.uuid4().hex[:8]}"
    made = Lake(cloud, f"lake-{name}", name, *(cloud.client(s) for s in ("athena", "s3", "glue")))
    made.s3.create_bucket(Bucket=made.bucket)
    made.glue.create_database(DatabaseInput={"Name": name})
    return made
