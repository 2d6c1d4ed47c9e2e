"""The order in which resources depend on one another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

from localcloud.control.errors import ApiError
from localcloud.control.functions import VARIABLE


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


def references(value: Any) -> Iterator[str]:
    """Every name that a value refers to: resources, and parameters among them."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key == "Ref" and isinstance(inner, str):
                yield inner
            elif key == "Fn::GetAtt":
                yield (inner.split(".", 1) if isinstance(inner, str) else inner)[0]
            elif key == "Fn::Sub":
                text = inner if isinstance(inner, str) else inner[0]
                yield from (m[2].strip().split(".", 1)[0] for m in VARIABLE.finditer(text))
                yield from references(inner)
            else:
                yield from references(inner)
