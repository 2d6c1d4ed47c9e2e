"""A container's properties: what Batch would refuse, and by name what can't be honoured.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ContainerProperties.html
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import Any

from localcloud.engines.batch import demands, fargate
from localcloud.engines.batch.errors import only, request, unable

HONOURED = frozenset(
    {
        "image",
        "vcpus",
        "memory",
        "command",
        "jobRoleArn",
        "executionRoleArn",
        "environment",
        "instanceType",
        "resourceRequirements",
        "linuxParameters",
        "logConfiguration",
        "networkConfiguration",
        "fargatePlatformConfiguration",
        "ephemeralStorage",
        "runtimePlatform",
    }
)
#: A process gets this machine's shared memory, and its guard does what an init process does.
HONOURED_OF_LINUX = frozenset({"initProcessEnabled", "sharedMemorySize"})

#: How awslogs sends isn't seen in what arrives; how it joins lines is.
HONOURED_OF_LOGS = frozenset(
    {
        "awslogs-group",
        "awslogs-region",
        "awslogs-stream-prefix",
        "awslogs-create-group",
        "mode",
        "max-buffer-size",
    }
)
NOT_ON_FARGATE = ("instanceType", "linuxParameters")
FARGATE_ALONE = ("fargatePlatformConfiguration", "networkConfiguration", "ephemeralStorage")
ARM = ("arm64", "aarch64")


def check(given: Mapping[str, Any], on_fargate: bool, region: str, where: str) -> None:
    """Check a container's properties.

    Raises
    ------
    ClientException
    """
    only(dict(given), HONOURED, where, "Remove it.")
    if not given.get("image"):
        raise request(f"{where}.image is required.")
    check_environment(given.get("environment") or [])
    _check_logs(given.get("logConfiguration"), region)
    _check_platform(given.get("runtimePlatform") or {})
    if on_fargate:
        _check_fargate(given)
    else:
        _check_ec2(given)


def check_size(given: Mapping[str, Any], on_fargate: bool) -> None:
    """Check what it asks for.

    Raises
    ------
    ClientException
    """
    demand = demands.of(given)
    if on_fargate:
        if demand.gpus:
            # https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
            raise request("GPU is not applicable for Fargate.")
        fargate.check(demand.vcpus, demand.memory_mib)
    elif demand.vcpus != int(demand.vcpus):
        raise request(
            f"Value {demand.vcpus:g} for type VCPU in resourceRequirement is not valid. "
            "Please provide a numeric value."
        )


def check_environment(given: list[Mapping[str, Any]]) -> None:
    """Check variables.

    Raises
    ------
    ClientException
    """
    for each in given:
        if str(each.get("name", "")).startswith("AWS_BATCH"):
            raise request(
                f"Environment variables cannot start with 'AWS_BATCH'; found {each['name']}."
            )


def _check_fargate(given: Mapping[str, Any]) -> None:
    for name in ("vcpus", "memory"):
        if given.get(name) is not None:
            # https://github.com/insitro/redun/pull/95 shows it.
            raise request(
                f"{name} is not applicable for Fargate. Use resource requirements instead."
            )
    for name in NOT_ON_FARGATE:
        if given.get(name):
            raise request(f"{name} is not applicable for Fargate.")
    if not given.get("executionRoleArn"):
        raise request("executionRoleArn is required for Fargate jobs.")
    storage = (given.get("ephemeralStorage") or {}).get("sizeInGiB")
    if storage is not None and not 21 <= storage <= 200:
        raise request(f"ephemeralStorage is 21 to 200 GiB; found {storage}.")


def _check_ec2(given: Mapping[str, Any]) -> None:
    for name in FARGATE_ALONE:
        if given.get(name):
            raise request(f"{name} is only applicable for Fargate.")
    only(
        given.get("linuxParameters") or {},
        HONOURED_OF_LINUX,
        "linuxParameters",
        "Remove it.",
    )


def _check_logs(given: Mapping[str, Any] | None, region: str) -> None:
    if not given:
        return
    if given["logDriver"] != "awslogs":
        raise unable("logConfiguration.logDriver", given["logDriver"], "Use awslogs.")
    only(dict(given), frozenset({"logDriver", "options"}), "logConfiguration", "Remove it.")
    options = given.get("options") or {}
    only(options, HONOURED_OF_LOGS, "logConfiguration.options", "Remove it.")
    if (elsewhere := options.get("awslogs-region", region)) != region:
        raise unable("awslogs-region", elsewhere, f"Use {region}.")


def _check_platform(given: Mapping[str, Any]) -> None:
    if (system := given.get("operatingSystemFamily", "LINUX")) != "LINUX":
        raise unable("runtimePlatform.operatingSystemFamily", system, "Use LINUX.")
    here = "ARM64" if platform.machine().lower() in ARM else "X86_64"
    if (asked := given.get("cpuArchitecture", here)) != here:
        raise unable(
            "runtimePlatform.cpuArchitecture", asked, f"This machine's containers are {here}."
        )
