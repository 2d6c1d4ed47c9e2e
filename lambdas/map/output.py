"""What a call gives: rows in the order of items, and what failed; as two Parquet files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake import ITEM, Column, Range, arrow_schema, item_text
from lambdas.map.call import Failure
from lambdas.map.items import as_json
from lambdas.map.rows import Given

#: What failed: the quarantine's columns, and which row of which item.
BAD = pa.schema(
    [
        ("bytes", pa.binary()),
        ("reason", pa.string()),
        ("intended", pa.string()),
        ("_sequence", pa.string()),
        ("_index", pa.int64()),
    ]
)
#: Rows that wait as Python values.
_HELD_ROWS = 8192
Bad = tuple[bytes, str, str, str, int]


@dataclass
class Output:
    """What the items of a batch gave so far.

    Parameters
    ----------
    stage : str
    columns : sequence of (name, Iceberg type, required)
        The stage's own.
    """

    stage: str
    columns: Sequence[Column]
    items: int = 0
    failed: int = 0
    ms: float = 0.0
    _held: list[tuple[Any, ...]] = field(default_factory=list)
    _parts: list[pa.RecordBatch] = field(default_factory=list)
    _bad: list[Bad] = field(default_factory=list)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return arrow_schema([*self.columns, *ITEM])

    def add(self, number: int, item: dict[str, Any], answer: Given | Failure) -> None:
        """Take an item's answer; items come in any order."""
        self.items += 1
        if isinstance(answer, Failure):
            self.failed += 1
            told = f"item {number}: {answer.reason}"
            self._bad.append((as_json(item), told, self.stage, item_text(number), 0))
            return
        self._held += [(*row, number) for row in answer.rows]
        self._bad += [
            (data, f"item {number}: {reason}", self.stage, item_text(number), place)
            for place, (reason, data) in enumerate(answer.rejected)
        ]
        if len(self._held) >= _HELD_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            columns = zip(*self._held, strict=True)
            arrays = [pa.array(c, f.type) for c, f in zip(columns, self.schema, strict=True)]
            self._parts.append(pa.RecordBatch.from_arrays(arrays, schema=self.schema))
        self._held = []

    def rows(self) -> pa.Table:
        """The rows, by item; those of one item as it gave them."""
        self._flush()
        # The sort is stable: https://arrow.apache.org/docs/python/generated/pyarrow.compute.sort_indices.html
        return pa.Table.from_batches(self._parts, self.schema).sort_by("_item")

    def bad(self) -> pa.Table:
        """What failed, by item."""
        columns = list(zip(*sorted(self._bad, key=lambda b: b[3:]), strict=True)) or [()] * len(BAD)
        return pa.Table.from_arrays(
            [pa.array(c, f.type) for c, f in zip(columns, BAD, strict=True)], schema=BAD
        )

    def take(
        self,
        rows: pa.Table,
        bad: Sequence[dict[str, Any]],
        failed: int,
        ms: float,
        done: Sequence[Range],
    ) -> None:
        """Go on from what an earlier try had: all of its rows, and of the bad what was run."""
        numbers = {n for low, high in done for n in range(low, high + 1)}
        self._parts += rows.replace_schema_metadata(None).to_batches()
        self._bad += [tuple(b[c] for c in BAD.names) for b in bad if int(b["_sequence"]) in numbers]
        self.items, self.failed, self.ms = len(numbers), failed, ms

    def branch(self) -> Output:
        """Another that goes on from here, and leaves this one as it is."""
        return dataclasses.replace(
            self, _held=[*self._held], _parts=[*self._parts], _bad=[*self._bad]
        )

    def told(self, peak_mib: float) -> dict[str, Any]:
        """The figures that go with the files."""
        figures = {"items": self.items, "failed": self.failed, "bad": len(self._bad)}
        return figures | {"ms": round(self.ms, 3), "peak_mib": round(peak_mib, 1)}


def packed(table: pa.Table, told: dict[str, Any]) -> bytes:
    """A Parquet file with figures of its batch in its metadata."""
    sink = pa.BufferOutputStream()
    schema = table.schema.with_metadata({"headrace": json.dumps(told)})
    pq.write_table(table.cast(schema), sink, compression="zstd", row_group_size=65_536)
    body: bytes = sink.getvalue().to_pybytes()
    return body


def figures(table: pa.Table) -> dict[str, Any]:
    """The figures of a file that :func:`packed` wrote."""
    told: dict[str, Any] = json.loads((table.schema.metadata or {})[b"headrace"])
    return told
