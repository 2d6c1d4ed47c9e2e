"""CAST and TRY_CAST: what Athena converts, and what it refuses where DuckDB is lenient.

https://trino.io/docs/current/functions/conversion.html
"""

from __future__ import annotations

import re

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.typed import Typed, as_type, wall
from localcloud.engines.athena.types import Type
from localcloud.engines.athena.zones import time_zone

#: What a string must look like to become a value of a type.
_LOOKS = {
    **dict.fromkeys(t.INTEGERS, r"[+-]?\d+"),
    **dict.fromkeys(
        ("double", "real"), r"\s*([+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|NaN|[+-]?Infinity)\s*"
    ),
    "decimal": r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?",
    "boolean": r"(?i)t|true|1|f|false|0",
    "date": r"\s*\d{4}-\d{1,2}-\d{1,2}\s*",
    "timestamp": r"\d{4}-\d{1,2}-\d{1,2}( \d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?",
}
_ZONED = re.compile(rf"({_LOOKS['timestamp']}) +(\S+)")


def cast(value: Typed, wanted: Type, at: str, lenient: bool = False) -> Typed:
    """A value as another type.

    Parameters
    ----------
    value, wanted
        What is cast, and the type it gets.
    at : str
        Where the cast stands, for errors.
    lenient : bool
        TRY_CAST: NULL where the value can't be converted.

    Raises
    ------
    AthenaError
        ``TYPE_MISMATCH`` where Athena has no such cast, ``NOT_SUPPORTED`` where it has.
    """
    plain = t.VARCHAR if wanted.name == "varchar" else wanted
    converted = _cast(value, plain, at)
    if wanted.name == "varchar" and wanted.of:
        converted = Typed(f"substr({converted.sql}, 1, {wanted.of[0]})", t.VARCHAR)
    if lenient and converted.sql != value.sql:
        return Typed(f"TRY({converted.sql})", converted.type)
    return converted


def _cast(value: Typed, wanted: Type, at: str) -> Typed:
    given = value.type
    if given == wanted:
        return value
    if given == t.UNKNOWN:
        return Typed(f"CAST({value.sql} AS {wanted.duckdb()})", wanted)
    if wanted == t.VARCHAR:
        return _to_text(value, at)
    if given == t.VARCHAR:
        return _from_text(value, wanted, at)
    if given == t.JSON or wanted == t.JSON:
        return _json(value, wanted, at)
    if given.name in t.NUMBERS and wanted.name in t.NUMBERS:
        return _number(value, wanted)
    if wanted.name in t.TIMES and given.name in t.TIMES:
        return _time(value, wanted)
    if {given.name, wanted.name} == {"boolean", "integer"} or (
        "boolean" in (given.name, wanted.name) and {given.name, wanted.name} & {*t.NUMBERS}
    ):
        return Typed(f"CAST({value.sql} AS {wanted.duckdb()})", wanted)
    if given.name == wanted.name and given.name in ("array", "map", "row"):
        return _nested(value, wanted, at)
    raise AthenaError("TYPE_MISMATCH", f"{at}Cannot cast {given} to {wanted}")


def _number(value: Typed, wanted: Type) -> Typed:
    if value.type.name in ("double", "real") and wanted.name not in ("double", "real"):
        # DuckDB rounds half to even here; Athena away from zero.
        digits = wanted.of[1] if wanted.name == "decimal" else 0
        rounded = f"round({value.sql}{f', {digits}' if digits else ''})"
        return Typed(f"CAST({rounded} AS {wanted.duckdb()})", wanted)
    return Typed(f"CAST({value.sql} AS {wanted.duckdb()})", wanted)


def _time(value: Typed, wanted: Type) -> Typed:
    if wanted.name == "timestamp with time zone":
        zone = value.type.of[0] if value.type.name == wanted.name else "UTC"
        return as_type(value, t.zoned(zone, wanted.of[1]))
    shown = wall(value)
    if wanted.name == "timestamp" and shown.type.name == "timestamp":
        less = wanted.of[0] < shown.type.of[0]  # digits beyond milliseconds are rounded off
        sql = f"CAST(CAST({shown.sql} AS TIMESTAMP_MS) AS TIMESTAMP)" if less else shown.sql
        return Typed(sql, wanted)
    return Typed(f"CAST({shown.sql} AS {wanted.duckdb()})", wanted)


