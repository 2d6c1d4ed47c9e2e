"""Conditions and rules: what a template says is true or false."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from localcloud.control.errors import ApiError, Refused
from localcloud.control.functions import Scope, as_text, resolve


def holds(value: Any, scope: Scope) -> bool:
    """Evaluate a condition or a rule's assertion."""
    if not isinstance(value, dict) or len(value) != 1:
        raise ApiError(f"Template error: every condition is one function, not {value}")
    ((name, argument),) = value.items()
    if name == "Condition":
        return scope.condition(argument)
    if name not in LOGIC:
        raise Refused.of(f"The function {name} in a condition")
    return LOGIC[name](argument, scope)


def _equals(argument: Any, scope: Scope) -> bool:
    one, other = (resolve(side, scope) for side in argument)
    return as_text(one) == as_text(other)


def _contains(argument: Any, scope: Scope) -> bool:
    items, item = resolve(argument, scope)
    return as_text(item) in [as_text(each) for each in items]


LOGIC: dict[str, Callable[[Any, Scope], bool]] = {
    "Fn::And": lambda argument, scope: all(holds(each, scope) for each in argument),
    "Fn::Or": lambda argument, scope: any(holds(each, scope) for each in argument),
    "Fn::Not": lambda argument, scope: not holds(argument[0], scope),
    "Fn::Equals": _equals,
    "Fn::Contains": _contains,
}
