"""Intrinsic functions: a template's value and a scope give the value that it stands for.

moto's own evaluator passes unknown functions and attributes through in silence, so this one
stands in its place; what it doesn't know, it refuses by name.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from typing import Any, Protocol

from localcloud.control.errors import ApiError, Refused

NO_VALUE = object()  # what `Ref: AWS::NoValue` stands for: its key or item goes away
VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
DYNAMIC = re.compile(r"\{\{resolve:([a-z]+):([^}]*)\}\}")


class Scope(Protocol):
    """What names stand for while a template is read."""

    region: str

    def ref(self, name: str) -> Any:
        """Value of a parameter, a pseudo parameter or a resource."""

    def attribute(self, logical_id: str, name: str) -> Any:
        """Attribute of a resource."""

    def imported(self, name: str) -> Any:
        """Value of another stack's export."""

    def condition(self, name: str) -> bool:
        """Whether a condition holds."""

    def mapping(self, name: str) -> dict[str, Any]:
        """A mapping."""

    def dynamic(self, service: str, key: str) -> str:
        """Value of a dynamic reference."""


def resolve(value: Any, scope: Scope) -> Any:
    """Give the value that `value` stands for, or NO_VALUE.

    Raises
    ------
    ApiError
        Where a function is used wrongly or names nothing.
    Refused
        Where a function is not known here.
    """
    if isinstance(value, dict):
        name = next(iter(value)) if len(value) == 1 else ""
        if name in FUNCTIONS:
            return FUNCTIONS[name](value[name], scope)
        if name.startswith("Fn::"):
            raise Refused.of(f"The function {name}")
        pairs = ((key, resolve(inner, scope)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not NO_VALUE}
    if isinstance(value, list):
        return [got for item in value if (got := resolve(item, scope)) is not NO_VALUE]
    if isinstance(value, str) and "{{resolve:" in value:
        return DYNAMIC.sub(lambda found: scope.dynamic(found[1], found[2]), value)
    return value


def as_text(value: Any) -> str:
    """Write a value as CloudFormation does: booleans in lower case."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get_att(argument: Any, scope: Scope) -> Any:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    return scope.attribute(parts[0], resolve(parts[1], scope))


def _if(argument: Any, scope: Scope) -> Any:
    name, yes, no = argument
    return resolve(yes if scope.condition(name) else no, scope)


def _join(argument: Any, scope: Scope) -> str:
    between, items = argument
    return str(between).join(as_text(item) for item in resolve(items, scope))


def _split(argument: Any, scope: Scope) -> list[str]:
    at, text = argument
    return str(resolve(text, scope)).split(at)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = resolve(argument, scope)
    if not 0 <= int(index) < len(items):
        raise ApiError(
            f"Template error: Fn::Select cannot select nonexistent value at index {index}"
        )
    return items[int(index)]


def _sub(argument: Any, scope: Scope) -> str:
    text, given = (argument, {}) if isinstance(argument, str) else argument
    words = {key: resolve(value, scope) for key, value in given.items()}

    def stand_in(found: re.Match[str]) -> str:
        literal, name = found[1], found[2].strip()
        if literal:
            return f"${{{found[2]}}}"
        if name in words:
            return as_text(words[name])
        return as_text(_get_att(name, scope) if "." in name else scope.ref(name))

    return VARIABLE.sub(stand_in, text)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    name, *keys = resolve(argument, scope)
    found: Any = scope.mapping(name)
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise ApiError(f"Template error: Unable to get mapping for {name}::{'::'.join(keys)}")
        found = found[key]
    return found


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = resolve(argument, scope) or scope.region
    return [f"{region}{letter}" for letter in "abcdef"]


FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": lambda argument, scope: scope.ref(argument),
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Split": _split,
    "Fn::Select": _select,
    "Fn::Sub": _sub,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _zones,
    "Fn::ImportValue": lambda argument, scope: scope.imported(resolve(argument, scope)),
    "Fn::Base64": lambda argument, scope: base64.b64encode(
        resolve(argument, scope).encode()
    ).decode(),
}
