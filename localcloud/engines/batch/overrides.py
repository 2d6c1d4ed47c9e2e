"""What each container of a job is given: its definition's properties, and a request's changes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from localcloud.engines.batch import container_checks, node_checks
from localcloud.engines.batch.definitions import Definition, filled
from localcloud.engines.batch.errors import only, request

Shape = dict[str, Any]

HONOURED = frozenset({"vcpus", "memory", "command", "environment", "resourceRequirements"})


def containers(definition: Definition, given: Shape) -> list[Shape]:
    """The properties of each node's container; one, where a job isn't multi-node.

    Raises
    ------
    ClientException
    """
    parameters = {**(definition.given.get("parameters") or {}), **(given.get("parameters") or {})}
    if definition.nodes is None:
        if given.get("nodeOverrides"):
            raise request("nodeOverrides are for multi-node parallel jobs.")
        change = given.get("containerOverrides") or {}
        found = [merged(definition.given["containerProperties"], change, definition.on_fargate)]
    else:
        if given.get("containerOverrides"):
            raise request("containerOverrides are not for multi-node parallel jobs.")
        found = _nodes(nodes(definition, given) or {}, given.get("nodeOverrides") or {})
    for each in found:
        each["command"] = [_word(word, parameters) for word in each["command"]]
    return found


def nodes(definition: Definition, given: Shape) -> Shape | None:
    """A multi-node job's nodeProperties, with the number of nodes that a request gives.

    Raises
    ------
    ClientException
    """
    if definition.nodes is None:
        return None
    told = copy.deepcopy(definition.nodes)
    change = given.get("nodeOverrides") or {}
    only(change, frozenset({"numNodes", "nodePropertyOverrides"}), "nodeOverrides", "Remove it.")
    if count := change.get("numNodes"):
        # https://docs.aws.amazon.com/batch/latest/APIReference/API_NodeOverrides.html
        if not any(each["targetNodes"].endswith(":") for each in told["nodeRangeProperties"]):
            raise request("numNodes can be overridden where a node range is open, as 0:.")
        told["numNodes"] = count
    node_checks.check_cover(told)
    return told


def _nodes(properties: Shape, change: Shape) -> list[Shape]:
    count, found = properties["numNodes"], dict[int, Shape]()
    for each in properties["nodeRangeProperties"]:
        for node in node_checks.within(each["targetNodes"], count):
            found[node] = each["container"]  # of nested ranges the later one counts
    for each in change.get("nodePropertyOverrides") or []:
        only(
            each,
            frozenset({"targetNodes", "containerOverrides"}),
            "nodePropertyOverrides",
            "Give containerOverrides.",
        )
        for node in node_checks.within(each["targetNodes"], count):
            found[node] = merged(found[node], each.get("containerOverrides") or {}, False)
    return [filled(copy.deepcopy(found[node])) for node in range(count)]


def merged(container: Mapping[str, Any], change: Mapping[str, Any], on_fargate: bool) -> Shape:
    """A container's properties with a request's changes.

    Raises
    ------
    ClientException
    """
    only(dict(change), HONOURED, "containerOverrides", "Remove it.")
    container_checks.check_environment(change.get("environment") or [])
    told = filled(copy.deepcopy(dict(container)))
    if change.get("command"):
        told["command"] = list(change["command"])
    told["environment"] = _by(told["environment"], change.get("environment"), "name")
    asked = list(change.get("resourceRequirements") or [])
    for name, kind in (("vcpus", "VCPU"), ("memory", "MEMORY")):
        if change.get(name) is not None and not on_fargate:
            asked.append({"type": kind, "value": str(change[name])})
    told["resourceRequirements"] = _by(told["resourceRequirements"], asked, "type")
    container_checks.check_size(told, on_fargate)
    return told


def _by(had: list[Shape], new: list[Shape] | None, key: str) -> list[Shape]:
    found = {each[key]: each for each in had}
    return list((found | {each[key]: dict(each) for each in new or []}).values())


def _word(word: str, parameters: Mapping[str, str]) -> str:
    """A word of a command; `Ref::name` stands for a parameter where there is one."""
    name = word.removeprefix("Ref::")
    return parameters.get(name, word) if name != word else word
