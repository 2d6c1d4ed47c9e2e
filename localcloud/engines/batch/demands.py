"""What a container asks for: vCPUs, memory and GPUs, from requirements or deprecated fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcloud.engines.batch.errors import request

KINDS = ("VCPU", "MEMORY", "GPU")


@dataclass(frozen=True)
class Demand:
    """What one container asks of its host."""

    vcpus: float
    memory_mib: int
    gpus: int = 0


def of(properties: Mapping[str, Any]) -> Demand:
    """What a container's properties ask for.

    Raises
    ------
    ClientException
    """
    given: dict[str, str] = {}
    for each in properties.get("resourceRequirements") or []:
        if each["type"] not in KINDS:
            raise request(f"{each['type']} is no type of resourceRequirements.")
        given[each["type"]] = str(each["value"])
    vcpus = given.get("VCPU", properties.get("vcpus"))
    memory = given.get("MEMORY", properties.get("memory"))
    if vcpus is None:
        raise request("vCPU is not provided.")
    if memory is None:
        raise request("Memory is not provided.")
    return Demand(_vcpus(vcpus), _memory(memory), _gpus(given.get("GPU", "0")))


def _vcpus(value: Any) -> float:
    try:
        vcpus = float(value)
    except ValueError:
        vcpus = 0.0
    if not 0 < vcpus < float("inf"):
        raise _not_valid("VCPU", value)
    return vcpus


def _memory(value: Any) -> int:
    if not str(value).isdecimal():
        raise _not_valid("MEMORY", value)
    if int(value) < 4:  # MiB: Docker's least
        raise request(f"Memory must be at least 4 MiB; found {value}.")
    return int(value)


def _gpus(value: str) -> int:
    if not value.isdecimal():
        raise _not_valid("GPU", value)
    return int(value)


def _not_valid(kind: str, value: Any) -> Exception:
    # https://github.com/kestra-io/plugin-aws/issues/504
    return request(
        f"Value {value} for type {kind} in resourceRequirement is not valid. "
        "Please provide a numeric value."
    )
