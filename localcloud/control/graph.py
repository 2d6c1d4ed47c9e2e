"""The order in which resources depend on one another."""

from __future__ import annotations

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localcloud.control.errors import ApiError
from localcloud.control.functions import references


def dependencies(definition: Mapping[str, Any], known: set[str]) -> frozenset[str]:
    """The resources that a definition needs first."""
    explicit = definition.get("DependsOn") or []
    named = {explicit} if isinstance(explicit, str) else set(explicit)
    return frozenset((named | set(references(definition.get("Properties")))) & known)


def creation_order(graph: Mapping[str, frozenset[str]]) -> list[str]:
    """Every resource after those that it needs.

    Raises
    ------
    ApiError
        Where resources need one another in a circle.
    """
    try:
        in_order = {name: [one for one in graph if one in needs] for name, needs in graph.items()}
        return list(TopologicalSorter(in_order).static_order())
    except CycleError as fault:
        circle = ", ".join(sorted(set(fault.args[1])))
        raise ApiError(f"Circular dependency between resources: [{circle}]") from fault
