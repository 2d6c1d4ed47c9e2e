"""Runs one stage of a study on rows, in process: for a study's own unit tests.

What holds for the deployed function holds here, since it is the same code: how items are
called, seeded and numbered, and how rows are held to the stage's columns. Only what a child
process is for is missing: an item that hangs or exits does so in the test.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from headrace.errors import HeadraceError
from headrace.plan import Column, Plan, TablePlan, plan_of
from headrace.stages import Map
from headrace.study import Study

Row = dict[str, Any]


class ItemFailedError(HeadraceError):
    """An item or a record gave no row."""


class NoSuchStageError(HeadraceError):
    """A study has no stage or table of that name that runs in process."""


class Rows(list[Row]):
    """Rows of a table.

    Attributes
    ----------
    quarantined : list of dict
        What would be quarantined: ``item`` (its number), ``reason``, ``bytes``.
    """

    def __init__(self) -> None:
        super().__init__()
        self.quarantined: list[Row] = []


def run_stage(
    study: Study | Plan,
    name: str,
    rows: Iterable[Mapping[str, Any]],
    params: Mapping[str, Any] | None = None,
    failures: Literal["raise", "quarantine"] = "raise",
) -> Rows:
    """Run a Map stage on items, or a table's transform on records.

    Parameters
    ----------
    study : Study or Plan
    name : str
        A Map stage, or a table whose records are checked and transformed.
    rows : iterable of mapping
        The stage's items, or the table's records; numbered from 0.
    params : mapping, optional
        In place of the stage's own.
    failures : {"raise", "quarantine"}
        What becomes of an item that fails: it is raised, or told in ``quarantined``. What the
        function itself rejects is always told there.

    Returns
    -------
    Rows
        A list of dicts with the columns of the table, in order.

    Raises
    ------
    ItemFailedError
        Naming the first item that fails, unless failures are quarantined.
    NoSuchStageError
        Where nothing of that name runs in process.

    Examples
    --------
    >>> from studies.speeches.study import study
    >>> told = {"year": 1790, "president": "Washington", "party": "", "position": 0}
    >>> run_stage(study, "sentences", [told | {"text": "A good day."}])[0]["sentiment"]
    0.4404
    """
    plan = study if isinstance(study, Plan) else plan_of(study)
    for stage in plan.maps:
        if stage.name == name:
            assert isinstance(stage.stage, Map)  # noqa: S101 - for the type checker
            deployed = stage.deployed() | ({} if params is None else {"params": dict(params)})
            made = _map(deployed, plan.study.seed, rows)
            break
    else:
        made = _records(_table(plan, name), rows)
    if failures == "raise" and made.failed:
        first = made.failed[0]
        raise ItemFailedError(
            f"running {name} on item {first['item']}",
            str(first["reason"]),
            'Correct the function or the item, or ask for failures="quarantine".',
        )
    made.rows.quarantined = sorted(
        [*made.rows.quarantined, *made.failed], key=lambda told: int(told["item"])
    )
    return made.rows


@dataclasses.dataclass
class _Made:
    rows: Rows = dataclasses.field(default_factory=Rows)
    failed: list[Row] = dataclasses.field(default_factory=list)


def _table(plan: Plan, name: str) -> TablePlan:
    for table in plan.tables:
        if table.name == name:
            return table
    known = [*(s.name for s in plan.maps), *(t.name for t in plan.tables)]
    raise NoSuchStageError(
        f"running {name} of study {plan.study.name} in process",
        f"only {', '.join(known) or 'nothing that can'}",
        "Name a Map stage or a table; a query runs in Athena.",
    )


def _map(stage: Row, seed: int, items: Iterable[Mapping[str, Any]]) -> _Made:
    # Here: a study's module may import this one for a type only.
    from lambdas.map.call import Call, Failure
    from lambdas.map.items import as_json

    call = Call(stage["fn"], stage["columns"], stage["params"], seed)
    columns = [name for name, *_ in stage["columns"]]
    made = _Made()
    for number, item in enumerate(items):
        answer = call.on(number, dict(item))
        if isinstance(answer, Failure):
            told = {"item": number, "reason": answer.reason, "bytes": as_json(dict(item))}
            made.failed.append(told)
            continue
        made.rows += [dict(zip(columns, row, strict=True)) for row in answer.rows]
        made.rows.quarantined += [
            {"item": number, "reason": reason, "bytes": data} for reason, data in answer.rejected
        ]
    return made


def _records(table: TablePlan, records: Iterable[Mapping[str, Any]]) -> _Made:
    import msgspec

    from headrace.lake import arrow_schema
    from lambdas.land import transform
    from lambdas.land.validate import Validator

    lines = [msgspec.json.encode(dict(record)) for record in records]
    checked = Validator(_columns(table.record)).check(lines)
    rows, _, failures = transform.apply(
        transform.load(table.transform), checked.batch, arrow_schema(_columns(table.columns))
    )
    made = _Made()
    made.rows += rows.to_pylist()
    bad = sorted(checked.bad + [(checked.places[place], why) for place, why in failures])
    made.failed += [{"item": p, "reason": why, "bytes": lines[p]} for p, why in bad]
    return made


def _columns(columns: Iterable[Column]) -> list[tuple[str, str, bool]]:
    return [(column.name, column.type, column.required) for column in columns]
