"""A run killed at each of its steps and redriven gives what an undisturbed one gives."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from headrace.sql import Athena
from tests.acceptance.conftest import House, build

STUDY = '''
"""Words of lines, counted: a study of the tests' own."""

from dataclasses import dataclass

from headrace.study import Kinesis, Map, Query, Study, Table


@dataclass(frozen=True)
class Line:
    number: int
    text: str


@dataclass(frozen=True)
class Length:
    number: int
    words: int


@dataclass(frozen=True)
class Share:
    number: int
    share: float
    drawn: float


study = Study(
    name="steps",
    question="How long are lines?",
    seed=7,
    source=Kinesis(key="number"),
    tables=[Table("lines", Line)],
    stages=[
        Map(
            "lengths",
            fn="studies.steps.words:count",
            items="SELECT number, text FROM lines",
            produces=Length,
            batch_items=20,
            tolerate=0.2,
        ),
        Map(
            "shares",
            fn="studies.steps.words:share",
            items="SELECT l.number, l.words, t.total FROM lengths AS l "
            "CROSS JOIN (SELECT sum(words) AS total FROM lengths) AS t",
            produces=Share,
            batch_items=50,
        ),
        Query("longest", "SELECT number, words FROM lengths ORDER BY words DESC, number LIMIT 3"),
    ],
)
'''
WORDS = '''
"""What the stages call."""

import random
import time


def count(line: dict) -> dict:
    time.sleep(0.002)
    if line["number"] % 10 == 3:
        raise ValueError("a three")
    return {"number": line["number"], "words": len(line["text"].split())}


def share(line: dict) -> dict:
    return {
        "number": line["number"],
        "share": line["words"] / line["total"],
        "drawn": random.random(),
    }
