"""A stage in one call, in process: rows, failures, rejects, and a table's transform."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from headrace.plan import plan_of
from headrace.stages import Map, Query
from headrace.study import Study, Table
from headrace.testing import ItemFailedError, NoSuchStageError, run_stage
from tests.unit.run_path import stage_on_moto

FUNCTIONS = "tests.unit.map_functions"


@dataclass(frozen=True)
class Number:
    n: int


@dataclass(frozen=True)
class Square(Number):
    square: float | None


def doubled(record: dict[str, Any]) -> dict[str, Any]:
    if record["n"] == 3:
        raise ValueError("three is odd")
    return record | {"square": 2.0 * record["n"]}


def study(fn: str = "square", **words: Any) -> Study:
    return Study(
        "tests",
        "?",
        seed=25,
        tables=[Table("numbers", Number, f"{__name__}:doubled", Square)],
        stages=[
            Map("squares", f"{FUNCTIONS}:{fn}", "SELECT n FROM numbers", Square, **words),
            Query("how_many", "SELECT count(*) AS n FROM squares"),
        ],
    )


def numbers(count: int) -> list[dict[str, Any]]:
    return [{"n": n} for n in range(count)]


def test_items_become_rows_of_the_tables_own_types() -> None:
    assert run_stage(study(), "squares", numbers(3)) == [
        {"n": 0, "square": 0.0},
        {"n": 1, "square": 1.0},
        {"n": 2, "square": 4.0},
    ]
    assert isinstance(run_stage(study(), "squares", numbers(2))[1]["square"], float)


def test_a_plan_does_as_well_and_parameters_can_be_others() -> None:
    plan = plan_of(study("twice", params={"times": 3}))
    assert [r["square"] for r in run_stage(plan, "squares", numbers(3))][::2] == [0.0, 3.0, 6.0]
    told = run_stage(plan, "squares", numbers(2), params={"times": 10})
    assert [r["square"] for r in told] == [0.0, None, 10.0, None]


def test_a_failing_item_is_raised_by_name() -> None:
    with pytest.raises(ItemFailedError, match=r"squares on item 37, found ValueError: 37 is unl"):
        run_stage(study("one_in_a_hundred"), "squares", numbers(50))


def test_failing_items_can_be_told_beside_the_rows() -> None:
    told = run_stage(study("one_in_a_hundred"), "squares", numbers(200), failures="quarantine")
    assert len(told) == 198
    assert [(q["item"], q["bytes"]) for q in told.quarantined] == [
        (37, b'{"n": 37}'),
        (137, b'{"n": 137}'),
    ]


def test_what_a_function_rejects_is_no_failure() -> None:
    told = run_stage(study("rejects"), "squares", numbers(3))
    assert [r["n"] for r in told] == [0, 1, 2]
    assert [(q["reason"], q["bytes"]) for q in told.quarantined] == [
        ("half a record", b"\x00half"),
        ("another", b""),
    ]


def test_it_draws_what_the_deployed_function_draws(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    here = run_stage(study("drawn"), "squares", numbers(5))
    with stage_on_moto(tmp_path_factory.mktemp("s"), fn="drawn") as deployed:
        deployed.give(range(5))
        deployed.map()
        assert [r["square"] for r in deployed.rows()] == [r["square"] for r in here]


def test_a_tables_transform_runs_on_records() -> None:
    assert run_stage(study(), "numbers", numbers(3))[2] == {"n": 2, "square": 4.0}
    told = run_stage(study(), "numbers", [*numbers(5), {"n": "x"}], failures="quarantine")
    assert [r["n"] for r in told] == [0, 1, 2, 4]
    assert [(q["item"], q["reason"]) for q in told.quarantined] == [
        (3, "transform: ValueError: three is odd"),
        (5, "field `n`: expected int, got str"),
    ]


def test_a_query_is_refused_by_name() -> None:
    with pytest.raises(NoSuchStageError, match="a query runs in Athena"):
        run_stage(study(), "how_many", [])


def test_it_takes_well_under_a_second() -> None:
    began = time.process_time()
    run_stage(study(), "squares", numbers(1000))
    assert time.process_time() - began < 0.5
