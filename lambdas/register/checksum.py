"""Rows in chunks of one size, and the checksum of them: the same however batches were cut."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

CHUNK_ROWS = 65_536


def rechunked(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut batches of any size anew, into ones of ``CHUNK_ROWS`` and a last one."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        while batch.num_rows:
            part = batch.slice(0, CHUNK_ROWS - rows)
            batch = batch.slice(part.num_rows)
            held.append(part)
            rows += part.num_rows
            if rows == CHUNK_ROWS:
                yield pa.concat_batches(held)
                held, rows = [], 0
    if held:
        yield pa.concat_batches(held)


class Checksum:
    """SHA-256 over rows in order, by their values: not by how Arrow or Parquet keeps them.

    Parameters
    ----------
    schema : pyarrow.Schema
        Names and types are part of it.
    """

    def __init__(self, schema: pa.Schema) -> None:
        self._total = hashlib.sha256()
        for field in schema:
            self._total.update(f"{len(field.name)}:{field.name}:{field.type}:".encode())
        self.rows = 0

    def add(self, chunk: pa.RecordBatch) -> None:
        """Add a chunk of ``CHUNK_ROWS`` rows, or the last one."""
        self.rows += chunk.num_rows
        for column in chunk.columns:
            self._total.update(_fixed(column.is_valid().cast(pa.uint8())))
            for part in _values(column):
                self._total.update(part)

    def hex(self) -> str:
        """The checksum so far."""
        return self._total.hexdigest()


def _values(column: pa.Array) -> Iterator[Any]:
    """The values of a column as bytes, with zeros or nothing where there is none."""
    kind = column.type
    if pa.types.is_string(kind) or pa.types.is_binary(kind):
        column = column.cast(pa.binary()).fill_null(b"")
        yield _fixed(pc.binary_length(column))
        yield b"".join(column.to_pylist())
        return
    if pa.types.is_boolean(kind):
        column = column.cast(pa.uint8())
    elif pa.types.is_date(kind):
        column = column.cast(pa.int32())
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.int64())
    yield _fixed(column.fill_null(0))


def _fixed(column: pa.Array) -> memoryview:
    """The bytes of a column without nulls, whose values are all of one width."""
    width = column.type.bit_width // 8
    start = column.offset * width
    return memoryview(column.buffers()[1])[start : start + len(column) * width]
