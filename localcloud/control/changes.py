"""What a request would change: the lines of a change set."""

from __future__ import annotations

from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.errors import ApiError
from localcloud.control.graph import creation_order, dependencies
from localcloud.control.scope import LATER, StackScope
from localcloud.control.stacks import Request, Resource, Stack
from localcloud.control.store import Store
from localcloud.control.types.registry import type_of


def changes_of(cloud: Cloud, store: Store, stack: Stack, request: Request) -> list[dict[str, Any]]:
    """Preview a request, and refuse by name what can't be honoured.

    Raises
    ------
    ApiError, Refused
        Before anything is made, where the request can't be met.
    """
    scope = StackScope(cloud, store, stack, request, unsure=set())
    scope.check_rules()
    active = scope.active()
    graph = {name: dependencies(words, set(active)) for name, words in active.items()}
    _check_names(request, set(active))
    lines = []
    for logical_id in creation_order(graph):
        line = _line(scope, stack.resources.get(logical_id), logical_id, active[logical_id])
        if line:
            lines.append(line)
    gone = [each for name, each in stack.resources.items() if name not in active]
    return lines + [_removed(each) for each in gone]


def _check_names(request: Request, active: set[str]) -> None:
    known = set(request.template.resources)
    for logical_id, words in request.template.resources.items():
        explicit = words.get("DependsOn") or []
        for name in [explicit] if isinstance(explicit, str) else explicit:
            if name not in known:
                raise ApiError(
                    f"Template format error: Unresolved resource dependencies [{name}] in the "
                    f"Resources block of the template (of {logical_id})"
                )


def _line(
    scope: StackScope, had: Resource | None, logical_id: str, words: dict[str, Any]
) -> dict[str, Any] | None:
    kind = type_of(words["Type"])
    if had is None:
        assert scope.unsure is not None  # noqa: S101
        scope.unsure.add(logical_id)
    want = scope.properties(words)
    known = {name: value for name, value in want.items() if not _mentions(value, LATER)}
    kind.check(
        scope.here(logical_id, kind=words["Type"]), known | dict.fromkeys(want.keys() - known)
    )
    if had is None:
        return _change("Add", logical_id, words["Type"])
    if want == had.properties and words["Type"] == had.type:
        return None
    return _modified(scope, had, words, want)


def _modified(
    scope: StackScope, had: Resource, words: dict[str, Any], want: dict[str, Any]
) -> dict[str, Any]:
    kind = type_of(words["Type"])
    replacing = kind.replaced_by(had.properties, want)
    certain = [name for name in replacing if not _mentions(want.get(name), LATER)]
    line = _change("Modify", had.logical_id, had.type, had.physical_id)
    told = "True" if certain else "Conditional" if replacing else "False"
    line |= {
        "Replacement": told,
        "Scope": ["Properties"],
        "Details": _details(had, want, replacing),
    }
    if replacing:
        assert scope.unsure is not None  # noqa: S101
        scope.unsure.add(had.logical_id)
    if certain:
        policy = words.get("UpdateReplacePolicy", "Delete")
        line["PolicyAction"] = "ReplaceAndRetain" if "Retain" in policy else "ReplaceAndDelete"
    return line


def _details(had: Resource, want: dict[str, Any], replacing: list[str]) -> list[dict[str, Any]]:
    names = sorted(had.properties.keys() | want.keys())
    return [
        {
            "Target": {
                "Attribute": "Properties",
                "Name": name,
                "RequiresRecreation": "Always" if name in replacing else "Never",
            },
            "Evaluation": "Dynamic" if _mentions(want.get(name), LATER) else "Static",
            "ChangeSource": "DirectModification",
        }
        for name in names
        if had.properties.get(name) != want.get(name)
    ]


def _removed(each: Resource) -> dict[str, Any]:
    line = _change("Remove", each.logical_id, each.type, each.physical_id)
    kept = "Retain" in each.definition.get("DeletionPolicy", "Delete")
    return line | {"PolicyAction": "Retain" if kept else "Delete"}


def _change(action: str, logical_id: str, kind: str, made: str | None = None) -> dict[str, Any]:
    line = {"Action": action, "LogicalResourceId": logical_id, "ResourceType": kind}
    return line | ({"PhysicalResourceId": made} if made else {})


def _mentions(value: Any, text: str) -> bool:
    if isinstance(value, dict):
        return any(_mentions(inner, text) for inner in value.values())
    if isinstance(value, list):
        return any(_mentions(inner, text) for inner in value)
    return isinstance(value, str) and text in value
