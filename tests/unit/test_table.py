"""The table function: tables are made and evolved by name, and CloudFormation is answered."""

from __future__ import annotations

import http.server
import json
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace.lake import TABLE_PROPERTIES
from lambdas.table.evolve import Change, EvolveError, ensure
from lambdas.table.handler import answer, put
from tests.unit.memory_catalog import MemoryCatalog
from tests.unit.record_path import golden_event

YEAR, TEXT, MOOD = ("year", "long"), ("text", "string"), ("mood", "double")


@pytest.fixture
def catalog(tmp_path: Path) -> MemoryCatalog:
    return MemoryCatalog(tmp_path)


def at(tmp_path: Path) -> str:
    return (tmp_path / "tables" / "t").as_uri()


def columns(catalog: MemoryCatalog) -> list[tuple[str, str, bool]]:
    fields = catalog.load_table(("db", "t")).schema().fields
    return [(f.name, str(f.field_type), f.required) for f in fields]


def test_a_table_is_made(catalog: MemoryCatalog, tmp_path: Path) -> None:
    change = ensure(catalog, "db", "t", at(tmp_path), [YEAR, TEXT])
    assert change == Change(True, ["year", "text"], [], [])
    assert columns(catalog) == [("year", "long", False), ("text", "string", False)]
    table = catalog.load_table(("db", "t"))
    assert table.location() == at(tmp_path)
    assert table.format_version == 2
    settings = {k: v for k, v in TABLE_PROPERTIES.items() if k != "format-version"}
    assert settings.items() <= table.properties.items()


def test_the_same_again_changes_nothing(catalog: MemoryCatalog, tmp_path: Path) -> None:
    ensure(catalog, "db", "t", at(tmp_path), [YEAR, TEXT])
    assert ensure(catalog, "db", "t", at(tmp_path) + "/", [TEXT, YEAR]) == Change(False, [], [], [])
    assert catalog.commits == 0


def test_columns_are_added_and_widened_and_rows_stay(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    ensure(catalog, "db", "t", at(tmp_path), [("year", "int"), ("mood", "float")])
    catalog.load_table(("db", "t")).append(
        pa.table({"year": pa.array([1790], pa.int32()), "mood": pa.array([0.5], pa.float32())})
    )
    change = ensure(catalog, "db", "t", at(tmp_path), [YEAR, MOOD, TEXT])
    assert change == Change(False, ["text"], ["year", "mood"], [])
    rows = catalog.load_table(("db", "t")).scan().to_arrow().to_pylist()
    assert rows == [{"year": 1790, "mood": 0.5, "text": None}]


@pytest.mark.parametrize(
    ("have", "want"), [("long", "int"), ("long", "string"), ("string", "date")]
)
def test_narrowing_is_refused_by_name(
    catalog: MemoryCatalog, tmp_path: Path, have: str, want: str
) -> None:
    ensure(catalog, "db", "t", at(tmp_path), [("x", have)])
    with pytest.raises(EvolveError, match=f"column x of type {have}, which can't become {want}"):
        ensure(catalog, "db", "t", at(tmp_path), [TEXT, ("x", want)])
    assert columns(catalog) == [("x", have, False)]  # nor was the other column added


def test_nothing_is_dropped_and_that_is_told(catalog: MemoryCatalog, tmp_path: Path) -> None:
    ensure(catalog, "db", "t", at(tmp_path), [YEAR, TEXT])
    assert ensure(catalog, "db", "t", at(tmp_path), [YEAR]) == Change(False, [], [], ["text"])
    assert [name for name, _, _ in columns(catalog)] == ["year", "text"]


def test_another_location_and_an_unknown_type_are_refused(
    catalog: MemoryCatalog, tmp_path: Path
) -> None:
    ensure(catalog, "db", "t", at(tmp_path), [YEAR])
    with pytest.raises(EvolveError, match="not at s3://elsewhere"):
        ensure(catalog, "db", "t", "s3://elsewhere", [YEAR])
    with pytest.raises(EvolveError, match="type 'bigint', which Iceberg doesn't know"):
        ensure(catalog, "db", "t", at(tmp_path), [("x", "bigint")])


def request(tmp_path: Path, kind: str = "Create", **words: Any) -> dict[str, Any]:
    event = golden_event("custom_resource") | {"RequestType": kind} | words
    event["ResourceProperties"] |= {"Location": at(tmp_path)}
    return event


def test_cloudformation_is_told_what_was_done(catalog: MemoryCatalog, tmp_path: Path) -> None:
    event = request(tmp_path)
    told = answer(event, lambda: catalog)
    assert told["Status"] == "SUCCESS"
    assert told["PhysicalResourceId"] == "speeches.sentences"
    assert told["Data"]["created"] == "true"
    for key in ("StackId", "RequestId", "LogicalResourceId"):
        assert told[key] == event[key]
    assert len(json.dumps(told)) < 4096
    again = answer(
        request(tmp_path, "Update", PhysicalResourceId="speeches.sentences"), lambda: catalog
    )
    assert again["PhysicalResourceId"] == "speeches.sentences"
    assert again["Data"] == {"created": "false", "added": "[]", "widened": "[]", "kept": "[]"}


def test_deleting_keeps_the_table(catalog: MemoryCatalog, tmp_path: Path) -> None:
    answer(request(tmp_path), lambda: catalog)
    told = answer(request(tmp_path, "Delete", PhysicalResourceId="any.name"), lambda: catalog)
    assert (told["Status"], told["PhysicalResourceId"]) == ("SUCCESS", "any.name")
    assert ("speeches", "sentences") in catalog.tables


def test_a_failure_is_told_with_its_reason(catalog: MemoryCatalog, tmp_path: Path) -> None:
    answer(request(tmp_path), lambda: catalog)
    event = request(tmp_path, "Update", PhysicalResourceId="speeches.sentences")
    event["ResourceProperties"]["Columns"] = [{"Name": "year", "Type": "int"}]
    told = answer(event, lambda: catalog)
    assert told["Status"] == "FAILED"
    assert "column year of type long, which can't become int" in told["Reason"]
    assert told["PhysicalResourceId"] == "speeches.sentences"


def test_even_a_broken_request_is_answered() -> None:
    def down() -> Any:
        raise ConnectionError("no catalog " + "x" * 9000)

    told = answer(golden_event("custom_resource"), down)
    assert (told["Status"], told["Reason"][:27]) == ("FAILED", "ConnectionError: no catalog")
    assert len(json.dumps(told)) < 4096
    told = answer({"RequestType": "Create", "StackId": "s"}, down)
    assert (told["Status"], told["Reason"]) == ("FAILED", "KeyError: 'Columns'")


def test_the_response_is_put_without_a_content_type() -> None:
    got: list[tuple[str, str, str | None, bytes]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.command, self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    put(f"http://127.0.0.1:{server.server_port}/signed?x=1", b"{}")
    thread.join(10)
    server.server_close()
    assert got == [("PUT", "/signed?x=1", "", b"{}")]
