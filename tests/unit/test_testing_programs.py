"""A Spark, Mpi or Batch stage in one call: its program, alone, in this process."""

from __future__ import annotations

import datetime
import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark import SparkContext

from headrace.plan import Plan, plan_of
from headrace.study import Batch, Mpi, Spark, Study
from headrace.testing import ItemFailedError, StageFailedError, run_stage
from studies.union.study import study as union
from tests.unit.stage_programs import plan_with


@dataclass(frozen=True)
class Number:
    n: int
    note: str | None


NUMBERS = [{"n": n, "note": None if n else "zero"} for n in (2, 0, 1)]
BEGIN = """import argparse, json, os, sys
from pathlib import Path
from urllib.parse import urlsplit
import pyarrow as pa
import pyarrow.parquet as pq
parser = argparse.ArgumentParser()
for word in ("--input", "--output", "--params"):
    parser.add_argument(word, required=True)
told = parser.parse_args()
given, out = (Path(urlsplit(uri).path) for uri in (told.input, told.output))
params = json.loads(told.params)
out.mkdir()

def write(**columns):
    pq.write_table(pa.table(columns), out / "part-0.parquet")

"""
COPY = BEGIN + 'pq.write_table(pq.read_table(given), out / "part-0.parquet")\n'


def plan(folder: Path, program: str, kind: Any = Batch, **words: Any) -> Plan:
    path = folder / "it.py"
    path.write_text(program)
    return plan_with(kind("it", "tasks/mpi/it.py", "SELECT n FROM t", Number, **words), path)


def test_rows_come_as_parquet_and_go_sorted(tmp_path: Path) -> None:
    assert run_stage(plan(tmp_path, COPY), "it", NUMBERS) == [
        {"n": 0, "note": "zero"},
        {"n": 1, "note": None},
        {"n": 2, "note": None},
    ]


def test_a_program_is_called_as_in_its_container(tmp_path: Path) -> None:
    body = BEGIN + (
        'write(n=[params["a"], int(os.environ["HEADRACE_SEED"])],\n'
        '      note=[os.environ["HEADRACE_WORKERS"],'
        ' os.environ.get("AWS_BATCH_JOB_ARRAY_INDEX", "alone")])\n'
    )
    told = run_stage(plan(tmp_path, body, size=3, params={"a": 7}), "it", NUMBERS)
    assert told == [{"n": 7, "note": "1"}, {"n": 25, "note": "alone"}]
    assert run_stage(plan(tmp_path, body), "it", NUMBERS, params={"a": 8})[0]["n"] == 8
    assert "HEADRACE_SEED" not in os.environ


def test_a_folder_of_files_is_read_as_it_is(tmp_path: Path) -> None:
    body = BEGIN + "write(n=[p.stat().st_size for p in sorted(given.iterdir())], note=['a', 'b'])\n"
    source = tmp_path / "files"
    source.mkdir()
    (source / "a.bin").write_bytes(b"12345")
    (source / "b.bin").write_bytes(b"123")
    told = run_stage(plan(tmp_path, body), "it", source)
    assert [row["n"] for row in told] == [3, 5]


def test_facts_are_told_beside_the_rows(tmp_path: Path) -> None:
    body = BEGIN + (
        'facts = out.parent / "facts"\nfacts.mkdir()\n'
        '(facts / "it.json").write_text(\'{"flop": 12}\')\nwrite(n=[1], note=["a"])\n'
    )
    assert run_stage(plan(tmp_path, body), "it", NUMBERS).facts == {"flop": 12}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("raise KeyError('walk')\n", "KeyError: 'walk'"),
        ("sys.exit('no walk')\n", "its end: no walk"),
        ("import packages_of_nobody\n", "no module packages_of_nobody. Install what tasks/mpi/req"),
        ("write(m=[1])\n", "in part-0.parquet no column n, note. The table wants n long"),
        ("write(n=[1.5], note=['a'])\n", "column n of type double"),
    ],
)
def test_a_program_that_fails_is_told_with_its_error(tmp_path: Path, body: str, found: str) -> None:
    with pytest.raises(StageFailedError, match=f"While running it in process, found .*{found}"):
        run_stage(plan(tmp_path, BEGIN + body), "it", NUMBERS)


def test_a_row_that_lacks_a_value_is_raised_or_told(tmp_path: Path) -> None:
    it = plan(tmp_path, BEGIN + "write(n=[3, None], note=['a', 'b'])\n")
    with pytest.raises(ItemFailedError, match="on row 1, found gives no value for `n`"):
        run_stage(it, "it", NUMBERS)
    told = run_stage(it, "it", NUMBERS, failures="quarantine")
    assert told == [{"n": 3, "note": "a"}]
    assert told.quarantined[0]["bytes"] == b'{"n": null, "note": "b"}'


