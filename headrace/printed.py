"""Answers in print: every value as the text that a reader wants to see."""

from __future__ import annotations

import math
from typing import Any

import pyarrow as pa

#: Significant digits of a column's largest number; the others get as many decimals.
DIGITS = 4
GROUPED = 10_000


def texts(rows: pa.Table) -> list[list[str]]:
    """The cells of a table as texts, row by row.

    Whole numbers get separators where their column reaches 10,000: years stay as they are.
    Other numbers get the decimals that show four digits of their column's largest. A null is a
    dash, and bytes are written as Athena writes them: ``68 65 6c``.
    """
    columns = [_column(column) for column in rows.columns]
    return [list(row) for row in zip(*columns, strict=True)]


def _column(column: pa.ChunkedArray) -> list[str]:
    values, places = column.to_pylist(), decimals(column)
    grouped = any(isinstance(v, int) and abs(v) >= GROUPED for v in values)
    return [cell(value, grouped=grouped, decimals=places) for value in values]


def is_number(kind: pa.DataType) -> bool:
    """Whether a type is a number: whole, floating or decimal."""
    return bool(
        pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    )


def decimals(column: pa.ChunkedArray) -> int:
    """Decimals that show four digits of a column's largest number; 0 for other columns."""
    if not pa.types.is_floating(column.type):
        return 0
    sizes = [abs(v) for v in column.to_pylist() if v is not None and math.isfinite(v)]
    largest = max(sizes, default=0.0)
    return max(0, DIGITS - 1 - math.floor(math.log10(largest))) if largest else 0


def cell(value: Any, *, grouped: bool = True, decimals: int = 0) -> str:
    """One value in print."""
    if value is None:
        return "\u2013"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}" if grouped else str(value)
    if isinstance(value, float):
        return f"{value:z,.{decimals}f}"
    if isinstance(value, bytes):
        return value.hex(" ")
    return str(value)
