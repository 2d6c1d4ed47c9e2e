"""One expression on its way: its DuckDB SQL and its Athena type."""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.types import Type


@dataclass(frozen=True)
class Typed:
    """An expression.

    Parameters
    ----------
    sql : str
        In DuckDB's SQL.
    type : Type
        In Athena's types.
    literal : str or None
        The text of a string or number that stands in the query itself.
    """

    sql: str
    type: Type
    literal: str | None = None


def as_type(given: Typed, wanted: Type) -> Typed:
    """A value as the type that it becomes without a cast; nothing is written where it is that."""
    if given.type == wanted:
        return given
    same = given.type.duckdb() == wanted.duckdb() and given.type != t.UNKNOWN
    whole = given.literal is not None and given.type.name == "integer" and wanted.name == "bigint"
    if same or whole:
        return Typed(given.sql, wanted, given.literal)
    if (
        given.literal is not None
        and given.type.name in ("decimal", "integer")
        and wanted.name == "double"
    ):
        return Typed(f"{given.literal}e0", wanted, given.literal)
    if wanted.name == "timestamp with time zone" and given.type.name == "timestamp":
        return Typed(f"timezone({t.text(wanted.of[0])}, {given.sql})", wanted)
    if wanted.name == "timestamp with time zone" and given.type == t.DATE:
        return Typed(f"timezone({t.text(wanted.of[0])}, CAST({given.sql} AS TIMESTAMP))", wanted)
    return Typed(f"CAST({given.sql} AS {wanted.duckdb()})", wanted)


def wall(given: Typed) -> Typed:
    """A time as its clock shows it: a zoned one becomes the timestamp of its own zone."""
    if given.type.name != "timestamp with time zone":
        return given
    zone, precision = given.type.of
    return Typed(f"timezone({t.text(zone)}, {given.sql})", t.timestamp(precision))


def together(given: list[Typed], what: str, at: str = "") -> tuple[list[Typed], Type]:
    """Values as the one type that they have in common.

    Raises
    ------
    AthenaError
        ``TYPE_MISMATCH`` where they have none.
    """
    wanted = t.UNKNOWN
    for value in given:
        joined = t.common(wanted, value.type)
        if joined is None:
            raise AthenaError(
                "TYPE_MISMATCH", f"{at}{what} must be the same type: {wanted}, {value.type}"
            )
        wanted = joined
    return [as_type(v, wanted) for v in given], wanted
