"""Trino's types as Athena names them, and which of them become which.

A decimal keeps its digits, a zoned timestamp its zone: DuckDB's own types don't carry what
Trino's arithmetic and printing need. https://trino.io/docs/current/language/types.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

INTEGERS = ("tinyint", "smallint", "integer", "bigint")
#: Digits that an integer needs as a decimal.
DIGITS = {"tinyint": 3, "smallint": 5, "integer": 10, "bigint": 19}
NUMBERS = (*INTEGERS, "decimal", "real", "double")
TIMES = ("date", "timestamp", "timestamp with time zone")


@dataclass(frozen=True)
class Type:
    """A type of Trino's.

    Parameters
    ----------
    name : str
        As ``bigint``, ``decimal``, ``array``.
    of : tuple
        ``(precision, scale)`` of a decimal, ``(precision,)`` of a timestamp, ``(zone,)`` of
        one with time zone and its precision after it, the element's type of an array, key and
        value of a map, ``((name, type), ...)`` of a row.
    """

    name: str
    of: tuple[Any, ...] = ()

    def __str__(self) -> str:
        """As Trino prints it, zones and precisions of timestamps left out as Athena does."""
        if self.name == "decimal":
            return f"decimal({self.of[0]},{self.of[1]})"
        if self.name in ("array", "map"):
            return f"{self.name}({', '.join(map(str, self.of))})"
        if self.name == "row":
            return f"row({', '.join(f'{n} {t}' if n else str(t) for n, t in self.of)})"
        return self.name

    @property
    def element(self) -> Type:
        """The element type of an array, or the value type of a map."""
        inner: Type = self.of[-1]
        return inner

    def duckdb(self) -> str:
        """The type's name in DuckDB."""
        if self.name == "decimal":
            return f"DECIMAL({self.of[0]},{self.of[1]})"
        if self.name == "array":
            return f"{self.element.duckdb()}[]"
        if self.name == "map":
            return f"MAP({self.of[0].duckdb()}, {self.of[1].duckdb()})"
        if self.name == "row":
            fields = ", ".join(
                f"{quote(row_field(self, i))} {t.duckdb()}" for i, (_, t) in enumerate(self.of)
            )
            return f"STRUCT({fields})"
        return _DUCKDB[self.name]


_DUCKDB = {
    **{name: name.upper() for name in (*INTEGERS, "double", "boolean", "date", "varchar", "json")},
    "real": "FLOAT",
    "varbinary": "BLOB",
    "timestamp": "TIMESTAMP",
    "timestamp with time zone": "TIMESTAMPTZ",
    "interval day to second": "INTERVAL",
    "interval year to month": "INTERVAL",
    "unknown": "INTEGER",
}

BOOLEAN, VARCHAR, BIGINT, INTEGER = (
    Type("boolean"),
    Type("varchar"),
    Type("bigint"),
    Type("integer"),
)
DOUBLE, REAL, DATE, VARBINARY = Type("double"), Type("real"), Type("date"), Type("varbinary")
JSON, UNKNOWN = Type("json"), Type("unknown")
DAY_TIME, YEAR_MONTH = Type("interval day to second"), Type("interval year to month")


def decimal(precision: int, scale: int) -> Type:
    """A decimal of at most 38 digits, Trino's limit."""
    return Type("decimal", (min(precision, 38), scale))


def timestamp(precision: int = 3) -> Type:
    """A timestamp with so many digits of a second: 3 in Hive tables, 6 in Iceberg's."""
    return Type("timestamp", (precision,))


def zoned(zone: str = "UTC", precision: int = 3) -> Type:
    """A timestamp shown in a time zone."""
    return Type("timestamp with time zone", (zone, precision))


def array(element: Type) -> Type:
    """An array."""
    return Type("array", (element,))


def map_of(key: Type, value: Type) -> Type:
    """A map."""
    return Type("map", (key, value))


def quote(name: str) -> str:
    """A name as an identifier in DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A string as a literal in DuckDB."""
    return "'" + value.replace("'", "''") + "'"


def row_field(row: Type, index: int) -> str:
    """The name of a row's field in DuckDB's struct; Trino's may have none."""
    return row.of[index][0] or f"field{index}"


def as_decimal(of: Type) -> Type:
    """The decimal that holds all values of an integer or decimal type."""
    return of if of.name == "decimal" else decimal(DIGITS[of.name], 0)


def common(left: Type, right: Type) -> Type | None:
    """The type that both become without a cast, or None: TypeCoercion of Trino."""
    if left == right or right == UNKNOWN:
        return left
    if left == UNKNOWN:
        return right
    names = (left.name, right.name)
    if left.name in NUMBERS and right.name in NUMBERS:
        return _common_number(left, right)
    if left.name in TIMES and right.name in TIMES:
        return _common_time(left, right)
    if left.name == right.name and left.name in ("array", "map", "row"):
        return _common_nested(left, right)
    if set(names) == {"json", "varchar"}:
        return None
    return None


def _common_number(left: Type, right: Type) -> Type:
    names = {left.name, right.name}
    for floating in ("double", "real"):
        if floating in names:
            return Type(floating)
    if "decimal" in names:
        (p1, s1), (p2, s2) = as_decimal(left).of, as_decimal(right).of
        scale = max(s1, s2)
        return decimal(max(p1 - s1, p2 - s2) + scale, scale)
    return max(left, right, key=lambda t: INTEGERS.index(t.name))


def _common_time(left: Type, right: Type) -> Type | None:
    high = max(left, right, key=lambda t: TIMES.index(t.name))
    low = min(left, right, key=lambda t: TIMES.index(t.name))
    if high.name != low.name:
        return high
    if high.name == "timestamp":
        return timestamp(max(high.of[0], low.of[0]))
    return None  # two zones: a value of DuckDB's can't say which of them is its own


def _common_nested(left: Type, right: Type) -> Type | None:
    if len(left.of) != len(right.of):
        return None
    if left.name == "row":
        inner = [common(a, b) for (_, a), (_, b) in zip(left.of, right.of, strict=True)]
        names = [a or b for (a, _), (b, _) in zip(left.of, right.of, strict=True)]
        fields = tuple((n, t) for n, t in zip(names, inner, strict=True) if t is not None)
        return Type("row", fields) if len(fields) == len(left.of) else None
    both = [common(a, b) for a, b in zip(left.of, right.of, strict=True)]
    return None if None in both else Type(left.name, tuple(both))
