"""Iceberg tables made by pyiceberg through the local Glue, asked by Athena's SQL."""

from __future__ import annotations

import datetime
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import (
    DoubleType,
    IntegerType,
    LongType,
    NestedField,
    StringType,
    TimestamptzType,
)

from tests.integration.asked import Lake, lake

NOON = datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.UTC)
FIELDS = Schema(
    NestedField(1, "id", LongType(), required=True),
    NestedField(2, "name", StringType()),
    NestedField(3, "at", TimestamptzType()),
    NestedField(4, "x", DoubleType()),
)


@pytest.fixture(scope="module")
def db(cloud: Any) -> Lake:
    return lake(cloud, "iceberg")


def table(db: Lake, name: str, schema: Schema = FIELDS) -> Table:
    location = f"s3://{db.bucket}/tables/{name}"
    return db.iceberg().create_table(f"{db.database}.{name}", schema, location=location)


def append(made: Table, ids: range) -> None:
    names = {f.name: [f"{f.name} {i}" for i in ids] for f in made.schema().fields}
    values = names | {"id": list(ids), "at": [NOON] * len(ids), "x": [i / 2 for i in ids]}
    columns = {f.name: values[f.name] for f in made.schema().fields}
    made.append(pa.table(columns, schema=made.schema().as_arrow()))


def test_an_empty_table_has_its_types(db: Lake) -> None:
    table(db, "nothing")
    told = db.run("SELECT *, id / 2 FROM nothing")
    assert told["Statistics"]["DataScannedInBytes"] == 0
    found = db.athena.get_query_results(QueryExecutionId=told["QueryExecutionId"])["ResultSet"]
    assert [[v["VarCharValue"] for v in r["Data"]] for r in found["Rows"]] == [
        ["id", "name", "at", "x", "_col4"]
    ]
    kinds = [c["Type"] for c in found["ResultSetMetadata"]["ColumnInfo"]]
    assert kinds == ["bigint", "varchar", "timestamp with time zone", "double", "bigint"]
    assert db.ask("SELECT count(*), sum(id), max(name) FROM nothing")[1] == ["0", None, None]


def test_appended_twice(db: Lake) -> None:
    made = table(db, "twice")
    append(made, range(3))
    append(made, range(3, 5))
    rows = db.ask("SELECT * FROM twice ORDER BY id")
    assert rows[1] == ["0", "name 0", "2024-01-01 12:00:00.000000 UTC", "0.0"]
    assert [r[0] for r in rows[1:]] == ["0", "1", "2", "3", "4"]
    paths = db.ask('SELECT "$path", count(*) AS n FROM twice GROUP BY 1 ORDER BY n')[1:]
    stored = [f"s3://{db.bucket}/{k}" for k in db.keys("tables/twice/data/")]
    assert [n for _, n in paths] == ["2", "3"]
    assert sorted(p for p, _ in paths if p) == sorted(stored)


def test_bytes_are_those_of_the_columns_and_files_read(db: Lake) -> None:
    made = table(db, "scanned")
    append(made, range(1000))
    append(made, range(5000, 5010))
    sizes = [f.column_sizes for f in (t.file for t in made.scan().plan_files())]

    def scanned(sql: str) -> int:
        return int(db.run(sql)["Statistics"]["DataScannedInBytes"])

    assert scanned("SELECT count(*) FROM scanned") == 0
    assert scanned("SELECT sum(id) FROM scanned") == sum(s[1] for s in sizes)
    assert scanned("SELECT max(name), max(x) FROM scanned") == sum(s[2] + s[4] for s in sizes)
    one = scanned("SELECT max(name) FROM scanned WHERE id >= 5000 AND x > 1")
    small = min(sizes, key=lambda s: s[1])
    assert one == small[1] + small[2] + small[4]


def test_columns_are_known_by_id(db: Lake) -> None:
    narrow = Schema(NestedField(1, "id", IntegerType()), NestedField(2, "name", StringType()))
    made = table(db, "evolved", narrow)
    append(made, range(2))
    with made.update_schema() as update:
        update.rename_column("name", "title")
        update.update_column("id", LongType())
    with made.update_schema() as update:
        update.add_column("name", StringType())
    append(made, range(2, 3))
    rows = db.ask("SELECT id, title, name FROM evolved ORDER BY id")[1:]
    assert rows == [["0", "name 0", None], ["1", "name 1", None], ["2", "title 2", "name 2"]]
    told = db.run("SELECT id FROM evolved")
    found = db.athena.get_query_results(QueryExecutionId=told["QueryExecutionId"])
    assert found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"][0]["Type"] == "bigint"


def test_time_travel(db: Lake) -> None:
    made = table(db, "travelled")
    append(made, range(3))
    with made.update_schema() as update:
        update.rename_column("name", "title")
    append(made, range(3, 5))
    first = made.snapshots()[0]
    count = "SELECT count(*) FROM travelled FOR"
    assert db.ask(f"{count} VERSION AS OF {first.snapshot_id}")[1] == ["3"]
    assert db.ask(f"{count} TIMESTAMP AS OF (current_timestamp + interval '1' day)")[1] == ["5"]
    then = datetime.datetime.fromtimestamp(first.timestamp_ms / 1000, datetime.UTC)
    literal = then.strftime("TIMESTAMP '%Y-%m-%d %H:%M:%S.%f UTC'")
    assert db.ask(f"{count} TIMESTAMP AS OF {literal}")[1] == ["3"]
    old = f"SELECT max(name) FROM travelled FOR VERSION AS OF {first.snapshot_id}"
    assert db.ask(old)[1] == ["name 2"]
    assert "COLUMN_NOT_FOUND" in db.reason("SELECT name FROM travelled")
    assert "snapshot ID does not exist" in db.reason(f"{count} VERSION AS OF 12345")
    assert db.reason(f"{count} TIMESTAMP AS OF TIMESTAMP '2020-01-01 00:00:00 UTC'")


def test_joins_and_views(db: Lake) -> None:
    left, right = table(db, "lefts"), table(db, "rights")
    append(left, range(4))
    append(right, range(2, 6))
    db.ask(
        "CREATE VIEW both AS SELECT l.id, r.name AS other FROM lefts l JOIN rights r ON l.id = r.id"
    )
    assert db.ask("SELECT * FROM both ORDER BY id")[1:] == [["2", "name 2"], ["3", "name 3"]]
    rows = db.ask(
        "SELECT l.id FROM lefts l LEFT JOIN rights r ON l.id = r.id WHERE r.id IS NULL ORDER BY 1"
    )
    assert rows[1:] == [["0"], ["1"]]


def test_a_file_without_field_ids_is_refused(db: Lake) -> None:
    import io

    import pyarrow.parquet as pq

    made = table(db, "foreign_files", Schema(NestedField(1, "id", LongType())))
    buffer = io.BytesIO()
    pq.write_table(pa.table({"id": [1]}), buffer)
    db.put("elsewhere/a.parquet", buffer.getvalue())
    made.add_files([f"s3://{db.bucket}/elsewhere/a.parquet"])
    assert "has no field ids" in db.reason("SELECT id FROM foreign_files")
