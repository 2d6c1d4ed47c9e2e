"""A study says what is wanted; its plan says what will exist."""

import datetime
from dataclasses import dataclass

import pytest

from headrace import plan
from headrace.study import Function, Kinesis, Query, Study, StudyError, Table


@dataclass(frozen=True)
class Visit:
    """Every type that a schema may use."""

    who: str
    age: int
    score: float
    done: bool
    photo: bytes
    day: datetime.date
    at: datetime.datetime
    note: str | None


def study(**changes: object) -> Study:
    settings: dict[str, object] = {
        "name": "visits",
        "question": "Who came?",
        "tables": [Table("visits", Visit)],
    }
    return Study(**(settings | changes))  # type: ignore[arg-type]


def test_columns_take_icebergs_names_and_none_makes_them_optional() -> None:
    columns = plan.columns_of(Visit)
    assert [(c.name, c.type, c.required) for c in columns] == [
        ("who", "string", True),
        ("age", "long", True),
        ("score", "double", True),
        ("done", "boolean", True),
        ("photo", "binary", True),
        ("day", "date", True),
        ("at", "timestamptz", True),
        ("note", "string", False),
    ]


def test_the_quarantine_table_is_planned_last_and_cannot_be_taken() -> None:
    planned = plan.plan_of(study()).deployed()["tables"]
    assert [t["name"] for t in planned] == ["visits", "quarantine"]
    with pytest.raises(StudyError, match="keeps what could not be read"):
        plan.plan_of(study(tables=[Table("quarantine", Visit)]))


def test_every_physical_name_begins_with_the_study() -> None:
    p = plan.plan_of(study(name="two-words"))
    names = [
        p.data_stack,
        p.flow_stack,
        p.stream,
        p.workgroup,
        p.function("land"),
        p.commit_queue,
        p.commit_dead_letters,
        p.bucket("123456789012", "us-east-1"),
    ]
    assert all(n.startswith("headrace-two-words") for n in names)
    assert p.database == "two_words"
    assert len(p.bucket("123456789012", "ap-southeast-2")) <= 63


@dataclass(frozen=True)
class Nested:
    """A field that no column holds."""

    tags: list[str]


@dataclass(frozen=True)
class Hidden:
    """A field that would hide the lineage."""

    _source: str


@pytest.mark.parametrize("schema", [Nested, Hidden])
def test_a_field_that_no_column_can_hold_is_refused_by_name(schema: type) -> None:
    with pytest.raises(StudyError, match=schema.__name__):
        plan.columns_of(schema)


@pytest.mark.parametrize(
    ("build", "found"),
    [
        (lambda: Kinesis(shards=0), "shards=0, outside 1 to 500"),
        (lambda: Kinesis(window_s=301), "window_s=301, outside 0 to 300"),
        (lambda: Function(memory_mib=64), "memory_mib=64, outside 128 to 10240"),
        (lambda: Table("Visits", Visit), "'Visits'"),
        (lambda: Table("visits", dict), "<class 'dict'>"),
        (lambda: study(name="Visits"), "'Visits'"),
        (lambda: study(tables=[]), "no table"),
        (lambda: study(scan_limit_mib=9), "scan_limit_mib=9"),
        (lambda: study(stages=[Query("visits", sql="SELECT 1")]), r"\['visits'\] twice"),
    ],
)
def test_what_cannot_be_built_is_refused_with_its_value(build: object, found: str) -> None:
    with pytest.raises(StudyError, match=found.replace("(", r"\(")):
        build()  # type: ignore[operator]


def test_a_study_that_is_not_there_is_answered_with_those_that_are() -> None:
    with pytest.raises(StudyError, match="speeches"):
        plan.load("speech")


def test_the_flagship_loads() -> None:
    p = plan.load("speeches")
    assert [c.name for c in p.tables[0].columns][-1] == "sentiment"
