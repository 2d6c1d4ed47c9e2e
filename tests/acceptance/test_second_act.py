"""A user's own study, and their second act: edit, deploy again, push again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import House, build

FIRST = """
from dataclasses import dataclass
from headrace.study import Function, Kinesis, Study, Table

@dataclass(frozen=True)
class Visit:
    who: str
    minutes: int

@dataclass(frozen=True)
class Counted(Visit):
    hours: float

study = Study(
    name="visits",
    question="How long do they stay?",
    source=Kinesis(key="who"),
    tables=[Table("visits", Visit, transform="studies.visits.hours:add", produces=Counted)],
)
"""
SECOND = (
    FIRST.replace("hours: float", "hours: float\n    long: bool")
    .replace('source=Kinesis(key="who")', 'source=Kinesis(key="who", batch_blocks=7)')
    .replace(
        "    tables=", "    land=Function(memory_mib=512),\n    scan_limit_mib=99,\n    tables="
    )
)
ADD = """
def add(visit: dict) -> dict:
    return visit | {"hours": visit["minutes"] / 60}
"""
ADD_LONG = """
def add(visit: dict) -> dict:
    return visit | {"hours": visit["minutes"] / 60, "long": visit["minutes"] > 60}
"""


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A project with a cloud of its own, where settings may change."""
    house = build(tmp_path_factory.mktemp("visits"))
    try:
        yield house
    finally:
        house.headrace("down", check=False)


def write(house: House, study: str, transform: str) -> None:
    folder = house.root / "studies" / "visits"
    folder.mkdir(exist_ok=True)
    (folder / "__init__.py").write_text('"""A study of the test\'s own."""\n')
    (folder / "study.py").write_text(study)
    (folder / "hours.py").write_text(transform)


def push(house: House, tmp_path: Path, *records: dict[str, Any]) -> None:
    file = tmp_path / "visits.jsonl"
    file.write_text("".join(json.dumps(r) + "\n" for r in records))
    house.headrace("push", "visits", str(file), "--wait")


def settings(house: House) -> dict[str, Any]:
    """What the services themselves say of the deployed settings."""
    land = "headrace-visits-land"
    table = house.client("glue").get_table(DatabaseName="visits", Name="visits")["Table"]
    mappings = house.client("lambda").list_event_source_mappings(FunctionName=land)
    function = house.client("lambda").get_function_configuration(FunctionName=land)
    workgroup = house.client("athena").get_work_group(WorkGroup="headrace-visits")
    return {
        "memory": function["MemorySize"],
        "batch": mappings["EventSourceMappings"][0]["BatchSize"],
        "limit": workgroup["WorkGroup"]["Configuration"]["BytesScannedCutoffPerQuery"],
        "columns": [c["Name"] for c in table["StorageDescriptor"]["Columns"]][:4],
    }


def test_the_second_act_is_in_force(visits: House, tmp_path: Path) -> None:
    write(visits, FIRST, ADD)
    visits.headrace("deploy", "visits")
    push(visits, tmp_path, {"who": "Ada", "minutes": 90})
    before = settings(visits)
    assert (before["memory"], before["batch"]) == (1769, 10)
    assert before["limit"] == 1024 * 2**20

    write(visits, SECOND, ADD_LONG)
    visits.headrace("deploy", "visits")
    after = settings(visits)
    assert (after["memory"], after["batch"], after["limit"]) == (512, 7, 99 * 2**20)
    assert "long" in visits.headrace("query", "visits", "DESCRIBE visits").stdout

    push(visits, tmp_path, {"who": "Ben", "minutes": 30}, {"who": "Cy", "minutes": 120})
    rows = visits.headrace(
        "query", "visits", "SELECT who, hours, long FROM visits ORDER BY who", "--format", "csv"
    ).stdout.splitlines()
    assert rows[1:] == ["Ada,1.5,", "Ben,0.5,false", "Cy,2.0,true"]


def test_a_schema_change_that_would_lose_data_fails_the_deploy_and_changes_nothing(
    visits: House,
) -> None:
    write(visits, SECOND.replace("hours: float", "hours: str"), ADD_LONG)
    failed = visits.headrace("deploy", "visits", check=False)
    assert failed.returncode == 1
    assert "hours" in failed.stderr + failed.stdout
    write(visits, SECOND, ADD_LONG)
    visits.headrace("deploy", "visits")
    assert settings(visits)["memory"] == 512


def test_destroy_keeps_the_data(visits: House) -> None:
    visits.headrace("destroy", "visits", "--yes")
    streams = visits.client("kinesis").list_streams()["StreamNames"]
    assert "headrace-visits" not in streams
    count = visits.headrace("query", "visits", "SELECT count(*) FROM visits", "--format", "csv")
    assert count.stdout.split()[-1] == "3"
