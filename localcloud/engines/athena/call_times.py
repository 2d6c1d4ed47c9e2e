"""Functions of dates and times, by the clock of the value's own zone.

https://trino.io/docs/current/functions/datetime.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from localcloud.engines.athena import calls, casts
from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.typed import Typed, as_type, together, wall
from localcloud.engines.athena.words import position
from localcloud.engines.athena.zones import time_zone

if TYPE_CHECKING:
    from localcloud.engines.athena.calls import Special
    from localcloud.engines.athena.expressions import Expressions

#: DuckDB's function that makes an interval of so many units, and units each.
_INTERVALS = {
    "millisecond": ("to_milliseconds", 1),
    "second": ("to_seconds", 1),
    "minute": ("to_minutes", 1),
    "hour": ("to_hours", 1),
    "day": ("to_days", 1),
    "week": ("to_days", 7),
    "month": ("to_months", 1),
    "quarter": ("to_months", 3),
    "year": ("to_years", 1),
}
_CLOCK = ("millisecond", "second", "minute", "hour")
#: MySQL's letters, which date_format() and date_parse() use, as strftime's.
_MYSQL = {
    "a": "%a", "b": "%b", "c": "%-m", "d": "%d", "e": "%-d", "f": "%f", "H": "%H", "h": "%I",
    "I": "%I", "i": "%M", "j": "%j", "k": "%-H", "l": "%-I", "M": "%B", "m": "%m", "p": "%p",
    "r": "%I:%M:%S %p", "S": "%S", "s": "%S", "T": "%H:%M:%S", "v": "%V", "W": "%A", "x": "%G",
    "Y": "%Y", "y": "%y", "%": "%%",
}  # fmt: skip
#: Joda's letters, which format_datetime() uses.
_JODA = {
    "yyyy": "%Y", "YYYY": "%Y", "yy": "%y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
    "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M",
    "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g", "EEEE": "%A", "EEE": "%a", "E": "%a",
    "DDD": "%j", "a": "%p",
}  # fmt: skip


def _unit(node: exp.Expr, given: exp.Expr) -> str:
    name = given.name.lower() if isinstance(given, exp.Literal) and given.is_string else ""
    if name not in _INTERVALS:
        raise AthenaError(
            "INVALID_FUNCTION_ARGUMENT", f"{position(node)}'{name}' is not a valid unit"
        )
    return name


def _time(self: Expressions, node: exp.Expr, given: exp.Expr) -> Typed:
    value = self.read(given)
    if value.type.name not in t.TIMES:
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"{position(node)}Unexpected parameters ({value.type}) for function {node.this}",
        )
    return value


def _fits(node: exp.Expr, unit: str, value: Typed) -> None:
    if value.type == t.DATE and unit in _CLOCK:
        raise AthenaError(
            "INVALID_FUNCTION_ARGUMENT", f"{position(node)}'{unit}' is not a valid DATE field"
        )


def _like(value: Typed, shown: str) -> Typed:
    """A timestamp of the value's own clock as the value's own type."""
    if value.type == t.DATE:
        return Typed(f"CAST({shown} AS DATE)", t.DATE)
    if value.type.name == "timestamp":
        return Typed(shown, value.type)
    return as_type(Typed(shown, t.timestamp()), value.type)


def date_trunc(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """A date stays a date."""
    unit, value = _unit(node, given[0]), _time(self, node, given[1])
    _fits(node, unit, value)
    return _like(value, f"date_trunc('{unit}', {wall(value).sql})")


def date_add(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """A date stays a date; the end of a month stays within the month."""
    unit, count, value = _unit(node, given[0]), self.read(given[1]), _time(self, node, given[2])
    _fits(node, unit, value)
    if count.type.name not in t.INTEGERS:
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"{position(node)}Unexpected parameters for function date_add: {count.type}",
        )
    name, each = _INTERVALS[unit]
    number = f"{count.sql}" if each == 1 else f"({count.sql}) * {each}"
    cast = "BIGINT" if unit in _CLOCK else "INTEGER"
    step = f"{name}(CAST({number} AS {cast}))"
    if unit in _CLOCK and value.type.name == "timestamp with time zone":
        return Typed(f"({value.sql} + {step})", value.type)
    return _like(value, f"({wall(value).sql} + {step})")


def date_diff(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """Whole units between two times, as Joda counts them; DuckDB's date_diff counts borders."""
    unit = _unit(node, given[0])
    (a, b), kind = together(
        [_time(self, node, g) for g in given[1:]], "date_diff operands", position(node)
    )
    _fits(node, unit, a)
    if kind == t.DATE:
        a, b = (Typed(f"CAST({v.sql} AS TIMESTAMP)", t.timestamp()) for v in (a, b))
    return Typed(f"date_sub('{unit}', {wall(a).sql}, {wall(b).sql})", t.BIGINT)


