"""Runs a study's transform over good records and holds its result to the table's columns.

A record that the transform fails on is found by halving, so that it alone is set aside, with
the exception's text, and the others land.
"""

from __future__ import annotations

import importlib
import inspect
import typing
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

Transform = Callable[[pa.RecordBatch], pa.RecordBatch]
Failures = list[tuple[int, str]]


class TransformError(ValueError):
    """A transform's result is not what the table takes."""


def load(name: str | None) -> Transform:
    """Load ``package.module:function``; without a name records stay as they are."""
    if name is None:
        return lambda batch: batch
    module, _, attribute = name.partition(":")
    return of(getattr(importlib.import_module(module), attribute))


def of(function: Callable[..., Any]) -> Transform:
    """Make a transform of a function.

    One whose first parameter is annotated ``dict`` takes and gives one record; any other a
    batch.
    """
    first = next(iter(inspect.signature(function).parameters), "")
    hint = typing.get_type_hints(function).get(first)
    return _over_batch(function) if dict in (hint, typing.get_origin(hint)) else function


def _over_batch(function: Callable[[dict[str, Any]], dict[str, Any]]) -> Transform:
    """Make a function of one record one of a batch."""

    def each(batch: pa.RecordBatch) -> pa.RecordBatch:
        rows = [function(row) for row in batch.to_pylist()]
        for row in rows:
            if not isinstance(row, dict) or row.keys() != rows[0].keys():
                found = sorted(row) if isinstance(row, dict) else type(row).__name__
                raise TransformError(f"gave {found} for a record")
        # Types are inferred, not asked for: pyarrow would turn 2.0 into a whole number.
        return pa.RecordBatch.from_pydict({k: [r[k] for r in rows] for k in rows[0]})

    return each


def apply(
    transform: Transform, batch: pa.RecordBatch, schema: pa.Schema
) -> tuple[pa.RecordBatch, list[int], Failures]:
    """Transform a batch.

    Parameters
    ----------
    transform : callable
        From :func:`load`.
    batch : pyarrow.RecordBatch
        Records that fit the record's schema.
    schema : pyarrow.Schema
        The table's own columns.

    Returns
    -------
    batch : pyarrow.RecordBatch
        Rows of ``schema``.
    places : list of int
        The record that each row came from.
    failures : list of (int, str)
        Records without a row, and why.
    """
    parts: list[pa.RecordBatch] = []
    places: list[int] = []
    failures: Failures = []
    spans = [(0, batch.num_rows)]
    while spans:
        low, high = spans.pop()
        if low == high:
            continue
        try:
            parts.append(_once(transform, batch.slice(low, high - low), schema))
            places += range(low, high)
        except MemoryError:
            raise  # the function's limit, not the record's fault
        except Exception as error:  # anything at all may come out of a user's code
            if high - low == 1:
                failures.append((low, f"transform: {_say(error)}"))
            else:
                middle = (low + high) // 2
                spans += [(middle, high), (low, middle)]
    empty = pa.RecordBatch.from_arrays([pa.array([], f.type) for f in schema], schema=schema)
    return pa.concat_batches([empty, *parts]), places, failures


def _say(error: Exception) -> str:
    if isinstance(error, TransformError):
        return str(error)
    return f"{type(error).__name__}: {error}"


def _once(transform: Transform, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    result = transform(batch)
    if not isinstance(result, pa.RecordBatch):
        raise TransformError(f"gave a {type(result).__name__}, no RecordBatch")
    if result.num_rows != batch.num_rows:
        raise TransformError(f"gave {result.num_rows} rows for {batch.num_rows} records")
    return conform(result, schema)


def conform(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Bring a batch's columns into the table's order and types.

    Raises
    ------
    TransformError
        For a column too few or too many, of another kind, or without a value that it must have.
    """
    missing = [n for n in schema.names if n not in batch.schema.names]
    extra = [n for n in batch.schema.names if n not in schema.names]
    if missing or extra:
        raise TransformError(f"gave columns {batch.schema.names}; the table has {schema.names}")
    return pa.RecordBatch.from_arrays([_column(batch, field) for field in schema], schema=schema)


def _column(batch: pa.RecordBatch, field: pa.Field) -> pa.Array:
    column = batch.column(field.name)
    if not field.nullable and column.null_count:
        raise TransformError(f"gave no value for `{field.name}`")
    if not fits(column.type, field.type):
        raise TransformError(f"gave {column.type} for `{field.name}`, which is {field.type}")
    return pc.cast(column, field.type, safe=True)


def fits(given: pa.DataType, wanted: pa.DataType) -> bool:
    """Whether values of one type are by nature of the other, so that only its width changes."""
    t = pa.types
    if given == wanted or t.is_null(given):
        return True
    if t.is_dictionary(given):
        return fits(given.value_type, wanted)
    kinds: Sequence[tuple[Callable[[Any], bool], Callable[[Any], bool]]] = (
        (t.is_integer, t.is_integer),
        (t.is_floating, lambda g: t.is_floating(g) or t.is_integer(g)),
        (t.is_string, lambda g: t.is_large_string(g) or t.is_string_view(g)),
        (t.is_binary, lambda g: t.is_large_binary(g) or t.is_binary_view(g)),
        (t.is_timestamp, lambda g: t.is_timestamp(g) and g.tz is not None),
        (t.is_date, t.is_date),
    )
    return any(is_wanted(wanted) and is_given(given) for is_wanted, is_given in kinds)
