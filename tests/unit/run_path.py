"""A small lake for tests of a run: a plan, its three functions on moto, tables in memory."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
from moto import mock_aws

from lambdas.map.handler import answer
from lambdas.map.mapper import Mapper
from lambdas.map.output import figures

RUN = "20261122t101500-0a1b"
PREFIX = f"runs/{RUN}/squares/1-0a1b2c3d/"
COLUMNS = [["n", "long", True], ["square", "double", False]]


def map_stage(fn: str = "square", **words: Any) -> dict[str, Any]:
    """A Map stage of a deployed plan; `fn` is one of ``tests.unit.map_functions``."""
    return {
        "name": "squares",
        "kind": "map",
        "sql": ["SELECT n FROM numbers", {"pin": "numbers"}],
        "prefix": "",
        "columns": COLUMNS,
        "fn": f"tests.unit.map_functions:{fn}",
        "params": {},
        "concurrency": 2,
        "batch_items": None,
        "item_timeout_s": 5.0,
        "tolerate": 0.05,
        "memory_mib": 3008,
        "timeout_s": 60,
    } | words


def parquet(table: pa.Table) -> bytes:
    """A table as a file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    body: bytes = sink.getvalue().to_pybytes()
    return body


@dataclass
class Stage:
    """One try of a Map stage on moto."""

    s3: Any
    mapper: Mapper
    prefix: str = PREFIX
    answers: list[dict[str, Any]] = field(default_factory=list)

    def give(self, *files: Sequence[Any], name: str = "n") -> None:
        """Write what UNLOAD would: one file for each sequence of values."""
        for number, values in enumerate(files):
            self.put(f"{self.prefix}in/{number}", parquet(pa.table({name: list(values)})))

    def put(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket="lake", Key=key, Body=body)

    def probe(self, left_s: float = 60, run: dict[str, Any] | None = None) -> dict[str, Any]:
        return answer(self.mapper, {"op": "probe", "run": run, "prefix": self.prefix}, left_s)

    def forget(self) -> None:
        """Take away what the probe kept, so that each call runs its items."""
        for key in self.keys("out/"):
            self.s3.delete_object(Bucket="lake", Key=key)

    def batches(self) -> list[dict[str, int]]:
        found: list[dict[str, int]] = json.loads(self.body("batches.json"))
        return found

    def work(self, first: int, last: int, attempt: int = 0, left_s: float = 60) -> dict[str, Any]:
        event = {"op": "work", "prefix": self.prefix, "first": first, "last": last}
        return answer(self.mapper, event | {"attempt": attempt}, left_s)

    def map(self, left_s: float = 60) -> None:
        """Probe, and run every batch."""
        self.probe(left_s)
        self.answers = [self.work(left_s=left_s, **batch) for batch in self.batches()]

    def body(self, name: str) -> bytes:
        found: bytes = self.s3.get_object(Bucket="lake", Key=self.prefix + name)["Body"].read()
        return found

    def facts(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body("facts.json"))
        return found

    def tables(self, kind: str) -> list[pa.Table]:
        """What ``out/`` has, or the files below ``bad/`` that it names."""
        names = [key.removeprefix(self.prefix) for key in self.keys("out/")]
        if kind == "bad":
            told = [figures(table)["bad_file"] for table in self.tables("out")]
            names = [f"bad/{name}" for name in told if name]
        return [pq.read_table(io.BytesIO(self.body(name))) for name in names]

    def keys(self, under: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket="lake", Prefix=f"{self.prefix}{under}")
        return sorted(o["Key"] for o in listed.get("Contents", []))

    def rows(self, kind: str = "out") -> list[dict[str, Any]]:
        return [row for table in self.tables(kind) for row in table.to_pylist()]

    def bad(self) -> dict[int, str]:
        """Reason by item."""
        return {int(row["_sequence"]): row["reason"] for row in self.rows("bad")}


@contextmanager
def stage_on_moto(root: Path, **words: Any) -> Iterator[Stage]:
    """A Map stage, whose child ends with the test."""
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    (root / "code.py").write_text("# the function's code\n")
    with mock_aws():
        s3 = boto3.client("s3", **keys)
        s3.create_bucket(Bucket="lake")
        mapper = Mapper(s3, "lake", map_stage(**words), 25, lambda: "code")
        try:
            yield Stage(s3, mapper)
        finally:
            mapper.supervisor.stop()
