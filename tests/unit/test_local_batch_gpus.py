"""GPUs of the local cloud's Batch: listed, given out, waited for, refused on Fargate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from moto.batch.exceptions import ClientException

from localcloud.engines.batch import capacity, demands, gpus
from localcloud.engines.batch.capacity import Capacity, Host
from localcloud.engines.batch.definitions import Definitions
from localcloud.engines.batch.jobs import Job
from tests.unit.test_local_batch_waiting import Environment, made

WHOLE = "GPU 0: NVIDIA H200 (UUID: GPU-a)\nGPU 1: Tesla T4 (UUID: GPU-b)\n"
CUT = """GPU 0: NVIDIA A100 (UUID: GPU-a)
  MIG 3g.20gb Device 0: (UUID: MIG-1)
  MIG 3g.20gb Device 1: (UUID: MIG-2)
GPU 1: NVIDIA A100 (UUID: GPU-b)
"""


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (WHOLE, ("GPU-a", "GPU-b")),
        (CUT, ("MIG-1", "MIG-2", "GPU-b")),
        ("", ()),
        ("No devices found.\n", ()),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n", ()),
    ],
)
def test_the_driver_s_list_is_read(text: str, found: tuple[str, ...]) -> None:
    assert gpus.listed(text) == found


@pytest.mark.parametrize(("code", "found"), [(0, ("GPU-a", "GPU-b")), (9, ())])
def test_the_driver_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, found: tuple[str, ...]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert gpus.here() == ()  # there is no driver
    (tmp_path / "list").write_text(WHOLE)
    text = f'#!/bin/sh\n/bin/cat "{tmp_path}/list"\nexit {code}\n'
    (tmp_path / "nvidia-smi").write_text(text)
    (tmp_path / "nvidia-smi").chmod(0o755)
    assert gpus.here() == found


def test_a_container_sees_its_gpus_alone() -> None:
    names = ("NVIDIA_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")
    there = ("GPU-a", "GPU-b")
    assert gpus.variables(there, there) == dict.fromkeys(names, "GPU-a,GPU-b")
    assert gpus.variables((), there) == {names[0]: "void", names[1]: ""}
    assert gpus.variables((), ()) == {}


def needs(count: str) -> list[dict[str, str]]:
    told = {"VCPU": "1", "MEMORY": "2048", "GPU": count}
    return [{"type": kind, "value": value} for kind, value in told.items()]


def test_what_a_container_asks_for() -> None:
    assert demands.of({"resourceRequirements": needs("3")}).gpus == 3
    for bad in ("half", "0.5", "-1"):
        with pytest.raises(ClientException, match=f"Value {bad} for type GPU"):
            demands.of({"resourceRequirements": needs(bad)})


def test_fargate_has_none() -> None:
    given: dict[str, Any] = {"jobDefinitionName": "d", "type": "container"}
    given["platformCapabilities"] = ["FARGATE"]
    container = {"image": "i", "executionRoleArn": "arn", "resourceRequirements": needs("1")}
    known = Definitions("us-east-1", lambda name: f"arn:job-definition/{name}")
    with pytest.raises(ClientException, match="Exception : GPU is not applicable for Fargate"):
        known.register(given | {"containerProperties": container})
    known.register(given | {"containerProperties": container, "platformCapabilities": ["EC2"]})


def job(name: str, *each: int) -> Job:
    """A job with so many GPUs for each of its containers."""
    found = made(name, "q", 1, 100, 1)
    found.containers = [{"resourceRequirements": needs(str(n)), "command": []} for n in each]
    return found


def environment(*hosts: Host, most: int = 64) -> Environment:
    return Environment("e", {"type": "EC2", "maxvCpus": most, "hosts": list(hosts)})


def machine(*there: str) -> Capacity:
    return Capacity(100_000, lambda resources: resources["hosts"], there)


G4DN = environment(Host(4, 15_000, 1), Host(48, 180_000, 4), Host(64, 250_000, 1))


def test_each_job_gets_gpus_of_its_own() -> None:
    here = machine("GPU-a", "GPU-b", "GPU-c")
    first, second, third = job("a", 1), job("b", 2), job("c", 1)
    assert here.place(first, [G4DN])[0] is G4DN
    assert here.place(second, [G4DN])[0] is G4DN
    assert (first.gpus, second.gpus) == ([("GPU-a",)], [("GPU-b", "GPU-c")])
    assert here.place(third, [G4DN]) == (
        None,
        "CAPACITY:INSUFFICIENT_INSTANCE_CAPACITY - asks 1 GPU, 0 of this machine are free",
    )
    here.release(first)
    assert here.place(third, [G4DN])[0] is G4DN
    assert third.gpus == [("GPU-a",)]


def test_nodes_of_a_job_have_each_their_own() -> None:
    here, found = machine("GPU-a", "GPU-b"), job("a", 1, 0, 1)
    assert here.place(found, [G4DN])[0] is G4DN
    assert found.gpus == [("GPU-a",), (), ("GPU-b",)]
    here.release(found)
    _, why = here.place(job("b", 2, 1), [G4DN])
    assert why.endswith("asks 3 GPUs on 2 nodes, the largest host offers 2 (this machine)")


def test_a_job_without_gpus_holds_none() -> None:
    here, first = machine("GPU-a"), job("a", 0)
    assert here.place(first, [G4DN])[0] is G4DN
    assert first.gpus == [()]
    assert here.place(job("b", 1), [G4DN])[0] is G4DN


@pytest.mark.parametrize(
    ("asks", "there", "why"),
    [
        (1, (), "asks 1 GPU, the largest host offers 0 (this machine)"),
        (2, ("GPU-a",), "asks 2 GPUs, the largest host offers 1 (this machine)"),
        (5, ("GPU-a",) * 5, "asks 5 GPUs, the largest host offers 4"),
    ],
)
def test_what_never_fits(asks: int, there: tuple[str, ...], why: str) -> None:
    found, told = machine(*there).place(job("a", asks), [G4DN])
    assert found is None
    assert told.startswith("MISCONFIGURATION:JOB_RESOURCE_REQUIREMENT")
    assert told.endswith(why)


def test_hosts_without_gpus_are_passed_over() -> None:
    plain = environment(Host(4, 15_000))
    here = machine("GPU-a")
    assert here.place(job("a", 1), [plain])[1].endswith("asks 1 GPU, the largest host offers 0")
    assert here.place(job("b", 1), [plain, G4DN])[0] is G4DN


def test_instance_types_have_their_gpus() -> None:
    offered = capacity.hosts({"type": "EC2", "instanceTypes": ["g4dn", "g5"]})
    assert Host(4, 15_360, 1) in offered
    assert max(host.gpus for host in offered) == 8
    assert {h.gpus for h in capacity.hosts({"type": "EC2", "instanceTypes": ["m5"]})} == {0}
