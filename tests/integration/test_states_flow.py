"""How states follow each other: each rule of the states language, against a real machine."""

from __future__ import annotations

import datetime
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.conftest import Running
from tests.integration.deployed import Deployed
from tests.integration.machines import Machines, call, one


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def machines(deployed: Deployed) -> Machines:
    return Machines(deployed)


@pytest.fixture(scope="module")
def fails(deployed: Deployed) -> str:
    """A function that raises until it was called `after` times with the same `key`."""
    return deployed.function(
        "calls = {}\n"
        "class Late(Exception): pass\n"
        "def handle(event, context):\n"
        "    n = calls[event['key']] = calls.get(event['key'], 0) + 1\n"
        "    if n <= event.get('after', 99): raise Late(f'call {n}')\n"
        "    return [n, event.get('retry')]"
    )


def passes(**parameters: Any) -> dict[str, Any]:
    return {"Type": "Pass", "Parameters": parameters, "End": True}


def test_pass_with_parameters_intrinsics_and_result_path(machines: Machines) -> None:
    state = {
        "Type": "Pass",
        "Parameters": {
            "said.$": "States.Format('{} of {}', $.a, $.b[1])",
            "in.$": "States.ArrayContains($.b, 2)",
            "text.$": "States.JsonToString($.b)",
            "json.$": "States.StringToJson('{\"x\": 1}')",
            "id.$": "States.UUID()",
            "sum.$": "States.MathAdd($.b[0], 40)",
            "none": None,
        },
        "ResultPath": "$.deep.er",
        "End": True,
    }
    got = machines.output(one(state), {"a": "é", "b": [1, 2]})
    made = got["deep"]["er"]
    assert (got["a"], got["b"]) == ("é", [1, 2])
    assert made.pop("id").count("-") == 4
    assert made == {
        "said": "é of 2",
        "in": True,
        "text": "[1,2]",
        "json": {"x": 1},
        "sum": 41,
        "none": None,
    }


@pytest.mark.parametrize(
    ("path", "given", "found"),
    [
        ("$[*].failed[*]", [{"failed": []}, {"failed": []}], []),
        ("$[*].failed[*]", [{"failed": ["a"]}, {"failed": []}], ["a"]),
        ("$[*].failed[*]", [{"failed": ["a", "b"]}, {"failed": ["c"]}], ["a", "b", "c"]),
        ("$.a[*].b", {"a": [{"b": 1}]}, [1]),
        ("$.a[*].b", {"a": []}, []),
        ("$.a[?(@.b > 1)]", {"a": [{"b": 1}, {"b": 2}]}, [{"b": 2}]),
        ("$.a[1:]", {"a": [1, 2]}, [2]),
        ("$..b", {"a": {"b": 3}}, [3]),
        ("$.a[0]", {"a": [[1]]}, [1]),
        ("$['a b'].c", {"a b": {"c": 1}}, 1),
        ("$.a", {"a": None}, None),
    ],
)
def test_a_path_that_can_match_many_gives_a_list(
    machines: Machines, path: str, given: Any, found: Any
) -> None:
    # moto gave one value where one matched, and failed where none did.
    assert machines.output(one(passes(**{"x.$": path})), given) == {"x": found}


def test_a_path_that_finds_nothing_fails_for_good(machines: Machines) -> None:
    state = passes(**{"x.$": "$.nowhere"}) | {"ResultPath": "$.y"}
    got = machines.run(one(state), {"a": 1})
    assert (got["status"], got["error"]) == ("FAILED", "States.Runtime")
    assert got["cause"].startswith(
        "An error occurred while executing the state 'it' (entered at the event id #2). "
        "The JSONPath '$.nowhere' specified for the field 'x.$' could not be found"
    )


def test_a_runtime_error_is_not_caught_by_all(machines: Machines, fails: str) -> None:
    # moto's States.ALL caught it: https://docs.aws.amazon.com/step-functions/latest/dg/
    # concepts-error-handling.html says that it can't.
    state = call(fails, {"x.$": "$.nowhere"}, Catch=[{"ErrorEquals": ["States.ALL"], "Next": "c"}])
    execution = machines.start(one(state, c={"Type": "Succeed"}))
    got = machines.ended(execution)
    assert (got["status"], got["error"]) == ("FAILED", "States.Runtime")
    assert got["cause"].count("An error occurred while executing the state 'it'") == 1
    assert "TaskFailed" not in machines.kinds(execution)