'''
LINES = 100
#: Each step of a Map, of one that comes after it, and of a query; `to do?` and the joins pass
#: in no time.
STEPS = (
    "begin",
    "lengths: prepare",
    "lengths: unload",
    "lengths: probe",
    "lengths: map",
    "lengths: commit",
    "shares: prepare",
    "shares: unload",
    "shares: map",
    "shares: commit",
    "longest: prepare",
    "longest: unload",
    "longest: commit",
)
#: Of these, the ones that `make test` tries; `make test-all` tries each.
QUICK = ("lengths: map", "shares: commit")


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A deployed study of two Maps and a Query, its records landed."""
    house = build(tmp_path_factory.mktemp("steps"))
    try:
        folder = house.root / "studies" / "steps"
        folder.mkdir()
        (folder / "__init__.py").write_text('"""A study of the tests\' own."""\n')
        (folder / "study.py").write_text(STUDY)
        (folder / "words.py").write_text(WORDS)
        house.headrace("deploy", "steps")
        told = [json.dumps({"number": n, "text": "a " * (n % 17 + 1)}) for n in range(LINES)]
        house.headrace("push", "steps", "-", "--wait", input="\n".join(told) + "\n")
        yield house
    finally:
        house.headrace("down", check=False)


@pytest.fixture(scope="module")
def undisturbed(steps: House) -> dict[str, Any]:
    """What a run gives that nobody disturbs."""
    done = steps.facts("run", "steps")
    assert done["status"] == "SUCCEEDED"
    return what_is_there(steps, done["run"])


def rows(house: House, sql: str) -> list[dict[str, Any]]:
    """Ask Athena as any client does; a process of the tool for each question takes longer."""
    athena = Athena(house.client("athena"), "headrace-steps", "steps")
    found: list[dict[str, Any]] = athena.ask(sql).rows.to_pylist()
    return found


def what_is_there(house: House, run: str) -> dict[str, Any]:
    """The tables, each row of them, and what `runs` says of their inputs and outputs."""
    # The SQL of a query names the snapshots that this run made, so its checksum is the run's own.
    stages = (
        "SELECT stage, items, rows_out, quarantined, output_checksum, "
        "CASE WHEN kind = 'map' THEN input_checksum END AS input"
    )
    found: dict[str, Any] = {
        "lengths": rows(house, "SELECT * FROM lengths ORDER BY _item"),
        "shares": rows(house, "SELECT * FROM shares ORDER BY _item"),
        "quarantine": rows(
            house,
            "SELECT intended, _sequence, _index, from_utf8(bytes) AS item, reason FROM quarantine "
            f"WHERE _source LIKE 'run/{run}/%' ORDER BY 1, 2, 3",
        ),
        "runs": rows(house, f"{stages} FROM runs WHERE run = '{run}' ORDER BY stage"),
    }
    return found


def execution_of(house: House, run: str, attempt: int = 1) -> str:
    name = f"headrace-steps-run:{run}-{attempt}"
    return f"arn:aws:states:us-east-1:123456789012:execution:{name}"


def wait_for(house: House, execution: str, state: str) -> bool:
    """Wait until a run is at a state; whether it got there before it ended."""
    states, deadline = house.client("stepfunctions"), time.monotonic() + 60
    while time.monotonic() < deadline:
        events = states.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        entered = [e.get("stateEnteredEventDetails", {}).get("name") for e in events]
        if state in entered:
            return True
        if states.describe_execution(executionArn=execution)["status"] != "RUNNING":
            return False
        time.sleep(0.02)
    raise AssertionError(f"{state} was never reached: {entered}")


def kill_functions(house: House) -> int:
    """SIGKILL everything that the local cloud has started to run functions."""
    cloud = json.loads((house.root / ".headrace" / "cloud.json").read_text())
    victims = psutil.Process(cloud["pid"]).children(recursive=True)
    for victim in victims:
        try:
            victim.kill()
        except psutil.NoSuchProcess:
            continue
    return len(victims)


@pytest.mark.parametrize(
    "state",
    [pytest.param(s, marks=() if s in QUICK else pytest.mark.slow) for s in STEPS],
)
def test_a_run_stopped_at_a_step_and_resumed_gives_the_same_tables(
    steps: House, undisturbed: dict[str, Any], state: str
) -> None:
    run = steps.facts("run", "steps", "--detach")["run"]
    execution = execution_of(steps, run)
    assert wait_for(steps, execution, state)
    steps.client("stepfunctions").stop_execution(executionArn=execution)
    kill_functions(steps)
    stopped = steps.client("stepfunctions").describe_execution(executionArn=execution)
    assert stopped["status"] == "ABORTED"
    done = steps.facts("run", "steps", "--run", run, "--resume")
    assert (done["status"], done["run"]) == ("SUCCEEDED", run)
    assert what_is_there(steps, run) == undisturbed


@pytest.mark.parametrize(
    "state", ["lengths: map", pytest.param("shares: map", marks=pytest.mark.slow)]
)
def test_functions_killed_during_a_map_change_nothing(
    steps: House, undisturbed: dict[str, Any], state: str
) -> None:
    run = steps.facts("run", "steps", "--detach")["run"]
    assert wait_for(steps, execution_of(steps, run), state)
    time.sleep(0.1)
    assert kill_functions(steps)
    done = steps.facts("run", "steps", "--run", run)
    assert done["status"] == "SUCCEEDED"
    assert what_is_there(steps, run) == undisturbed


def test_what_is_done_is_not_done_again(steps: House, undisturbed: dict[str, Any]) -> None:
    run = steps.facts("run", "steps", "--detach")["run"]
    execution = execution_of(steps, run)
    assert wait_for(steps, execution, "shares: prepare")
    steps.client("stepfunctions").stop_execution(executionArn=execution)
    done = steps.facts("run", "steps", "--run", run, "--resume")
    states = {stage["name"]: stage["state"] for stage in done["stages"]}
    assert states["lengths"] == "passed over"
    found = rows(steps, f"SELECT stage, attempt FROM runs WHERE run = '{run}' ORDER BY 1")
    attempts = {r["stage"]: r["attempt"] for r in found}
    assert attempts["lengths"] == 1
    # On a busy machine it may have ended before it was stopped.
    assert states["shares"] == {2: "done", 1: "passed over"}[attempts["shares"]]
    assert what_is_there(steps, run) == undisturbed


@pytest.mark.slow
def test_from_a_stage_on_everything_is_done_again(
    steps: House, undisturbed: dict[str, Any]
) -> None:
    run = steps.facts("run", "steps")["run"]
    done = steps.facts("run", "steps", "--run", run, "--from", "shares")
    states = {stage["name"]: stage["state"] for stage in done["stages"]}
    assert (states["lengths"], states["shares"]) == ("passed over", "done")
    assert rows(steps, "SELECT * FROM shares ORDER BY _item") == undisturbed["shares"]


def test_records_that_land_meanwhile_are_not_in_the_run(
    steps: House, undisturbed: dict[str, Any]
) -> None:
    """A run again, with another's pins, reads what that one read."""
    first = steps.facts("run", "steps")["run"]
    more = json.dumps({"number": 1000, "text": "one more"})
    steps.headrace("push", "steps", "-", "--wait", input=more + "\n")
    again = steps.facts("run", "steps", "--again", first)
    assert again["run"] != first
    found = what_is_there(steps, again["run"])
    assert found == undisturbed
    assert [r["number"] for r in rows(steps, "SELECT number FROM lines WHERE number > 999")]
