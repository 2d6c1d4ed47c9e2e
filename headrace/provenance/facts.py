"""Gathers what a methods paragraph needs: the run's records, and counts that the lake answers."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from headrace.provenance import counting, libraries, reading
from headrace.provenance.methods import Facts
from headrace.provenance.reading import Lake
from headrace.provenance.records import Run


def of(lake: Lake, run: Run, root: Path) -> Facts:
    """Gather the facts of a run.

    Parameters
    ----------
    lake : Lake
    run : Run
    root : Path
        The checkout, for the names in the functions' locks.
    """
    plan, pin = lake.plan, reading.pin(lake, run)
    return Facts(
        study=plan.study.name,
        question=plan.study.question,
        run=run,
        pin=pin,
        target=lake.target,
        version=importlib.metadata.version("headrace"),
        sources=counting.sources(lake, run, pin),
        rejects=counting.rejects(lake, run),
        direct=frozenset(libraries.direct(root, plan.package)),
        externals={e.name: e.location for e in plan.externals},
        stages=tuple(stage.name for stage in plan.stages),
    )