def test_escapes_in_names_paths_and_values(machines: Machines) -> None:
    # moto kept the backslashes of names, and read no surrogate pairs.
    name = 'say "hi" \\ é 😀'
    states = {name: {"Type": "Pass", "Result": name, "ResultPath": "$.x", "Next": "b"}}
    states["b"] = passes(**{"x.$": "$.x", "y": name, "z.$": "$['a\"b']"})
    execution = machines.start({"StartAt": name, "States": states}, {'a"b': 1})
    got = machines.ended(execution)
    assert json.loads(got["output"]) == {"x": name, "y": name, "z": 1}
    entered = [e for e in machines.events(execution) if e["type"] == "PassStateEntered"]
    assert entered[0]["stateEnteredEventDetails"]["name"] == name


def test_choice(machines: Machines) -> None:
    choice = {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.failed[0]", "IsPresent": True, "Next": "one"},
            {
                "And": [
                    {"Variable": "$.n", "NumericGreaterThan": 3},
                    {"Not": {"Variable": "$.s", "StringMatches": "no*"}},
                ],
                "Next": "two",
            },
            {"Variable": "$.flag", "BooleanEquals": True, "Next": "three"},
        ],
        "Default": "four",
    }
    ends = {
        name: {"Type": "Pass", "Result": name, "End": True}
        for name in ("one", "two", "three", "four")
    }
    arn = machines.make(one(choice, **ends))
    for given, end in [
        ({"failed": [1], "n": 0, "s": "", "flag": False}, "one"),
        ({"failed": [], "n": 4, "s": "yes", "flag": False}, "two"),
        ({"failed": [], "n": 4, "s": "not", "flag": True}, "three"),
        ({"failed": [], "n": 3, "s": "yes", "flag": False}, "four"),
    ]:
        got = machines.ended(machines.begin(arn, given))
        assert json.loads(got["output"]) == end


def test_no_choice_matches(machines: Machines) -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "x"}]}
    got = machines.run(one(choice, x={"Type": "Succeed"}), {"a": 1})
    assert got["error"] == "States.NoChoiceMatched"


def test_a_choice_over_what_is_not_there_fails(machines: Machines) -> None:
    # moto went on by the default.
    choice = {
        "Type": "Choice",
        "Choices": [{"Variable": "$.b", "NumericEquals": 1, "Next": "x"}],
        "Default": "x",
    }
    got = machines.run(one(choice, x={"Type": "Succeed"}), {"a": 1})
    assert (got["status"], got["error"]) == ("FAILED", "States.Runtime")
    assert "Invalid path '$.b'" in got["cause"]


def test_times_are_compared_with_their_zones(machines: Machines) -> None:
    # moto knew neither zones nor fractions, and found all of them unequal.
    choice = {
        "Type": "Choice",
        "Choices": [
            {"Variable": "$.t", "TimestampGreaterThan": "2026-01-01T10:00:00.5Z", "Next": "after"}
        ],
        "Default": "before",
    }
    ends = {name: {"Type": "Pass", "Result": name, "End": True} for name in ("after", "before")}
    arn = machines.make(one(choice, **ends))
    for text, end in [
        ("2026-01-01T11:30:00+01:00", "after"),
        ("2026-01-01T10:30:00+01:00", "before"),
        ("2026-01-01T10:00:00.4Z", "before"),
    ]:
        got = machines.ended(machines.begin(arn, {"t": text}))
        assert json.loads(got["output"]) == end
    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=1.5)
    state = {"Type": "Wait", "TimestampPath": "$.t", "End": True}
    began = time.monotonic()
    machines.output(one(state), {"t": later.strftime("%Y-%m-%dT%H:%M:%SZ")})
    assert time.monotonic() - began < 3


def test_fail_by_paths(machines: Machines) -> None:
    state = {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "States.JsonToString($.failed)"}
    got = machines.run(one(state), {"e": "StageFailed", "failed": [{"stage": "a"}]})
    assert (got["status"], got["error"]) == ("FAILED", "StageFailed")
    assert json.loads(got["cause"]) == [{"stage": "a"}]


def test_wait(machines: Machines) -> None:
    states = {
        "a": {"Type": "Wait", "Seconds": 1, "Next": "b"},
        "b": {"Type": "Wait", "SecondsPath": "$.s", "End": True},
    }
    began = time.monotonic()
    assert machines.output({"StartAt": "a", "States": states}, {"s": 1}) == {"s": 1}
    assert 2 <= time.monotonic() - began < 4


def test_the_context_object(machines: Machines) -> None:
    state = passes(
        **{
            "name.$": "$$.Execution.Name",
            "id.$": "$$.Execution.Id",
            "input.$": "$$.Execution.Input",
            "started.$": "$$.Execution.StartTime",
            "state.$": "$$.State.Name",
            "entered.$": "$$.State.EnteredTime",
            "machine.$": "$$.StateMachine.Id",
            "machine_name.$": "$$.StateMachine.Name",
        }
    )
    arn = machines.make(one(state))
    execution = machines.begin(arn, {"a": 1}, name="me")
    got = json.loads(machines.ended(execution)["output"])
    started = got.pop("started")
    assert len(started) == len("2026-01-01T00:00:00.000Z")
    assert started.endswith("Z")
    assert got.pop("entered").startswith(started[:10])
    assert got == {
        "name": "me",
        "id": execution,
        "input": {"a": 1},
        "state": "it",
        "machine": arn,
        "machine_name": arn.rsplit(":", 1)[1],
    }


