"""A Map's function on items, and a table's transform on records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from headrace.table_plans import TablePlan
from headrace.testing.made import Made, Row, columns_of


def on_items(stage: Row, seed: int, items: Iterable[Mapping[str, Any]]) -> Made:
    """Call a Map's function on each item.

    Parameters
    ----------
    stage : dict
        From the deployed plan.
    """
    # Here: a study's module may import this package for a type only.
    from lambdas.map.call import Call, Failure
    from lambdas.map.items import as_json

    call = Call(stage["fn"], stage["columns"], stage["params"], seed)
    columns = [name for name, *_ in stage["columns"]]
    made = Made()
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


def on_records(table: TablePlan, records: Iterable[Mapping[str, Any]]) -> Made:
    """Check records, and transform them."""
    import msgspec

    from headrace.lake import arrow_schema
    from lambdas.land import transform
    from lambdas.land.validate import Validator

    lines = [msgspec.json.encode(dict(record)) for record in records]
    checked = Validator(columns_of(table.record)).check(lines)
    rows, _, failures = transform.apply(
        transform.load(table.transform), checked.batch, arrow_schema(columns_of(table.columns))
    )
    made = Made()
    made.rows += rows.to_pylist()
    bad = sorted(checked.bad + [(checked.places[place], why) for place, why in failures])
    made.failed += [{"item": p, "reason": why, "bytes": lines[p]} for p, why in bad]
    return made
