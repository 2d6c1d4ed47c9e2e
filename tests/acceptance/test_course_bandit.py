"""Off-policy evaluation of a bandit's log: the same clicks, IPS and SNIPS by SQL and Dask."""

from __future__ import annotations

import json
import shutil
from typing import Any

import pytest

from tests.acceptance.conftest import PROJECT, House
from tests.integration.dask_programs import python

BANDIT = PROJECT.parent / "shared" / "data" / "bandit"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not BANDIT.is_dir(), reason="the course's data are not here"),
]
BTS = {"rounds": 10_000, "clicks": 69, "clicks_dask": 69, "actions": 34}
RANDOM = {"rounds": 10_000, "clicks": 46, "clicks_dask": 46, "actions": 34}


@pytest.fixture(scope="module")
def bandit(house: House) -> House:
    """The study deployed and run over both logs, and one that has a round that is none."""
    python()
    if not (house.root / "tasks").exists():
        shutil.copytree(PROJECT / "tasks", house.root / "tasks")
    broken = house.root / "broken.csv"
    broken.write_text(
        "timestamp,item_id,position,click,propensity_score\n"
        + "2019-11-24 00:00:00+00:00,1,1,0,0.5\n" * 99
        + "2019-11-24 00:00:00+00:00,1,1,0,1.5\n"
    )
    house.headrace("deploy", "bandit", timeout=600)
    files = [BANDIT / "obd_random_men.csv", BANDIT / "obd_bts_men.csv", broken]
    house.headrace("upload", "bandit", "rounds", *map(str, files))
    house.headrace("run", "bandit")
    return house


def rows(house: House, sql: str) -> list[dict[str, Any]]:
    done = house.headrace("query", "bandit", "--json", "--", sql)
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def test_sql_and_dask_give_the_same_numbers(bandit: House) -> None:
    sql = (PROJECT / "studies" / "bandit" / "queries" / "both.sql").read_text()
    broken, bts, random = rows(bandit, sql)
    assert [r["log"] for r in (broken, bts, random)] == [
        "broken", "obd_bts_men", "obd_random_men",
    ]  # fmt: skip
    assert broken["same"]
    assert bts["same"]
    assert random["same"]
    assert {name: bts[name] for name in BTS} == BTS
    assert {name: random[name] for name in RANDOM} == RANDOM
    for engine in ("", "_dask"):
        assert bts[f"ips{engine}"] == pytest.approx(0.00300863, abs=5e-9)
        assert bts[f"snips{engine}"] == pytest.approx(0.00318942, abs=5e-9)
        assert random[f"ips{engine}"] == pytest.approx(0.0046, rel=1e-9)


def test_a_round_that_is_none_is_quarantined(bandit: House) -> None:
    (told,) = rows(bandit, "SELECT reason FROM quarantine")
    assert "round 99 of broken, counted from 0: click 0, propensity_score 1.5" in told["reason"]
    assert rows(bandit, "SELECT rounds FROM off_policy WHERE log = 'broken'") == [{"rounds": 99}]


def test_the_run_has_its_libraries_and_workers(bandit: House) -> None:
    sql = "SELECT engine, libraries FROM runs WHERE stage = 'off_policy'"
    (told,) = rows(bandit, sql)
    assert "dask" in json.loads(told["libraries"])
    assert "Batch" in told["engine"]


def test_another_number_of_workers_gives_the_same_table(bandit: House) -> None:
    checksum = "SELECT DISTINCT output_checksum FROM runs WHERE stage = 'off_policy'"
    before = rows(bandit, checksum)
    bandit.headrace("run", "bandit", "--stage", "off_policy", "--workers", "1")
    assert rows(bandit, checksum) == before
