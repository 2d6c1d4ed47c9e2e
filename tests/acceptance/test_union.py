"""The whole house on one corpus: every engine's stage, and whether they agree on numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from studies.speeches.records import CORPUS
from tests.acceptance.conftest import House, build

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="`npm ci` was not run"),
]

STAGES = {
    "addresses": 233,
    "top_words": 6450,  # 43 presidents, 150 words each
    "party_model": 4,
    "shuffle_test": 1,
    "shuffle_addresses": 1,
    "trend": 24,
}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[House, Any]]:
    """A project where the demo of the study ran, and what it told."""
    house = build(tmp_path_factory.mktemp("union"))
    try:
        done = house.headrace("demo", "union", "--json", timeout=900)
        yield house, json.loads(done.stdout)
    finally:
        house.headrace("down", check=False)


def test_every_stage_is_done(ran: tuple[House, Any]) -> None:
    _, told = ran
    assert told["ledger"]["total"]["rows"] == 62_982
    assert told["run"]["status"] == "SUCCEEDED"
    rows = {stage["name"]: stage["rows"] for stage in told["run"]["stages"]}
    assert {name: rows[name] for name in STAGES} == STAGES


def test_engines_agree(ran: tuple[House, Any]) -> None:
    house, _ = ran
    sql = (house.root / "studies/union/queries/engines.sql").read_text()
    rows = house.facts("query", "union", sql)["rows"]
    measures: dict[str, dict[str, dict[str, str]]] = {}
    for row in rows:
        measures.setdefault(row["measure"], {})[row["engine"]] = row
    assert {len(engines) for engines in measures.values()} <= {2, 3}
    seen = {row["engine"].split()[0] for row in rows}
    assert seen == {"SQL", "Map", "mrjob", "Spark", "MPI", "OpenCL", "Dask"}
    for name, engines in measures.items():
        for engine, row in engines.items():
            most = 1e-12 if name.startswith("mean") else 0.0
            assert abs(float(row["difference"])) <= most, (name, engine)
    assert measures["sentences"]["Dask"]["number"] == "62982"


def test_the_report_shows_each_result_with_its_chart(ran: tuple[House, Any]) -> None:
    house, told = ran
    page = (house.root / "out" / "union" / "report.html").read_text()
    names = ["mood_by_decade", "lengths", "own_words", "named", "told_apart", "parties"]
    for name in names:
        assert (house.root / "out" / "union" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        assert f'<section id="{name}">' in page
    assert page.count("<svg") == len(names) == len(told["charts"])
    assert '<section id="engines">' in page


def test_nothing_computes_any_more(ran: tuple[House, Any]) -> None:
    house, _ = ran
    clusters = house.client("emr").list_clusters()["Clusters"]
    assert [c["Status"]["State"] for c in clusters] == ["TERMINATED"]
    batch = house.client("batch")
    queues = [q["jobQueueName"] for q in batch.describe_job_queues()["jobQueues"]]
    for state in ("SUBMITTED", "RUNNABLE", "STARTING", "RUNNING"):
        for queue in queues:
            assert not batch.list_jobs(jobQueue=queue, jobStatus=state)["jobSummaryList"]
