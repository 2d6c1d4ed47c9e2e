"""Holds what a study's function gives to the columns of its stage's table.

Values must be of a column's own type, as those that are pushed must; whole numbers pass as
floating-point ones. It needs no package: it runs in the child, beside the study's function.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.lake import Column


class RowError(ValueError):
    """What a function gave is no row of its table."""


@dataclass
class Given:
    """What a function gave for one item.

    Parameters
    ----------
    rows : list of tuple
        Values in the order of the columns.
    rejected : list of (str, bytes)
        Reason and bytes of what it could not read.
    """

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    rejected: list[tuple[str, bytes]] = field(default_factory=list)


class Rows:
    """Reads rows of one table.

    Parameters
    ----------
    columns : sequence of (name, Iceberg type, required)
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [(name, must, *TYPES[kind]) for name, kind, must in columns]
        self._names = {name for name, _, _ in columns}

    def read(self, given: Any) -> Given:
        """Read a function's answer: a dict, an iterable of dicts, or None.

        Raises
        ------
        RowError
            Where it is something else, or a row doesn't fit.
        """
        if isinstance(given, dict) or _is_rejected(given):
            given = (given,)
        elif given is None:
            given = ()
        elif isinstance(given, str | bytes) or not isinstance(given, Iterable):
            raise RowError(f"gave a {type(given).__name__}, no dict, iterable of dicts or None")
        read = Given()
        for row in given:
            if _is_rejected(row):
                read.rejected.append((str(row.reason), bytes(row.data)))
            else:
                read.rows.append(self._row(row))
        return read

    def _row(self, row: Any) -> tuple[Any, ...]:
        if not isinstance(row, dict):
            raise RowError(f"gave a {type(row).__name__} as a row, no dict")
        if not row.keys() <= self._names:
            extra = ", ".join(sorted(f"`{name}`" for name in row.keys() - self._names))
            raise RowError(f"gave {extra}, which its table lacks")
        values = []
        for name, must, kind, convert in self._columns:
            value = row.get(name)
            if value is None:
                if must:
                    raise RowError(f"gave no value for `{name}`")
            else:
                try:
                    value = convert(value)
                except (TypeError, ValueError) as error:
                    raise RowError(
                        f"gave {_show(value)} for `{name}`, {str(error) or kind}"
                    ) from None
            values.append(value)
        return tuple(values)


def _is_rejected(value: Any) -> bool:
    """Whether it is a ``headrace.lake.Rejected``."""
    lake = sys.modules.get("headrace.lake")
    return lake is not None and isinstance(value, lake.Rejected)


def _show(value: Any) -> str:
    text = repr(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({type(value).__name__})"


def _plain(value: Any) -> Any:
    """A NumPy scalar as Python's own value."""
    return value.item() if type(value).__module__ == "numpy" else value


def _boolean(value: Any) -> bool:
    value = _plain(value)
    if not isinstance(value, bool):
        raise TypeError
    return value


def _long(value: Any) -> int:
    if type(value) is not int:
        value = _plain(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError("beyond 64 bits")
    return int(value)


def _double(value: Any) -> float:
    if type(value) is float:
        return value
    value = _plain(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError
    return float(value)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError("which is no Unicode text: it holds half of a pair") from None
    return str(value)


def _binary(value: Any) -> bytes:
    if not isinstance(value, bytes | bytearray | memoryview):
        raise TypeError
    return bytes(value)


def _date(value: Any) -> datetime.date:
    if not isinstance(value, datetime.date) or isinstance(value, datetime.datetime):
        raise TypeError
    return value


def _timestamp(value: Any) -> datetime.datetime:
    if not isinstance(value, datetime.datetime):
        raise TypeError
    if value.tzinfo is None:
        raise ValueError("a time without a time zone")
    if hasattr(value, "to_pydatetime"):  # pandas' own, which its reader would need pandas for
        value = value.to_pydatetime()
    moment: datetime.datetime = value.astimezone(datetime.UTC)
    return moment


#: How a column's values are checked and made plain, and what they should be, by Iceberg type.
TYPES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "boolean": ("no bool", _boolean),
    "long": ("no int", _long),
    "double": ("no float", _double),
    "string": ("no str", _string),
    "binary": ("no bytes", _binary),
    "date": ("no date", _date),
    "timestamptz": ("no datetime", _timestamp),
}
