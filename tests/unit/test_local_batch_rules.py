"""Batch's rules: sizes, strategies, ranges of nodes, what a request changes."""

from __future__ import annotations

from typing import Any

import pytest
from moto.batch.exceptions import ClientException

from localcloud.engines.batch import demands, fargate, node_checks, overrides, retries, strategies
from localcloud.engines.batch.addresses import Addresses
from localcloud.engines.batch.containers import Ended
from localcloud.engines.batch.definitions import Definition, Definitions

REGION = "us-east-1"


def size(vcpus: str, memory: str) -> list[dict[str, str]]:
    return [{"type": "VCPU", "value": vcpus}, {"type": "MEMORY", "value": memory}]


def container(**more: Any) -> dict[str, Any]:
    given = {"image": "i", "command": ["a"], "resourceRequirements": size("1", "2048")}
    return given | {"executionRoleArn": "arn"} | more


def definitions() -> Definitions:
    return Definitions(REGION, lambda name: f"arn:job-definition/{name}")


def register(**more: Any) -> Definition:
    given = {
        "jobDefinitionName": "d",
        "type": "container",
        "platformCapabilities": ["FARGATE"],
        "containerProperties": container(),
    }
    return definitions().register(given | more)


def test_fargates_sizes() -> None:
    assert fargate.memories(0.25) == (512, 1024, 2048)
    assert fargate.memories(1)[:2] == (2048, 3072)
    assert fargate.memories(8)[-2:] == (57344, 61440)
    assert len(fargate.memories(16)) == 12
    assert fargate.memories(3) == ()
    fargate.check(16, 122880)
    with pytest.raises(ClientException, match=r"\(0.50 vCPU, 512 MiB\) not valid"):
        fargate.check(0.5, 512)


def test_what_a_container_asks_for() -> None:
    asked = demands.of({"vcpus": 2, "memory": 300, "resourceRequirements": size("4", "512")})
    assert (asked.vcpus, asked.memory_mib) == (4, 512)
    asked = demands.of({"vcpus": 2, "memory": 300})
    assert (asked.vcpus, asked.memory_mib) == (2, 300)
    for bad in (size("many", "512"), size("1", "512.5"), size("0", "512"), size("1", "3")):
        with pytest.raises(ClientException):
            demands.of({"resourceRequirements": bad})
    with pytest.raises(ClientException, match="vCPU is not provided"):
        demands.of({"memory": 512})


@pytest.mark.parametrize(
    ("target", "nodes"), [("0:", [0, 1, 2, 3]), (":1", [0, 1]), ("1:2", [1, 2]), ("3", [3])]
)
def test_ranges_of_nodes(target: str, nodes: list[int]) -> None:
    assert list(node_checks.within(target, 4)) == nodes


@pytest.mark.parametrize("target", ["", "a", "2:1", "0:4", "4", "1:2:3"])
def test_ranges_that_are_none(target: str) -> None:
    with pytest.raises(ClientException):
        node_checks.within(target, 4)


RULES = [
    {"onExitCode": "75", "action": "retry"},
    {"onStatusReason": "Host EC2*", "action": "RETRY"},
    {"onReason": "OutOfMemory*", "onExitCode": "137", "action": "EXIT"},
]


@pytest.mark.parametrize(
    ("ended", "again"),
    [
        (Ended(75), True),
        (Ended(None, "", "Host EC2 (instance i-1) terminated."), True),
        (Ended(137, "OutOfMemoryError: Container killed due to memory usage"), False),
        (Ended(137), True),  # a rule needs all of its conditions; where none fits, again
        (Ended(0), False),
        (Ended(143, final=True), False),
    ],
)
def test_whether_there_is_another_attempt(ended: Ended, again: bool) -> None:
    assert retries.again({"attempts": 3, "evaluateOnExit": RULES}, 1, ended) is again
    assert not retries.again({"attempts": 3, "evaluateOnExit": RULES}, 3, ended)


def test_the_last_rule_can_end_all_others() -> None:
    rules = [RULES[0], {"onReason": "*", "action": "EXIT"}]
    assert retries.again({"attempts": 3, "evaluateOnExit": rules}, 1, Ended(75))
    assert not retries.again({"attempts": 3, "evaluateOnExit": rules}, 1, Ended(1))


