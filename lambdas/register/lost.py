"""Items of batches that left nothing, as rows of what failed."""

from __future__ import annotations

import base64
import functools
import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake import item_text
from lambdas.register.objects import Objects

_GIVEN_UP = "its batch was given up; the log of its function says why"


class Lost:
    """Reads ``items.parquet`` once, and of it each row group once where it is asked in order.

    Parameters
    ----------
    objects : Objects
    key : str
        Of the file.
    stage : str
    """

    def __init__(self, objects: Objects, key: str, stage: str) -> None:
        self._objects, self._key, self._stage = objects, key, stage
        self._last: tuple[int, pa.Table] | None = None

    @functools.cached_property
    def _file(self) -> pq.ParquetFile:
        return self._objects.open(self._key)

    @functools.cached_property
    def _starts(self) -> list[int]:
        """The first item of each row group, and one behind the last."""
        told, starts = self._file.metadata, [0]
        for number in range(told.num_row_groups):
            starts.append(starts[-1] + told.row_group(number).num_rows)
        return starts

    def items(self, first: int, last: int) -> Iterator[pa.Table]:
        """The items `first` to `last`, both included."""
        for group, start in enumerate(self._starts[:-1]):
            low, high = max(first, start), min(last + 1, self._starts[group + 1])
            if low < high:
                yield self._rows(self._group(group).slice(low - start, high - low), low)

    def _group(self, number: int) -> pa.Table:
        if self._last is None or self._last[0] != number:
            self._last = number, self._file.read_row_group(number)
        return self._last[1]

    def _rows(self, items: pa.Table, first: int) -> pa.Table:
        numbers = range(first, first + items.num_rows)
        return pa.table(
            {
                "bytes": pa.array([_as_json(i) for i in items.to_pylist()], pa.binary()),
                "reason": [f"item {n}: {_GIVEN_UP}" for n in numbers],
                "intended": [self._stage] * len(numbers),
                "_sequence": [item_text(n) for n in numbers],
                "_index": pa.array([0] * len(numbers), pa.int64()),
            }
        )


def _as_json(value: Any) -> bytes:
    """An item as the map function writes one that failed."""

    def plain(v: Any) -> str:
        return base64.b64encode(v).decode() if isinstance(v, bytes) else str(v)

    return json.dumps(value, default=plain, ensure_ascii=False).encode(errors="replace")
