"""What a stage gave becomes its table; doing any step of it twice changes nothing."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyiceberg.exceptions import CommitFailedException

from headrace.lake import RUN_MARK
from lambdas.register.checksum import CHUNK_ROWS, Checksum, rechunked
from lambdas.register.commits import ATTEMPTS, persist
from lambdas.register.stage import TooManyFailed
from tests.unit.memory_catalog import MemoryCatalog
from tests.unit.registering import Study, study_on_moto
from tests.unit.run_path import map_stage


def mapped(study: Study, count: int, name: str = "r", **told: Any) -> tuple[Any, Any]:
    """A run and a prepared stage whose batches are all done."""
    run = study.begin(name, **told)
    prepared = study.prepare(run, "squares")
    stage = study.stage(prepared)
    stage.give(range(count))
    stage.map()
    return run, prepared


def test_ten_thousand_items_of_which_one_in_a_hundred_fails(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred", batch_items=700)) as study:
        run, prepared = mapped(study, 10_000)
        told = study.register(run, prepared)
        assert (told["rows"], told["quarantined"]) == (9900, 100)
        rows = study.rows("squares")
        assert [r["_item"] for r in rows] == [n for n in range(10_000) if n % 100 != 37]
        bad = study.rows("quarantine")
        assert sorted(int(r["_sequence"]) for r in bad) == [
            n for n in range(10_000) if n % 100 == 37
        ]
        assert {(r["_source"], r["intended"]) for r in bad} == {("run/r/squares", "squares")}
        properties = study.catalog.load_table(("tests", "squares")).properties
        assert properties[RUN_MARK] == f"r/{prepared['try']}"


def test_the_row_of_runs_tells_what_was_done(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred")) as study:
        run, prepared = mapped(study, 100)
        told = study.register(run, prepared)
        (row,) = study.rows("runs")
        assert (row["run"], row["stage"], row["attempt"], row["kind"]) == ("r", "squares", 1, "map")
        assert (row["items"], row["rows_out"], row["quarantined"]) == (100, 99, 1)
        pin = study.snapshot("numbers")
        assert row["sql"] == f"SELECT n FROM numbers FOR VERSION AS OF {pin}"
        assert json.loads(row["snapshots"]) == {"numbers": pin}
        assert json.loads(row["files"]) == [f"{prepared['prefix']}in/0"]
        assert (row["output_checksum"], row["snapshot"]) == (told["checksum"], told["snapshot"])
        assert row["engine_s"] > 0
        assert 5e-5 < row["cost_usd"] < 1e-2
        assert row["started"] < row["ended"]
        snapshot = study.catalog.load_table(("tests", "squares")).current_snapshot()
        assert snapshot
        assert snapshot.summary
        assert snapshot.summary.additional_properties["headrace.run"] == "r"
        assert snapshot.snapshot_id == told["snapshot"]


def test_all_of_it_twice_is_the_same(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred", batch_items=30)) as study:
        run, prepared = mapped(study, 100)
        one = study.register(run, prepared)
        tables = ("squares", "quarantine", "runs")
        before = [sorted(map(str, study.rows(t))) for t in tables[:2]]
        assert study.register(run, prepared) == one
        assert [sorted(map(str, study.rows(t))) for t in tables[:2]] == before
        assert len(study.rows("runs")) == 1
        assert study.snapshot() == one["snapshot"]


class DiesError(Exception):
    """The function died."""


class Dying(MemoryCatalog):
    """Dies before or after one of its commits."""

    def __init__(self, folder: Path, others: MemoryCatalog, at: int, after: bool) -> None:
        super().__init__(folder)
        self.tables, self._at, self._after = others.tables, at, after

    def commit_table(self, table: Any, requirements: Any, updates: Any) -> Any:
        if self.commits == self._at and not self._after:
            raise DiesError
        told = super().commit_table(table, requirements, updates)
        if self.commits == self._at + 1 and self._after:
            raise DiesError
        return told


@pytest.mark.parametrize("at", [0, 1, 2])
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_step_and_registered_again(tmp_path: Path, at: int, after: bool) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred")) as study:
        run, prepared = mapped(study, 100)
        object.__setattr__(study.lake, "catalog", Dying(tmp_path, study.catalog, at, after))
        with pytest.raises(DiesError):
            study.register(run, prepared)
        assert "runs/r/squares/done.json" not in study.objects()
        object.__setattr__(study.lake, "catalog", study.catalog)
        told = study.register(run, prepared)
        assert (told["rows"], told["quarantined"]) == (99, 1)
        assert len(study.rows("squares")) == 99
        assert [r["_sequence"] for r in study.rows("quarantine")] == ["000000000037"]
        assert len(study.rows("runs")) == 1
        assert study.done("r")["snapshot"] == told["snapshot"] == study.snapshot()


def test_another_try_replaces_table_and_quarantine(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred")) as study:
        study.register(*mapped(study, 100))
        told = study.register(*mapped(study, 50, "r", attempt=2, redo=["squares"]))
        assert (told["rows"], len(study.rows("squares"))) == (49, 49)
        assert len(study.rows("quarantine")) == 1
        assert sorted(r["attempt"] for r in study.rows("runs")) == [1, 2]
        study.register(*mapped(study, 100, "s"))
        assert {r["_source"] for r in study.rows("quarantine")} == {
            "run/r/squares",
            "run/s/squares",
        }


def test_the_same_rows_have_the_same_checksum_whatever_the_batches(tmp_path: Path) -> None:
    told = []
    for size in (7, 100):
        with study_on_moto(tmp_path / str(size), map_stage("drawn", batch_items=size)) as study:
            told.append(study.register(*mapped(study, 100))["checksum"])
    assert told[0] == told[1]


def test_no_item_gives_an_empty_table(tmp_path: Path) -> None:
    with study_on_moto(tmp_path) as study:
        study.register(*mapped(study, 5))
        run = study.begin("empty")
        prepared = study.prepare(run, "squares")
        study.stage(prepared).map()
        told = study.register(run, prepared)
        assert (told["rows"], told["quarantined"]) == (0, 0)
        assert told["snapshot"] == study.snapshot()
        assert study.rows("squares") == []


def test_a_first_table_may_be_empty_too(tmp_path: Path) -> None:
    with study_on_moto(tmp_path) as study:
        run = study.begin("empty")
        prepared = study.prepare(run, "squares")
        study.stage(prepared).map()
        assert study.register(run, prepared)["snapshot"] == study.snapshot() is not None


def test_too_many_failed_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage("careless", tolerate=0.5)) as study:
        run, prepared = mapped(study, 9)
        with pytest.raises(TooManyFailed, match=r"7 of 9 items failed, where tolerate=0\.5"):
            study.register(run, prepared)
        assert study.catalog.commits == 1  # the row of `numbers`
        assert "runs/r/squares/done.json" not in study.objects()


def test_items_of_a_batch_that_left_nothing_are_quarantined(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage(batch_items=10, tolerate=0.3)) as study:
        run, prepared = mapped(study, 40)
        gone = f"{prepared['prefix']}out/000000000020.parquet"
        study.s3.delete_object(Bucket="lake", Key=gone)
        told = study.register(run, prepared)
        assert (told["rows"], told["quarantined"]) == (30, 10)
        bad = study.rows("quarantine")
        assert sorted(r["bytes"] for r in bad) == [b'{"n": %d}' % n for n in range(20, 30)]
        assert (
            bad[0]["reason"] == "item 20: its batch was given up; the log of its function says why"
        )


def test_what_a_table_has_beside_stays_null(tmp_path: Path) -> None:
    with study_on_moto(tmp_path) as study:
        with study.catalog.load_table(("tests", "squares")).update_schema() as update:
            from pyiceberg.types import StringType

            update.add_column("older", StringType())
        study.register(*mapped(study, 3))
        assert study.rows("squares")[2] == {"n": 2, "square": 4.0, "_item": 2, "older": None}


def test_a_query_has_a_result_and_no_table(tmp_path: Path) -> None:
    with study_on_moto(tmp_path) as study:
        run, prepared = mapped(study, 3)
        study.register(run, prepared)
        asked = study.prepare(run, "how_many")
        body = b'"n","text"\n"3","two\nlines"\n"4","\xc3\xa9"\n'
        study.s3.put_object(Bucket="lake", Key="athena/q1.csv", Body=body)
        told = study.register(run, asked, "how_many")
        assert (told["rows"], told["snapshot"]) == (2, None)
        done = study.done("r", "how_many")
        kept = f"{asked['prefix']}result.csv"
        assert (done["query"], done["results"]) == ("q1", f"s3://lake/{kept}")
        assert study.s3.get_object(Bucket="lake", Key=kept)["Body"].read() == body
        assert done["sql"].startswith("SELECT count(*) AS n FROM squares FOR VERSION AS OF ")
        row = next(r for r in study.rows("runs") if r["stage"] == "how_many")
        assert (row["table"], row["engine_s"], row["scanned_bytes"]) == (None, 1.5, 1000)
        assert row["cost_usd"] == pytest.approx(5e-5 + 7 * 0.025 / 1e3)


def test_a_busy_table_is_tried_again_and_then_given_up() -> None:
    waits: list[float] = []
    tries = iter([CommitFailedException("busy"), CommitFailedException("busy"), None])

    def commit() -> str:
        if error := next(tries):
            raise error
        return "done"

    assert persist(commit, waits.append) == "done"
    assert len(waits) == 2

    def never() -> str:
        raise CommitFailedException("busy")

    with pytest.raises(CommitFailedException):
        persist(never, waits.append)
    assert len(waits) == 2 + ATTEMPTS - 1


def test_a_writer_that_comes_between_loses_nothing(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred")) as study:
        run, prepared = mapped(study, 100)
        real = study.catalog.commit_table
        came: list[int] = []

        class Between(MemoryCatalog):
            def commit_table(self, table: Any, requirements: Any, updates: Any) -> Any:
                if table.name()[-1] == "quarantine" and not came:
                    came.append(1)
                    other = study.catalog.load_table(("tests", "quarantine"))
                    told = {"bytes": b"x", "reason": "theirs", "_source": "shard"}
                    rows = pa.Table.from_pylist([told], schema=other.schema().as_arrow())
                    other.append(rows)
                return real(table, requirements, updates)

        between = Between(tmp_path)
        between.tables = study.catalog.tables
        object.__setattr__(study.lake, "catalog", between)
        study.register(run, prepared)
        assert {r["_source"] for r in study.rows("quarantine")} == {"run/r/squares", "shard"}


SCHEMA = pa.schema(
    [
        ("b", pa.bool_()),
        ("l", pa.int64()),
        ("d", pa.float64()),
        ("s", pa.string()),
        ("y", pa.binary()),
        ("a", pa.date32()),
        ("t", pa.timestamp("us", tz="UTC")),
    ]
)
VALUES = st.fixed_dictionaries(
    {
        "b": st.none() | st.booleans(),
        "l": st.none() | st.integers(-(2**63), 2**63 - 1),
        "d": st.none() | st.floats(allow_nan=False),
        "s": st.none() | st.text("aé", max_size=3),
        "y": st.none() | st.binary(max_size=3),
        "a": st.none() | st.dates(),
        "t": st.none() | st.datetimes(timezones=st.just(datetime.UTC)),
    }
)


def checksum(*tables: pa.Table) -> str:
    total = Checksum(SCHEMA)
    for chunk in rechunked(b for t in tables for b in t.to_batches()):
        total.add(chunk)
    return total.hex()


@given(rows=st.lists(VALUES, max_size=8), cut=st.integers(0, 8))
def test_a_checksum_is_of_values_not_of_how_they_are_kept(rows: Any, cut: int) -> None:
    whole = pa.Table.from_pylist(rows, schema=SCHEMA)
    one = checksum(whole)
    assert checksum(whole.slice(0, cut), whole.slice(cut)) == one
    assert checksum(*(whole.slice(n, 1) for n in range(len(rows)))) == one
    assert checksum(whole.take(pa.array(range(len(rows)), pa.int64()))) == one


def test_a_checksum_tells_null_from_nothing_and_where_a_text_ends() -> None:
    def of(*texts: str | None) -> str:
        table = pa.Table.from_pylist([{"s": text} for text in texts], schema=SCHEMA)
        return checksum(table)

    assert len({of(None), of(""), of("ab", "c"), of("a", "bc"), of("c", "ab"), of()}) == 6


@given(sizes=st.lists(st.integers(0, 100_000), max_size=5))
def test_chunks_are_of_one_size(sizes: list[int]) -> None:
    batches = [pa.record_batch({"n": pa.array(range(size), pa.int64())}) for size in sizes]
    made = [chunk.num_rows for chunk in rechunked(batches)]
    assert sum(made) == sum(sizes)
    assert all(size == CHUNK_ROWS for size in made[:-1])
    assert all(0 < size <= CHUNK_ROWS for size in made)