def test_a_retried_task_knows_how_often(machines: Machines, fails: str) -> None:
    payload = {"key.$": "$$.Execution.Name", "after": 2, "retry.$": "$$.State.RetryCount"}
    retry = {
        "ErrorEquals": ["Late"],
        "IntervalSeconds": 1,
        "BackoffRate": 3,
        "MaxDelaySeconds": 1,
        "MaxAttempts": 2,
        "JitterStrategy": "FULL",
    }
    state = call(fails, payload, Retry=[retry], OutputPath="$.Payload")
    execution = machines.start(one(state))
    got = machines.ended(execution)
    assert json.loads(got["output"]) == [3, 2]
    kinds = machines.kinds(execution)
    assert kinds.count("TaskFailed") == 2
    assert kinds.count("TaskScheduled") == kinds.count("TaskStarted") == 3


def test_retries_wait_longer_and_end(machines: Machines, fails: str) -> None:
    retry = {"ErrorEquals": ["States.TaskFailed"], "IntervalSeconds": 1, "MaxAttempts": 1}
    execution = machines.start(one(call(fails, {"key.$": "$$.Execution.Name"}, Retry=[retry])))
    began = time.monotonic()
    got = machines.ended(execution)
    assert time.monotonic() - began >= 0.9
    assert (got["status"], got["error"]) == ("FAILED", "Late")
    assert json.loads(got["cause"])["errorMessage"] == "call 2"


def test_catch_keeps_the_input_where_asked(machines: Machines, fails: str) -> None:
    catch = {"ErrorEquals": ["Late"], "ResultPath": "$.error", "Next": "after"}
    after = {"Type": "Pass", "End": True}
    state = call(fails, {"key.$": "$$.Execution.Name"}, Catch=[catch])
    got = machines.output(one(state, after=after), {"a": 1})
    assert got["a"] == 1
    assert got["error"]["Error"] == "Late"
    assert json.loads(got["error"]["Cause"])["errorType"] == "Late"


def test_result_selector_and_result_path(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return {'n': event['a'] + 1, 'm': 0}")
    state = call(
        name,
        ResultSelector={"n.$": "$.Payload.n", "at.$": "$.StatusCode"},
        ResultPath="$.got",
        OutputPath="$.got",
    )
    assert machines.output(one(state), {"a": 1}) == {"n": 2, "at": 200}
    nothing = call(name, ResultPath=None)
    assert machines.output(one(nothing), {"a": 1}) == {"a": 1}


def test_branches_run_side_by_side(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("import time\ndef handle(e, c): time.sleep(1); return e['x']")
    deployed.invoke(name, {"x": 0})
    branches = [
        {"StartAt": f"b{i}", "States": {f"b{i}": call(name, {"x": i}, OutputPath="$.Payload")}}
        for i in range(3)
    ]
    state = {
        "Type": "Parallel",
        "Branches": branches,
        "ResultSelector": {"all.$": "$[*]"},
        "ResultPath": "$.got",
        "End": True,
    }
    began = time.monotonic()
    assert machines.output(one(state), {"a": 1}) == {"a": 1, "got": {"all": [0, 1, 2]}}
    assert time.monotonic() - began < 2.9


def branch(name: str, state: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"StartAt": name, "States": {name: state, **others}}


def test_a_branch_that_fails_ends_the_others(machines: Machines) -> None:
    wrong = {"Type": "Fail", "Error": "States.TaskFailed", "Cause": "no"}
    state = {
        "Type": "Parallel",
        "Branches": [
            branch("a", {"Type": "Wait", "Seconds": 60, "End": True}),
            branch("b", wrong),
        ],
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "caught"}],
        "End": True,
    }
    # moto refused a branch's error of a name that begins with `States.`
    began = time.monotonic()
    got = machines.output(one(state, caught={"Type": "Pass", "End": True}))
    assert got == {"Error": "States.TaskFailed", "Cause": "no"}
    assert time.monotonic() - began < 5


def test_a_branch_that_catches_lets_the_others_go_on(machines: Machines, fails: str) -> None:
    failing = call(
        fails,
        {"key": "branch"},
        Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "told"}],
    )
    told = {"Type": "Pass", "Parameters": {"failed.$": "$.error.Error"}, "End": True}
    slow = {"Type": "Wait", "Seconds": 1, "End": True}
    state = {
        "Type": "Parallel",
        "Branches": [branch("a", failing, told=told), branch("b", slow)],
        "End": True,
    }
    assert machines.output(one(state), {"x": 1}) == [{"failed": "Late"}, {"x": 1}]


