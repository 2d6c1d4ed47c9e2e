"""Rows in chunks of one size, and the checksum of them: the same however batches were cut."""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

CHUNK_ROWS = 65_536
#: Bytes of a chunk's texts and binaries, which its last row may exceed: Arrow's arrays of them
#: hold 2 GiB. https://arrow.apache.org/docs/format/Columnar.html#variable-size-binary-layout
CHUNK_BYTES = 64 << 20


def rechunked(
    batches: Iterable[pa.RecordBatch], chunk_bytes: int = CHUNK_BYTES
) -> Iterator[pa.RecordBatch]:
    """Cut batches of any size anew.

    Parameters
    ----------
    batches : iterable of RecordBatch
    chunk_bytes : int
        Of texts and binaries.

    Yields
    ------
    RecordBatch
        It ends with the row that is the ``CHUNK_ROWS``-th, or with which texts and binaries
        reach `chunk_bytes`; so where depends on the rows alone. The last one ends with them.
    """
    held: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        ends, start = _ends(batch), 0
        while start < batch.num_rows:
            before = ends[start - 1].as_py() if start else 0
            full = bisect.bisect_left(
                ends, before + chunk_bytes - size, lo=start, key=lambda end: end.as_py()
            )
            stop = min(start + CHUNK_ROWS - rows, full + 1, batch.num_rows)
            held.append(batch.slice(start, stop - start))
            rows += stop - start
            size += ends[stop - 1].as_py() - before
            start = stop
            if rows == CHUNK_ROWS or size >= chunk_bytes:
                yield pa.concat_batches(held)
                held, rows, size = [], 0, 0
    if held:
        yield pa.concat_batches(held)


def _ends(batch: pa.RecordBatch) -> pa.Array:
    """Bytes of a batch's texts and binaries up to the end of each row."""
    total = pa.repeat(pa.scalar(0, pa.int64()), batch.num_rows)
    for column in batch.columns:
        if pa.types.is_string(column.type) or pa.types.is_binary(column.type):
            lengths = pc.binary_length(column).cast(pa.int64()).fill_null(0)
            total = pc.add(total, lengths)
    return pc.cumulative_sum(total)


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
        """Add a chunk that :func:`rechunked` gave."""
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