@pytest.mark.parametrize(
    "strategy",
    [
        {"attempts": 11},
        {"evaluateOnExit": RULES},
        {"attempts": 1, "evaluateOnExit": [{"action": "RETRY"}]},
        {"attempts": 1, "evaluateOnExit": [{"action": "WAIT", "onReason": "*"}]},
        {"attempts": 1, "evaluateOnExit": [{"action": "EXIT", "onReason": "*x"}]},
        {"attempts": 1, "evaluateOnExit": [{"action": "EXIT", "onExitCode": "x"}]},
        {"attempts": 1, "evaluateOnExit": RULES * 2},
    ],
)
def test_strategies_that_are_refused(strategy: dict[str, Any]) -> None:
    with pytest.raises(ClientException):
        strategies.check_retry(strategy)


def test_a_timeout_has_a_minute_at_least() -> None:
    strategies.check_timeout({"attemptDurationSeconds": 60})
    with pytest.raises(ClientException, match="at least 60; found 59"):
        strategies.check_timeout({"attemptDurationSeconds": 59})


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"containerProperties": container(executionRoleArn="")}, "executionRoleArn is required"),
        ({"containerProperties": container(memory=512)}, "memory is not applicable for Fargate"),
        ({"containerProperties": container(linuxParameters={"swappiness": 1})}, "linuxParameters"),
        ({"containerProperties": container(user="u")}, "containerProperties.user"),
        ({"containerProperties": container(readonlyRootFilesystem=True)}, "readonlyRootFilesystem"),
        (
            {"containerProperties": container(environment=[{"name": "AWS_BATCH_X", "value": ""}])},
            "AWS_BATCH_X",
        ),
        (
            {
                "containerProperties": container(
                    runtimePlatform={"operatingSystemFamily": "WINDOWS"}
                )
            },
            "operatingSystemFamily",
        ),
        ({"eksProperties": {"podProperties": {}}}, "eksProperties"),
        ({"type": "multinode"}, "Fargate"),
        ({"platformCapabilities": ["MOON"]}, "MOON"),
        ({"jobDefinitionName": "a b"}, "valid pattern"),
        ({"timeout": {"attemptDurationSeconds": 1}}, "at least 60"),
    ],
)
def test_definitions_that_are_refused(change: dict[str, Any], found: str) -> None:
    with pytest.raises(ClientException, match=found):
        register(**change)


def test_empty_fields_ask_for_nothing() -> None:
    register(containerProperties=container(secrets=[], privileged=False, volumes=[]))


def test_revisions_go_on_and_the_last_active_is_found() -> None:
    kept = definitions()
    given = {"jobDefinitionName": "d", "type": "container", "containerProperties": container()}
    for _ in range(3):
        kept.register(given)
    kept.deregister("arn:job-definition/d:3")
    assert kept.find("d").revision == 2
    assert kept.find("d:1").revision == 1
    with pytest.raises(ClientException, match="d:3"):
        kept.find("d:3")
    assert kept.register(given).revision == 4


def test_parameters_stand_for_whole_words() -> None:
    command = ["x", "Ref::a", "Ref::none", "xRef::a"]
    made = register(containerProperties=container(command=command), parameters={"a": "1"})
    (found,) = overrides.containers(made, {"parameters": {"a": "2"}})
    assert found["command"] == ["x", "2", "Ref::none", "xRef::a"]
    assert made.given["containerProperties"]["command"] == command


def test_a_change_must_fit_fargate_too() -> None:
    change = {"resourceRequirements": [{"type": "VCPU", "value": "4"}]}
    with pytest.raises(ClientException, match=r"\(4.00 vCPU, 2048 MiB\) not valid"):
        overrides.containers(register(), {"containerOverrides": change})


def test_nested_ranges_the_later_counts() -> None:
    groups = [
        {"targetNodes": "0:", "container": container(image="all")},
        {"targetNodes": "1:2", "container": container(image="some")},
    ]
    properties = {"numNodes": 3, "mainNode": 0, "nodeRangeProperties": groups}
    made = register(
        type="multinode",
        platformCapabilities=["EC2"],
        containerProperties=None,
        nodeProperties=properties,
    )
    found = overrides.containers(made, {"nodeOverrides": {"numNodes": 4}})
    assert [each["image"] for each in found] == ["all", "some", "some", "all"]


def test_nodes_have_addresses_of_their_own() -> None:
    addresses = Addresses(4566)
    first, second = addresses.take(2), addresses.take(3)
    assert first == ["127.17.214.2", "127.17.214.3"]
    assert second == [f"127.17.214.{last}" for last in (4, 5, 6)]
    addresses.give_back(first)
    assert addresses.take(2) == first
    assert addresses.take(250) == []
