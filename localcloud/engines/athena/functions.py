"""Finds the function that a call means: Trino's overloads, chosen by the types of arguments."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from localcloud.engines.athena import types as t
from localcloud.engines.athena.function_table import AGGREGATES, SCALARS, WINDOWS
from localcloud.engines.athena.types import Type

_LINE = re.compile(r"(\w+)\((.*)\) -> (\S+) = (.+)")
_FAMILIES = {
    "N": t.NUMBERS,
    "I": t.INTEGERS,
    "decimal": ("decimal",),
    "wall": t.TIMES,
    "clock": ("timestamp", "timestamp with time zone"),
    "timestamp": ("timestamp",),
    "timestamptz": ("timestamp with time zone",),
    "interval": ("interval day to second", "interval year to month"),
}


@dataclass(frozen=True)
class Function:
    """One overload of a function.

    Parameters
    ----------
    name : str
        In lower case.
    takes : tuple of str
        Types of the arguments, as the table writes them.
    gives : str
        Type of the result.
    duckdb : str
        The template in DuckDB's SQL.
    kind : {"scalar", "aggregate", "window"}
    """

    name: str
    takes: tuple[str, ...]
    gives: str
    duckdb: str
    kind: str

    def arguments(self, count: int) -> tuple[str, ...] | None:
        """The types for a call with `count` arguments, or None."""
        if not self.takes or not self.takes[-1].endswith("..."):
            return self.takes if len(self.takes) == count else None
        last = self.takes[-1].removesuffix("...")
        more = count - len(self.takes) + 1
        return (*self.takes[:-1], *[last] * more) if more > 0 else None


@dataclass(frozen=True)
class Match:
    """An overload, the types that its arguments become, and the type of its result."""

    function: Function
    takes: tuple[Type, ...]
    gives: Type


@cache
def table() -> dict[str, list[Function]]:
    """All functions by name."""
    found: dict[str, list[Function]] = {}
    for kind, lines in (("scalar", SCALARS), ("aggregate", AGGREGATES), ("window", WINDOWS)):
        for line in filter(None, lines.splitlines()):
            parts = _LINE.fullmatch(line)
            if parts is None:
                raise ValueError(f"function table: {line}")
            takes = tuple(split(parts[2]))
            found.setdefault(parts[1], []).append(
                Function(parts[1], takes, parts[3], parts[4], kind)
            )
    return found


def split(inner: str) -> list[str]:
    """Split at commas that no bracket holds."""
    parts, depth = [""], 0
    for c in inner:
        depth += (c == "(") - (c == ")")
        if c == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += c
    return [p.strip() for p in parts if p.strip()]


def find(name: str, given: Sequence[Type]) -> Match | None:
    """The overload that fits with the fewest conversions, or None."""
    best: tuple[int, Match] | None = None
    for function in table().get(name, []):
        takes = function.arguments(len(given))
        match = None if takes is None else _match(function, takes, given)
        if match and (best is None or match[0] < best[0]):
            best = match
    return best[1] if best else None


def _match(
    function: Function, takes: Sequence[str], given: Sequence[Type]
) -> tuple[int, Match] | None:
    bound: dict[str, Type] = {}
    for written, actual in zip(takes, given, strict=True):
        if not _bind(written, actual, bound):
            return None
    types = tuple(_type(w, a, bound) for w, a in zip(takes, given, strict=True))
    cost = sum(
        0 if a == b else 1 + (b.name in ("double", "real"))
        for a, b in zip(given, types, strict=True)
    )
    first = types[0] if types else t.UNKNOWN
    return cost, Match(function, types, _type(function.gives, first, bound))


def _bind(written: str, actual: Type, bound: dict[str, Type]) -> bool:
    if written in _FAMILIES:
        fits = actual.name in _FAMILIES[written] or (actual == t.UNKNOWN and written == "N")
        bound.setdefault(written, actual)
        return fits
    if written == "path":
        return actual == t.VARCHAR
    if len(written) == 1:
        joined = t.common(bound.get(written, t.UNKNOWN), actual)
        bound[written] = joined or actual
        return joined is not None
    if "(" in written:
        outer, inner = written[:-1].split("(", 1)
        if actual == t.UNKNOWN:
            return all(_bind(w, t.UNKNOWN, bound) for w in split(inner))
        parts = split(inner)
        return outer == actual.name and all(
            _bind(w, a, bound) for w, a in zip(parts, actual.of, strict=True)
        )
    return t.common(actual, Type(written)) == Type(written)


def _type(written: str, actual: Type, bound: dict[str, Type]) -> Type:
    """The type that a name of the table stands for in this call."""
    if written.startswith("decimal") and written != "decimal":
        return _decimal(written, bound)
    if written == "D":
        return bound["decimal"]
    if written in bound:
        return bound[written] if len(written) == 1 else actual
    if written == "timestamptz":
        return t.zoned()
    if written == "path":
        return t.VARCHAR
    if "(" in written:
        outer, inner = written[:-1].split("(", 1)
        of = actual.of if actual.name == outer else ()
        parts = split(inner)
        return Type(
            outer,
            tuple(
                _type(p, a, bound)
                for p, a in zip(parts, of or [t.UNKNOWN] * len(parts), strict=True)
            ),
        )
    return actual if written in _FAMILIES else Type(written)


def _decimal(written: str, bound: dict[str, Type]) -> Type:
    """Digits of a result: ``decimal38`` sums, ``decimal0`` whole numbers, ``decimal1`` rounded."""
    if "(" in written:
        digits = [int(d) for d in written[8:-1].split(",")]
        return t.decimal(digits[0], digits[1])
    precision, scale = bound["decimal"].of
    sums = {
        "38": (38, scale),
        "0": (precision - scale + min(scale, 1), 0),
        "1": (precision + 1, scale),
    }
    return t.decimal(*sums[written.removeprefix("decimal")])
