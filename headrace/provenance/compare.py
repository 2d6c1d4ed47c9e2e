"""Two runs side by side: which stages gave the same, which differ and because of what.

Pure. A stage whose code, libraries, parameters, seed, engine and input are the same and whose
rows are not is *not deterministic*: :mod:`headrace.provenance.differences` finds the rows and
:mod:`headrace.provenance.guesses` says what may be behind it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.provenance.records import Run, StageRecord
from headrace.provenance.verdicts import (
    DIFFERS,
    NOT_DETERMINISTIC,
    ONLY_A,
    ONLY_B,
    SAME,
    Change,
    Comparison,
    Verdict,
)

_PIN = re.compile(r"\s+FOR\s+VERSION\s+AS\s+OF\s+\d+", re.IGNORECASE)


def compare(a: Run, b: Run) -> Comparison:
    """Compare two runs by their records.

    Parameters
    ----------
    a, b : Run

    Returns
    -------
    Comparison
        One verdict a stage: those of `a` in their order, then those that only `b` has.
    """
    names = [r.stage for r in a.stages]
    names += [r.stage for r in b.stages if r.stage not in names]
    return Comparison(a.id, b.id, tuple(_verdict(a, b, name) for name in names))


def _verdict(run_a: Run, run_b: Run, stage: str) -> Verdict:
    a, b = run_a.stage(stage), run_b.stage(stage)
    if a is None or b is None:
        return Verdict(stage, ONLY_B if a is None else ONLY_A, (), a, b)
    because = (*_made_with(a, b), *_fed_with(run_a, run_b, a, b))
    if _outcome(a) == _outcome(b):
        return Verdict(stage, SAME, because, a, b)
    if because and not all(change.what == _UNEXPLAINED for change in because):
        return Verdict(stage, DIFFERS, because, a, b)
    return Verdict(stage, NOT_DETERMINISTIC, because, a, b)


def _outcome(record: StageRecord) -> tuple[Any, ...]:
    return record.output_checksum, record.rows_out, record.quarantined


def _made_with(a: StageRecord, b: StageRecord) -> Iterator[Change]:
    if a.code != b.code and a.kind != "query":  # of a query it is the SQL, which is told below
        yield Change("code", f"its code is another ({_short(a.code)}, then {_short(b.code)})")
    if libraries := list(_versions(a.libraries, b.libraries)):
        yield Change("libraries", f"libraries are others ({', '.join(libraries)})")
    if a.engine != b.engine:
        yield Change("engine", f"the engine is another ({a.engine}, then {b.engine})")
    if a.params != b.params:
        names = sorted(k for k in {*a.params, *b.params} if a.params.get(k) != b.params.get(k))
        told = ", ".join(f"{k}: {a.params.get(k)!r}, then {b.params.get(k)!r}" for k in names)
        yield Change("parameters", f"its parameters are others ({told})")
    if a.seed != b.seed:
        yield Change("seed", f"its seed is another ({a.seed}, then {b.seed})")


def _short(checksum: str) -> str:
    return checksum[:12]


def _versions(a: Mapping[str, str], b: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*a, *b}):
        if a.get(name) != b.get(name):
            yield f"{name} {a.get(name, 'absent')}, then {b.get(name, 'absent')}"


#: The input differs, and nothing that should decide it does.
_UNEXPLAINED = "input rows"


def _fed_with(run_a: Run, run_b: Run, a: StageRecord, b: StageRecord) -> Iterator[Change]:
    """What is not the same about a stage's input.

    Equal items are the same input, whatever snapshots they were read from. A query's checksum
    is that of its SQL with the snapshots in it, and a table that a run made has another snapshot
    in each: there, equal rows count.
    """
    if a.kind != "query" and a.input_checksum == b.input_checksum:
        return
    found = [*_sql(a, b), *_tables(run_a, run_b, a, b), *_files(a, b)]
    yield from found
    # Into which files Athena cuts what a program on a cluster reads is no difference of rows.
    if not found and a.kind == "map":
        yield Change(_UNEXPLAINED, "its SQL gave other items from the same snapshots")


def _sql(a: StageRecord, b: StageRecord) -> Iterator[Change]:
    if unpinned(a.sql or "") != unpinned(b.sql or ""):
        yield Change("SQL", "its SQL is another")


def unpinned(sql: str) -> str:
    """SQL without the snapshots that were pinned in it."""
    return " ".join(_PIN.sub("", sql).split())


def _tables(run_a: Run, run_b: Run, a: StageRecord, b: StageRecord) -> Iterator[Change]:
    for table in sorted({*a.snapshots, *b.snapshots}):
        old, new = a.snapshots.get(table), b.snapshots.get(table)
        maker_a, maker_b = run_a.maker(table), run_b.maker(table)
        if maker_a and maker_b:
            if maker_a.output_checksum != maker_b.output_checksum:
                stage = maker_a.stage
                yield Change("input tables", f"stage {stage}, which it reads, gave other rows")
        elif old != new:
            yield Change("input tables", f"it read {table} at another snapshot ({old}, then {new})")


def _files(a: StageRecord, b: StageRecord) -> Iterator[Change]:
    if a.sql or b.sql:  # their files are what UNLOAD wrote, under names of its own
        return
    if gone := sorted({*a.files} - {*b.files}):
        yield Change("input files", f"{len(gone)} input files are gone, as {gone[0]}")
    if new := sorted({*b.files} - {*a.files}):
        yield Change("input files", f"{len(new)} input files are new, as {new[0]}")
    if not gone and not new:
        yield Change("input files", "the input files have the same names and other content")
