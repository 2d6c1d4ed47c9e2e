"""External tables of Parquet, text, CSV and JSON; CREATE TABLE AS, UNLOAD, and the catalog."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.asked import Lake, lake

ROWS = "(VALUES (1, 'a', 1.5e0), (2, NULL, 2e0), (3, 'c', 3e0)) AS t (id, name, x)"


@pytest.fixture(scope="module")
def db(cloud: Any) -> Lake:
    return lake(cloud, "files")


def parquet(db: Lake, key: str, **columns: Any) -> None:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    db.put(key, buffer.getvalue())


def external(db: Lake, name: str, columns: str, how: str) -> None:
    db.ask(f"CREATE EXTERNAL TABLE {name} ({columns}) {how} LOCATION 's3://{db.bucket}/{name}/'")


def test_parquet_by_column_name(db: Lake) -> None:
    parquet(db, "pq/one.parquet", Id=[1, 2], extra=["x", "y"])
    parquet(db, "pq/two.parquet", name=["n"], id=[3])
    parquet(db, "pq/_hidden", id=[99])
    external(db, "pq", "id bigint, name string", "STORED AS PARQUET")
    assert db.ask("SELECT id, name FROM pq ORDER BY id")[1:] == [
        ["1", None],
        ["2", None],
        ["3", "n"],
    ]
    assert db.run("SELECT count(*) FROM pq")["Statistics"]["DataScannedInBytes"] == 0


def test_parquet_of_another_type_fails(db: Lake) -> None:
    parquet(db, "bad/one.parquet", id=["one"])
    external(db, "bad", "id bigint", "STORED AS PARQUET")
    assert db.reason("SELECT id FROM bad").startswith("HIVE_BAD_DATA: Field id's type string")


def test_delimited_text(db: Lake) -> None:
    db.put("tabs/a.tsv", b'id\tname\tx\n1\ta "b"\t1.5\n2\t\t\\N\n3\tc\n')
    db.put("tabs/b.tsv.gz", gzip.compress(b"id\tname\tx\n4\td\t4\n"))
    external(
        db, "tabs", "id int, name string, x double",
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t'",
    )  # fmt: skip
    assert "Error parsing column id" in db.reason("SELECT id FROM tabs")
    db.ask("DROP TABLE tabs")
    db.ask(
        "CREATE EXTERNAL TABLE tabs (id int, name string, x double) ROW FORMAT DELIMITED FIELDS "
        f"TERMINATED BY '\\t' LOCATION 's3://{db.bucket}/tabs/' "
        "TBLPROPERTIES ('skip.header.line.count'='1')"
    )
    assert db.ask("SELECT * FROM tabs ORDER BY id")[1:] == [
        ["1", 'a "b"', "1.5"],
        ["2", "", None],
        ["3", "c", None],
        ["4", "d", "4.0"],
    ]


def test_quoted_csv(db: Lake) -> None:
    db.put("quoted/a.csv", b'1,"a, ""b""",true\n2,"",false\n3,\n')
    external(
        db, "quoted", "id int, name string, good boolean",
        "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' "
        "WITH SERDEPROPERTIES ('separatorChar'=',', 'quoteChar'='\"', 'escapeChar'='\"')",
    )  # fmt: skip
    assert db.ask("SELECT * FROM quoted ORDER BY id")[1:] == [
        ["1", 'a, "b"', "true"],
        ["2", "", "false"],
        ["3", "", None],
    ]


def test_json_lines_in_partitions(db: Lake) -> None:
    db.put("js/day=2024-01-01/a.json", b'{"Id":1,"tags":["x","y"],"o":{"p":2}}\n\n')
    db.put("js/day=2024-01-02/a.json", b'{"id":2,"at":"2024-01-01 00:00:00"}\n')
    external(
        db, "js", "id bigint, tags array<string>, o struct<p:int>, at timestamp",
        "PARTITIONED BY (day date) ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'",
    )  # fmt: skip
    assert db.ask("SELECT * FROM js") == [["id", "tags", "o", "at", "day"]]
    assert len(db.ask("MSCK REPAIR TABLE js")) == 2
    assert db.ask("SHOW PARTITIONS js") == [["day=2024-01-01"], ["day=2024-01-02"]]
    assert db.ask("SELECT *, o.p FROM js ORDER BY id")[1:] == [
        ["1", "[x, y]", "{p=2}", None, "2024-01-01", "2"],
        ["2", None, None, "2024-01-01 00:00:00.000", "2024-01-02", None],
    ]
    size = db.s3.head_object(Bucket=db.bucket, Key="js/day=2024-01-02/a.json")["ContentLength"]
    told = db.run("SELECT id FROM js WHERE day = DATE '2024-01-02'")
    assert told["Statistics"]["DataScannedInBytes"] == size
    db.put("elsewhere/b.json", b'{"id":3}\n')
    db.ask(
        f"ALTER TABLE js ADD PARTITION (day='2024-02-01') LOCATION 's3://{db.bucket}/elsewhere/'"
    )
    assert db.ask("SELECT id FROM js WHERE day > DATE '2024-01-31'")[1:] == [["3"]]


