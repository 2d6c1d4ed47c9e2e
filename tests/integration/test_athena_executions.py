"""A query's way through Athena: states, results in S3, pages, limits, workgroups."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.asked import Lake, lake

MANY = (
    "SELECT count(*) FROM UNNEST(sequence(1, 10000)) AS a (x), UNNEST(sequence(1, 1000)) AS b (y)"
)


@pytest.fixture(scope="module")
def db(cloud: Any) -> Lake:
    made = lake(cloud, "executions")
    lines = "".join(f"{i},name {i},{i / 4}\n" for i in range(3000))
    made.put("numbers/a.csv", lines.encode())
    made.put("big/a.csv", b"1,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" * 300_000)
    for name in ("numbers", "big"):
        made.ask(
            f"CREATE EXTERNAL TABLE {name} (id int, name string, x double) ROW FORMAT DELIMITED "
            f"FIELDS TERMINATED BY ',' LOCATION 's3://{made.bucket}/{name}/'"
        )
    return made


def test_a_result_is_csv_in_s3(db: Lake) -> None:
    sql = "SELECT 1 AS a, NULL AS b, '' AS c, 'say \"x\",\n y' AS d, 1e10 AS e, ARRAY[1, 2] AS f"
    told = db.run(sql)
    assert told["Status"]["State"] == "SUCCEEDED"
    assert told["StatementType"] == "DML"
    location = told["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{db.bucket}/athena/{told['QueryExecutionId']}.csv"
    assert db.get(location).decode() == (
        '"a","b","c","d","e","f"\n"1",,"","say ""x"",\n y","1.0E10","[1, 2]"\n'
    )
    row = ["1", None, "", 'say "x",\n y', "1.0E10", "[1, 2]"]
    assert db.rows(told["QueryExecutionId"])[1] == row


def test_a_result_is_encrypted_as_asked(db: Lake) -> None:
    where = f"s3://{db.bucket}/secret/"
    asked = {"OutputLocation": where, "EncryptionConfiguration": {"EncryptionOption": "SSE_S3"}}
    told = db.run("SELECT 1", ResultConfiguration=asked)
    key = told["ResultConfiguration"]["OutputLocation"].split("/", 3)[3]
    assert db.s3.head_object(Bucket=db.bucket, Key=key)["ServerSideEncryption"] == "AES256"
    asked["EncryptionConfiguration"] = {"EncryptionOption": "CSE_KMS", "KmsKey": "k"}
    assert "EncryptionOption CSE_KMS" in db.reason("SELECT 1", ResultConfiguration=asked)


def test_metadata_names_athenas_types(db: Lake) -> None:
    told = db.run(
        "SELECT id, name, x, count(*) AS n, 1.50 AS d, DATE '2024-01-01' FROM numbers "
        "GROUP BY 1, 2, 3"
    )
    found = db.athena.get_query_results(QueryExecutionId=told["QueryExecutionId"], MaxResults=1)
    info = found["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    shown = [(c["Name"], c["Type"]) for c in info]
    assert shown == [
        ("id", "integer"),
        ("name", "varchar"),
        ("x", "double"),
        ("n", "bigint"),
        ("d", "decimal"),
        ("_col5", "date"),
    ]
    assert (info[4]["Precision"], info[4]["Scale"]) == (3, 2)


def test_all_pages_of_a_long_result(db: Lake) -> None:
    told = db.run("SELECT id, name FROM numbers ORDER BY id")
    first = db.athena.get_query_results(QueryExecutionId=told["QueryExecutionId"])
    assert len(first["ResultSet"]["Rows"]) == 1000
    for page in (1000, 7):
        rows = db.rows(told["QueryExecutionId"], page)
        assert rows == [["id", "name"], *([str(i), f"name {i}"] for i in range(3000))]


def test_a_failure_says_why(db: Lake) -> None:
    assert db.reason("SELECT nope FROM numbers").startswith(
        "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"
    )
    assert db.reason("SELECT 1/0") == "DIVISION_BY_ZERO: Division by zero"
    assert db.reason("SELECT * FROM nope").startswith("TABLE_NOT_FOUND: line 1:15: Table")
    assert db.reason("INSERT INTO numbers SELECT 1").startswith(
        "NOT_SUPPORTED: Statement INSERT INTO numbers"
    )
    assert db.reason("SELEC 1").startswith("SYNTAX_ERROR: line 1:1")
    failed = db.run("SELECT 1/0")["QueryExecutionId"]
    with pytest.raises(ClientError, match="did not finish successfully. Final query state: FAILED"):
        db.athena.get_query_results(QueryExecutionId=failed)


def test_statistics_tell_bytes_and_times(db: Lake) -> None:
    told = db.run("SELECT max(id) FROM numbers")["Statistics"]
    size = db.s3.head_object(Bucket=db.bucket, Key="numbers/a.csv")["ContentLength"]
    assert told["DataScannedInBytes"] == size
    assert told["EngineExecutionTimeInMillis"] > 0
    assert told["TotalExecutionTimeInMillis"] >= told["EngineExecutionTimeInMillis"]
    assert "QueryQueueTimeInMillis" in told


def test_a_stopped_query_stops(db: Lake) -> None:
    wide = MANY.replace("1000)", "1000000)")
    running, queued = [db.start(wide) for _ in range(2)], db.start(MANY)
    deadline = time.monotonic() + 20

    def states() -> set[str]:
        told = db.athena.batch_get_query_execution(QueryExecutionIds=running)["QueryExecutions"]
        return {e["Status"]["State"] for e in told}

    while states() != {"RUNNING"} and time.monotonic() < deadline:
        time.sleep(0.02)
    waiting = db.athena.get_query_execution(QueryExecutionId=queued)["QueryExecution"]
    assert waiting["Status"]["State"] == "QUEUED"
    begun = time.monotonic()
    for execution in (queued, *running):
        db.athena.stop_query_execution(QueryExecutionId=execution)
    for execution in (queued, *running):
        assert db.wait(execution)["Status"]["State"] == "CANCELLED"
    assert time.monotonic() - begun < 5


def test_parameters_and_prepared_statements(db: Lake) -> None:
    sql = "SELECT name FROM numbers WHERE id = ? OR name = ? ORDER BY id"
    rows = db.ask(sql, ExecutionParameters=["7", "'name 3'"])
    assert rows == [["name"], ["name 3"], ["name 7"]]
    db.athena.create_prepared_statement(
        StatementName=db.database, WorkGroup="primary", QueryStatement=sql
    )
    assert db.ask(f"EXECUTE {db.database} USING 1, 'x'") == [["name"], ["name 1"]]
    assert "expected 2 but found 1" in db.reason(sql, ExecutionParameters=["7"])
    assert "not a literal" in db.reason(sql, ExecutionParameters=["id", "'x'"])


def test_one_token_is_one_query(db: Lake) -> None:
    token = "t" * 32 + db.database
    first = db.start("SELECT 1", ClientRequestToken=token)
    assert db.start("SELECT 1", ClientRequestToken=token) == first
    with pytest.raises(ClientError, match="Idempotent parameters do not match"):
        db.start("SELECT 2", ClientRequestToken=token)


def test_a_workgroup_rules_where_it_enforces(db: Lake) -> None:
    own = {"OutputLocation": f"s3://{db.bucket}/enforced"}
    db.athena.create_work_group(
        Name=f"{db.database}-enforced",
        Configuration={
            "ResultConfiguration": own,
            "EnforceWorkGroupConfiguration": True,
            "BytesScannedCutoffPerQuery": 10_000_000,
        },
    )
    group = {"WorkGroup": f"{db.database}-enforced"}
    told = db.run("SELECT 1", **group)
    expected = f"s3://{db.bucket}/enforced/{told['QueryExecutionId']}.csv"
    assert told["ResultConfiguration"]["OutputLocation"] == expected
    status = db.run("SELECT * FROM big", **group)["Status"]
    assert status["State"] == "CANCELLED"
    assert status["StateChangeReason"] == "Query cancelled! : Bytes scanned limit was exceeded"
    assert db.run("SELECT count(*) FROM numbers", **group)["Status"]["State"] == "SUCCEEDED"
    listed = db.athena.list_query_executions(**group)["QueryExecutionIds"]
    assert len(listed) == 3
    assert told["QueryExecutionId"] in listed


def test_requests_that_athena_refuses(db: Lake) -> None:
    with pytest.raises(ClientError, match="No output location provided"):
        db.athena.start_query_execution(QueryString="SELECT 1")
    with pytest.raises(ClientError, match="is not found"):
        db.start("SELECT 1", WorkGroup="no-such-group")
    with pytest.raises(ClientError, match="was not found"):
        db.athena.get_query_execution(QueryExecutionId="no-such-id")
    assert "NOT_SUPPORTED: Catalog 'other'" in db.reason(
        "SELECT 1", QueryExecutionContext={"Catalog": "other"}
    )


def test_queries_at_the_same_time(db: Lake) -> None:
    started = [db.start(f"SELECT count(*) + {i} FROM numbers") for i in range(8)]
    for i, execution in enumerate(started):
        assert db.wait(execution)["Status"]["State"] == "SUCCEEDED"
        assert db.rows(execution)[1] == [str(3000 + i)]
