"""A lake whose stages are prepared, mapped and registered, for tests of whole runs."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
from moto import mock_aws

from headrace.cost import PRICES, TASK_PRICES
from headrace.lake import LINEAGE
from headrace.plan import ITEM, QUARANTINE_COLUMNS, RUNS_COLUMNS
from headrace.task_stages import FARGATE
from lambdas.map.handler import answer as map_answer
from lambdas.map.mapper import Mapper
from lambdas.register.handler import answer as register_answer
from lambdas.register.stage import Lake
from lambdas.run.handler import Runner
from lambdas.table.evolve import ensure
from tests.unit.memory_catalog import MemoryCatalog
from tests.unit.run_path import Stage, map_stage

NOW = datetime.datetime(2026, 11, 22, 10, tzinfo=datetime.UTC)


def query_stage() -> dict[str, Any]:
    """A Query stage that reads the Map's table."""
    pieces = ["SELECT count(*) AS n FROM squares", {"pin": "squares"}, ""]
    return {"name": "how_many", "kind": "query", "sql": pieces}


def spark_stage(**more: Any) -> dict[str, Any]:
    """A Spark stage that reads `numbers`."""
    return {
        "name": "squares",
        "kind": "spark",
        "sql": ["SELECT n FROM numbers", {"pin": "numbers"}, ""],
        "prefix": "",
        "columns": [("n", "long", True), ("note", "string", False)],
        "program": "emr_steps/squares.py",
        "params": {"power": 2},
        "conf": {},
        "jars": [],
        "gpu": False,
        "tolerate": 0.0,
        "timeout_s": 3600,
        **more,
    }


def job_stage(**more: Any) -> dict[str, Any]:
    """A MapReduce stage of two steps."""
    step = {"mapper": True, "combiner": True, "reducer": True, "raw": False, "jobconf": {}}
    return {
        **spark_stage(kind="mapreduce", program="emr_steps/words.py"),
        "arguments": ["--power=2"],
        "reducers": 3,
        "steps": [step, step | {"mapper": False, "combiner": False}],
        **more,
    }


def mpi_stage(**more: Any) -> dict[str, Any]:
    """An Mpi stage of three ranks that reads `numbers`."""
    told = spark_stage(kind="mpi", program="tasks/mpi/squares.py")
    for name in ("conf", "jars", "gpu"):
        del told[name]
    return {
        **told,
        "image": "tasks/mpi",
        "workers": 3,
        "nodes": 1,
        "platform": "FARGATE",
        "vcpus": 4,
        "memory_mib": 8192,
        "asked": {"vcpus": 3, "memory_mib": 2048},
        **more,
    }


def batch_stage(**more: Any) -> dict[str, Any]:
    """A Batch stage of two copies that reads `numbers`."""
    told = mpi_stage(kind="batch", workers=2, platform="EC2", spot=True, vcpus=1, memory_mib=2048)
    del told["nodes"]
    return {**told, "asked": {"vcpus": 1, "memory_mib": 2048}, **more}


def deployed(*stages: dict[str, Any]) -> dict[str, Any]:
    """A deployed plan with a table `numbers`."""
    tables = {
        "numbers": [("n", "long", True)],
        **{s["name"]: s["columns"] for s in stages if s["kind"] != "query"},
        "runs": [dataclasses.astuple(c) for c in RUNS_COLUMNS],
        "quarantine": [dataclasses.astuple(c) for c in QUARANTINE_COLUMNS],
    }
    return {
        "study": "tests",
        "tables": [{"name": name, "columns": columns} for name, columns in tables.items()],
        "seed": 25,
        "stages": list(stages),
        "prices": {**PRICES, **TASK_PRICES},
        "fargate": [[vcpus, list(sizes)] for vcpus, sizes in FARGATE],
        "cluster": {
            "name": "headrace-tests",
            "instance": "m6i.xlarge",
            "core": 1,
            "most_task": 2,
            "idle_s": 900,
            "release": "emr-7.13.0",
            "usd_h": 0.24,
            "engine": "Amazon EMR emr-7.13.0, Hadoop 3.4.2, Spark 3.5.6",
        },
    }


class Athena:
    """The answers of Athena's GetQueryExecution, for queries whose CSV a test wrote."""

    def get_query_execution(self, **asked: str) -> dict[str, Any]:
        uri = f"s3://lake/athena/{asked['QueryExecutionId']}.csv"
        return {
            "QueryExecution": {
                "ResultConfiguration": {"OutputLocation": uri},
                "Statistics": {"EngineExecutionTimeInMillis": 1500},
                "EngineVersion": {"EffectiveEngineVersion": "Athena engine version 3"},
            }
        }


