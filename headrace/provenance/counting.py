"""Counts what went into a run and what it rejected: rows at snapshots, and the quarantine."""

# ruff: noqa: S608 (this writes SQL: names are the plan's, strings pass `text`)

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from headrace.plan import QUARANTINE
from headrace.provenance.reading import Ask, Lake, text
from headrace.provenance.records import Pin, Run
from headrace.sql import QueryError


@dataclass(frozen=True)
class Source:
    """A table that a run read and didn't make.

    Parameters
    ----------
    table : str
    snapshot : int or None
        None: it was empty, without a snapshot.
    rows : int
        At the snapshot.
    sources : tuple of str
        Shards or partitions that the rows came from.
    quarantined : int
        Records meant for it that had been quarantined when the run began.
    reasons : tuple of (str, int)
        Why, the most common first.
    """

    table: str
    snapshot: int | None
    rows: int
    sources: tuple[str, ...] = ()
    quarantined: int = 0
    reasons: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class Rejects:
    """What a stage quarantined: entries, the items they come from, and why."""

    entries: int = 0
    items: int = 0
    reasons: tuple[tuple[str, int], ...] = ()


def sources(lake: Lake, run: Run, pin: Pin | None) -> list[Source]:
    """The tables that a run's stages read and didn't make, counted at their snapshots."""
    read_ones = {t: s for r in run.stages for t, s in r.snapshots.items() if not run.maker(t)}
    return [_source(lake, table, snapshot, pin) for table, snapshot in sorted(read_ones.items())]


def _source(lake: Lake, table: str, snapshot: int | None, pin: Pin | None) -> Source:
    if snapshot is None:
        return Source(table, None, 0)
    landed = table in {t.name for t in lake.plan.tables}
    counted = lake.ask(count_sql(table, snapshot, landed)).to_pylist()
    shards = tuple(row["source"] for row in counted if row["source"] is not None)
    rows = sum(row["n"] for row in counted)
    if not landed or pin is None:
        return Source(table, snapshot, rows, shards)
    reasons = _landing_reasons(lake, table, pin)
    return Source(table, snapshot, rows, shards, sum(n for _, n in reasons), tuple(reasons))


def count_sql(table: str, snapshot: int, landed: bool) -> str:
    """The SQL that counts a table's rows at a snapshot, by source where it was landed."""
    source = '"_source"' if landed else "CAST(NULL AS varchar)"
    group = ' GROUP BY "_source" ORDER BY "_source"' if landed else ""
    return (
        f"SELECT {source} AS source, count(*) AS n"
        f' FROM "{table}" FOR VERSION AS OF {snapshot}{group}'
    )


def _landing_reasons(lake: Lake, table: str, pin: Pin) -> list[tuple[str, int]]:
    """Why records for a table were quarantined before the run began: the table as it was then."""
    when = pin.started.astimezone(datetime.UTC).strftime("%Y-%m-%d %H:%M:%S.%f UTC")
    # What names no table was meant for the first: docs/contracts.md, A record in the stream.
    unnamed = " OR intended IS NULL" if table == lake.plan.tables[0].name else ""
    sql = (
        f'SELECT reason, count(*) AS n FROM "{QUARANTINE}"'
        f" FOR TIMESTAMP AS OF TIMESTAMP '{when}'"
        f" WHERE (intended = {text(table)}{unnamed})"
        " AND substr(\"_source\", 1, 4) <> 'run/' GROUP BY reason ORDER BY n DESC, reason"
    )
    try:
        found = lake.ask(sql).to_pylist()
    except QueryError as error:
        # Nothing had ever been quarantined by then: the table has no snapshot that old.
        if re.search("version history", str(error), re.IGNORECASE):
            return []
        raise
    return [(row["reason"], row["n"]) for row in found]


def rejects(lake: Lake, run: Run) -> dict[str, Rejects]:
    """What each stage of a run quarantined, by stage; none for those that did not."""
    found = {r.stage: _rejects(lake.ask, run.id, r.stage) for r in run.stages if r.quarantined}
    return dict(found)


def _rejects(ask: Ask, run: str, stage: str) -> Rejects:
    where = f'FROM "{QUARANTINE}" WHERE "_source" = {text(f"run/{run}/{stage}")}'
    reasons: Sequence[dict[str, Any]] = ask(
        # A map's reason begins with its item, which would make each of them another.
        "SELECT reason, count(*) AS n FROM"
        f" (SELECT regexp_replace(reason, '^item \\d+: ', '') AS reason {where})"
        " GROUP BY reason ORDER BY n DESC, reason"
    ).to_pylist()
    (items,) = ask(f'SELECT count(DISTINCT "_sequence") AS items {where}').to_pylist()
    pairs = tuple((row["reason"], row["n"]) for row in reasons)
    return Rejects(sum(n for _, n in pairs), items["items"], pairs)
