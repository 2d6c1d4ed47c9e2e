"""Athena's answers become typed rows; its failures say why."""

import datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from headrace import sql

COLUMNS = [
    ("b", "boolean", "true", True),
    ("i", "integer", "-7", -7),
    ("l", "bigint", "9007199254740993", 9007199254740993),
    ("d", "double", "0.1", 0.1),
    ("inf", "double", "Infinity", float("inf")),
    ("m", "decimal", "1.00", Decimal("1.00")),
    ("t", "varchar", "a,b", "a,b"),
    ("day", "date", "1790-01-08", datetime.date(1790, 1, 8)),
    (
        "at",
        "timestamp",
        "2026-11-22 10:00:00.250",
        datetime.datetime(2026, 11, 22, 10, 0, 0, 250000),
    ),
    ("x", "varbinary", "68 65 6c", b"hel"),
    ("list", "array", "[1, 2]", "[1, 2]"),
]


def info(name: str, kind: str) -> dict[str, Any]:
    return {"Name": name, "Type": kind, "Precision": 5, "Scale": 2}


class FakeAthena:
    """Answers as boto3's client does, from a list of states."""

    def __init__(self, *states: str, kind: str = "DML", rows: list[list[str | None]] | None = None):
        self.states, self.kind, self.stopped = list(states), kind, False
        self.rows = rows or []
        self.asked: dict[str, Any] = {}

    def start_query_execution(self, **asked: Any) -> dict[str, str]:
        self.asked = asked
        return {"QueryExecutionId": "q-1"}

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        state = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        status = {"State": state, "StateChangeReason": "line 1:8: Column 'x' cannot be resolved"}
        statistics = {"DataScannedInBytes": 42, "EngineExecutionTimeInMillis": 7}
        execution = {"QueryExecutionId": QueryExecutionId, "Status": status}
        return {
            "QueryExecution": execution | {"StatementType": self.kind, "Statistics": statistics}
        }

    def stop_query_execution(self, QueryExecutionId: str) -> None:  # noqa: N803
        self.stopped = True

    def get_paginator(self, name: str) -> "FakeAthena":
        return self

    def paginate(self, QueryExecutionId: str) -> list[dict[str, Any]]:  # noqa: N803
        metadata = {"ColumnInfo": [info("n", "bigint")]}
        cells = [
            {"Data": [{"VarCharValue": v} if v is not None else {} for v in r]} for r in self.rows
        ]
        return [
            {"ResultSet": {"ResultSetMetadata": metadata, "Rows": part}}
            for part in (cells[:2], cells[2:])
        ]


def asking(client: FakeAthena, **settings: Any) -> sql.Athena:
    return sql.Athena(client, "group", "base", sleep=lambda s: None, **settings)


@pytest.mark.parametrize(("name", "kind", "text", "value"), COLUMNS)
def test_a_value_has_athenas_type(name: str, kind: str, text: str, value: object) -> None:
    rows = sql.typed([info(name, kind)], [[text], [None]])
    assert rows[name].to_pylist() == [value, None]


def test_a_query_is_asked_in_its_database_and_workgroup_and_its_header_is_no_row() -> None:
    client = FakeAthena("QUEUED", "RUNNING", "SUCCEEDED", rows=[["n"], ["1"], ["2"], [None]])
    answer = asking(client).ask("SELECT n FROM t")
    assert client.asked["WorkGroup"] == "group"
    assert client.asked["QueryExecutionContext"] == {"Database": "base"}
    assert answer.rows == pa.table({"n": pa.array([1, 2, None], pa.int64())})
    assert (answer.scanned_bytes, answer.engine_ms) == (42, 7)


def test_the_first_row_of_a_ddl_statement_is_a_row() -> None:
    assert asking(FakeAthena("SUCCEEDED", kind="DDL", rows=[["1"]])).ask("SHOW").rows.num_rows == 1


def test_a_first_row_that_is_not_the_header_stays() -> None:
    assert asking(FakeAthena("SUCCEEDED", rows=[["5"]])).ask("EXPLAIN").rows.num_rows == 1


@pytest.mark.parametrize("state", ["FAILED", "CANCELLED"])
def test_a_failed_query_gives_athenas_reason(state: str) -> None:
    with pytest.raises(sql.QueryError, match=rf"q-1, found {state}: line 1:8: Column 'x'"):
        asking(FakeAthena("RUNNING", state)).ask("SELECT x")


def test_a_query_that_takes_too_long_is_stopped() -> None:
    client, ticks = FakeAthena("RUNNING"), iter(range(100))
    with pytest.raises(sql.PatienceError, match="after 3 s"):
        asking(client, patience_s=3.0, clock=lambda: float(next(ticks))).ask("SELECT n")
    assert client.stopped
