"""A job of a stage in containers: what Batch is given, and what its output becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.cost import TASK_PRICES
from lambdas.register.cost import Size, job_usd
from lambdas.register.outputs import OutputsError
from lambdas.register.stage import TooManyFailed
from lambdas.run.begin import InputError
from lambdas.run.job import JobError
from lambdas.run.prepare import NothingThere, PrepareError
from tests.unit.registering import (
    NOW,
    Study,
    batch_stage,
    deployed,
    mpi_stage,
    query_stage,
    spark_stage,
    study_on_moto,
)
from tests.unit.run_path import map_stage, parquet

PROGRAM = {"archive": "s3://assets/a.zip", "definition": "d", "queue": "q"}
Try = tuple[Study, dict[str, Any], dict[str, Any]]


def prepared(study: Study, run: dict[str, Any]) -> dict[str, Any]:
    return study.prepare(run, "squares", program=PROGRAM)


def put(study: Study, key: str, body: bytes = b"abc") -> None:
    study.s3.put_object(Bucket="lake", Key=key, Body=body)


def body(study: Study, key: str) -> Any:
    return json.loads(study.s3.get_object(Bucket="lake", Key=key)["Body"].read())


@contextmanager
def looked_at(folder: Path, stage: dict[str, Any], **asked: Any) -> Iterator[Try]:
    """A try that may run: prepared, its input there, its facts written."""
    with study_on_moto(folder, stage) as study:
        run = study.begin("r", **asked)
        told = prepared(study, run)
        put(study, f"{told['prefix']}in/x")
        event = {"op": "look", "run": run, "stage": "squares", "prefix": told["prefix"]}
        study.runner.answer(event | {"program": PROGRAM}, NOW)
        yield study, run, told


def test_a_job_is_boot_s_words_in_fargate_s_size(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, mpi_stage()) as study:
        told = prepared(study, study.begin("r"))
        uri = f"s3://lake/{told['prefix']}"
        assert told["sql"].endswith("WITH (format='PARQUET', compression='ZSTD')")
        assert (told["workers"], "steps" in told) == (3, False)
        assert told["job"] == {
            "name": "tests-squares-r-1",
            "workers": 3,
            "command": [
                *("--program", "s3://assets/a.zip", "--main", "tasks/mpi/squares.py"),
                *("--ranks", "3", "--timeout-s", "3600"),
                *("--input", f"{uri}in/", "--output", f"{uri}out/", "--params", '{"power": 2}'),
            ],
            "environment": [
                {"Name": "HEADRACE_SEED", "Value": "25"},
                {"Name": "HEADRACE_WORKERS", "Value": "3"},
            ],
            "resources": [{"Type": "VCPU", "Value": "4"}, {"Type": "MEMORY", "Value": "8192"}],
        }
        held = body(study, f"{told['prefix']}prepared.json")
        size = {"platform": "FARGATE", "vcpus": 4, "memory_mib": 8192}
        assert held["container"] == size | {"count": 1}


def test_copies_get_no_ranks_and_whole_vcpus(tmp_path: Path) -> None:
    stage = batch_stage(asked={"vcpus": 0.5, "memory_mib": 300}, sql=[], prefix="s3://{lake}/f/")
    with study_on_moto(tmp_path, stage) as study:
        told = prepared(study, study.begin("r"))
        job = told["job"]
        assert "--ranks" not in job["command"]
        assert job["command"][job["command"].index("--input") + 1] == "s3://lake/f/"
        assert [r["Value"] for r in job["resources"]] == ["1", "300"]
        assert job["workers"] == 2
        assert body(study, f"{told['prefix']}prepared.json")["container"]["count"] == 2


@pytest.mark.parametrize(
    ("stage", "count", "size"),
    [
        (mpi_stage(), 1, ["1", "2048"]),
        (mpi_stage(), 6, ["8", "16384"]),
        (mpi_stage(asked={"vcpus": 0.75, "memory_mib": 600}), 1, ["0.25", "1024"]),
        (mpi_stage(nodes=3, platform="EC2", asked={"vcpus": 1, "memory_mib": 9}), 12, ["4", "9"]),
        (batch_stage(), 1, ["1", "2048"]),
        (batch_stage(), 500, ["1", "2048"]),
    ],
)
def test_a_run_s_own_workers_take_the_place_of_the_study_s(
    tmp_path: Path, stage: dict[str, Any], count: int, size: list[str]
) -> None:
    with study_on_moto(tmp_path, stage) as study:
        run = study.begin("r", workers={"squares": count})
        assert run["workers"] == {"squares": count}
        told = prepared(study, run)
        assert (told["workers"], told["job"]["workers"]) == (count, count)
        assert told["job"]["environment"][1]["Value"] == str(count)
        assert [r["Value"] for r in told["job"]["resources"]] == size
        if stage["kind"] == "mpi":
            words = told["job"]["command"]
            assert words[words.index("--ranks") + 1] == str(count)


@pytest.mark.parametrize(
    ("stages", "workers", "said"),
    [
        ((mpi_stage(),), {"squares": 0}, "0 workers for stage squares. Give a whole number"),
        ((mpi_stage(),), {"squares": "2"}, "'2' workers for stage squares"),
        ((mpi_stage(),), {"cubes": 2}, "the stage 'cubes'"),
        ((mpi_stage(nodes=2),), {"squares": 5}, "on 2 nodes. Give a multiple of 2"),
        ((batch_stage(),), {"squares": 10_001}, "from 1 to 10,000"),
        ((spark_stage(),), {"squares": 2}, "of kind spark. Name a stage of kind map, mpi, batch"),
    ],
)
def test_workers_that_can_not_be_are_refused(
    tmp_path: Path, stages: Any, workers: dict[str, Any], said: str
) -> None:
    with study_on_moto(tmp_path, *stages) as study, pytest.raises(InputError, match=said):
        study.begin("r", workers=workers)


def test_a_run_that_asks_for_none_has_none(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, mpi_stage()) as study:
        assert "workers" not in study.begin("r", workers=None)


def test_what_no_container_holds_is_refused_before_it_runs(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, mpi_stage()) as study:
        run = study.begin("r", workers={"squares": 17})
        with pytest.raises(JobError, match="17 vCPUs and 2,048 MiB for 17 workers.*at most 16"):
            prepared(study, run)


def test_more_than_ecs_takes_is_refused(tmp_path: Path) -> None:
    with (
        study_on_moto(tmp_path, mpi_stage(params={"text": "x" * 7000})) as study,
        pytest.raises(JobError, match="where a job takes 7,192"),
    ):
        prepared(study, study.begin("r"))


def test_a_stage_without_its_program_is_refused(tmp_path: Path) -> None:
    with (
        study_on_moto(tmp_path, mpi_stage()) as study,
        pytest.raises(PrepareError, match="no `program`"),
    ):
        study.prepare(study.begin("r"), "squares")


def test_a_stage_that_is_done_has_no_job(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, mpi_stage(), query_stage()) as study:
        told = prepared(study, study.begin("r", only=["how_many"]))
        assert (told["todo"], told["job"]) == (False, {})


def test_the_facts_say_what_runs_and_how_many_work(tmp_path: Path) -> None:
    with looked_at(tmp_path, mpi_stage(), workers={"squares": 6}) as (study, _, told):
        facts = body(study, f"{told['prefix']}facts.json")
        assert (facts["engine"], facts["workers"], facts["seed"]) == ("AWS Batch", 6, 25)
    codes = {facts["code"]}
    with looked_at(tmp_path / "2", mpi_stage(program="tasks/mpi/other.py")) as (study, _, told):
        codes.add(body(study, f"{told['prefix']}facts.json")["code"])
    assert len(codes) == 2  # of one archive


def test_nothing_to_read_is_said_before_a_job_is_submitted(tmp_path: Path) -> None:
    stage = mpi_stage(sql=[], prefix="s3://{lake}/files/z/")
    with study_on_moto(tmp_path, stage) as study:
        run = study.begin("r")
        event = {"op": "look", "run": run, "stage": "squares", "program": PROGRAM}
        event |= {"prefix": prepared(study, run)["prefix"]}
        with pytest.raises(NothingThere, match="bytes under s3://lake/files/z/"):
            study.runner.answer(event, NOW)


LIBRARIES = {"python": "3.12.8", "numpy": "2.3.1"}


def give(study: Study, told: dict[str, Any], *tables: pa.Table, ends: Any = ("",)) -> None:
    for number, table in enumerate(tables):
        put(study, f"{told['prefix']}out/part-{number}.parquet", parquet(table))
    for end in ends:
        put(study, f"{told['prefix']}out/_SUCCESS{end}", b"")
    put(study, f"{told['prefix']}libraries.json", json.dumps(LIBRARIES).encode())
    put(study, f"{told['prefix']}facts/boot.json", b'{"program_s": 120.0}')


ROWS = pa.table({"note": ["b", None], "n": [2, 1]})


def test_what_rank_0_wrote_becomes_the_table(tmp_path: Path) -> None:
    with looked_at(tmp_path, mpi_stage(), workers={"squares": 6}) as (study, run, told):
        give(study, told, ROWS)
        put(study, f"{told['prefix']}facts/grid.json", b'{"flop": 7}')
        gave = study.register(run, told)
        assert study.rows("squares") == [{"n": 1, "note": None}, {"n": 2, "note": "b"}]
        assert study.done("r")["facts"] == {"flop": 7, "program_s": 120.0}
        (row,) = study.rows("runs")
        assert (row["kind"], row["engine"], row["workers"]) == ("mpi", "AWS Batch", 6)
        assert json.loads(row["libraries"]) == LIBRARIES
        assert row["engine_s"] == 120.0
        # Six ranks have 8 vCPUs and 16 GiB; the rest is Athena's least and the states.
        of_job = 120 / 3600 * (8 * 0.04048 + 16 * 0.004445)
        assert row["cost_usd"] == pytest.approx(of_job + 5e-5 + 8 * 0.025e-3)
        assert study.register(run, told) == gave  # done twice, it is the same


def test_a_container_costs_a_minute_at_least() -> None:
    size = Size("EC2", 2, 8192)
    prices = {**TASK_PRICES, "state_transition": 0.0}
    hour = 2 * 0.033 + 8 * 0.00375
    assert job_usd(prices, 1.5, 10, size) == pytest.approx(10 * hour / 60)


def test_each_copy_says_that_it_ended(tmp_path: Path) -> None:
    with looked_at(tmp_path, batch_stage(), workers={"squares": 3}) as (study, run, told):
        give(study, told, ROWS, ends=(".0", ""))
        with pytest.raises(OutputsError, match=r"no _SUCCESS\.1 and 1 more in out/"):
            study.register(run, told)
        give(study, told, ROWS, ends=(".0", ".2"))
        with pytest.raises(OutputsError, match=r"no _SUCCESS\.1 in out/"):
            study.register(run, told)
        assert study.snapshot() is None
        give(study, told, ROWS, ends=(".1",))
        assert study.register(run, told)["rows"] == 2


def test_one_copy_ends_as_a_single_job(tmp_path: Path) -> None:
    with looked_at(tmp_path, batch_stage(), workers={"squares": 1}) as (study, run, told):
        give(study, told, ROWS)
        assert study.register(run, told)["rows"] == 2


def test_half_an_output_leaves_no_table(tmp_path: Path) -> None:
    with looked_at(tmp_path, mpi_stage()) as (study, run, told):
        give(study, told, ROWS, ends=())
        with pytest.raises(OutputsError, match="no _SUCCESS in out/"):
            study.register(run, told)
        put(study, f"{told['prefix']}out/_SUCCESS", b"")
        study.s3.delete_object(Bucket="lake", Key=f"{told['prefix']}libraries.json")
        with pytest.raises(OutputsError, match=r"no libraries\.json"):
            study.register(run, told)
        assert study.snapshot() is None


def test_other_columns_and_nulls_are_refused(tmp_path: Path) -> None:
    with looked_at(tmp_path, mpi_stage()) as (study, run, told):
        give(study, told, pa.table({"n": [1]}))
        with pytest.raises(OutputsError, match="no column note"):
            study.register(run, told)
        give(study, told, pa.table({"n": pa.array([None], pa.int64()), "note": ["a"]}))
        with pytest.raises(TooManyFailed, match="gives no value for `n`"):
            study.register(run, told)
        assert study.snapshot() is None


def test_the_table_does_not_depend_on_how_many_wrote_it(tmp_path: Path) -> None:
    found = set()
    for copies in (1, 2, 4):
        asked = {"workers": {"squares": copies}}
        with looked_at(tmp_path / str(copies), batch_stage(), **asked) as (study, run, told):
            whole = pa.table({"n": list(range(12)), "note": ["x"] * 12})
            parts = [whole.slice(i * 12 // copies, 12 // copies) for i in range(copies)]
            ends = [f".{i}" for i in range(copies)] if copies > 1 else [""]
            give(study, told, *parts[::-1], ends=ends)
            found.add(study.register(run, told)["checksum"])
    assert len(found) == 1


def test_a_map_s_calls_are_as_many_as_the_run_asks_for(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage(batch_items=1)) as study:
        run = study.begin("r", workers={"squares": 5})
        told = study.prepare(run, "squares")
        assert told["workers"] == 5
        tried = study.stage(told)
        tried.give(range(8))
        assert tried.probe(run=run)["concurrency"] == 5
        assert tried.facts()["workers"] == 5


def test_the_test_s_own_stages_are_as_the_plan_deploys_them() -> None:
    from headrace.plan import plan_of
    from headrace.study import Batch, Mpi
    from headrace.study import Study as Told
    from tests.unit.test_task_stages import Row

    words: Any = {"program": "tasks/mpi/squares.py", "input": "s3://b/x/", "produces": Row}
    stages: list[Any] = [Mpi("a", ranks=3, **words), Batch("b", size=2, **words)]
    made = plan_of(Told("t", "?", stages=stages)).deployed()
    assert [set(s) for s in made["stages"]] == [set(mpi_stage()), set(batch_stage())]
    assert made["fargate"] == deployed(mpi_stage())["fargate"]
