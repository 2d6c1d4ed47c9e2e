"""A study's transform: its rows land, its failures are set aside one by one."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from headrace.lake import arrow_schema
from lambdas.land import transform

SCHEMA = arrow_schema([("year", "long", True), ("mood", "double", False)])
BATCH = pa.record_batch({"year": pa.array([1, 2, 3, 4], pa.int64())})


def doubled(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.append_column("mood", pc.multiply(batch.column("year"), 2.0))


def fails_on_three(batch: pa.RecordBatch) -> pa.RecordBatch:
    if 3 in batch.column("year").to_pylist():
        raise ValueError("three is odd")
    return doubled(batch)


def drops_three(batch: pa.RecordBatch) -> pa.RecordBatch:
    return doubled(batch.filter(pc.not_equal(batch.column("year"), 3)))


def of_one(record: dict[str, Any]) -> dict[str, Any]:
    if record["year"] == 3:
        raise KeyError("three")
    return {"mood": float(record["year"]), **record}


def of_one_bare(record: dict) -> dict:  # type: ignore[type-arg]
    return {"year": record["year"], "mood": None}


def careless(record: dict[str, Any]) -> Any:
    year = record["year"]
    return {
        1: {"year": 1.0, "mood": None},
        2: {"year": 2},
        3: {"year": 3, "mood": 0.5, "more": 1},
        4: None,
    }[year]


def run(function: Any) -> tuple[list[dict[str, Any]], list[int], list[tuple[int, str]]]:
    rows, places, failures = transform.apply(transform.of(function), BATCH, SCHEMA)
    assert rows.schema == SCHEMA
    return rows.to_pylist(), places, failures


def test_a_batch_is_taken_and_given() -> None:
    rows, places, failures = run(doubled)
    assert rows == [{"year": y, "mood": 2.0 * y} for y in (1, 2, 3, 4)]
    assert (places, failures) == ([0, 1, 2, 3], [])


def test_only_what_fails_is_set_aside() -> None:
    rows, places, failures = run(fails_on_three)
    assert [row["year"] for row in rows] == [1, 2, 4]
    assert places == [0, 1, 3]
    assert failures == [(2, "transform: ValueError: three is odd")]


def test_a_row_that_is_dropped_is_told() -> None:
    _, places, failures = run(drops_three)
    assert places == [0, 1, 3]
    assert failures == [(2, "transform: gave 0 rows for 1 records")]


def test_a_function_of_one_record_is_taken() -> None:
    rows, places, failures = run(of_one)
    assert rows == [{"year": y, "mood": float(y)} for y in (1, 2, 4)]
    assert places == [0, 1, 3]
    assert failures == [(2, "transform: KeyError: 'three'")]
    assert run(of_one_bare)[0] == [{"year": y, "mood": None} for y in (1, 2, 3, 4)]


def test_what_the_table_does_not_take_is_told_by_name() -> None:
    _, places, failures = run(careless)
    assert places == []
    assert [why for _, why in failures] == [
        "transform: gave double for `year`, which is int64",
        "transform: gave columns ['year']; the table has ['year', 'mood']",
        "transform: gave columns ['year', 'mood', 'more']; the table has ['year', 'mood']",
        "transform: gave NoneType for a record",
    ]


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (pa.record_batch({"year": [None], "mood": [1.0]}), "gave no value for `year`"),
        (pa.record_batch({"year": ["1"], "mood": [1.0]}), "gave string for `year`, which is int64"),
        (pa.record_batch({"year": [True], "mood": [1.0]}), "gave bool for `year`, which is int64"),
        (pa.table({"year": [1], "mood": [1.0]}), "gave a Table, no RecordBatch"),
        (None, "gave a NoneType, no RecordBatch"),
    ],
)
def test_results_are_held_to_the_columns(result: Any, reason: str) -> None:
    one = BATCH.slice(0, 1)
    _, _, failures = transform.apply(lambda batch: result, one, SCHEMA)
    assert failures == [(0, f"transform: {reason}")]


def test_narrower_types_of_the_same_kind_are_widened() -> None:
    result = pa.record_batch(
        {"mood": pa.array([1, 2], pa.int32()), "year": pa.array([1, 2], pa.uint8())}
    )
    rows, _, failures = transform.apply(lambda batch: result, BATCH.slice(0, 2), SCHEMA)
    assert failures == []
    assert rows.to_pylist() == [{"year": 1, "mood": 1.0}, {"year": 2, "mood": 2.0}]


def test_text_may_come_as_a_dictionary() -> None:
    schema = arrow_schema([("text", "string", True)])
    given = pa.record_batch({"text": pa.array(["a", "a"]).dictionary_encode()})
    rows, _, _ = transform.apply(lambda batch: given, given, schema)
    assert rows.to_pylist() == [{"text": "a"}] * 2


def test_too_little_memory_is_no_fault_of_a_record() -> None:
    def hungry(batch: pa.RecordBatch) -> pa.RecordBatch:
        raise MemoryError

    with pytest.raises(MemoryError):
        transform.apply(hungry, BATCH, SCHEMA)


def test_a_transform_is_loaded_by_name() -> None:
    found = transform.load("studies.speeches.mood:score")
    rows = found(pa.record_batch({"text": ["good", "bad"]})).column("sentiment").to_pylist()
    assert rows[0] > 0 > rows[1]
    assert transform.load(None)(BATCH) is BATCH
