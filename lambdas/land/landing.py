"""The way of a batch from bytes to rows: every record becomes a row or a row in quarantine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pyarrow as pa

from headrace.lake import QUARANTINE, Range, arrow_schema
from lambdas.land import transform
from lambdas.land.events import Batch
from lambdas.land.stage import Lineage, Staged
from lambdas.land.validate import Validator
from stream import block

#: Records of a table are checked and transformed together, in chunks of about so many bytes:
#: enough to make single records cheap, few enough to keep memory small.
CHUNK_BYTES = 8 << 20


class Table:
    """How records become rows of one table; made once, as it imports the study's transform."""

    def __init__(self, plan: dict[str, Any]) -> None:
        self.name: str = plan["name"]
        self.schema = arrow_schema(plan["columns"])
        self.validator = Validator(plan["record"])
        self.transform = transform.load(plan["transform"])


class Chunk:
    """Records of one table that wait to be checked together."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.lineage: list[Lineage] = []
        self.size = 0


class Landing:
    """One batch on its way.

    Parameters
    ----------
    tables : sequence of Table
        The first gets records that name no table.
    quarantine : pyarrow.Schema
        Columns of the quarantine table.
    batch : Batch
    chunk_bytes : int
        Bytes of records that are checked and transformed together.
    """

    def __init__(
        self,
        tables: Sequence[Table],
        quarantine: pa.Schema,
        batch: Batch,
        chunk_bytes: int = CHUNK_BYTES,
    ) -> None:
        self._chunk_bytes = chunk_bytes
        self._default = tables[0].name
        self._tables = {table.name: table for table in tables}
        self._quarantine = quarantine
        self._chunks = {table.name: Chunk() for table in tables}
        self.staged = {t.name: Staged(batch.source, t.schema) for t in tables}
        self.staged[QUARANTINE] = Staged(batch.source, quarantine)
        self.covered: dict[str, list[Range]] = {}
        for arrival in batch.arrivals:
            self._read(arrival.sequence, arrival.data)
        for name in self._chunks:
            self._finish(name)

    def _read(self, sequence: str, data: bytes) -> None:
        """Take one stream record apart."""
        place = 0
        for part in block.decode(data):
            if isinstance(part, block.Unreadable):
                self._set_aside([(part.data, part.reason, (sequence, place, None, None))], None)
                place += 1
            else:
                self._take(part, sequence, place)
                place += len(part.lines)

    def _take(self, part: block.Block, sequence: str, place: int) -> None:
        header = part.header
        name = (header and header.table) or self._default
        lineage: list[Lineage]
        places = range(place, place + len(part.lines))
        if header:
            counters = range(header.first, header.first + header.count)
            lineage = [
                (sequence, p, header.producer, c) for p, c in zip(places, counters, strict=True)
            ]
            if header.count:
                self.covered.setdefault(header.producer, []).append((counters[0], counters[-1]))
        else:
            lineage = [(sequence, p, None, None) for p in places]
        if name not in self._tables:
            why = f"study has no table `{name}`"
            self._set_aside([(li, why, o) for li, o in zip(part.lines, lineage, strict=True)], name)
            return
        chunk = self._chunks[name]
        chunk.lines += part.lines
        chunk.lineage += lineage
        chunk.size += part.size
        if chunk.size >= self._chunk_bytes:
            self._finish(name)

    def _finish(self, name: str) -> None:
        """Check and transform the records that wait for one table."""
        chunk, self._chunks[name] = self._chunks[name], Chunk()
        table = self._tables[name]
        checked = table.validator.check(chunk.lines)
        rows, places, failures = transform.apply(table.transform, checked.batch, table.schema)
        self.staged[name].add(rows, [chunk.lineage[checked.places[p]] for p in places])
        bad = checked.bad + [(checked.places[p], why) for p, why in failures]
        self._set_aside(((chunk.lines[p], why, chunk.lineage[p]) for p, why in bad), name)

    def _set_aside(self, bad: Iterable[tuple[bytes, str, Lineage]], intended: str | None) -> None:
        """Put records into quarantine: bytes, reason, and where they came from."""
        told = list(bad)
        columns = {
            "bytes": [data for data, _, _ in told],
            "reason": [why for _, why, _ in told],
            "intended": [intended] * len(told),
        }
        rows = pa.RecordBatch.from_arrays(
            [pa.array(columns[f.name], f.type) for f in self._quarantine], schema=self._quarantine
        )
        self.staged[QUARANTINE].add(rows, [origin for _, _, origin in told])
