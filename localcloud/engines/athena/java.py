"""Values as Java prints them, which is how Trino and so Athena shows them."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytz

from localcloud.engines.athena.errors import not_supported
from localcloud.engines.athena.types import Type


def double_text(x: float) -> str:
    """A double: plain from 0.001 up to 10 million, else with an exponent, as Double.toString."""
    if math.isnan(x):
        return "NaN"
    if math.isinf(x):
        return "Infinity" if x > 0 else "-Infinity"
    if x == 0:
        return "-0.0" if math.copysign(1, x) < 0 else "0.0"
    if 1e-3 <= abs(x) < 1e7:
        plain = format(Decimal(repr(x)), "f")
        return plain if "." in plain else plain + ".0"
    sign, digits, exponent = Decimal(repr(x)).as_tuple()
    shown = "".join(map(str, digits)).rstrip("0") or "0"
    power = len(digits) + int(exponent) - 1
    return f"{'-' if sign else ''}{shown[0]}.{shown[1:] or '0'}E{power}"


def real_text(x: float) -> str:
    """A real: the shortest digits that are the same 32-bit number."""
    import struct

    if math.isnan(x) or math.isinf(x) or x == 0:
        return double_text(x)
    for digits in range(1, 10):
        short = float(f"{x:.{digits}g}")
        if struct.pack("f", short) == struct.pack("f", x):
            return double_text(short)
    return double_text(x)


def json_text(given: str) -> str:
    """JSON as Trino keeps it: without spaces, keys in order, numbers as Java prints them.

    Raises
    ------
    ValueError
        Where it is no JSON.
    """
    try:
        return _json(json.loads(given, parse_constant=_no_constant))
    except ValueError as e:
        raise ValueError(f"Cannot convert value to JSON: '{given}'") from e


def _no_constant(name: str) -> Any:
    raise ValueError(name)


def _json(value: Any) -> str:
    if isinstance(value, dict):
        items = (
            f"{json.dumps(k, ensure_ascii=False)}:{_json(v)}" for k, v in sorted(value.items())
        )
        return f"{{{','.join(items)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_json, value))}]"
    return double_text(value) if isinstance(value, float) else json.dumps(value, ensure_ascii=False)


def printer(of: Type) -> Callable[[Any], str]:
    """The printer of a type's values as a query's result shows them; for NULL see the callers."""
    name = of.name
    if name == "array":
        each = _nullable(printer(of.element))
        return lambda v: f"[{', '.join(map(each, v))}]"
    if name == "map":
        key, value = (_nullable(printer(x)) for x in of.of)
        return lambda v: f"{{{', '.join(f'{key(k)}={value(x)}' for k, x in _items(v))}}}"
    if name == "row":
        return _row(of)
    if name == "timestamp":
        return lambda v: _clock(v, of.of[0])
    if name == "timestamp with time zone":
        zone = pytz.timezone(of.of[0])
        return lambda v: f"{_clock(v.astimezone(zone), of.of[1])} {of.of[0]}"
    if name == "interval year to month":  # DuckDB gives it as days
        raise not_supported("an interval of months in a result")
    plain: dict[str, Callable[[Any], str]] = {
        "double": double_text,
        "real": real_text,
        "boolean": lambda v: "true" if v else "false",
        "decimal": lambda v: format(v, "f"),
        "varbinary": lambda v: bytes(v).hex(" "),
        "interval day to second": _duration,
        "json": lambda v: v if isinstance(v, str) else json.dumps(v),
    }
    return plain.get(name, str)


def _nullable(each: Callable[[Any], str]) -> Callable[[Any], str]:
    return lambda v: "null" if v is None else each(v)


def _items(value: Any) -> list[tuple[Any, Any]]:
    return list(value.items()) if isinstance(value, dict) else list(value)


def _row(of: Type) -> Callable[[Any], str]:
    """A row is ``{a=1, b=x}``, and without names ``{1, x}``."""
    fields = [(name, _nullable(printer(kind))) for name, kind in of.of]

    def show(value: Any) -> str:
        values = list(value.values()) if isinstance(value, dict) else list(value)
        shown = [
            f"{name}={each(v)}" if name else each(v)
            for (name, each), v in zip(fields, values, strict=True)
        ]
        return f"{{{', '.join(shown)}}}"

    return show


def _clock(value: datetime.datetime, precision: int) -> str:
    return value.strftime("%Y-%m-%d %H:%M:%S") + f".{value.microsecond:06d}"[: precision + 1]


def _duration(value: datetime.timedelta) -> str:
    """A span of time: days, and the rest as a clock shows it."""
    micros = value // datetime.timedelta(microseconds=1)
    sign, millis = "-" if micros < 0 else "", abs(micros) // 1000
    seconds, millis = divmod(millis, 1000)
    days, seconds = divmod(seconds, 86400)
    clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{sign}{days} {clock}.{millis:03d}"