def test_a_parallel_is_tried_again_as_a_whole(machines: Machines, fails: str) -> None:
    work = call(fails, {"key.$": "$$.Execution.Name", "after": 1}, OutputPath="$.Payload[0]")
    state = {
        "Type": "Parallel",
        "Branches": [branch("a", work)],
        "Retry": [{"ErrorEquals": ["Late"], "IntervalSeconds": 1, "MaxAttempts": 2}],
        "End": True,
    }
    assert machines.output(one(state)) == [2]


def test_a_task_over_its_time(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("import time\ndef handle(e, c): time.sleep(4)", Timeout=10)
    state = call(name, TimeoutSeconds=1)
    began = time.monotonic()
    execution = machines.start(one(state))
    got = machines.ended(execution)
    assert (got["status"], got["error"]) == ("FAILED", "States.Timeout")
    assert time.monotonic() - began < 3.5
    (event,) = [e for e in machines.events(execution) if e["type"] == "TaskTimedOut"]
    assert event["taskTimedOutEventDetails"]["error"] == "States.Timeout"
    by_path = state | {"TimeoutSecondsPath": "$.s"}
    del by_path["TimeoutSeconds"]
    assert machines.run(one(by_path), {"s": 1})["error"] == "States.Timeout"
    # States.TaskFailed is for all but a timeout.
    for errors, end in (["States.TaskFailed"], "FAILED"), (["States.Timeout"], "SUCCEEDED"):
        caught = state | {"Catch": [{"ErrorEquals": errors, "Next": "c"}]}
        assert machines.run(one(caught, c={"Type": "Succeed"}))["status"] == end


def test_a_machine_over_its_time(machines: Machines) -> None:
    state = {"Type": "Wait", "Seconds": 60, "End": True}
    execution = machines.start(one(state) | {"TimeoutSeconds": 1})
    got = machines.ended(execution)
    assert got["status"] == "TIMED_OUT"
    assert got["stopDate"] > got["startDate"]
    assert machines.kinds(execution)[-1] == "ExecutionTimedOut"


def test_data_over_the_limit(machines: Machines, deployed: Deployed) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html: 256 KiB
    name = deployed.function("def handle(event, context): return 'x' * event['n']")
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "c"}]
    state = call(name, Catch=catch)
    arn = machines.make(one(state, c={"Type": "Succeed"}))
    assert machines.ended(machines.begin(arn, {"n": 200_000}))["status"] == "SUCCEEDED"
    got = machines.ended(machines.begin(arn, {"n": 270_000}))
    assert (got["status"], got["error"]) == ("FAILED", "States.DataLimitExceeded")


def test_an_inline_map(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return event['i'] * event['by']")
    state = {
        "Type": "Map",
        "ItemsPath": "$.items",
        "ItemSelector": {
            "i.$": "$$.Map.Item.Value",
            "at.$": "$$.Map.Item.Index",
            "by.$": "$.by",
        },
        "MaxConcurrency": 3,
        "ItemProcessor": {
            "StartAt": "w",
            "States": {"w": call(name, OutputPath="$.Payload")},
        },
        "ResultPath": "$.got",
        "End": True,
    }
    given = {"items": [3, 1, 2, 5, 4], "by": 10}
    assert machines.output(one(state), given)["got"] == [30, 10, 20, 50, 40]
    assert machines.output(one(state), {"items": [], "by": 1})["got"] == []


def test_an_inline_map_fails_with_its_first_iteration(machines: Machines) -> None:
    inside = {
        "StartAt": "c",
        "States": {
            "c": {
                "Type": "Choice",
                "Choices": [{"Variable": "$", "NumericEquals": 2, "Next": "f"}],
                "Default": "w",
            },
            "f": {"Type": "Fail", "Error": "Two", "Cause": "it is"},
            "w": {"Type": "Wait", "Seconds": 60, "End": True},
        },
    }
    state = {"Type": "Map", "ItemProcessor": inside, "End": True}
    began = time.monotonic()
    execution = machines.start(one(state), [1, 2, 3])
    got = machines.ended(execution)
    assert (got["error"], got["cause"]) == ("Two", "it is")
    assert time.monotonic() - began < 5
    assert "MapStateFailed" in machines.kinds(execution)


def test_many_iterations(machines: Machines) -> None:
    # moto's worker called itself once an item.
    inside = {"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}}
    state = {"Type": "Map", "ItemProcessor": inside, "MaxConcurrency": 1, "End": True}
    assert machines.output(one(state), list(range(1500))) == list(range(1500))
