"""Asks Athena: starts a query, waits for it, and gives its rows with Athena's own types."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa

from headrace.errors import HeadraceError

#: Athena's column types as GetQueryResults names them; whatever else comes, as arrays, maps,
#: rows and JSON, stays the text that Athena gives.
_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "tinyint": pa.int8(),
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "real": pa.float32(),
    "float": pa.float32(),
    "double": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "varbinary": pa.binary(),
}

_READ: dict[str, Callable[[str], Any]] = {
    "boolean": lambda text: text == "true",
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "int": int,
    "bigint": int,
    "real": float,
    "float": float,
    "double": float,
    "decimal": Decimal,
    "date": datetime.date.fromisoformat,
    "timestamp": datetime.datetime.fromisoformat,
    "varbinary": bytes.fromhex,  # "68 65 6c": fromhex passes over blanks
}


class QueryError(HeadraceError):
    """Athena ended a query with FAILED or CANCELLED."""


class PatienceError(HeadraceError):
    """A query was still running when the patience for it ended."""


@dataclass(frozen=True)
class Answer:
    """What a query gave.

    Parameters
    ----------
    id : str
        Athena's id of the execution.
    rows : pyarrow.Table
        The rows, typed; no column for a statement that gives none.
    scanned_bytes : int
        Bytes that Athena scanned: what it bills.
    engine_ms : int
        Milliseconds that the engine ran.
    """

    id: str
    rows: pa.Table
    scanned_bytes: int
    engine_ms: int


@dataclass(frozen=True)
class Athena:
    """One workgroup and one database to ask.

    Parameters
    ----------
    client : boto3 Athena client
    workgroup, database : str
    patience_s : float
        Seconds after which a running query is stopped. Athena's own limit for DML is 30 minutes:
        https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
    clock, sleep : callable
        Seconds that pass, and how to let them pass.
    """

    client: Any
    workgroup: str
    database: str
    patience_s: float = 1800.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def ask(self, sql: str) -> Answer:
        """Run one statement to its end.

        Raises
        ------
        QueryError
            Where Athena refuses it or it fails, with Athena's reason.
        PatienceError
            Where it runs longer than `patience_s`; it is stopped.
        """
        started = self.client.start_query_execution(
            QueryString=sql,
            WorkGroup=self.workgroup,
            QueryExecutionContext={"Database": self.database},
        )
        execution = self._wait(started["QueryExecutionId"])
        statistics = execution.get("Statistics", {})
        return Answer(
            id=execution["QueryExecutionId"],
            rows=self._rows(execution),
            scanned_bytes=statistics.get("DataScannedInBytes", 0),
            engine_ms=statistics.get("EngineExecutionTimeInMillis", 0),
        )

    def _wait(self, query_id: str) -> dict[str, Any]:
        deadline, pause_s = self.clock() + self.patience_s, 0.05
        while True:
            answer = self.client.get_query_execution(QueryExecutionId=query_id)
            execution: dict[str, Any] = answer["QueryExecution"]
            status = execution["Status"]
            if status["State"] == "SUCCEEDED":
                return execution
            if status["State"] in ("FAILED", "CANCELLED"):
                raise QueryError(
                    f"running query {query_id}",
                    f"{status['State']}: {status.get('StateChangeReason', 'no reason given')}",
                    "Mend the SQL, or ask for less.",
                )
            if self.clock() > deadline:
                self.client.stop_query_execution(QueryExecutionId=query_id)
                raise PatienceError(
                    f"waiting for query {query_id}",
                    f"it {status['State']} after {self.patience_s:.0f} s",
                    "It was stopped. Ask for less.",
                )
            self.sleep(pause_s)
            pause_s = min(1.0, pause_s * 1.5)

    def _rows(self, execution: dict[str, Any]) -> pa.Table:
        pages = self.client.get_paginator("get_query_results").paginate(
            QueryExecutionId=execution["QueryExecutionId"]
        )
        columns: list[dict[str, Any]] = []
        texts: list[list[str | None]] = []
        for page in pages:
            columns = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
            texts += _texts(page["ResultSet"]["Rows"])
        # Only a query's first row repeats the names; a DDL statement's does not.
        if execution.get("StatementType") == "DML" and texts[:1] == [[c["Name"] for c in columns]]:
            del texts[0]
        return typed(columns, texts)


def _texts(rows: list[dict[str, Any]]) -> Iterator[list[str | None]]:
    for row in rows:
        yield [cell.get("VarCharValue") for cell in row["Data"]]


def typed(columns: list[dict[str, Any]], texts: list[list[str | None]]) -> pa.Table:
    """Make a table of Athena's texts.

    Parameters
    ----------
    columns : list of dict
        ``ColumnInfo`` of the result: ``Name``, ``Type``, and for decimals ``Precision`` and
        ``Scale``.
    texts : list of list
        One list a row, ``None`` where a value is null. Rows may be short, as those of DDL are.
    """
    arrays, fields = [], []
    for place, column in enumerate(columns):
        kind = column["Type"]
        read = _READ.get(kind, str)
        values = [row[place] if place < len(row) else None for row in texts]
        arrow = _arrow_type(column)
        arrays.append(pa.array([None if v is None else read(v) for v in values], arrow))
        fields.append(pa.field(column["Name"], arrow))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _arrow_type(column: dict[str, Any]) -> pa.DataType:
    if column["Type"] == "decimal":
        return pa.decimal128(column["Precision"], column["Scale"])
    return _ARROW.get(column["Type"], pa.string())
