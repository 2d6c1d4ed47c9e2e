"""A run is pinned once; what is to do follows from what was done and what it read."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from headrace import lake, plan
from lambdas.run.begin import InputError
from lambdas.run.prepare import NothingThere, PrepareError, judge, pinned, unload
from lambdas.run.snapshots import SnapshotError, current
from tests.unit.registering import NOW, Study, study_on_moto
from tests.unit.run_path import map_stage


@pytest.fixture
def study(tmp_path: Path) -> Any:
    with study_on_moto(tmp_path) as made:
        yield made


def land(study: Study, *numbers: int) -> int:
    """Rows land in `numbers`; gives the snapshot."""
    table = study.catalog.load_table(("tests", "numbers"))
    empty = table.schema().as_arrow().empty_table().to_pylist()
    rows = pa.Table.from_pylist([*empty, *({"n": n} for n in numbers)])
    table.append(rows)
    found = study.snapshot("numbers")
    assert found
    return found


def test_a_run_takes_its_name_from_its_execution(study: Study) -> None:
    told = {"run": "abc-1", "attempt": 1, "redo": [], "only": None}
    assert study.begin("abc-1") == told
    assert study.begin("other-3", run="x", attempt=3, redo=["squares"], only=["how_many"]) == {
        "run": "x",
        "attempt": 3,
        "redo": ["squares"],
        "only": ["how_many"],
    }


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"run": "No Way"}, "the run 'No Way'"),
        ({"attempt": 0}, "attempt 0"),
        ({"attempt": True}, "attempt True"),
        ({"only": ["nothing"]}, "the stage 'nothing'"),
        ({"redo": ["nothing"]}, "the stage 'nothing'"),
        ({"more": 1}, r"the fields \['more'\]"),
        ({"again": "never"}, "no run 'never'"),
    ],
)
def test_what_is_not_there_is_refused(study: Study, told: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        study.begin("r", **told)
    assert "runs/r/run.json" not in study.objects()


def test_a_run_reads_what_was_there_when_it_began(study: Study) -> None:
    first = land(study, 1)
    run = study.begin("r")
    land(study, 2)
    assert f"FROM numbers FOR VERSION AS OF {first}" in study.prepare(run, "squares")["sql"]
    study.begin("r", attempt=2)
    assert f"FROM numbers FOR VERSION AS OF {first}" in study.prepare(run, "squares")["sql"]
    later = study.begin("s")
    assert f" AS OF {first}" not in study.prepare(later, "squares")["sql"]
    again = study.begin("t", again="r")
    assert f" AS OF {first}" in study.prepare(again, "squares")["sql"]
    assert study.prepare(again, "squares")["todo"]  # the pins are taken over, and nothing else


def test_two_that_begin_one_run_read_the_same(study: Study) -> None:
    """The second finds no run.json, and has it written before its own."""
    first = land(study, 1)
    real = study.runner.s3

    class Late:
        hidden = True
        exceptions = real.exceptions

        def get_object(self, **words: Any) -> Any:
            if words["Key"].endswith("run.json") and self.hidden:
                self.hidden = False
                study.begin("r")
                land(study, 2)
                raise real.exceptions.NoSuchKey({"Error": {"Code": "NoSuchKey"}}, "GetObject")
            return real.get_object(**words)

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    object.__setattr__(study.runner, "s3", Late())
    try:
        run = study.begin("r", attempt=2)
    finally:
        object.__setattr__(study.runner, "s3", real)
    assert f" AS OF {first}" in study.prepare(run, "squares")["sql"]


def test_a_table_that_is_not_there_is_said(study: Study) -> None:
    with pytest.raises(SnapshotError, match="no such table. Deploy"):
        current(study.runner.glue, study.s3, "tests", "nowhere")


def test_a_stage_of_a_run_that_never_began_is_refused(study: Study) -> None:
    run = {"run": "never", "attempt": 1, "redo": [], "only": None}
    with pytest.raises(PrepareError, match=r"no runs/never/run\.json"):
        study.prepare(run, "squares")


def test_a_prepared_stage_says_what_it_reads(study: Study) -> None:
    told = study.prepare(study.begin("r"), "squares")
    assert told["prefix"] == f"runs/r/squares/{told['try']}/"
    assert told["try"].startswith("1-")
    assert told["workers"] == 2
    assert told["sql"] == (
        f"UNLOAD (SELECT n FROM numbers FOR VERSION AS OF {study.snapshot('numbers')}\n) TO "
        f"'s3://lake/{told['prefix']}in/' WITH (format='PARQUET', compression='ZSTD')"
    )
    assert f"{told['prefix']}prepared.json" in study.objects()


def test_a_table_in_which_nothing_ever_was_cannot_be_pinned(study: Study) -> None:
    run = study.begin("r", only=["how_many"])  # reads `squares`, which no run has made yet
    with pytest.raises(NothingThere, match="nothing was in squares when run r began"):
        study.prepare(run, "how_many")
    assert not study.prepare(run, "squares")["todo"]


def test_a_table_that_the_run_made_is_read_as_it_was_made(study: Study) -> None:
    run = study.begin("r")
    made = study.run(run, 3)["snapshot"]
    study.catalog.load_table(("tests", "squares")).delete()
    assert study.prepare(run, "how_many")["sql"] == (
        f"SELECT count(*) AS n FROM squares FOR VERSION AS OF {made}"
    )


def test_what_is_done_stays_done_and_what_it_feeds_with_it(study: Study) -> None:
    run = study.begin("r")
    study.run(run, 3)
    asked = study.prepare(run, "how_many")
    study.s3.put_object(Bucket="lake", Key="athena/q1.csv", Body=b'"n"\n"3"\n')
    study.register(run, asked, "how_many")
    second = study.begin("r-2", run="r", attempt=2)
    for stage in ("squares", "how_many"):
        told = study.prepare(second, stage)
        assert (told["todo"], told["why"], told["sql"]) == (False, "done in attempt 1", "")
    third = study.begin("r-3", run="r", attempt=3, redo=["squares"])
    told = study.prepare(third, "squares")
    assert (told["todo"], told["why"]) == (True, "asked for anew, after attempt 1")
    study.run(third, 3)
    assert not study.prepare(third, "squares")["todo"]
    told = study.prepare(third, "how_many")
    assert (told["todo"], told["why"]) == (True, "made anew since: squares")


DONE = {"attempt": 1, "snapshots": {"t": 5}}


@pytest.mark.parametrize(
    ("redo", "only", "attempt", "snapshots", "done", "wanted"),
    [
        ([], None, 1, {"t": 5}, None, True),
        ([], ["s"], 1, {"t": 5}, None, True),
        ([], ["u"], 1, {"t": 5}, None, False),
        (["s"], ["u"], 2, {"t": 5}, DONE, False),
        ([], None, 2, {"t": 5}, DONE, False),
        ([], None, 2, {"t": 6}, DONE, True),
        ([], None, 2, {}, DONE, False),
        (["s"], None, 2, {"t": 5}, DONE, True),
        (["s"], None, 1, {"t": 5}, DONE, False),  # this attempt did it already
    ],
)
def test_what_is_to_do(
    redo: list[str], only: Any, attempt: int, snapshots: Any, done: Any, wanted: bool
) -> None:
    run = {"run": "r", "attempt": attempt, "redo": redo, "only": only}
    assert judge(run, "s", snapshots, done)[0] is wanted


def test_only_tables_with_a_snapshot_are_pinned() -> None:
    pieces = ["SELECT 1 FROM t", {"pin": "t"}, " AS a JOIN u", {"pin": "u"}, " ON a.x = u.x"]
    assert pinned(pieces, {"t": 7, "u": None}) == (
        "SELECT 1 FROM t FOR VERSION AS OF 7 AS a JOIN u ON a.x = u.x"
    )


def test_no_sql_is_no_unload() -> None:
    assert unload("", "s3://lake/in/", "map") == ""
    assert unload("SELECT 1", "s3://lake/in/", "query") == "SELECT 1"


def test_a_prefix_stage_is_prepared_without_sql(tmp_path: Path) -> None:
    stage = map_stage(sql=[""], prefix="s3://{lake}/files/")
    with study_on_moto(tmp_path, stage) as study:
        told = study.prepare(study.begin("r"), "squares")
        assert (told["todo"], told["sql"]) == (True, "")


def test_what_functions_know_of_tables_is_the_plans() -> None:
    assert tuple(dataclasses.astuple(column) for column in plan.ITEM) == lake.ITEM
    assert (plan.RUNS, plan.QUARANTINE) == (lake.RUNS, lake.QUARANTINE)


def test_another_step_is_refused(study: Study) -> None:
    with pytest.raises(ValueError, match="found the step 'dance'"):
        study.runner.answer({"op": "dance"}, NOW)
