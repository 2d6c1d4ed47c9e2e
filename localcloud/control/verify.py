"""Compares what a template says with what a service gives back, property by property.

As CloudFormation's drift detection does: a property that the template doesn't set isn't
compared, save where it was set before and must be gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from localcloud.control.errors import NotKept, Refused
from localcloud.control.types.base import Here, Properties, Property, ResourceType

ABSENT: Any = object()
EMPTY: tuple[Any, ...] = (None, "", [], {}, False, 0)


def verify(kind: ResourceType, here: Here, made: str, had: Properties, want: Properties) -> None:
    """Read a resource back and compare.

    Raises
    ------
    NotKept
        Naming the first property that doesn't read back as the template says.
    """
    got = kind.read(here, made, want)
    if got is None:
        return
    for name, declared in kind.properties.items():
        path = next(
            differences(
                want.get(name, ABSENT), had.get(name, ABSENT), got.get(name, ABSENT), declared, name
            ),
            None,
        )
        if path:
            raise NotKept(
                f"{Refused.of(f'{kind.type} {path}')} "
                f"(The template says {_told(want.get(name, ABSENT))}, "
                f"{declared.read_by} gives back {_told(got.get(name, ABSENT))}.)"
            )


def _told(value: Any) -> str:
    text = "nothing" if value is ABSENT else json.dumps(value, default=str, sort_keys=True)
    return text if len(text) <= 300 else text[:297] + "..."


def differences(want: Any, had: Any, got: Any, declared: Property, path: str) -> Iterator[str]:
    """Name every place where a service's value differs.

    Parameters
    ----------
    want, had, got
        The template's value, its value before the update, the service's; ABSENT for none.
    declared : Property
        How the property is declared.
    path : str
        The name so far.
    """
    want, got = _parsed(want, got)
    if want is ABSENT:
        if had is not ABSENT and not _reset(had, got, declared.default):
            yield path
    elif isinstance(want, dict) and isinstance(got, dict):
        yield from _in_maps(want, had, got, declared, path)
    elif isinstance(want, list) and isinstance(got, list):
        yield from _in_lists(want, got, declared, path)
    elif want in ({}, []) and got in (ABSENT, None, {}, []):
        return
    elif got is ABSENT or not _same_scalar(want, got):
        yield path


def _reset(had: Any, got: Any, default: Any) -> bool:
    """Whether a value that the template sets no more is gone, or the default again."""
    if got is ABSENT or got in EMPTY:
        return True
    if default is not None:
        return _same(default, got)
    return not _same(had, got)


def _in_maps(want: Any, had: Any, got: Any, declared: Property, path: str) -> Iterator[str]:
    before = had if isinstance(had, dict) else {}
    inner = declared.default if isinstance(declared.default, dict) else {}
    for key in want.keys() | before.keys():
        told = Property(declared.read_by, ordered=declared.ordered, default=inner.get(key))
        yield from differences(
            want.get(key, ABSENT),
            before.get(key, ABSENT),
            got.get(key, ABSENT),
            told,
            f"{path}.{key}",
        )


def _in_lists(want: list[Any], got: list[Any], declared: Property, path: str) -> Iterator[str]:
    if len(want) != len(got):
        yield path
        return
    left = list(got)
    for index, item in enumerate(want):
        found = [0] if declared.ordered else range(len(left))
        match = next((i for i in found if _same(item, left[i])), None)
        if match is None:
            yield f"{path}[{index}]"
            return
        left.pop(match)


def _same(want: Any, got: Any) -> bool:
    return not any(differences(want, ABSENT, got, Property("", ordered=False), "x"))


def _parsed(want: Any, got: Any) -> tuple[Any, Any]:
    """Policy documents travel as text: compare what they say, not how they are spaced."""
    if isinstance(got, str) and isinstance(want, dict | list):
        got = _json(got)
    if isinstance(got, str) and isinstance(want, str) and want.lstrip()[:1] in ("{", "["):
        want, got = _json(want), _json(got)
    return want, got


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _same_scalar(want: Any, got: Any) -> bool:
    """Compare as CloudFormation coerces: 60 is "60", true is "true"."""
    if want == got:
        return True
    if isinstance(want, dict | list) or isinstance(got, dict | list):
        return False
    one, other = str(want), str(got)
    if isinstance(want, bool) or isinstance(got, bool):
        return one.lower() == other.lower()
    try:
        return float(one) == float(other)
    except ValueError:
        return one == other