def _format(node: exp.Expr, given: exp.Expr, joda: bool = False) -> str:
    if not (isinstance(given, exp.Literal) and given.is_string):
        raise not_supported(f"{position(node)}a format that is no literal")
    pattern = r"'[^']*'|([A-Za-z])\1*|." if joda else r"%.|[^%]+|%"
    return "".join(
        _joda(node, m[0]) if joda else _mysql(node, m[0])
        for m in re.finditer(pattern, given.this, re.S)
    )


def _mysql(node: exp.Expr, part: str) -> str:
    if not part.startswith("%"):
        return part
    if part[1:] not in _MYSQL:
        raise not_supported(f"{position(node)}{part} in a date format")
    return _MYSQL[part[1:]]


def _joda(node: exp.Expr, part: str) -> str:
    if part.startswith("'"):
        return "'" if part == "''" else part[1:-1].replace("%", "%%")
    if not part[0].isalpha():
        return part.replace("%", "%%")
    if part not in _JODA:
        raise not_supported(f"{position(node)}{part} in a date format")
    return _JODA[part]


def date_format(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """date_format() with MySQL's letters, format_datetime() with Joda's."""
    value = _time(self, node, given[0])
    pattern = _format(node, given[1], joda=str(node.this).lower() == "format_datetime")
    return Typed(f"strftime({wall(value).sql}, {t.text(pattern)})", t.VARCHAR)


def date_parse(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """A timestamp of a string in MySQL's letters."""
    value = self.read(given[0])
    return Typed(f"strptime({value.sql}, {t.text(_format(node, given[1]))})", t.timestamp())


def _from_unixtime(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    seconds, zone = as_type(self.read(given[0]), t.DOUBLE), "UTC"
    if len(given) == 2:
        zone = self.read(given[1]).literal or ""
    if len(given) > 2 or not zone:
        raise not_supported(f"{position(node)}from_unixtime with a zone that is no literal")
    return Typed(f"to_timestamp({seconds.sql})", t.zoned(time_zone(zone, position(node))))


def _at_timezone(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    return calls.at_zone(self.read(given[0]), self.read(given[1]), position(node))


def _with_timezone(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    value, zone = self.read(given[0]), self.read(given[1])
    if value.type.name != "timestamp" or zone.literal is None:
        raise not_supported(f"{position(node)}with_timezone of {value.type}")
    name = time_zone(zone.literal, position(node))
    return as_type(value, t.zoned(name, value.type.of[0]))


SPECIAL: dict[str, Special] = {
    "date_trunc": date_trunc,
    "date_add": date_add,
    "date_diff": date_diff,
    "date_format": date_format,
    "format_datetime": date_format,
    "date_parse": date_parse,
    "date": lambda self, node, given: casts.cast(self.read(given[0]), t.DATE, position(node)),
    "from_unixtime": _from_unixtime,
    "at_timezone": _at_timezone,
    "with_timezone": _with_timezone,
    "now": lambda self, node, given: Typed("now()", t.zoned()),
}
