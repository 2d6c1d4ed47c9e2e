"""Stages in containers in a study and its plan: what may be said, and what is deployed of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import plan
from headrace.cli.plan import lines, planned
from headrace.cost import PRICES, container_usd_h
from headrace.graph import arrange
from headrace.study import Batch, Map, Mpi, Query, Study, StudyError
from headrace.task_stages import FARGATE, Size, fargate_size


@dataclass
class Row:
    rho: float
    mean_t: float


def mpi(**more: Any) -> Mpi:
    told = {"name": "grid", "program": "tasks/mpi/grid.py", "input": "s3://{lake}/files/z/"}
    return Mpi(**{**told, "produces": Row, **more})


def batch(**more: Any) -> Batch:
    told = {"name": "draws", "program": "tasks/mpi/draws.py", "input": "SELECT rho FROM grid"}
    return Batch(**{**told, "produces": Row, **more})


def study(*stages: Any, **more: Any) -> plan.Plan:
    return plan.plan_of(Study("t", "How long?", stages=stages, **more))


@given(vcpus=st.floats(0.25, 16), memory=st.integers(4, 122_880))
def test_the_next_size_of_fargate_has_what_is_asked_for(vcpus: float, memory: int) -> None:
    found = fargate_size(vcpus, memory, "x")
    assert found.vcpus >= vcpus
    assert found.memory_mib >= memory
    assert found.memory_mib in dict(FARGATE)[found.vcpus]
    fewer = [v for v, sizes in FARGATE if vcpus <= v < found.vcpus and sizes[-1] >= memory]
    assert not fewer


@pytest.mark.parametrize(
    ("vcpus", "memory", "found"),
    [
        (0.25, 512, Size(0.25, 512)),
        (1, 512, Size(1, 2048)),
        (3, 2048, Size(4, 8192)),
        (1, 8193, Size(2, 9216)),
        (8, 16_385, Size(8, 20_480)),
        (16, 122_880, Size(16, 122_880)),
    ],
)
def test_sizes_are_rounded_up(vcpus: float, memory: int, found: Size) -> None:
    assert fargate_size(vcpus, memory, "x") == found


@pytest.mark.parametrize(
    ("stage", "given", "where"),
    [
        (mpi(), Size(2, 4096), "fargate"),
        (mpi(ranks=3), Size(4, 8192), "fargate"),
        (mpi(ranks=8, vcpus=0.5, memory_mib=900), Size(0.5, 1024), "fargate"),
        (mpi(ranks=6, nodes=2), Size(3, 2048), "nodes"),
        (mpi(ranks=64, nodes=2), Size(32, 2048), "nodes"),
        (batch(), Size(1, 2048), "spot"),
        (batch(vcpus=0.5, memory_mib=300), Size(1, 300), "spot"),
        (batch(vcpus=0.5, memory_mib=300, spot=False), Size(0.5, 1024), "fargate"),
    ],
)
def test_each_stage_has_its_container_and_queue(
    stage: Mpi | Batch, given: Size, where: str
) -> None:
    assert stage.container == given
    assert study(stage).tasks[0].queue == where


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: mpi(ranks=17), "17 vCPUs and 2,048 MiB in one container, where Fargate has at"),
        (lambda: mpi(memory_mib=200_000), "200,000 MiB in one container.*122,880 MiB"),
        (lambda: mpi(ranks=5, nodes=2), "5 ranks on 2 nodes.*a multiple of 2"),
        (lambda: mpi(ranks=0), "ranks=0, outside 1"),
        (lambda: mpi(nodes=1001, ranks=1001), "nodes=1001, outside 1 to 1000"),
        (lambda: mpi(vcpus=0.1), "vcpus=0.1, outside 0.25"),
        (lambda: mpi(timeout_s=59), "timeout_s=59, outside 60 to 1209600"),
        (lambda: mpi(program="emr_steps/x.py"), "program 'emr_steps/x.py'.*tasks/"),
        (lambda: mpi(program="tasks/../x.py"), "program 'tasks/../x.py'"),
        (lambda: mpi(image="docker.io/mpi"), "image 'docker.io/mpi'"),
        (lambda: mpi(params={"a": {1}}), "params that are no JSON"),
        (lambda: mpi(produces=dict), "Give a dataclass"),
        (lambda: mpi(name="Grid"), "'Grid'"),
        (lambda: batch(size=10_001), "size=10001, outside 1 to 10000"),
        (lambda: batch(memory_mib=3), "memory_mib=3, outside 4"),
        (lambda: batch(tolerate=1.5), "tolerate=1.5"),
        (lambda: study(mpi(name="cluster")), "the run's cluster"),
    ],
)
def test_what_can_not_be_is_refused(make: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        make()


def test_a_study_names_all_that_its_jobs_want() -> None:
    found = study(mpi(), batch(), batch(name="more", image="tasks/other", spot=False))
    assert found.runs
    assert [s.name for s in found.tasks] == ["grid", "draws", "more"]
    assert not found.emr
    assert found.queues == ("fargate", "spot")
    assert found.images == ("tasks/mpi", "tasks/other")
    assert found.job_definition("grid") == "headrace-t-grid"
    assert found.job_queue("spot") == "headrace-t-spot"
    assert found.job_logs == "/headrace/t/jobs"
    assert found.repository("tasks/other") == "headrace-t-other"
    assert found.stage("grid").table == plan.TablePlan(
        "grid", (), plan.columns_of(Row), None, lineage=()
    )
    assert found.order == arrange(
        {"grid": frozenset(), "draws": frozenset(["grid"]), "more": frozenset(["grid"])}
    )


def test_what_is_deployed_is_what_the_contract_says() -> None:
    told = study(mpi(ranks=3, params={"mu": 3.0}), batch(size=8)).deployed()
    grid, draws = told["stages"]
    assert grid == {
        "name": "grid",
        "kind": "mpi",
        "sql": [],
        "prefix": "s3://{lake}/files/z/",
        "columns": [("rho", "double", True), ("mean_t", "double", True)],
        "program": "tasks/mpi/grid.py",
        "params": {"mu": 3.0},
        "tolerate": 0.0,
        "timeout_s": 3600,
        "image": "tasks/mpi",
        "platform": "FARGATE",
        "vcpus": 4,
        "memory_mib": 8192,
        "asked": {"vcpus": 3, "memory_mib": 2048},
        "workers": 3,
        "nodes": 1,
    }
    assert (draws["kind"], draws["workers"], draws["spot"]) == ("batch", 8, True)
    assert "nodes" not in draws
    assert told["prices"]["fargate_vcpu_h"] > 0
    assert told["fargate"][0] == [0.25, [512, 1024, 2048]]
    assert "cluster" not in told


def test_other_studies_are_deployed_as_before() -> None:
    told = study(Map("m", fn="studies.t.m:f", items="s3://{lake}/f/", produces=Row)).deployed()
    assert told["prices"] == PRICES
    assert "fargate" not in told


def test_workers_that_a_stage_can_not_have_are_refused_by_name() -> None:
    many = mpi(name="many", ranks=4, nodes=2)
    found = study(mpi(), many, batch(), Query("q", "SELECT rho FROM grid"))
    found.stage("grid").check_workers(16)
    found.stage("many").check_workers(6)
    found.stage("draws").check_workers(1)
    for stage, count, said in (
        ("grid", 17, "17 vCPUs.*Fargate has at most 16"),
        ("many", 5, "5 ranks on 2 nodes"),
        ("draws", 20_000, "size=20000"),
        ("q", 2, "of kind query. Name a stage of kind mpi, batch, dask or map"),
    ):
        with pytest.raises(StudyError, match=said):
            found.stage(stage).check_workers(count)


def test_vcpus_go_with_ranks() -> None:
    assert mpi(ranks=4, vcpus=2).at(8).container == Size(4, 8192)
    assert mpi(ranks=3).at(1).container == Size(1, 2048)


def test_the_plan_tells_of_jobs_and_their_price() -> None:
    found = study(mpi(ranks=3), mpi(name="wide", ranks=6, nodes=2), batch(size=8))
    text = "\n".join(lines(found, planned(found)))
    assert (
        "tasks/mpi/grid.py by headrace-t-fargate, image tasks/mpi: 3 ranks in one container,"
        " 3600 s at most, 0% of rows may be none" in text
    )
    assert "4 vCPU and 8,192 MiB each on Fargate; USD 0.1975 an hour on AWS while it runs" in text
    assert "6 ranks in 2 containers" in text
    assert "tasks/mpi/draws.py by headrace-t-spot, image tasks/mpi: 8 containers" in text
    assert "on EC2; USD 0.3240 an hour on AWS while it runs, less on the spot market" in text
    assert container_usd_h("FARGATE", 4, 8192) == pytest.approx(4 * 0.04048 + 8 * 0.004445)
