"""The values that a stack's parameters take, checked as their declarations say."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from localcloud.control.errors import ApiError, Refused

SSM = re.compile(r"AWS::SSM::Parameter::Value<(.*)>")
PLAIN = {"String", "Number", "CommaDelimitedList", "List<Number>"}


def values_of(
    declared: Mapping[str, dict[str, Any]],
    given: Mapping[str, str],
    look_up: Callable[[str], str],
) -> tuple[dict[str, str], dict[str, Any]]:
    """Work out what each parameter is.

    Parameters
    ----------
    declared : mapping
        The template's section.
    given : mapping
        What the caller gives, as text.
    look_up : callable
        Gives the value of a Systems Manager parameter.

    Returns
    -------
    tuple
        The text of each parameter, and the value that ``Ref`` gives.

    Raises
    ------
    ApiError
        Where one is missing, unknown, or breaks its declaration.
    """
    unknown = sorted(set(given) - set(declared))
    if unknown:
        raise ApiError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts = {
        name: str(given.get(name, words.get("Default")))
        for name, words in declared.items()
        if name in given or "Default" in words
    }
    missing = sorted(set(declared) - set(texts))
    if missing:
        raise ApiError(f"Parameters: [{', '.join(missing)}] must have values")
    for name, text in texts.items():
        _check(name, text, declared[name])
    return texts, {name: _value(declared[name], text, look_up) for name, text in texts.items()}


def _check(name: str, text: str, words: dict[str, Any]) -> None:
    allowed = [str(each) for each in words.get("AllowedValues", [])]
    pattern = words.get("AllowedPattern")
    told = words.get("ConstraintDescription")
    if allowed and text not in allowed:
        raise ApiError(told or f"Parameter {name} must be one of AllowedValues: {allowed}")
    if pattern and not re.fullmatch(pattern, text):
        raise ApiError(told or f"Parameter {name} must match pattern {pattern}")
    least, most = words.get("MinLength", 0), words.get("MaxLength", len(text))
    if not int(least) <= len(text) <= int(most):
        raise ApiError(told or f"Parameter {name} must have {least} to {most} characters")
    if words.get("Type") == "Number":
        low, high = float(words.get("MinValue", "-inf")), float(words.get("MaxValue", "inf"))
        if not low <= float(text) <= high:
            raise ApiError(told or f"Parameter {name} must lie in {low} to {high}")


def _value(words: dict[str, Any], text: str, look_up: Callable[[str], str]) -> Any:
    kind = words.get("Type", "String")
    stored = SSM.fullmatch(kind)
    if stored:
        kind, text = stored[1].replace("List<String>", "CommaDelimitedList"), look_up(text)
    if kind.startswith("AWS::"):
        return text  # an id of some resource: checked by whoever uses it
    if kind not in PLAIN:
        raise Refused.of(f"The parameter type {kind}")
    if kind in ("CommaDelimitedList", "List<Number>"):
        return [part.strip() for part in text.split(",")]
    return text
