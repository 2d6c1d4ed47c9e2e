"""A run as its records tell it: one :class:`StageRecord` for each stage and attempt.

Pure: :mod:`headrace.provenance.reading` gets the rows of the table ``runs`` from the lake.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from headrace.plan import RUNS_COLUMNS

#: Columns whose text is JSON.
_JSON = ("params", "libraries", "snapshots", "files")
_TIMES = ("started", "ended")


@dataclass(frozen=True)
class StageRecord:
    """A row of ``runs``: what went into a stage and came out. The names are the columns'."""

    run: str
    stage: str
    attempt: int
    kind: str
    table: str | None
    code: str
    seed: int
    params: Mapping[str, Any]
    engine: str
    libraries: Mapping[str, str]
    workers: int
    sql: str | None
    snapshots: Mapping[str, int | None]
    files: tuple[str, ...]
    items: int
    rows_out: int
    quarantined: int
    bytes_in: int
    bytes_out: int
    input_checksum: str
    output_checksum: str
    snapshot: int | None
    scanned_bytes: int
    engine_s: float
    cost_usd: float
    started: datetime.datetime
    ended: datetime.datetime

    @property
    def seconds(self) -> float:
        """Seconds from its start to its end, as a clock on the wall has them."""
        return (self.ended - self.started).total_seconds()

    @property
    def python(self) -> str:
        """The version of Python, which the engine's name has; empty where it has none."""
        found = re.search(r"Python (\d+(?:\.\d+)+)", self.engine)
        return found[1] if found else ""

    def document(self) -> dict[str, Any]:
        """The row as JSON would have it, times in UTC."""
        told = dataclasses.asdict(self)
        return told | {name: iso(told[name]) for name in _TIMES} | {"files": list(self.files)}


def read(row: Mapping[str, Any]) -> StageRecord:
    """Read a row of ``runs``.

    Parameters
    ----------
    row : mapping
        Columns to values; times as datetimes, in UTC where they have no zone.
    """
    told = {column.name: row[column.name] for column in RUNS_COLUMNS}
    told |= {name: json.loads(told[name]) for name in _JSON}
    told |= {name: _utc(told[name]) for name in _TIMES}
    return StageRecord(**told | {"files": tuple(told["files"])})


def _utc(when: datetime.datetime) -> datetime.datetime:
    return when.replace(tzinfo=datetime.UTC) if when.tzinfo is None else when


def iso(when: datetime.datetime) -> str:
    """A time in UTC as ISO 8601, to the second."""
    return when.astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Pin:
    """``runs/<run>/run.json``: the snapshots that a run read.

    Parameters
    ----------
    started : datetime
        When they were pinned.
    snapshots : mapping
        Table to snapshot; None for a table that had none.
    again : str, optional
        The run that they were taken over from, where that is recorded.
    document : mapping
        The object as it is.
    """

    started: datetime.datetime
    snapshots: Mapping[str, int | None]
    again: str | None
    document: Mapping[str, Any]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Pin:
        """Read the object."""
        started = _utc(datetime.datetime.fromisoformat(document["started"]))
        return cls(started, document["snapshots"], document.get("again"), document)


@dataclass(frozen=True)
class Run:
    """One run.

    Parameters
    ----------
    id : str
    records : tuple of StageRecord
        Of all attempts; at least one.
    """

    id: str
    records: tuple[StageRecord, ...]

    @property
    def stages(self) -> tuple[StageRecord, ...]:
        """The last record of each stage, in the order in which they began."""
        last: dict[str, StageRecord] = {}
        for record in sorted(self.records, key=lambda r: (r.attempt, r.ended)):
            last[record.stage] = record
        return tuple(sorted(last.values(), key=lambda r: (r.started, r.stage)))

    def stage(self, name: str) -> StageRecord | None:
        """The last record of a stage; None where it wasn't done."""
        return next((r for r in self.stages if r.stage == name), None)

    def maker(self, table: str) -> StageRecord | None:
        """The stage that made a table in this run."""
        return next((r for r in self.stages if r.table == table), None)

    @property
    def started(self) -> datetime.datetime:
        """When its first stage began."""
        return min(r.started for r in self.records)

    @property
    def ended(self) -> datetime.datetime:
        """When its last stage ended."""
        return max(r.ended for r in self.records)

    @property
    def attempts(self) -> tuple[int, ...]:
        """The attempts that finished a stage."""
        return tuple(sorted({r.attempt for r in self.records}))

    def missing(self, stages: Collection[str]) -> list[str]:
        """Those of `stages` that this run has not done."""
        done = {r.stage for r in self.records}
        return [name for name in stages if name not in done]

    def document(self) -> dict[str, Any]:
        """The run in figures; cost and engine seconds are those of all attempts."""
        return {
            "run": self.id,
            "started": iso(self.started),
            "ended": iso(self.ended),
            "seconds": round((self.ended - self.started).total_seconds(), 3),
            "attempts": list(self.attempts),
            "stages": [r.stage for r in self.stages],
            "rows": sum(r.rows_out for r in self.stages),
            "quarantined": sum(r.quarantined for r in self.stages),
            "engine_s": round(sum(r.engine_s for r in self.records), 3),
            "cost_usd": sum(r.cost_usd for r in self.records),
            "seeds": sorted({r.seed for r in self.stages}),
        }


def gather(records: Iterable[StageRecord]) -> list[Run]:
    """Records by run, the run that began last first."""
    by_run: dict[str, list[StageRecord]] = {}
    for record in records:
        by_run.setdefault(record.run, []).append(record)
    runs = [Run(name, tuple(found)) for name, found in by_run.items()]
    return sorted(runs, key=lambda run: (run.started, run.id), reverse=True)