def _to_text(value: Typed, at: str) -> Typed:
    kind = value.type
    if kind.name in ("double", "real"):
        number = value.sql if kind == t.DOUBLE else f"CAST({value.sql} AS FLOAT)"
        if kind == t.REAL:
            raise not_supported("a cast of real to varchar")
        return Typed(f"athena_text({number})", t.VARCHAR)
    if kind.name == "timestamp":
        digits = "%f" if kind.of[0] > 3 else "%g"
        return Typed(f"strftime({value.sql}, '%Y-%m-%d %H:%M:%S.{digits}')", t.VARCHAR)
    if kind.name == "timestamp with time zone":
        shown = _to_text(wall(value), at)
        return Typed(f"({shown.sql} || ' ' || {t.text(kind.of[0])})", t.VARCHAR)
    if kind.name in (*t.INTEGERS, "decimal", "date", "boolean"):
        return Typed(f"CAST({value.sql} AS VARCHAR)", t.VARCHAR)
    if kind == t.JSON:
        return Typed(f"athena_json_scalar({value.sql})", t.VARCHAR)
    raise AthenaError("TYPE_MISMATCH", f"{at}Cannot cast {kind} to varchar")


def _from_text(value: Typed, wanted: Type, at: str) -> Typed:
    if wanted == t.VARBINARY:
        return Typed(f"encode({value.sql})", wanted)
    if wanted == t.JSON:
        return Typed(f"to_json({value.sql})", wanted)
    if wanted.name == "timestamp with time zone":
        return _zoned_literal(value, at)
    looks = _LOOKS.get(wanted.name)
    if looks is None:
        raise AthenaError("TYPE_MISMATCH", f"{at}Cannot cast varchar to {wanted}")
    direct = f"CAST({value.sql} AS {wanted.duckdb()})"
    if value.literal is not None and re.fullmatch(looks, value.literal):
        return Typed(direct, wanted)
    name = f"decimal{wanted.of}" if wanted.name == "decimal" else wanted.name
    reason = f"'INVALID_CAST_ARGUMENT: Cannot cast ''' || {value.sql} || ''' to {name.upper()}'"
    failed = f"CAST(CAST(athena_fail({reason}) AS VARCHAR) AS {wanted.duckdb()})"
    sql = (
        f"CASE WHEN regexp_full_match({value.sql}, {t.text(looks)}) THEN {direct} "
        f"WHEN {value.sql} IS NOT NULL THEN {failed} END"
    )
    return Typed(sql, wanted)


def _zoned_literal(value: Typed, at: str) -> Typed:
    found = _ZONED.fullmatch(value.literal or "")
    if found is None:
        raise not_supported(
            "a cast of varchar to timestamp with time zone, but of a literal that names its zone,"
        )
    zone = found[found.lastindex or 0]
    local = Typed(f"CAST({t.text(found[1])} AS TIMESTAMP)", t.timestamp(3))
    return as_type(local, t.zoned(time_zone(zone, at)))


def _json(value: Typed, wanted: Type, at: str) -> Typed:
    if wanted == t.JSON:
        if value.type.name in (*t.NUMBERS, "boolean", "array", "map"):
            return Typed(f"to_json({value.sql})", wanted)
        raise not_supported(f"a cast of {value.type} to json")
    if wanted.name in ("bigint", "integer", "double", "boolean") or (
        wanted.name in ("array", "map")
        and wanted.element.name in ("varchar", "bigint", "integer", "double")
    ):
        return Typed(f"CAST({value.sql} AS {wanted.duckdb()})", wanted)
    raise not_supported(f"a cast of json to {wanted}")


def _nested(value: Typed, wanted: Type, at: str) -> Typed:
    if wanted.name == "row":
        if len(wanted.of) != len(value.type.of):
            raise AthenaError("TYPE_MISMATCH", f"{at}Cannot cast {value.type} to {wanted}")
        fields = []
        for i, (_, kind) in enumerate(wanted.of):
            old = Typed(f"({value.sql}).{t.quote(t.row_field(value.type, i))}", value.type.of[i][1])
            fields.append(f"{t.quote(t.row_field(wanted, i))}: {_cast(old, kind, at).sql}")
        packed = f"{{{', '.join(fields)}}}"
        return Typed(f"CASE WHEN {value.sql} IS NOT NULL THEN {packed} END", wanted)
    if wanted.name == "array":
        each = _cast(Typed("e", value.type.element), wanted.element, at)
        return Typed(f"list_transform({value.sql}, lambda e: {each.sql})", wanted)
    raise not_supported(f"a cast of {value.type} to {wanted}")
