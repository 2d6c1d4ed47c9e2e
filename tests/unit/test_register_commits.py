"""Who may replace what, and how much of it is in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.lake import RUN_MARK, STARTED_MARK
from lambdas.register.commits import Superseded, Try, replace_table
from lambdas.register.done import write
from lambdas.table.evolve import ensure
from tests.unit.memory_catalog import MemoryCatalog
from tests.unit.registering import Study, study_on_moto
from tests.unit.run_path import map_stage

EARLY, LATE = "2026-11-22T10:00:00.000+00:00", "2026-11-22T10:00:01.000+00:00"
SCHEMA = pa.schema([("n", pa.int64())])
NAME = ("tests", "numbers")


def mapped(study: Study, count: int, name: str, started: str, **told: Any) -> tuple[Any, Any]:
    """A run and a stage, prepared at some time, whose batches are all done."""
    run = study.begin(name, **told)
    prepared = study.prepare(run, "squares") | {"started": started}
    stage = study.stage(prepared)
    stage.give(range(count))
    stage.map()
    return run, prepared


def test_an_earlier_try_does_not_replace_a_later_one(tmp_path: Path) -> None:
    with study_on_moto(tmp_path) as study:
        stopped = mapped(study, 3, "r", EARLY)
        later = mapped(study, 5, "s", LATE)
        study.register(*later)
        with pytest.raises(Superseded, match=r"found s/1-\w+ of 2026.+ there already\. The later"):
            study.register(*stopped)
        assert len(study.rows("squares")) == 5
        properties = study.catalog.load_table(("tests", "squares")).properties
        assert properties[RUN_MARK] == f"s/{later[1]['try']}"
        assert properties[STARTED_MARK] == LATE
        assert "runs/r/squares/done.json" not in study.objects()


class Overtaken(MemoryCatalog):
    """Something happens before one of its commits."""

    def __init__(self, folder: Path, others: MemoryCatalog, at: int, then: Callable[[], Any]):
        super().__init__(folder)
        self.tables, self._at, self._then = others.tables, at, then

    def commit_table(self, table: Any, requirements: Any, updates: Any) -> Any:
        if self.commits == self._at:
            self.commits = -100
            self._then()
        return super().commit_table(table, requirements, updates)


@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_later_try_of_the_run_stays_whenever_it_comes(tmp_path: Path, at: int) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred")) as study:
        stopped = mapped(study, 100, "r", EARLY)
        later = mapped(study, 150, "r", LATE, attempt=2)
        plain = study.catalog

        def overtake() -> None:
            object.__setattr__(study.lake, "catalog", plain)
            study.register(*later)

        object.__setattr__(study.lake, "catalog", Overtaken(tmp_path, plain, at, overtake))
        with pytest.raises(Superseded):
            study.register(*stopped)
        assert len(study.rows("squares")) == 148
        assert len(study.rows("quarantine")) == 2
        assert study.done("r")["try"] == later[1]["try"]


def test_of_a_query_too_the_later_try_stays(tmp_path: Path) -> None:
    with study_on_moto(tmp_path) as study:
        study.s3.put_object(Bucket="lake", Key="athena/q1.csv", Body=b'"n"\n"3"\n')
        run = study.begin("r")
        study.run(run, 3)
        stopped = study.prepare(run, "how_many") | {"started": EARLY}
        later = study.prepare(run, "how_many") | {"started": LATE}
        study.register(run, later, "how_many")
        with pytest.raises(Superseded):
            study.register(run, stopped, "how_many")
        assert study.done("r", "how_many")["try"] == later["try"]


def test_a_done_that_comes_between_look_and_write_stays(tmp_path: Path) -> None:
    with study_on_moto(tmp_path) as study:
        key = "runs/r/squares/done.json"
        later = json.dumps({"try": "2-b", "started": LATE}).encode()

        class Between:
            """S3 to which another writes just before the first write."""

            exceptions = study.s3.exceptions
            get_object = study.s3.get_object

            def put_object(self, **asked: Any) -> Any:
                study.s3.put_object(Bucket="lake", Key=key, Body=later)
                return study.s3.put_object(**asked)

        with pytest.raises(Superseded):
            write(Between(), "lake", Try("r", "squares", "1-a", EARLY), {"try": "1-a"})
        assert study.done("r")["try"] == "2-b"


def test_only_a_part_of_the_rows_is_in_memory(tmp_path: Path) -> None:
    catalog = MemoryCatalog(tmp_path)
    ensure(catalog, *NAME, (tmp_path / "numbers").as_uri(), [("n", "long")])
    held: list[int] = []
    rows, size = 131_072, 1 << 20

    def given() -> Iterator[pa.RecordBatch]:
        for number in range(40):
            held.append(pa.total_allocated_bytes())
            start = number * rows
            yield pa.record_batch({"n": pa.array(range(start, start + rows), pa.int64())})

    for started in (EARLY, LATE):  # a new table, and one that is replaced
        held.clear()
        by = Try("r", "numbers", f"1-{started}", started)
        number = replace_table(catalog, NAME, given, SCHEMA, by, part_bytes=4 * size)
        assert max(held) - held[0] < 20 * size
        table = catalog.load_table(NAME)
        current = table.current_snapshot()
        assert current
        assert number == current.snapshot_id
        assert table.scan().to_arrow().column("n").to_pylist() == list(range(40 * rows))
        assert len(list(table.scan().plan_files())) == 10