@dataclass
class Study:
    """A deployed study on moto, whose Athena is the test itself."""

    runner: Runner
    lake: Lake
    s3: Any
    mappers: dict[str, Mapper]
    catalog: MemoryCatalog

    def begin(self, execution: str = "r", **told: Any) -> dict[str, Any]:
        event = {"op": "begin", "execution": execution, "input": told}
        return self.runner.answer(event, NOW)

    def prepare(self, run: dict[str, Any], stage: str, **more: Any) -> dict[str, Any]:
        return self.runner.answer({"op": "prepare", "run": run, "stage": stage, **more}, NOW)

    def stage(self, prepared: dict[str, Any], name: str = "squares") -> Stage:
        """The try that was prepared."""
        return Stage(self.s3, self.mappers[name], prepared["prefix"])

    def register(
        self, run: dict[str, Any], prepared: dict[str, Any], stage: str = "squares"
    ) -> dict[str, Any]:
        event = {
            "op": "register",
            "run": run,
            "stage": stage,
            "prefix": prepared["prefix"],
            "try": prepared["try"],
            "started": prepared["started"],
            "asked": {"query": "q1", "scanned_bytes": 1000},
        }
        return register_answer(self.lake, event)

    def run(self, run: dict[str, Any], count: int, stage: str = "squares") -> dict[str, Any]:
        """Prepare, map over the numbers below `count`, and register."""
        prepared = self.prepare(run, stage)
        tried = self.stage(prepared, stage)
        tried.give(range(count))
        assert map_answer(tried.mapper, {"op": "probe", "prefix": tried.prefix}, 60)
        for batch in tried.batches():
            tried.work(**batch)
        return self.register(run, prepared, stage)

    def rows(self, table: str) -> list[dict[str, Any]]:
        rows = self.catalog.load_table(("tests", table)).scan().to_arrow()
        found: list[dict[str, Any]] = rows.to_pylist()
        return found

    def done(self, run: str, stage: str = "squares") -> dict[str, Any]:
        body = self.s3.get_object(Bucket="lake", Key=f"runs/{run}/{stage}/done.json")["Body"]
        found: dict[str, Any] = json.loads(body.read())
        return found

    def snapshot(self, table: str = "squares") -> int | None:
        found = self.catalog.load_table(("tests", table)).current_snapshot()
        return found.snapshot_id if found else None

    def objects(self) -> set[str]:
        found = self.s3.list_objects_v2(Bucket="lake").get("Contents", [])
        return {o["Key"] for o in found}


class Glue:
    """Glue's GetTable over the catalog of the test, whose metadata it copies into S3."""

    class exceptions:  # noqa: N801 - as boto3 names it
        class EntityNotFoundException(Exception):
            pass

    def __init__(self, catalog: MemoryCatalog, s3: Any) -> None:
        self._catalog, self._s3 = catalog, s3

    def get_table(self, **asked: str) -> dict[str, Any]:
        name = (asked["DatabaseName"], asked["Name"])
        if name not in self._catalog.tables:
            raise self.exceptions.EntityNotFoundException
        location = self._catalog.load_table(name).metadata_location
        body = Path(location.removeprefix("file://")).read_bytes()
        key = f"tables/{asked['Name']}/metadata.json"
        self._s3.put_object(Bucket="lake", Key=key, Body=body)
        return {"Table": {"Parameters": {"metadata_location": f"s3://lake/{key}"}}}


@contextmanager
def study_on_moto(folder: Path, *stages: dict[str, Any]) -> Iterator[Study]:
    """A study with its tables, all empty but `numbers`, which has the row 0."""
    stages = stages or (map_stage(), query_stage())
    plan = deployed(*stages)
    words = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    with mock_aws():
        s3 = boto3.client("s3", **words)
        s3.create_bucket(Bucket="lake")
        catalog = MemoryCatalog(folder)
        made = {s["name"] for s in stages if s["kind"] == "map"}
        for table in plan["tables"]:
            more: Any = LINEAGE if table["name"] in ("numbers", "quarantine") else ()
            more = [dataclasses.astuple(c) for c in ITEM] if table["name"] in made else more
            columns = [(n, kind) for n, kind, _ in (*table["columns"], *more)]
            ensure(catalog, "tests", table["name"], (folder / table["name"]).as_uri(), columns)
        catalog.load_table(("tests", "numbers")).append(pa.table({"n": [0]}))
        mappers = {
            s["name"]: Mapper(s3, "lake", s, 25, lambda: "code")
            for s in stages
            if s["kind"] == "map"
        }
        lake = Lake(plan, catalog, s3, Athena(), "lake", "tests", lambda _: None)
        try:
            yield Study(
                Runner(plan, s3, Glue(catalog, s3), "lake", "tests"), lake, s3, mappers, catalog
            )
        finally:
            for mapper in mappers.values():
                mapper.supervisor.stop()
