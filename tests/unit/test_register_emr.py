"""What programs on a cluster leave becomes a table, or is refused before anything is written."""

from __future__ import annotations

import datetime
import io
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambdas.register.cluster_outputs import ClusterOutputs
from lambdas.register.commits import Superseded
from lambdas.register.json_rows import LineError, Reader
from lambdas.register.outputs import OutputsError
from lambdas.register.stage import TooManyFailed
from tests.unit.registering import Study, job_stage, spark_stage, study_on_moto
from tests.unit.test_run_emr import look, prepared, put


@contextmanager
def looked_at(folder: Path, stage: dict[str, Any]) -> Iterator[tuple[Study, dict[str, Any]]]:
    """A try that may run: prepared, its input there, its facts written."""
    with study_on_moto(folder, stage) as study:
        told = prepared(study)
        put(study, f"{told['prefix']}in/x")
        look(study, told)
        yield study, told


def give(study: Study, told: dict[str, Any], *parts: bytes, success: bool = True) -> None:
    for number, part in enumerate(parts):
        put(study, f"{told['prefix']}out/part-{number:05}", part)
    if success:
        put(study, f"{told['prefix']}out/_SUCCESS", b"")


def parquet(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def register(study: Study, told: dict[str, Any]) -> dict[str, Any]:
    return study.register({"run": "r"}, told)


def test_parquet_comes_by_name_and_is_sorted(tmp_path: Path) -> None:
    with looked_at(tmp_path, spark_stage()) as (study, told):
        small = pa.array([3, 1], pa.int32())
        give(study, told, parquet(note=["c", None], n=small), parquet(n=[2], note=["b"]))
        put(study, f"{told['prefix']}facts/graph.json", b'{"dangling": 7, "word": "x"}')
        gave = register(study, told)
        assert study.rows("squares") == [
            {"n": 1, "note": None},
            {"n": 2, "note": "b"},
            {"n": 3, "note": "c"},
        ]
        assert (gave["rows"], gave["quarantined"]) == (3, 0)
        done = study.done("r")
        assert (done["kind"], done["facts"]) == ("spark", {"dangling": 7, "word": "x"})
        (row,) = study.rows("runs")
        assert (row["kind"], row["workers"], row["seed"]) == ("spark", 3, 25)
        assert row["engine_s"] > 0
        assert row["cost_usd"] > row["engine_s"] / 3600 * 2 * 0.24
        assert register(study, told) == gave  # done twice, it is the same


def test_the_checksum_does_not_depend_on_files(tmp_path: Path) -> None:
    rows = [(n, f"w{n % 7}") for n in range(100)]
    found = set()
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        cut = 10 + 30 * seed
        parts = [
            b"".join(b"%d\t%s\n" % (n, json.dumps(w).encode()) for n, w in part)
            for part in (rows[:cut], rows[cut:])
        ]
        with looked_at(tmp_path / str(seed), job_stage()) as (study, told):
            give(study, told, *parts)
            found.add(register(study, told)["checksum"])
    assert len(found) == 1


def test_a_large_table_keeps_the_order_of_its_files(tmp_path: Path) -> None:
    with looked_at(tmp_path, job_stage()) as (study, told):
        give(study, told, b'2\t"b"\n', b'1\t"a"\n')
        outputs = ClusterOutputs(study.s3, "lake", told["prefix"], job_stage(), sorted_bytes=1)
        outputs.look()
        numbers = [n for batch in outputs.rows() for n in batch.column("n").to_pylist()]
        assert numbers == [2, 1]
        assert outputs.count == 2


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"n": [1]}, "no column note. The table wants n long, note string"),
        ({"n": [1], "note": ["a"], "more": [1]}, "a column more that nobody wants"),
        ({"n": ["1"], "note": ["a"]}, "column n of type string"),
        ({"n": [1.5], "note": ["a"]}, "column n of type double"),
        (
            {"n": pa.array([1 << 63], pa.uint64()), "note": ["a"]},
            "in column n a value that no int64",
        ),
    ],
)
def test_other_columns_are_refused_by_name(tmp_path: Path, columns: Any, said: str) -> None:
    with looked_at(tmp_path, spark_stage()) as (study, told):
        give(study, told, parquet(**columns))
        with pytest.raises(OutputsError, match=said):
            register(study, told)
        assert study.rows("squares") == []


def test_half_an_output_is_refused(tmp_path: Path) -> None:
    with looked_at(tmp_path, spark_stage()) as (study, told):
        give(study, told, parquet(n=[1], note=["a"]), success=False)
        with pytest.raises(OutputsError, match="no _SUCCESS"):
            register(study, told)
        put(study, f"{told['prefix']}out/_SUCCESS", b"")
        put(study, f"{told['prefix']}out/year=1790/part-0", b"x")
        with pytest.raises(OutputsError, match="the folders"):
            register(study, told)
        assert study.snapshot() is None


