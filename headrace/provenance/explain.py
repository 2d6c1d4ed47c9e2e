"""Compares two runs and, of what is not deterministic, finds the rows and guesses at the cause.

``headrace compare`` and ``headrace run --again`` call :func:`explained`.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

from headrace.provenance import differences, guesses, reading, sources
from headrace.provenance.compare import compare
from headrace.provenance.reading import Lake
from headrace.provenance.records import Run
from headrace.provenance.verdicts import NOT_DETERMINISTIC, Comparison, Verdict
from headrace.stages import Map


def explained(lake: Lake, a: Run, b: Run, root: Path) -> Comparison:
    """Compare two runs of a study.

    Parameters
    ----------
    lake : Lake
    a, b : Run
    root : Path
        The checkout, where the functions' sources are looked at.

    Returns
    -------
    Comparison
        Its verdicts that are not deterministic have guesses, and where both runs' rows are
        still in the lake, the difference.
    """
    told = compare(a, b)
    verdicts = (
        _explain(lake, v, root) if v.verdict == NOT_DETERMINISTIC else v for v in told.verdicts
    )
    return dataclasses.replace(told, verdicts=tuple(verdicts))


def _explain(lake: Lake, verdict: Verdict, root: Path) -> Verdict:
    a, b = verdict.a, verdict.b
    stage = next((s for s in lake.plan.stages if s.name == verdict.stage), None)
    if stage and stage.table and a and b and a.snapshot and b.snapshot and not verdict.because:
        made = stage.table
        found = differences.find(lake.ask, made.name, made.columns, a.snapshot, b.snapshot)
        verdict = dataclasses.replace(verdict, difference=found)
    if a and b and a.kind == "query":
        old, new = reading.stored_answer(lake, a), reading.stored_answer(lake, b)
        if old is not None and new is not None:
            verdict = dataclasses.replace(verdict, difference=differences.of_csv(old, new))
    module = stage.program.removesuffix(".py").replace("/", ".") if stage else ""
    if stage and isinstance(stage.stage, Map):
        module = stage.stage.fn.split(":")[0]
    pinned = frozenset({*(a.snapshots if a else ()), *(b.snapshots if b else ())})
    texts = sources.of(root, module) if not verdict.because else {}
    return dataclasses.replace(verdict, guesses=tuple(guesses.guess(verdict, texts, pinned)))
