"""The study bandit without a cluster: what of a log is a round, and what is told of the rest."""

from __future__ import annotations

import csv
import datetime
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace import plan as plans
from headrace.lake import Rejected
from headrace.plan import columns_of
from studies.bandit.rounds import WANTED, rounds
from studies.bandit.study import Round

HEADER = ["", *WANTED, "user_feature_0"]
LINE = ["0", "2019-11-24 00:01:03.979311+00:00", "2", "3", "1", "0.045525", "cef3"]


def read(folder: Path, *lines: list[str], name: str = "obd_bts_men.csv") -> list[Any]:
    path = folder / name
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(lines)
    return list(rounds({"uri": str(path), "bytes": path.stat().st_size}))


def test_a_line_is_a_round_by_the_names_of_its_columns(tmp_path: Path) -> None:
    shown = datetime.datetime(2019, 11, 24, 0, 1, 3, 979311, datetime.UTC)
    expected = {
        "log": "obd_bts_men", "number": 0, "shown": shown, "item": 2, "position": 3, "click": 1,
        "propensity": 0.045525,
    }  # fmt: skip
    assert read(tmp_path, HEADER, LINE) == [expected]
    order = [5, 0, 3, 2, 4, 1, 6]
    assert read(tmp_path, [HEADER[i] for i in order], [LINE[i] for i in order]) == [expected]
    assert list(expected) == [column.name for column in columns_of(Round)]


def test_what_is_no_round_is_told_with_its_number_and_fields(tmp_path: Path) -> None:
    never = [*LINE[:5], "0.0", "x"]
    twice = [*LINE[:4], "2", *LINE[5:]]
    short = LINE[:3]
    found = read(tmp_path, HEADER, never, LINE, twice, short)
    assert [r["number"] for r in found if isinstance(r, dict)] == [1]
    told = [r for r in found if isinstance(r, Rejected)]
    assert [r.reason for r in told] == [
        "round 0 of obd_bts_men, counted from 0: click 1, propensity_score 0.0",
        "round 2 of obd_bts_men, counted from 0: click 2, propensity_score 0.045525",
        "round 3 of obd_bts_men, counted from 0: KeyError: 'position'",
    ]
    assert told[2].data == b"0,2019-11-24 00:01:03.979311+00:00,2"


def test_a_file_that_lacks_a_column_is_rejected_whole(tmp_path: Path) -> None:
    (told,) = read(tmp_path, ["timestamp", "item_id", "click"], ["2019-11-24", "1", "0"])
    assert told.reason.endswith("has no column position, propensity_score, or two")
    assert read(tmp_path)[0].reason.endswith("propensity_score, or two")  # an empty file


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(1, 3), st.integers(0, 1), st.floats(1e-6, 1.0)),
        max_size=20,
    )
)
def test_every_round_comes_out_as_it_went_in(
    given_rounds: list[tuple[int, int, int, float]],
) -> None:
    lines = [
        ["", "2019-11-24T00:00:00", *map(str, (item, position, click)), repr(propensity), ""]
        for item, position, click, propensity in given_rounds
    ]
    with tempfile.TemporaryDirectory() as folder:
        found = read(Path(folder), HEADER, *lines)
    assert [(r["item"], r["position"], r["click"], r["propensity"]) for r in found] == given_rounds


def test_the_query_comes_after_both_engines() -> None:
    plan = plans.load("bandit")
    assert set(plan.stage("both").reads) == {"rounds", "off_policy"}
    assert set(plan.stage("off_policy").reads) == {"rounds"}