def test_spark_s_own_times_are_instants(tmp_path: Path) -> None:
    stage = spark_stage(columns=[("at", "timestamptz", True), ("x", "double", True)])
    sink = io.BytesIO()
    moment = datetime.datetime(2026, 11, 22, 10)
    pq.write_table(
        pa.table({"at": [moment], "x": pa.array([1.5], pa.float32())}),
        sink,
        use_deprecated_int96_timestamps=True,
    )
    with looked_at(tmp_path, stage) as (study, told):
        give(study, told, sink.getvalue())
        register(study, told)
        assert study.rows("squares") == [{"at": moment.replace(tzinfo=datetime.UTC), "x": 1.5}]
    naive = parquet(at=[moment], x=[1.5])
    with looked_at(tmp_path / "2", stage) as (study, told):
        give(study, told, naive)
        with pytest.raises(OutputsError, match=r"column at of type timestamp\[us\]"):
            register(study, told)


def test_what_is_no_row_is_quarantined_where_that_is_tolerated(tmp_path: Path) -> None:
    lines = b'1\t"a"\nnonsense\nnull\t[2, "b"]\n[3]\t[null]\n{"n": 4}\t{"note": "d"}\n'
    with looked_at(tmp_path, job_stage(tolerate=0.2)) as (study, told):
        give(study, told, b"", lines)
        assert register(study, told)["quarantined"] == 1
        assert [row["n"] for row in study.rows("squares")] == [1, 2, 3, 4]
        (bad,) = study.rows("quarantine")
        assert bad["bytes"] == b"nonsense"
        assert bad["reason"] == "part-00001, row 1: is no JSON"
        assert (bad["_source"], bad["_sequence"], bad["_index"]) == (
            "run/r/squares",
            "000000000001",
            1,
        )


def test_more_than_is_tolerated_leaves_no_table(tmp_path: Path) -> None:
    with looked_at(tmp_path, job_stage(tolerate=0.4)) as (study, told):
        give(study, told, b'1\t"a"\nnonsense\n')
        with pytest.raises(TooManyFailed, match=r"1 of 2 rows.*is no JSON"):
            register(study, told)
        assert study.snapshot() is None
        assert study.rows("quarantine") == []


def test_a_null_where_none_may_be_is_no_row(tmp_path: Path) -> None:
    with looked_at(tmp_path, spark_stage(tolerate=0.5)) as (study, told):
        give(study, told, parquet(n=[1, None], note=["a", "b"]))
        assert register(study, told)["quarantined"] == 1
        (bad,) = study.rows("quarantine")
        assert json.loads(bad["bytes"]) == {"n": None, "note": "b"}
        assert "gives no value for `n`" in bad["reason"]


def test_an_earlier_try_does_not_replace_a_later_one(tmp_path: Path) -> None:
    with looked_at(tmp_path, job_stage()) as (study, told):
        give(study, told, b'1\t"a"\n')
        register(study, told)
        early = prepared(study)
        assert early["todo"] is False
        other = told | {"try": "1-00000000", "started": "2026-11-22T09:00:00+00:00"}
        with pytest.raises(Superseded):
            register(study, other)


def test_no_rows_are_a_table_too(tmp_path: Path) -> None:
    with looked_at(tmp_path, job_stage()) as (study, told):
        give(study, told, b"")
        assert register(study, told)["rows"] == 0


COLUMNS = [("word", "string", True), ("n", "long", False)]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b'"a"\t3', ["a", 3]),
        (b'["a", 3]', ["a", 3]),
        (b'["a"]\t[3]', ["a", 3]),
        (b'null\t["a", null]', ["a", None]),
        (b'["a", null]\tnull', ["a", None]),
        (b'null\t{"n": 3, "word": "a"}', ["a", 3]),
        (b'{"word": "k", "n": 1}\t{"n": 3}', ["k", 3]),
        (b'9\t{"word": "a"}', ["a", None]),
        ('"d\u00e9j\u00e0"\t1\r'.encode(), ["d\u00e9j\u00e0", 1]),
    ],
)
def test_lines_are_rows(line: bytes, row: list[Any]) -> None:
    assert Reader(COLUMNS).row(line) == row


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "is no JSON"),
        (b'"a"\t3\t4', "is no JSON"),
        (b'"\xff"\t3', "is no JSON"),
        (b'"a"\t3.5', "gives 3.5 for `n`, no whole number"),
        (b'"a"\ttrue', "no whole number"),
        (b'"a"\t9223372036854775808', "beyond 64 bits"),
        (b"3\t3", "gives 3 for `word`, no text"),
        (b'"\\ud800"\t3', "half of a pair"),
        (b'"a"', "gives 1 values, where its table has 2 columns: word, n"),
        (b"null", "gives 0 values"),
        (b'{"word": "a"}\t3', "an object as its key"),
        (b'null\t{"word": "a", "m": 1}', "gives `m`, which its table lacks"),
        (b'null\t{"n": 1}', "gives no value for `word`"),
    ],
)
def test_what_is_no_row_says_why(line: bytes, said: str) -> None:
    with pytest.raises(LineError, match=said):
        Reader(COLUMNS).row(line)


def test_days_and_times_are_read_from_text() -> None:
    reader = Reader([("day", "date", True), ("at", "timestamptz", True), ("x", "double", True)])
    at = datetime.datetime(2026, 11, 22, 9, tzinfo=datetime.UTC)
    assert reader.row(b'"2026-11-22"\t["2026-11-22T10:00:00+01:00", 1]') == [at.date(), at, 1.0]
    with pytest.raises(LineError, match="without a time zone"):
        reader.row(b'"2026-11-22"\t["2026-11-22T10:00:00", 1]')
