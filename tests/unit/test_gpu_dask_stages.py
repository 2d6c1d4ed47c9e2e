"""Gpu and Dask stages in a study and its plan: what may be said, and what is deployed of it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import pytest

from headrace import plan
from headrace.cli.plan import lines, planned
from headrace.cost import TASK_PRICES, task_usd_h
from headrace.gpu_stage import GPU_HOSTS, gpu_host
from headrace.scaling.price import Price
from headrace.study import Dask, Gpu, Study, StudyError
from headrace.task_stages import Size


@dataclass
class Row:
    year: int
    slope: float


def gpu(**more: Any) -> Gpu:
    told = {"name": "shuffle", "program": "tasks/gpu/x.py", "input": "s3://{lake}/files/z/"}
    return Gpu(**{**told, "produces": Row, **more})


def dask(**more: Any) -> Dask:
    told = {"name": "trend", "program": "tasks/dask/x.py", "input": "SELECT year FROM shuffle"}
    return Dask(**{**told, "produces": Row, **more})


def study(*stages: Any, **more: Any) -> plan.Plan:
    return plan.plan_of(Study("t", "How long?", stages=stages, **more))


def test_hosts_are_by_price() -> None:
    prices = [host.usd_h for host in GPU_HOSTS]
    assert prices == sorted(prices)
    most = GPU_HOSTS[-1]
    for host in GPU_HOSTS:
        assert (host.gpus, host.vcpus, host.memory_mib) <= (most.gpus, most.vcpus, most.memory_mib)
        assert gpu_host(host.gpus, Size(host.vcpus, host.offered_mib), "x").usd_h <= host.usd_h


@pytest.mark.parametrize(
    ("gpus", "size", "name"),
    [
        (1, Size(4, 15_000), "g4dn.xlarge"),
        (1, Size(4, 16_000), "g4dn.2xlarge"),
        (1, Size(5, 4), "g4dn.2xlarge"),
        (2, Size(4, 15_000), "g4dn.12xlarge"),
        (1, Size(60, 4), "g4dn.16xlarge"),
        (8, Size(1, 4), "g4dn.metal"),
    ],
)
def test_a_container_gets_the_cheapest_host_that_has_all(gpus: int, size: Size, name: str) -> None:
    assert gpu_host(gpus, size, "x").name == name


@pytest.mark.parametrize(
    ("stage", "given", "where", "gpus"),
    [
        (gpu(), Size(4, 15_000), "gpu", 1),
        (gpu(spot=False), Size(4, 15_000), "gpu-on-demand", 1),
        (gpu(gpus=0), Size(4, 15_000), "spot", 0),
        (gpu(gpus=0, spot=False), Size(4, 15_360), "fargate", 0),
        (dask(), Size(2, 4096), "fargate", 0),
        (dask(threads=3), Size(8, 16_384), "fargate", 0),
        (dask(workers=1, vcpus=0.5), Size(0.5, 4096), "fargate", 0),
        (dask(workers=4, nodes=3), Size(2, 4096), "nodes", 0),
        (dask(gpu=True), Size(2, 4096), "gpu-on-demand", 2),
    ],
)
def test_each_stage_has_its_container_and_queue(
    stage: Gpu | Dask, given: Size, where: str, gpus: int
) -> None:
    assert (stage.container, stage.gpus) == (given, gpus)
    told = dataclasses.replace(stage, input="s3://{lake}/files/z/")
    assert study(told).queues == (where,)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: gpu(gpus=9), "gpus=9, outside 0 to 8"),
        (lambda: gpu(gpus=-1), "gpus=-1, outside 0"),
        (
            lambda: gpu(vcpus=100),
            r"1 GPU\(s\), 100 vCPUs and 15,000 MiB in one container, where a host has at most "
            "8 GPUs, 96 vCPUs and 368,640 MiB. Ask for less.",
        ),
        (lambda: gpu(gpus=0, spot=False, vcpus=17), "Fargate has at most 16 vCPUs"),
        (lambda: gpu(program="emr_steps/x.py"), "program 'emr_steps/x.py'"),
        (lambda: gpu(image="gpu"), "image 'gpu'"),
        (lambda: dask(workers=0), "workers=0, outside 1 to 1000"),
        (lambda: dask(threads=0), "threads=0, outside 1"),
        (
            lambda: dask(workers=3, nodes=2),
            r"5 ranks \(3 workers, the scheduler and the program\) on 2 nodes.*with 2 more are a "
            "multiple of 2",
        ),
        (lambda: dask(workers=4, nodes=2, gpu=True), "gpu=True on 2 nodes. Give one node"),
        (lambda: dask(workers=9, gpu=True), "a GPU for each of 9 workers.*at most 8"),
        (lambda: dask(workers=32), "32 vCPUs and 4,096 MiB in one container"),
        (lambda: dask(produces=dict), "Give a dataclass"),
    ],
)
def test_what_can_not_be_is_refused(make: Any, said: str) -> None:
    with pytest.raises(StudyError, match=said):
        make()


def test_what_is_deployed() -> None:
    told = study(gpu(gpus=2, params={"n": 3}), dask(threads=2)).deployed()
    shuffle, trend = told["stages"]
    assert shuffle == {
        "name": "shuffle",
        "kind": "gpu",
        "sql": [],
        "prefix": "s3://{lake}/files/z/",
        "columns": [("year", "long", True), ("slope", "double", True)],
        "program": "tasks/gpu/x.py",
        "params": {"n": 3},
        "tolerate": 0.0,
        "timeout_s": 3600,
        "image": "tasks/gpu",
        "platform": "EC2",
        "vcpus": 4,
        "memory_mib": 15_000,
        "asked": {"vcpus": 4, "memory_mib": 15_000},
        "workers": 1,
        "gpus": 2,
        "spot": True,
    }
    assert (trend["kind"], trend["image"], trend["platform"]) == ("dask", "tasks/dask", "FARGATE")
    assert (trend["workers"], trend["nodes"], trend["threads"], trend["gpus"]) == (2, 1, 2, 0)
    assert told["prices"].items() >= TASK_PRICES.items()
    assert told["gpu_hosts"][0] == ["g4dn.xlarge", 1, 4, 15_360, 0.526]
    assert "gpu_hosts" not in study(gpu(gpus=0), dask()).deployed()


def test_without_gpus_the_same_goes_to_cpus() -> None:
    found = study(gpu(), dask(gpu=True, workers=1)).without_gpus()
    assert found.queues == ("fargate", "spot")
    assert [s.stage for s in found.tasks] == [gpu(gpus=0), dask(workers=1)]
    assert found.study.stages == (gpu(), dask(gpu=True, workers=1))  # as it was written
    assert found.images == ("tasks/dask", "tasks/gpu")


def test_workers_are_dasks_alone() -> None:
    found = study(gpu(), dask(name="many", workers=4, nodes=3, input="s3://{lake}/f/"), dask())
    found.stage("trend").check_workers(16)
    found.stage("many").check_workers(7)
    for stage, count, said in (
        ("shuffle", 2, "of kind gpu. Name a stage of kind mpi, batch, dask or map"),
        ("many", 5, "7 ranks .* on 3 nodes"),
        ("trend", 17, "17 vCPUs"),
    ):
        with pytest.raises(StudyError, match=said):
            found.stage(stage).check_workers(count)
    assert dask(vcpus=1).at(4).container == Size(2, 4096)
    assert dask().at(4).ranks == 6


def test_a_host_with_gpus_is_paid_for_whole() -> None:
    assert task_usd_h(gpu(vcpus=1, memory_mib=500)) == 0.526
    assert task_usd_h(dask(gpu=True)) == 3.912
    assert task_usd_h(dask()) == pytest.approx(2 * 0.04048 + 4 * 0.004445)
    price = Price(study(dask(input="s3://{lake}/f/")).stage("trend"))
    assert price.usd(2, 3600) == pytest.approx(task_usd_h(dask()))
    assert price.usd(17, 3600) is None


def test_the_plan_tells_of_gpus_and_workers() -> None:
    found = study(gpu(), dask())
    text = "\n".join(lines(found, planned(found)))
    assert "tasks/gpu/x.py by headrace-t-gpu, image tasks/gpu: one container" in text
    assert "1 GPU, 4 vCPU and 15,000 MiB each on EC2; USD 0.5260 an hour" in text
    assert "less on the spot market" in text
    assert "tasks/dask/x.py by headrace-t-fargate, image tasks/dask: 2 workers in one" in text
    without = found.without_gpus()
    assert "no GPU here, 4 vCPU" in "\n".join(lines(without, planned(without)))
