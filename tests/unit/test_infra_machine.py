"""The run's state machine says what runs after what, what is tried again, and how it ends."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser

from headrace.plan import Plan, plan_of
from headrace.study import Map, Query, Study, StudyError
from infra.machine import DOCUMENT_LIMIT_BYTES, machine
from infra.machine_task import Names
from infra.retries import KILLED, LAMBDA_OUTAGES
from tests.unit.infra_synth import GOLDEN, Page, hold, survey
from tests.unit.machine_walk import State, Walk, flat, graphs

NAMES = Names("lake-bucket")


def planned(needs: dict[str, set[str]]) -> Plan:
    """A study with a Map stage for each name, which reads the tables of those it needs."""
    sources = {n: " FROM " + " CROSS JOIN ".join(sorted(o)) if o else "" for n, o in needs.items()}
    stages = [Map(n, "a.b:c", f"SELECT 1 AS n{source}", Page) for n, source in sources.items()]
    return plan_of(Study("graph", "?", stages=stages))


@pytest.fixture(scope="module")
def document() -> State:
    return machine(survey(), NAMES)


def test_the_document_is_that_of_the_golden_file(document: State) -> None:
    hold(document, GOLDEN / "machine" / "survey.json")


def test_an_interpreter_reads_it(document: State) -> None:
    nested = machine(planned({"a": set(), "b": {"a"}, "c": set(), "d": {"b", "c"}}), NAMES)
    for written in (document, nested):
        _, tree = AmazonStateLanguageParser.parse(json.dumps(written))
        assert tree.getText().count('"TimeoutSeconds') == json.dumps(written).count(
            '"TimeoutSeconds'
        )


def test_states_are_those_of_the_contract(document: State) -> None:
    steps: dict[str, list[str]] = {}
    for name, _ in flat(document):
        stage, _, step = name.partition(": ")
        steps.setdefault(stage, []).append(step)
    ends = ["passed over", "done", "failed"]
    work = ["probe", "map", "work", "commit"]
    assert steps["outliers"] == ["prepare", "to do?", "unload", *work, *ends]
    assert steps["pages"] == ["prepare", "to do?", *work, *ends]
    assert steps["odd_pages"] == ["prepare", "to do?", "unload", "commit", *ends]
    others = {s for s in steps if not s.isdigit()} - {"outliers", "pages", "odd_pages"}
    assert others == {"begin", "failed", "done"}


def test_every_task_has_a_timeout_and_is_caught_by_its_stage(document: State) -> None:
    tasks = {n: s for n, s in flat(document) if s["Type"] in ("Task", "Map")}
    for name, state in tasks.items():
        stage = name.partition(":")[0]
        if state["Type"] == "Task":
            assert state.keys() & {"TimeoutSeconds", "TimeoutSecondsPath"}, name
        if name == "begin" or name.endswith("work"):
            assert "Catch" not in state
            continue
        (caught,) = state["Catch"]
        assert caught["ErrorEquals"] == ["States.ALL"]
        assert caught["Next"] == f"{stage}: failed"


def test_a_functions_timeout_comes_before_the_machines(document: State) -> None:
    states = dict(flat(document))
    assert states["outliers: probe"]["TimeoutSeconds"] > 60
    assert states["pages: probe"]["TimeoutSeconds"] > 300
    assert states["pages: commit"]["TimeoutSeconds"] > 900


def test_outages_are_tried_again_with_jitter_and_verdicts_are_not(document: State) -> None:
    for name, state in flat(document):
        errors = [error for retry in state.get("Retry", ()) for error in retry["ErrorEquals"]]
        if state["Type"] == "Task":
            assert errors
        assert {retry["JitterStrategy"] for retry in state.get("Retry", ())} <= {"FULL"}
        # A failed query is States.TaskFailed; a function's own error has its own name.
        assert not {"States.ALL", "States.TaskFailed"} & set(errors)
        assert (set(KILLED) <= set(errors)) == name.endswith(": work")
        if "lambda:invoke" in state.get("Resource", ""):
            assert set(LAMBDA_OUTAGES) <= set(errors)


def test_arns_are_of_the_partition_that_is_deployed_to() -> None:
    text = json.dumps(machine(survey(), Names("b", "aws-cn")))
    assert "arn:aws-cn:states:::lambda:invoke" in text
    assert "arn:aws:" not in text


def test_a_stage_with_too_long_a_name_is_named() -> None:
    long = "q" * 70
    study = Study("s", "?", stages=[Map("m", "a.b:c", "SELECT 1", Page), Query(long, "SELECT 1")])
    with pytest.raises(StudyError, match=rf"{long}.*above Step Functions' 80"):
        machine(plan_of(study), NAMES)


def test_a_hundred_stages_fit_into_a_document() -> None:
    needs = {f"s{i}": {f"s{i - 1}"} if i else set[str]() for i in range(100)}
    assert len(json.dumps(machine(planned(needs), NAMES))) < DOCUMENT_LIMIT_BYTES


@settings(max_examples=60, deadline=None)
@given(graphs(), st.data())
def test_what_fails_stops_what_needs_it_and_nothing_beside_it(
    needs: dict[str, set[str]], data: st.DataObject
) -> None:
    failing = data.draw(st.sets(st.sampled_from(sorted(needs))))
    document = machine(planned(needs), NAMES)
    names = [name for name, _ in flat(document)]
    assert len(names) == len(set(names))
    walk = Walk(failing)
    end = walk.run(document, {})
    for i, name in enumerate(walk.ended):
        assert needs[name] <= set(walk.ended[:i])
    assert not failing & set(walk.ended)
    # Of what needs nothing, all is begun.
    roots = {name for name in needs if not needs[name]}
    failed = {failure["stage"] for failure in end["failed"]}
    assert roots <= failed | set(walk.ended)
    assert failed <= failing
    assert end["type"] == ("Fail" if failed else "Succeed")
    if not failing:
        assert sorted(walk.ended) == sorted(needs)
