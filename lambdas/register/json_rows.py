"""Lines that a MapReduce job printed, as rows.

A line is ``key<TAB>value``, both JSON, or one JSON value. A value that is an object gives columns
by name, and its key, where that is one too, those that it lacks; otherwise the row is the key's
parts, then the value's, in the order of columns. ::

    ["a", 1790]<TAB>3                 a, 1790, 3
    null<TAB>["a", 3]                 a, 3
    "a"<TAB>{"word": "a", "n": 3}     by name
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Sequence
from typing import Any

from headrace.lake import Column


class LineError(ValueError):
    """A line is no row."""


class Reader:
    """Makes rows of lines.

    Parameters
    ----------
    columns : sequence of (name, Iceberg type, required)
        The table's.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [(name, must, *TYPES[kind]) for name, kind, must in columns]
        self._names = {name for name, *_ in self._columns}

    def row(self, line: bytes) -> list[Any]:
        """The values of a line, in the order of columns.

        Raises
        ------
        LineError
            Saying why it is no row.
        """
        # Hadoop writes a tab behind a line that has none: a key without a value.
        key, tab, value = line.removesuffix(b"\t").partition(b"\t")
        told = [_json(part) for part in ((key, value) if tab else (key,))]
        values = self._named(told) if isinstance(told[-1], dict) else self._placed(told)
        return [self._checked(column, v) for column, v in zip(self._columns, values, strict=True)]

    def _named(self, told: list[Any]) -> list[Any]:
        given = told[-1]
        if extra := sorted(given.keys() - self._names):
            raise LineError(f"gives {', '.join(f'`{n}`' for n in extra)}, which its table lacks")
        if isinstance(told[0], dict):
            given = told[0] | given
        return [given.get(name) for name, *_ in self._columns]

    def _placed(self, told: list[Any]) -> list[Any]:
        if any(isinstance(part, dict) for part in told):
            raise LineError("has an object as its key, and none as its value")
        parts = [part for part in told if part is not None]
        values = [v for part in parts for v in (part if isinstance(part, list) else [part])]
        if len(values) != len(self._columns):
            wanted = f"{len(self._columns)} columns: {', '.join(n for n, *_ in self._columns)}"
            raise LineError(f"gives {len(values)} values, where its table has {wanted}")
        return values

    def _checked(self, column: tuple[str, bool, str, Callable[[Any], Any]], value: Any) -> Any:
        name, must, kind, convert = column
        if value is None:
            if must:
                raise LineError(f"gives no value for `{name}`")
            return None
        try:
            return convert(value)
        except (TypeError, ValueError) as error:
            shown = json.dumps(value)[:80]
            raise LineError(f"gives {shown} for `{name}`, {str(error) or kind}") from None


def _json(part: bytes) -> Any:
    try:
        return json.loads(part)
    except (ValueError, RecursionError):
        raise LineError("is no JSON") from None


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _long(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("beyond 64 bits")
    return value


def _double(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    try:
        return float(value)
    except OverflowError:
        raise ValueError("beyond a double") from None


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("which is no Unicode text: it holds half of a pair") from None
    return value


def _date(value: Any) -> datetime.date:
    if not isinstance(value, str) or len(value) != 10:
        raise TypeError
    return datetime.date.fromisoformat(value)


def _timestamp(value: Any) -> datetime.datetime:
    if not isinstance(value, str):
        raise TypeError
    moment = datetime.datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time without a time zone")
    return moment.astimezone(datetime.UTC)


def _binary(value: Any) -> bytes:
    raise ValueError("and JSON has no bytes")


#: What a value should be, and how it is checked and converted, by Iceberg type.
TYPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "boolean": ("no true or false", _boolean),
    "long": ("no whole number", _long),
    "double": ("no number", _double),
    "string": ("no text", _string),
    "binary": ("no bytes", _binary),
    "date": ("no date as 2026-11-22", _date),
    "timestamptz": ("no time as 2026-11-22T10:00:00Z", _timestamp),
}
