"""Operators: Athena's integer division, exact decimals, and times with intervals.

https://trino.io/docs/current/functions/decimal.html gives the digits of a decimal's result.
"""

from __future__ import annotations

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.typed import Typed, as_type, together, wall
from localcloud.engines.athena.types import Type

INTERVALS = (t.DAY_TIME, t.YEAR_MONTH)


def mismatch(sign: str, left: Typed, right: Typed, at: str) -> AthenaError:
    """The error for operands that an operator can't take."""
    return AthenaError(
        "TYPE_MISMATCH", f"{at}Cannot apply operator: {left.type} {sign} {right.type}"
    )


def binary(sign: str, left: Typed, right: Typed, at: str) -> Typed:
    """``+ - * / %`` of two values."""
    kinds = left.type, right.type
    if any(k in INTERVALS or k.name in t.TIMES for k in kinds):
        return _times(sign, left, right, at)
    if not all(k.name in t.NUMBERS or k == t.UNKNOWN for k in kinds):
        raise mismatch(sign, left, right, at)
    joined = t.common(*kinds)
    if joined is None or joined == t.UNKNOWN:
        return Typed("NULL", t.INTEGER)
    if joined.name == "decimal":
        return _decimals(sign, as_type_decimal(left), as_type_decimal(right))
    a, b = as_type(left, joined).sql, as_type(right, joined).sql
    if joined.name in t.INTEGERS:
        a, b = (_whole(v, joined) for v in (left, right))
        return Typed(f"({a} {'//' if sign == '/' else sign} {b})", joined)
    if joined.name == "real":
        return Typed(f"CAST(({a} {sign} {b}) AS FLOAT)", joined)
    return Typed(f"({a} {sign} {b})", joined)


def _whole(value: Typed, wanted: Type) -> str:
    """An integer operand: DuckDB would take a literal for the narrowest type there is."""
    if value.literal is not None and wanted.name in ("integer", "bigint"):
        return value.sql
    return as_type(value, wanted).sql


def as_type_decimal(value: Typed) -> Typed:
    """A number of Trino's decimal arithmetic."""
    if value.type == t.UNKNOWN:
        return as_type(value, t.decimal(1, 0))
    return as_type(value, t.as_decimal(value.type))


def _decimals(sign: str, left: Typed, right: Typed) -> Typed:
    (p1, s1), (p2, s2) = left.type.of, right.type.of
    scale = max(s1, s2)
    if sign in "+-":
        wanted = t.decimal(max(p1 - s1, p2 - s2) + scale + 1, scale)
        return Typed(f"CAST({left.sql} {sign} {right.sql} AS {wanted.duckdb()})", wanted)
    if sign == "*":
        if s1 + s2 > 38:
            raise AthenaError(
                "NUMERIC_VALUE_OUT_OF_RANGE", f"DECIMAL scale {s1 + s2} must be in range [0, 38]"
            )
        wanted = t.decimal(p1 + p2, s1 + s2)
        if p1 + p2 > 38:
            raise not_supported(f"a product of {left.type} and {right.type}")
        return Typed(f"({left.sql} * {right.sql})", wanted)
    if sign == "%":
        wanted = t.decimal(min(p2 - s2, p1 - s1) + scale, scale)
        return Typed(f"CAST({left.sql} % {right.sql} AS {wanted.duckdb()})", wanted)
    return divide(left, right, t.decimal(p1 + s2 + max(0, s2 - s1), scale))


def divide(left: Typed, right: Typed, wanted: Type) -> Typed:
    """An exact quotient, rounded half up to the scale of its type; DuckDB's is a double."""
    a, b = (f"CAST({v.sql} AS VARCHAR)" for v in (left, right))
    return Typed(f"CAST(athena_divide({a}, {b}, {wanted.of[1]}) AS {wanted.duckdb()})", wanted)


def _times(sign: str, left: Typed, right: Typed, at: str) -> Typed:
    a, b = left.type, right.type
    if a in INTERVALS and b.name in t.TIMES and sign == "+":
        return _times(sign, right, left, at)
    if a.name in t.TIMES and b in INTERVALS and sign in "+-":
        return _moved(sign, left, right, at)
    if a in INTERVALS and a == b and sign in "+-":
        return Typed(f"({left.sql} {sign} {right.sql})", a)
    if a in INTERVALS and b.name in t.INTEGERS and sign == "*":
        return Typed(f"({left.sql} * {right.sql})", a)
    if a.name in t.TIMES and b.name in t.TIMES and sign == "-":
        (x, y), joined = together([left, right], "operands", at)
        if joined.name == "date":
            return Typed(f"to_days(CAST({x.sql} - {y.sql} AS INTEGER))", t.DAY_TIME)
        return Typed(f"({x.sql} - {y.sql})", t.DAY_TIME)
    raise mismatch(sign, left, right, at)


def _moved(sign: str, time: Typed, interval: Typed, at: str) -> Typed:
    kind = time.type
    if kind.name == "date":
        if "HOUR" in interval.sql or "MINUTE" in interval.sql or "SECOND" in interval.sql:
            raise AthenaError(
                "INVALID_FUNCTION_ARGUMENT", f"{at}Cannot add hour, minutes or seconds to a date"
            )
        return Typed(f"CAST({time.sql} {sign} {interval.sql} AS DATE)", kind)
    if kind.name == "timestamp":
        return Typed(f"({time.sql} {sign} {interval.sql})", kind)
    if interval.type == t.DAY_TIME:
        return Typed(f"({time.sql} {sign} {interval.sql})", kind)
    return as_type(
        Typed(f"({wall(time).sql} {sign} {interval.sql})", t.timestamp(kind.of[1])), kind
    )


def negative(value: Typed, at: str) -> Typed:
    """``-x``."""
    if value.type.name not in t.NUMBERS and value.type not in INTERVALS:
        raise AthenaError("TYPE_MISMATCH", f"{at}Cannot negate {value.type}")
    literal = None if value.literal is None else f"-{value.literal}"
    return Typed(f"-{value.sql}" if literal else f"(-({value.sql}))", value.type, literal)


def compare(sign: str, left: Typed, right: Typed, at: str) -> Typed:
    """A comparison; of values that Athena compares without a cast."""
    joined = t.common(left.type, right.type)
    if joined is None and left.type.name == right.type.name == "timestamp with time zone":
        joined = left.type
    if joined is None or joined.name == "json":
        raise mismatch(sign, left, right, at)
    mixed = "timestamp with time zone" in (left.type.name, right.type.name)
    a, b = (as_type(v, joined) if mixed else v for v in (left, right))
    return Typed(f"({a.sql} {sign} {b.sql})", t.BOOLEAN)
