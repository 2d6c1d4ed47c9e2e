"""Jobs of Gpu and Dask stages: what Batch is given, and what is paid for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from headrace.cost import TASK_PRICES
from headrace.gpu_stage import GPU_HOSTS
from lambdas.register.cost import Size, job_usd
from lambdas.run.begin import InputError
from lambdas.run.job import JobError
from tests.unit.registering import Study, mpi_stage, study_on_moto

PROGRAM = {"archive": "s3://assets/a.zip", "definition": "d", "queue": "q"}
HOSTS = [[h.name, h.gpus, h.vcpus, h.offered_mib, h.usd_h] for h in GPU_HOSTS]


def gpu_stage(**more: Any) -> dict[str, Any]:
    told = mpi_stage(kind="gpu", workers=1, platform="EC2", spot=True, gpus=1, image="tasks/gpu")
    del told["nodes"]
    return {**told, "vcpus": 4, "memory_mib": 15_000, "asked": size(4, 15_000), **more}


def dask_stage(**more: Any) -> dict[str, Any]:
    told = mpi_stage(kind="dask", workers=2, threads=2, gpus=0, image="tasks/dask")
    return {**told, "asked": size(4, 4096), **more}


def size(vcpus: float, memory_mib: int) -> dict[str, float]:
    return {"vcpus": vcpus, "memory_mib": memory_mib}


def prepared(study: Study, **asked: Any) -> dict[str, Any]:
    study.runner.plan["gpu_hosts"] = HOSTS
    told: dict[str, Any] = study.prepare(study.begin("r", **asked), "squares", program=PROGRAM)
    return told


def container(study: Study, told: dict[str, Any]) -> Any:
    key = f"{told['prefix']}prepared.json"
    return json.loads(study.s3.get_object(Bucket="lake", Key=key)["Body"].read())["container"]


def resources(told: dict[str, Any]) -> dict[str, str]:
    return {each["Type"]: each["Value"] for each in told["job"]["resources"]}


def environment(told: dict[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in told["job"]["environment"]}


def test_a_gpu_job_asks_for_gpus_and_has_no_ranks(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, gpu_stage()) as study:
        told = prepared(study)
        assert told["sql"].endswith("WITH (format='PARQUET', compression='ZSTD')")
        assert "--ranks" not in told["job"]["command"]
        assert resources(told) == {"VCPU": "4", "MEMORY": "15000", "GPU": "1"}
        assert environment(told) == {"HEADRACE_SEED": "25", "HEADRACE_WORKERS": "1"}
        paid = {"platform": "EC2", "count": 1, **size(4, 15_000)}
        assert container(study, told) == paid | {"gpus": 1, "host": "g4dn.xlarge", "usd_h": 0.526}


def test_without_gpus_it_asks_for_none(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, gpu_stage(gpus=0)) as study:
        told = prepared(study)
        assert resources(told) == {"VCPU": "4", "MEMORY": "15000"}
        assert "usd_h" not in container(study, told)


def test_a_dask_job_has_two_ranks_beside_its_workers(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, dask_stage()) as study:
        told = prepared(study)
        words = told["job"]["command"]
        assert words[words.index("--ranks") + 1] == "4"
        assert resources(told) == {"VCPU": "4", "MEMORY": "8192"}
        assert environment(told) == {
            "HEADRACE_SEED": "25",
            "HEADRACE_WORKERS": "2",
            "HEADRACE_THREADS": "2",
            "HEADRACE_MEMORY_MIB": "8192",
            "HEADRACE_GPU": "0",
        }


def test_ranks_and_memory_follow_the_workers_of_a_run(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, dask_stage()) as study:
        told = prepared(study, workers={"squares": 4})
        words = told["job"]["command"]
        assert (words[words.index("--ranks") + 1], told["workers"]) == ("6", 4)
        assert resources(told) == {"VCPU": "8", "MEMORY": "16384"}
        assert environment(told)["HEADRACE_WORKERS"] == "4"
        assert environment(told)["HEADRACE_MEMORY_MIB"] == "16384"


def test_workers_on_gpus_have_one_each(tmp_path: Path) -> None:
    stage = dask_stage(gpus=1, workers=1, platform="EC2", asked=size(2, 9000))
    with study_on_moto(tmp_path, stage) as study:
        told = prepared(study, workers={"squares": 3})
        assert resources(told) == {"VCPU": "6", "MEMORY": "9000", "GPU": "3"}
        assert environment(told)["HEADRACE_GPU"] == "1"
        assert container(study, told)["host"] == "g4dn.12xlarge"


def test_more_gpus_than_a_host_has_are_refused(tmp_path: Path) -> None:
    stage = dask_stage(gpus=1, workers=1, platform="EC2", asked=size(1, 9000))
    with (
        study_on_moto(tmp_path, stage) as study,
        pytest.raises(JobError, match="9 GPUs, 9 vCPUs and 9,000 MiB for 9 workers.*at most 8"),
    ):
        prepared(study, workers={"squares": 9})


@pytest.mark.parametrize(
    ("stage", "count", "said"),
    [
        (gpu_stage(), 2, "of kind gpu. Name a stage of kind map, mpi, batch, dask"),
        (dask_stage(), 1001, "from 1 to 1,000"),
        (dask_stage(nodes=2), 3, "on 2 nodes. Give as many that with 2 more are a multiple of 2"),
    ],
)
def test_workers_that_can_not_be_are_refused(
    tmp_path: Path, stage: dict[str, Any], count: int, said: str
) -> None:
    with study_on_moto(tmp_path, stage) as study, pytest.raises(InputError, match=said):
        study.begin("r", workers={"squares": count})


def test_a_host_with_gpus_is_paid_for_whole() -> None:
    prices = {**TASK_PRICES, "state_transition": 0.0}
    assert job_usd(prices, 3600, 1, Size("EC2", 4, 15_000, 0.526)) == pytest.approx(0.526)
    assert job_usd(prices, 3600, 1, Size("EC2", 4, 15_000)) < 0.5
