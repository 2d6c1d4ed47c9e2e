"""What a study on GPUs and Dask clusters deploys, where there are GPUs and where there are none."""

from __future__ import annotations

from typing import Any

import pytest

from headrace.plan import Plan
from infra.batch_queues import MOST_GPU_VCPUS, most_vcpus
from infra.machine import machine
from infra.machine_task import Names, TaskNames
from tests.unit.infra_synth import GOLDEN, Synthesised, Template, devices, hold, lint, synthesise
from tests.unit.machine_walk import State, flat


def document(plan: Plan) -> State:
    found = {
        s.name: TaskNames(
            f"s3://a/{s.name}.zip", plan.job_definition(s.name), plan.job_queue(s.queue)
        )
        for s in plan.tasks
    }
    return machine(plan, Names("lake-bucket", programs=found))


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return synthesise(devices(), tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Synthesised:
    return synthesise(devices().without_gpus(), tmp_path_factory.mktemp("without"))


def properties(synthesised: Synthesised, kind: str, named_by: str) -> dict[str, Template]:
    """The resources of a type by the end of their names."""
    found = [r["Properties"] for r in synthesised.of_type(kind)]
    return {p[named_by].removeprefix("headrace-devices-"): p for p in found}


def environments(synthesised: Synthesised) -> dict[str, Template]:
    """The computeResources behind each queue."""
    found = {}
    for name, queue in properties(synthesised, "AWS::Batch::JobQueue", "JobQueueName").items():
        (order,) = queue["ComputeEnvironmentOrder"]
        made = synthesised.resources[order["ComputeEnvironment"]["Fn::GetAtt"][0]]
        found[name] = made["Properties"]["ComputeResources"]
    return found


def needs(synthesised: Synthesised, stage: str) -> dict[str, str]:
    made = properties(synthesised, "AWS::Batch::JobDefinition", "JobDefinitionName")[stage]
    told: list[dict[str, str]] = (made.get("ContainerProperties") or _node(made))[
        "ResourceRequirements"
    ]
    return {each["Type"]: each["Value"] for each in told}


def _node(made: Template) -> Any:
    return made["NodeProperties"]["NodeRangeProperties"][0]["Container"]


def test_hosts_with_gpus_are_of_the_families_and_image_for_them(synthesised: Synthesised) -> None:
    found = environments(synthesised)
    assert set(found) == {"fargate", "nodes", "gpu", "gpu-on-demand"}
    for name, kind in (("gpu", "SPOT"), ("gpu-on-demand", "EC2")):
        assert found[name]["Type"] == kind
        assert found[name]["InstanceTypes"] == ["g4dn", "g5"]
        # https://docs.aws.amazon.com/batch/latest/APIReference/API_Ec2Configuration.html
        assert found[name]["Ec2Configuration"] == [{"ImageType": "ECS_AL2023_NVIDIA"}]
        assert found[name]["MinvCpus"] == 0
        assert len(found[name]["Subnets"]) == 2
    assert "Ec2Configuration" not in found["nodes"]


def test_a_queue_with_gpus_is_no_wider_than_its_largest_host() -> None:
    assert most_vcpus(devices(), "gpu") == MOST_GPU_VCPUS
    assert most_vcpus(devices(), "gpu-on-demand") == 48  # of a host with 4


def test_jobs_ask_for_gpus(synthesised: Synthesised) -> None:
    assert needs(synthesised, "walks") == {"VCPU": "4", "MEMORY": "15000", "GPU": "1"}
    assert needs(synthesised, "four")["GPU"] == "4"
    assert needs(synthesised, "arrays")["GPU"] == "1"
    assert "GPU" not in needs(synthesised, "sums")
    assert needs(synthesised, "wide") == {"VCPU": "2", "MEMORY": "4096"}


def test_without_gpus_nobody_asks_for_one(without: Synthesised) -> None:
    found = environments(without)
    assert set(found) == {"fargate", "nodes", "spot"}
    assert not [e for e in found.values() if "Ec2Configuration" in e]
    for stage in ("walks", "four", "sums", "arrays"):
        assert "GPU" not in needs(without, stage)
    queues = {s.name: s.queue for s in without.plan.tasks}
    assert queues["walks"] == "spot"
    assert (queues["four"], queues["arrays"]) == ("fargate", "fargate")  # not on the spot market


def test_the_machine_is_that_of_the_golden_file() -> None:
    found = document(devices())
    hold(found, GOLDEN / "machine" / "devices.json")
    states = dict(flat(found))
    asked = states["walks: job"]["Parameters"]
    assert asked["JobQueue"] == "headrace-devices-gpu"
    assert asked["ContainerOverrides"]["ResourceRequirements.$"] == "$.prepared.job.resources"
    assert "NodeOverrides" in states["wide: job"]["Parameters"]
    assert not [name for name in states if name.endswith((": one?", ": array"))]


@pytest.mark.parametrize("which", ["synthesised", "without"])
def test_cfn_lint_finds_nothing(which: str, request: pytest.FixtureRequest) -> None:
    made: Synthesised = request.getfixturevalue(which)
    code, said = lint(made.folder)
    assert code == 0, said