@pytest.mark.parametrize(("rows", "found"), [([], "nothing to read"), (["a"], "a text as a row")])
def test_what_no_run_would_read_is_refused(tmp_path: Path, rows: Any, found: str) -> None:
    with pytest.raises(StageFailedError, match=found):
        run_stage(plan(tmp_path, COPY), "it", rows)


@dataclass(frozen=True)
class Walk:
    walk: int
    last: float
    lowest: float
    highest: float
    moves: int


def test_an_mpi_program_runs_as_one_rank_in_under_a_second() -> None:
    stage = Mpi("walks", "tasks/mpi/random_walks.py", "SELECT walk FROM t", Walk, ranks=4)
    walks = plan_of(Study("tests", "?", seed=25, stages=[stage]))
    run_stage(walks, "walks", [{"walk": 0}])  # imports mpi4py
    began = time.process_time()
    told = run_stage(walks, "walks", [{"walk": n} for n in range(200)])
    assert time.process_time() - began < 0.9
    assert [row["walk"] for row in told] == list(range(200))
    assert {row["moves"] for row in told} == {99}
    assert abs(told.facts["sd_last"] - math.sqrt(99)) < 2
    # No walk changes with those beside it.
    assert run_stage(walks, "walks", [{"walk": 7}])[0] == told[7]


MATRIX = """from mpi4py import MPI
import numpy as np
comm = MPI.COMM_WORLD
total = comm.allreduce(int(np.load(next(given.glob("*.npy"))).sum()))
write(n=[total, comm.Get_size()], note=["sum", "ranks"])
"""


def test_an_mpi_program_is_one_rank_that_reads_the_file(tmp_path: Path) -> None:
    np.save(tmp_path / "shocks.npy", np.arange(6).reshape(3, 2))
    it = plan(tmp_path, BEGIN + MATRIX, Mpi, ranks=3)
    told = run_stage(it, "it", tmp_path / "shocks.npy")
    assert told == [{"n": 1, "note": "ranks"}, {"n": 15, "note": "sum"}]


@pytest.fixture(scope="module")
def _java() -> Iterator[None]:
    """Ends Spark's Java, which otherwise ends with this process."""
    yield
    gateway: Any = SparkContext._gateway
    if gateway is not None:
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=30)
        SparkContext._gateway = SparkContext._jvm = None


@pytest.mark.usefixtures("_java")
def test_a_spark_program_runs_in_a_session_of_this_machine(tmp_path: Path) -> None:
    path = tmp_path / "it.py"
    path.write_text(SPARK)
    stage = Spark("it", "emr_steps/it.py", "SELECT n FROM t", Number, conf={"spark.a": "b"})
    given = [{"n": 1, "note": "é", "day": datetime.date(2026, 11, 22)}]
    assert run_stage(plan_with(stage, path), "it", given) == [{"n": 22, "note": "b é 25"}]
    assert SparkContext._active_spark_context is None
    path.write_text("from emr_steps.spark_program import main\nmain(lambda program: 1 / 0)\n")
    with pytest.raises(StageFailedError, match="ZeroDivisionError"):
        run_stage(plan_with(stage, path), "it", given)


SPARK = """import os
from emr_steps.spark_program import main

def days(program):
    rows, conf = program.read(), program.spark.conf.get("spark.a")
    made = rows.rdd.map(
        lambda row: (row.day.day, f"{conf} {row.note} {os.environ['HEADRACE_SEED']}")
    )
    return made.toDF(["n", "note"])

if __name__ == "__main__":
    main(days)
"""


@pytest.mark.usefixtures("_java")
def test_a_session_of_the_tests_own_is_not_stopped() -> None:
    from tests.unit.spark_session import session

    with session() as spark, pytest.raises(StageFailedError, match="a Spark session of yours"):
        run_stage(union, "co_mention", [{"text": "France"}])
    assert spark is not None


def test_jars_are_refused_by_name(tmp_path: Path) -> None:
    stage = Spark("it", "emr_steps/co_mention.py", "SELECT n FROM t", Number, jars=["a:b:1"])
    with pytest.raises(StageFailedError, match="the jars a:b:1. Run the stage on the local cloud"):
        run_stage(plan_with(stage, tmp_path / "it.py"), "it", NUMBERS)
