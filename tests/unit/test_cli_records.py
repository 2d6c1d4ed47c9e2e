"""Files become records, and what is wrong in them stays wrong: nothing is dropped or mended."""

import io
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace import plan, records
from headrace.study import Study, Table


@dataclass
class Visit:
    """A record with one field of each kind that a CSV may hold."""

    who: str
    minutes: int
    hours: float
    paid: bool
    note: str | None


PLAN = plan.plan_of(Study("visits", "How long?", [Table("visits", Visit)]))
TABLE = PLAN.tables[0]


def read(tmp_path: Path, name: str, text: str) -> list[records.Record]:
    path = tmp_path / name
    path.write_bytes(text.encode())
    return list(records.of_file(path, TABLE))


def test_json_lines_go_as_they_are_good_or_bad(tmp_path: Path) -> None:
    text = '{"who": "Ada"}\r\nnot JSON\n\n{"last": 1}'
    assert read(tmp_path, "v.jsonl", text) == [b'{"who": "Ada"}', b"not JSON", b"", b'{"last": 1}']
    assert list(records.of_lines(io.BytesIO(b"a\nb\n"))) == [b"a", b"b"]


def test_csv_cells_have_the_schemas_types_or_stay_text(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        "v.csv",
        "\ufeffwho,minutes,hours,paid,note,extra\n"
        '"Ada, B",90,1.5,TRUE,,x\n'
        ",ninety,NaN,1,ok,y\n"
        "Cy,,\n"
        "Di,1,2,false,n,z,more\n",
    )
    assert rows == [
        {"who": "Ada, B", "minutes": 90, "hours": 1.5, "paid": True, "note": None, "extra": "x"},
        {"who": "", "minutes": "ninety", "hours": "NaN", "paid": "1", "note": "ok", "extra": "y"},
        {"who": "Cy", "minutes": None, "hours": None},
        {
            "who": "Di",
            "minutes": 1,
            "hours": 2.0,
            "paid": False,
            "note": "n",
            "extra": "z",
            "cells without a column": ["more"],
        },
    ]


def test_parquet_rows_are_records(tmp_path: Path) -> None:
    rows = [{"who": "Ada", "minutes": 90}, {"who": None, "minutes": 1}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "v.parquet")
    assert list(records.of_file(tmp_path / "v.parquet", TABLE)) == rows


def test_a_format_that_is_named_beats_the_suffix(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("who\nAda\n")
    assert list(records.of_file(tmp_path / "v.txt", TABLE, "csv")) == [{"who": "Ada"}]


@pytest.mark.parametrize(
    ("name", "found"), [("v.txt", "suffix '.txt'"), ("none.csv", "no such file")]
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, found: str) -> None:
    (tmp_path / "v.txt").write_text("")
    with pytest.raises(records.RecordsError, match=found):
        records.of_file(tmp_path / name, TABLE)


def test_a_study_brings_its_records_or_says_that_it_has_none() -> None:
    first = next(records.of_study(plan.load("speeches")))
    assert isinstance(first, dict)
    assert first["year"] == 1790
    with pytest.raises(records.RecordsError, match="names none"):
        records.of_study(PLAN)


def test_a_table_is_one_of_the_studys() -> None:
    assert records.table_of(PLAN, None) is TABLE
    with pytest.raises(records.RecordsError, match="only visits"):
        records.table_of(PLAN, "people")