def test_unload_as_parquet_and_json(db: Lake) -> None:
    where = f"s3://{db.bucket}/out"
    told = db.run(
        f"UNLOAD (SELECT * FROM {ROWS}) TO '{where}/p/' "
        "WITH (format = 'PARQUET', compression = 'SNAPPY')"
    )
    assert told["Status"]["State"] == "SUCCEEDED", told["Status"]
    (key,) = db.keys("out/p/")
    read = pq.read_table(io.BytesIO(db.get(f"s3://{db.bucket}/{key}")))
    assert read.schema.types == [pa.int32(), pa.string(), pa.float64()]
    assert read.column("name").to_pylist() == ["a", None, "c"]
    manifest = db.get(told["Statistics"]["DataManifestLocation"]).decode()
    assert manifest == f"s3://{db.bucket}/{key}\n"
    db.ask(f"UNLOAD (SELECT * FROM {ROWS}) TO '{where}/j/' WITH (format = 'JSON')")
    (key,) = db.keys("out/j/")
    lines = gzip.decompress(db.get(f"s3://{db.bucket}/{key}")).decode().splitlines()
    assert json.loads(lines[0]) == {"id": 1, "name": "a", "x": 1.5}
    again = f"UNLOAD (SELECT 1 AS a) TO '{where}/j/' WITH (format = 'JSON')"
    assert db.reason(again).startswith("HIVE_PATH_ALREADY_EXISTS")
    zoned = f"UNLOAD (SELECT now() AS a) TO '{where}/z/' WITH (format = 'PARQUET')"
    assert "timestamp with time zone" in db.reason(zoned)
    assert (
        db.ask(f"UNLOAD (SELECT * FROM {ROWS} WHERE id > 9) TO '{where}/n/' WITH (format = 'JSON')")
        == []
    )
    assert db.keys("out/n/") == []


def test_create_table_as(db: Lake) -> None:
    db.ask(
        f"CREATE TABLE made WITH (partitioned_by = ARRAY['odd']) AS "
        f"SELECT id, name, cast(id % 2 AS varchar) AS odd FROM {ROWS}"
    )
    assert db.ask("SELECT * FROM made ORDER BY id")[1:] == [
        ["1", "a", "1"],
        ["2", None, "0"],
        ["3", "c", "1"],
    ]
    assert db.ask("SHOW PARTITIONS made") == [["odd=0"], ["odd=1"]]
    glue = db.glue.get_table(DatabaseName=db.database, Name="made")["Table"]
    assert [c["Type"] for c in glue["StorageDescriptor"]["Columns"]] == ["int", "string"]
    assert "TABLE_ALREADY_EXISTS" in db.reason("CREATE TABLE made AS SELECT 1 AS a")


def test_the_catalog_is_shown(db: Lake) -> None:
    external(db, "shown", "id bigint, name string", "PARTITIONED BY (day date) STORED AS PARQUET")
    db.ask("CREATE OR REPLACE VIEW shown_too AS SELECT 1 AS one")
    assert ["shown"] in db.ask("SHOW TABLES")
    assert db.ask("SHOW TABLES 'shown*'") == [["shown"], ["shown_too"]]
    assert db.ask("SHOW VIEWS") == [["shown_too"]]
    assert [db.database] in db.ask("SHOW DATABASES")
    assert [str(r[0]).strip() for r in db.ask("SHOW COLUMNS IN shown")] == ["id", "name", "day"]
    described = [str(r[0]).split() for r in db.ask("DESCRIBE shown")]
    assert described[:3] == [["id", "bigint"], ["name", "string"], ["day", "date"]]
    created = "\n".join(str(r[0]) for r in db.ask("SHOW CREATE TABLE shown"))
    assert f"CREATE EXTERNAL TABLE `{db.database}.shown`(" in created
    told = db.run("SHOW TABLES")
    assert told["StatementType"] == "UTILITY"
    assert told["ResultConfiguration"]["OutputLocation"].endswith(".txt")
    db.ask("DROP VIEW shown_too")
    db.ask("DROP TABLE IF EXISTS shown")
    assert "does not exist" in db.reason("SELECT * FROM shown")


def test_what_is_not_honoured_is_refused_by_name(db: Lake) -> None:
    where = f"LOCATION 's3://{db.bucket}/refused/'"
    for sql, name in (
        (f"CREATE TABLE i (a int) {where} TBLPROPERTIES ('table_type'='ICEBERG')", "Iceberg table"),
        (f"CREATE EXTERNAL TABLE o (a int) STORED AS ORC {where}", "STORED AS ORC"),
        ("EXPLAIN SELECT 1", "EXPLAIN"),
        ("VACUUM t", "VACUUM"),
        ("OPTIMIZE t REWRITE DATA USING BIN_PACK", "OPTIMIZE"),
        (f"UNLOAD (SELECT 1 AS a) TO 's3://{db.bucket}/r/' WITH (format = 'ORC')", "format ORC"),
    ):
        reason = db.reason(sql)
        assert reason.startswith("NOT_SUPPORTED"), reason
        assert name in reason


def test_projected_partitions_are_refused(db: Lake) -> None:
    db.glue.create_table(
        DatabaseName=db.database,
        TableInput={
            "Name": "projected",
            "StorageDescriptor": {
                "Columns": [{"Name": "a", "Type": "int"}],
                "Location": f"s3://{db.bucket}/projected/",
                "SerdeInfo": {
                    "SerializationLibrary": "org.openx.data.jsonserde.JsonSerDe",
                    "Parameters": {},
                },
            },
            "PartitionKeys": [{"Name": "day", "Type": "date"}],
            "Parameters": {"projection.enabled": "true"},
        },
    )
    assert "partition projection" in db.reason("SELECT * FROM projected")
