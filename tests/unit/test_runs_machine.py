"""Runs are started, found, resumed and stopped as executions of one machine."""

import datetime
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from headrace import plan as plans
from headrace import runs
from headrace.runs import Execution, Machine, RunError, Wanted
from headrace.stages import Query, StudyError
from tests.unit.run_events import START, a_map, study_of, two_stages

PLAN = two_stages()
ACCOUNT = "123456789012"
ROLE = "arn:aws:iam::123456789012:role/r"


def nothing(execution: Execution) -> list[str]:
    """No stage was done."""
    return []


@pytest.fixture
def states() -> Iterator[Any]:
    """Step Functions as moto keeps it: executions run until they are stopped."""
    with mock_aws():
        yield boto3.client("stepfunctions", "us-east-1")


@pytest.fixture
def machine(states: Any) -> Machine:
    definition = {"StartAt": "done", "States": {"done": {"Type": "Succeed"}}}
    states.create_state_machine(name=PLAN.machine, definition=json.dumps(definition), roleArn=ROLE)
    return Machine(PLAN, states, ACCOUNT)


def test_an_id_is_the_time_and_four_digits() -> None:
    found = runs.new_id(START)
    assert found.startswith("20261122t100000-")
    assert runs.RUN_ID.fullmatch(found)
    assert len({runs.new_id(START) for _ in range(20)}) > 15


def test_an_execution_is_called_by_run_and_attempt(machine: Machine) -> None:
    started = machine.start(Wanted("r1-ab", 2, redo=("words",)))
    assert (started.name, started.run, started.attempt) == ("r1-ab-2", "r1-ab", 2)
    assert machine.running() == Execution(started.arn, "r1-ab", 2, "RUNNING", started.started)
    assert machine.wanted(started) == Wanted("r1-ab", 2, redo=("words",))


def test_the_input_is_the_contracts() -> None:
    assert json.loads(Wanted("r", 3, ["b"], ["a", "b"], "q").input()) == {
        "run": "r",
        "attempt": 3,
        "redo": ["b"],
        "only": ["a", "b"],
        "again": "q",
    }
    assert json.loads(Wanted("r").input())["only"] is None
    assert json.loads(Wanted("r", workers={"a": 4}).input())["workers"] == {"a": 4}


def test_one_runs_at_a_time(machine: Machine) -> None:
    first = machine.start(Wanted("one"))
    with pytest.raises(RunError, match=r"run one still running.*--stop"):
        machine.start(Wanted("two"))
    machine.stop(first)
    assert machine.running() is None
    assert machine.last().status == "ABORTED"
    machine.start(Wanted("two"))


def test_a_run_is_found_by_its_id_and_its_last_attempt_counts(machine: Machine) -> None:
    for wanted in (Wanted("one"), Wanted("one", 2), Wanted("two")):
        machine.stop(machine.start(wanted))
    assert machine.last("one").attempt == 2
    assert machine.last("one-1").attempt == 1
    with pytest.raises(RunError, match=r"looking for run 'three' of t, found none"):
        machine.last("three")


def test_an_execution_with_a_name_of_its_own_is_a_run(machine: Machine) -> None:
    machine.client.start_execution(stateMachineArn=machine.arn, name="by-hand")
    found = machine.last("by-hand")
    assert (found.run, found.attempt) == ("by-hand", 1)
    assert machine.wanted(found) == Wanted("by-hand")


def test_what_is_not_deployed_is_said(states: Any) -> None:
    with pytest.raises(RunError, match=r"Deploy it first: `headrace deploy t`"):
        Machine(PLAN, states, ACCOUNT).running()


def test_a_study_of_queries_has_nothing_to_run(states: Any) -> None:
    with pytest.raises(RunError, match=r"nothing to compute\. Ask its queries with"):
        Machine(plans.load("speeches"), states, ACCOUNT)
    with pytest.raises(RunError, match="nothing to compute"):
        Machine(study_of(Query("q", "SELECT 1"), tables=False), states, ACCOUNT)


def ended(machine: Machine, wanted: Wanted, status: str = "FAILED") -> Execution:
    started = machine.start(wanted)
    machine.stop(started)
    return Execution(started.arn, started.run, started.attempt, status, started.started)


def test_a_resumed_run_does_what_is_not_done_and_keeps_what_was_wanted(machine: Machine) -> None:
    last = ended(machine, Wanted("one", only=("words",)))
    assert machine.resumed(last, None, (), nothing) == Wanted("one", 2, [], ["words"])
    assert machine.resumed(last, None, ["longest"], nothing) == Wanted("one", 2, [], ["longest"])


def test_a_resumed_run_keeps_its_workers_unless_others_are_asked_for(machine: Machine) -> None:
    last = ended(machine, Wanted("one", only=("words",), workers={"words": 4}))
    assert machine.wanted(last).workers == {"words": 4}
    assert machine.resumed(last, None, (), nothing).workers == {"words": 4}
    others = machine.resumed(last, "words", ("words",), nothing, {"words": 2})
    assert others.workers == {"words": 2}


def test_from_a_stage_on_all_that_reads_it_is_done_anew(machine: Machine) -> None:
    last = ended(machine, Wanted("one"), "SUCCEEDED")
    assert machine.resumed(last, "words", (), nothing) == Wanted(
        "one", 2, ["words", "longest"], None
    )
    assert machine.resumed(last, "longest", (), nothing) == Wanted("one", 2, ["longest"], None)
    only = ended(machine, Wanted("two", only=("words",)), "SUCCEEDED")
    assert machine.resumed(only, "longest", (), nothing).only == ["words", "longest"]
    with pytest.raises(StudyError, match="no_such"):
        machine.resumed(last, "no_such", (), nothing)


def test_what_was_to_be_done_anew_and_was_not_is_still_to_be(machine: Machine) -> None:
    last = ended(machine, Wanted("one", 2, redo=("words", "longest")))
    assert machine.resumed(last, None, (), lambda _: {"words"}).redo == ["longest"]
    assert machine.resumed(last, None, (), nothing).redo == ["words", "longest"]
    assert machine.resumed(last, "longest", (), lambda _: {"words"}).redo == ["longest"]


def test_nothing_is_resumed_of_a_run_that_succeeded(machine: Machine) -> None:
    last = ended(machine, Wanted("one"), "SUCCEEDED")
    with pytest.raises(RunError, match=r"all of it was done\. Name a stage"):
        machine.resumed(last, None, (), nothing)


def test_stages_are_named_in_the_studys_order() -> None:
    plan = study_of(a_map("a", "SELECT number FROM lines"), Query("b", "SELECT number FROM a"))
    assert runs.checked(plan, ["b", "a", "b"]) == ["a", "b"]
    with pytest.raises(StudyError, match=r"found only a, b\. Name one of these"):
        runs.checked(plan, ["c"])


def test_the_oldest_of_several_that_run_is_the_one(machine: Machine) -> None:
    for name in ("x-1", "y-1"):
        machine.client.start_execution(stateMachineArn=machine.arn, name=name)
    found = machine.running()
    assert found is not None
    assert found.run == "x"
    assert found.started <= datetime.datetime.now(datetime.UTC)
