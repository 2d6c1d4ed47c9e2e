"""Runs one stage of a study on rows, in this process: for a study's own unit tests.

What holds for the deployed stage holds here, since it is the same code: how items are called,
seeded and numbered, how a job's tasks run, how a program is called, and how rows are held to the
stage's columns. What is missing is the machinery around it: an item that hangs or exits does so in
the test, a job's lines are sorted in memory, and a program is alone, one rank of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from headrace.plan import Plan, TablePlan, plan_of
from headrace.study import Study
from headrace.testing.made import (
    Failures,
    ItemFailedError,
    Made,
    NoSuchStageError,
    Rows,
    StageFailedError,
)

__all__ = ["ItemFailedError", "NoSuchStageError", "Rows", "StageFailedError", "run_stage"]

Given = Iterable[Mapping[str, Any] | str] | Path


def run_stage(
    study: Study | Plan,
    name: str,
    rows: Given,
    params: Mapping[str, Any] | None = None,
    failures: Failures = "raise",
) -> Rows:
    """Run a stage on rows, or a table's transform on records.

    Parameters
    ----------
    study : Study or Plan
    name : str
        A stage that isn't a query, or a table whose records are checked and transformed.
    rows : iterable of mapping, or Path
        What the stage's SQL would give: a Map's items, numbered from 0; a table's records; a
        MapReduce's lines, as JSON; what a Spark, Mpi or Batch stage finds as Parquet, with the
        types that pyarrow sees in them. For a stage that reads a prefix, a file or a folder of
        files; for a MapReduce over text, lines.
    params : mapping, optional
        In place of the stage's own.
    failures : {"raise", "quarantine"}
        What becomes of an item that fails, or of a line that is no row: it is raised, or told in
        ``quarantined``. What a Map's function itself rejects is always told there.

    Returns
    -------
    Rows
        A list of dicts with the columns of the table, in order. A Map's are in the order of
        items, those of the other stages are sorted by all columns, as in the lake.

    Raises
    ------
    ItemFailedError
        Naming the first item that fails, unless failures are quarantined.
    StageFailedError
        Where a job or a program fails, with its own error as the cause; where what it asks for
        isn't to be had in one process.
    NoSuchStageError
        Where nothing of that name runs in process.

    Notes
    -----
    A Map, a MapReduce, an Mpi or a Batch stage takes well under a second once its packages are
    imported, a Spark stage seconds: its Java is started by the first, and ends with the process.

    Examples
    --------
    >>> from studies.speeches.study import study
    >>> told = {"year": 1790, "president": "Washington", "party": "", "position": 0}
    >>> run_stage(study, "sentences", [told | {"text": "A good day."}])[0]["sentiment"]
    0.4404
    """
    plan = study if isinstance(study, Plan) else plan_of(study)
    return _made(plan, name, rows, params).settled(name, failures)


def _made(plan: Plan, name: str, rows: Given, params: Mapping[str, Any] | None) -> Made:
    # Each where it is needed: mrjob, pyspark and mpi4py are not for everyone.
    from headrace.testing import functions, mapreduce, programs

    stage = next((s for s in plan.stages if s.name == name and s.kind != "query"), None)
    if stage is None:
        return functions.on_records(_table(plan, name), _mappings(name, rows))
    seed = plan.study.seed
    if stage.kind == "map":
        told = stage.deployed() | ({} if params is None else {"params": dict(params)})
        return functions.on_items(told, seed, _mappings(name, rows))
    if stage.kind == "mapreduce":
        return mapreduce.on_rows(stage, rows, params, seed)
    return programs.on_rows(stage, rows, params, seed)


def _mappings(name: str, rows: Given) -> Iterable[Mapping[str, Any]]:
    if isinstance(rows, Path):
        raise NoSuchStageError(
            f"running {name} on the files of {rows}",
            "that it takes rows",
            'Give it rows: of a Map over a prefix {"uri": …}, one for each file.',
        )
    for row in rows:
        if isinstance(row, str):
            raise NoSuchStageError(
                f"running {name} on the text {row[:40]!r}",
                "that it takes mappings",
                "Give it one mapping for each row.",
            )
        yield row


def _table(plan: Plan, name: str) -> TablePlan:
    for table in plan.tables:
        if table.name == name:
            return table
    known = [*(s.name for s in plan.stages if s.kind != "query"), *(t.name for t in plan.tables)]
    raise NoSuchStageError(
        f"running {name} of study {plan.study.name} in process",
        f"only {', '.join(known) or 'nothing that can'}",
        "Name a stage or a table; a query runs in Athena.",
    )
