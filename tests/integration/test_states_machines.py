"""Machines and executions by their API: made, changed, deleted, listed, read."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running, Stacks, start, stop
from tests.integration.deployed import Deployed, unique, wait_until
from tests.integration.machines import Machines, call, one

PASS = one({"Type": "Pass", "End": True})
WAIT = one({"Type": "Wait", "Seconds": 600, "End": True})


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def machines(deployed: Deployed) -> Machines:
    return Machines(deployed)


def template(definition: Any = PASS, **more: Any) -> dict[str, Any]:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    properties = {"RoleArn": {"Fn::GetAtt": ["Role", "Arn"]}, **more}
    if not {"DefinitionS3Location", "Definition"} & more.keys():
        properties |= {"DefinitionString": json.dumps(definition)}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}
    outputs = {
        "Ref": {"Value": {"Ref": "Machine"}},
        "Arn": {"Value": {"Fn::GetAtt": ["Machine", "Arn"]}},
        "Name": {"Value": {"Fn::GetAtt": ["Machine", "Name"]}},
        "Revision": {"Value": {"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]}},
    }
    return {"Resources": {"Role": role, "Machine": machine}, "Outputs": outputs}


def test_a_stack_makes_a_machine_that_runs(machines: Machines, stacks: Stacks) -> None:
    name, machine = stacks.new(), unique("machine")
    definition = one({"Type": "Pass", "Result": "${what}", "End": True})
    told = template(
        definition,
        StateMachineName=machine,
        DefinitionSubstitutions={"what": "old"},
        Tags=[{"Key": "a", "Value": "b"}],
        LoggingConfiguration={"Level": "ERROR", "IncludeExecutionData": True},
        TracingConfiguration={"Enabled": False},
    )
    made = stacks.deploy(name, told)
    assert made["Arn"] == made["Ref"]
    assert (made["Name"], made["Revision"]) == (machine, "INITIAL")
    assert json.loads(machines.ended(machines.begin(made["Arn"]))["output"]) == "old"
    tags = machines.api.list_tags_for_resource(resourceArn=made["Arn"])["tags"]
    assert tags == [{"key": "a", "value": "b"}]
    got = machines.api.describe_state_machine(stateMachineArn=made["Arn"])
    assert got["loggingConfiguration"]["level"] == "ERROR"

    told["Resources"]["Machine"]["Properties"]["DefinitionSubstitutions"] = {"what": "new"}
    del told["Resources"]["Machine"]["Properties"]["Tags"]
    changed = stacks.deploy(name, told)
    assert changed["Arn"] == made["Arn"]
    assert changed["Revision"] != "INITIAL"
    assert json.loads(machines.ended(machines.begin(made["Arn"]))["output"]) == "new"
    assert machines.api.list_tags_for_resource(resourceArn=made["Arn"])["tags"] == []

    told["Resources"]["Machine"]["Properties"]["StateMachineName"] = f"{machine}-2"
    renamed = stacks.deploy(name, told)
    assert renamed["Name"] == f"{machine}-2"
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        machines.begin(made["Arn"])
    assert stacks.delete(name) == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        machines.begin(renamed["Arn"])


def test_a_definition_in_s3_or_as_an_object(
    machines: Machines, deployed: Deployed, stacks: Stacks
) -> None:
    body = json.dumps(one({"Type": "Pass", "Result": "${x}", "End": True}))
    deployed.s3.put_object(Bucket=deployed.bucket, Key="machine.json", Body=body)
    where = {"Bucket": deployed.bucket, "Key": "machine.json"}
    told = template(DefinitionS3Location=where, DefinitionSubstitutions={"x": "s3"})
    made = stacks.deploy(stacks.new(), told)
    assert json.loads(machines.ended(machines.begin(made["Arn"]))["output"]) == "s3"
    made = stacks.deploy(stacks.new(), template(Definition=PASS))
    assert machines.ended(machines.begin(made["Arn"]))["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"TracingConfiguration": {"Enabled": True}}, "TracingConfiguration.Enabled"),
        ({"StateMachineType": "EXPRESS"}, "EXPRESS"),
        ({"EncryptionConfiguration": {"Type": "CUSTOMER_MANAGED_KMS_KEY"}}, "EncryptionConf"),
        ({"definition": one({"Type": "Pass", "Assign": {"a": 1}, "End": True})}, "Assign"),
    ],
)
def test_a_stack_is_refused_by_name(stacks: Stacks, told: dict[str, Any], named: str) -> None:
    with pytest.raises((Stacks.Failed, ClientError), match=named):
        stacks.deploy(stacks.new(), template(**told))


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"Type": "Pass", "QueryLanguage": "JSONata", "End": True}, "QueryLanguage"),
        ({"Type": "Task", "Resource": "arn:aws:states:::ecs:runTask.sync"}, "ecs:runTask"),
        (
            {"Type": "Task", "Resource": "arn:aws:states:::glue:startJobRun.sync"},
            "glue",
        ),
    ],
)
def test_a_machine_is_refused_by_name(machines: Machines, state: Any, named: str) -> None:
    with pytest.raises(ClientError, match=named) as fault:
        machines.make(one({"End": True, **state}))
    assert fault.value.response["Error"]["Code"] == "InvalidDefinition"
    made = machines.make(PASS)
    with pytest.raises(ClientError, match=named):
        machines.api.update_state_machine(
            stateMachineArn=made, definition=json.dumps(one({"End": True, **state}))
        )


def test_settings_are_refused_by_name(machines: Machines) -> None:
    given: list[tuple[dict[str, Any], str]] = [
        ({"type": "EXPRESS"}, "EXPRESS"),
        ({"publish": True}, "publish"),
        ({"tracingConfiguration": {"enabled": True}}, "tracing"),
        (
            {"encryptionConfiguration": {"type": "CUSTOMER_MANAGED_KMS_KEY", "kmsKeyId": "x"}},
            "CUSTOMER_MANAGED_KMS_KEY",
        ),
    ]
    for words, named in given:
        with pytest.raises(ClientError, match=named):
            machines.make(PASS, **words)


def test_a_machine_of_the_same_name(machines: Machines) -> None:
    name = unique("machine")
    assert machines.make(PASS, name=name) == machines.make(PASS, name=name)
    with pytest.raises(ClientError, match="StateMachineAlreadyExists"):
        machines.make(WAIT, name=name)


def test_an_update_leaves_what_runs_as_it_began(machines: Machines) -> None:
    state = {"Type": "Wait", "Seconds": 1, "Next": "b"}
    arn = machines.make(one(state, b={"Type": "Pass", "Result": "old", "End": True}))
    execution = machines.begin(arn)
    after = json.dumps(one({"Type": "Pass", "Result": "new", "End": True}))
    machines.api.update_state_machine(stateMachineArn=arn, definition=after)
    assert machines.api.describe_state_machine(stateMachineArn=arn)["revisionId"]
    assert json.loads(machines.ended(execution)["output"]) == "old"
    assert json.loads(machines.ended(machines.begin(arn))["output"]) == "new"
    was = machines.api.describe_state_machine_for_execution(executionArn=execution)
    assert "old" in was["definition"]


def test_names_of_executions(machines: Machines) -> None:
    arn = machines.make(WAIT)
    first = machines.begin(arn, {"a": 1}, name="one")
    assert machines.begin(arn, {"a": 1}, name="one") == first
    for given in {"a": 2}, {"a": 1}:
        if given == {"a": 1}:
            machines.api.stop_execution(executionArn=first)
        with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
            machines.begin(arn, given, name="one")
    assert machines.begin(machines.make(PASS), name="one") != first
    unnamed = {machines.begin(machines.make(PASS)) for _ in range(2)}
    assert len(unnamed) == 2
    with pytest.raises(ClientError, match="InvalidName"):
        machines.begin(arn, name="a b")
    with pytest.raises(ClientError, match="InvalidExecutionInput"):
        machines.api.start_execution(stateMachineArn=arn, input="{no")


def test_executions_are_listed_in_pages(machines: Machines) -> None:
    arn = machines.make(PASS)
    names = [f"n{i}" for i in range(7)]
    for name in names:
        machines.ended(machines.begin(arn, name=name))
    pages = machines.api.get_paginator("list_executions").paginate(
        stateMachineArn=arn, PaginationConfig={"PageSize": 3}
    )
    found = [[each["name"] for each in page["executions"]] for page in pages]
    assert found == [["n6", "n5", "n4"], ["n3", "n2", "n1"], ["n0"]]
    ended = machines.api.list_executions(stateMachineArn=arn, statusFilter="SUCCEEDED")
    assert len(ended["executions"]) == 7
    assert all("stopDate" in each for each in ended["executions"])
    failed = machines.api.list_executions(stateMachineArn=arn, statusFilter="FAILED")
    assert failed["executions"] == []


def test_history_while_it_runs_and_in_pages(machines: Machines) -> None:
    states: dict[str, Any] = {"a": {"Type": "Pass", "Result": {"x": 1}, "Next": "b"}}
    states["b"] = {"Type": "Wait", "Seconds": 600, "End": True}
    execution = machines.start({"StartAt": "a", "States": states}, {"given": 1})
    kinds = ["ExecutionStarted", "PassStateEntered", "PassStateExited", "WaitStateEntered"]
    wait_until(lambda: machines.kinds(execution) == kinds)
    pages = machines.api.get_paginator("get_execution_history").paginate(
        executionArn=execution, PaginationConfig={"PageSize": 3}
    )
    assert [[e["id"] for e in page["events"]] for page in pages] == [[1, 2, 3], [4]]
    backwards = machines.api.get_paginator("get_execution_history").paginate(
        executionArn=execution, reverseOrder=True, PaginationConfig={"PageSize": 3}
    )
    assert [[e["id"] for e in page["events"]] for page in backwards] == [[4, 3, 2], [1]]
    bare = machines.api.get_execution_history(executionArn=execution, includeExecutionData=False)[
        "events"
    ]
    assert bare[1]["stateEnteredEventDetails"] == {"name": "a"}
    full = machines.events(execution)
    assert json.loads(full[0]["executionStartedEventDetails"]["input"]) == {"given": 1}
    assert json.loads(full[3]["stateEnteredEventDetails"]["input"]) == {"x": 1}
    times = [event["timestamp"] for event in full]
    assert times == sorted(times)
    machines.api.stop_execution(executionArn=execution, error="E", cause="C")
    last = machines.events(execution)[-1]
    assert last["type"] == "ExecutionAborted"
    assert last["executionAbortedEventDetails"] == {"error": "E", "cause": "C"}


def test_a_failed_execution_says_why_in_its_last_event(machines: Machines) -> None:
    execution = machines.start(one({"Type": "Fail", "Error": "E", "Cause": "C"}))
    machines.ended(execution)
    assert machines.events(execution)[-1]["executionFailedEventDetails"] == {
        "error": "E",
        "cause": "C",
    }


def test_stopped_while_it_waits_for_a_retry(machines: Machines, deployed: Deployed) -> None:
    # moto slept through it.
    name = deployed.function("def handle(event, context): raise ValueError")
    retry = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 300}]
    execution = machines.start(one(call(name, Retry=retry)))
    wait_until(lambda: "TaskFailed" in machines.kinds(execution))
    began = time.monotonic()
    machines.api.stop_execution(executionArn=execution)
    assert machines.ended(execution)["status"] == "ABORTED"
    assert time.monotonic() - began < 2


def test_stopped_as_soon_as_it_is_started(machines: Machines) -> None:
    arn = machines.make(WAIT)
    for _ in range(20):
        execution = machines.begin(arn)
        machines.api.stop_execution(executionArn=execution)
        assert machines.ended(execution)["status"] == "ABORTED"
        assert machines.kinds(execution)[-1] == "ExecutionAborted"


def test_a_deleted_machine_runs_no_more(machines: Machines, deployed: Deployed) -> None:
    inner = machines.make(WAIT)
    execution = machines.begin(inner)
    machines.api.delete_state_machine(stateMachineArn=inner)
    with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
        machines.api.describe_execution(executionArn=execution)


def test_what_is_not_there_is_refused(machines: Machines) -> None:
    arn = machines.make(PASS)
    execution = machines.begin(arn)
    machines.ended(execution)
    with pytest.raises(ClientError, match="ExecutionDoesNotExist"):
        machines.api.describe_execution(executionArn=f"{execution}x")
    with pytest.raises(ClientError, match="RedriveExecution"):
        machines.api.redrive_execution(executionArn=execution)
    with pytest.raises(ClientError, match="activities"):
        machines.api.create_activity(name="a")


def test_many_executions_at_once(machines: Machines, deployed: Deployed) -> None:
    # moto's parser shared its state between threads.
    name = deployed.function("def handle(event, context): return event['i']")
    arns = [machines.make(one(call(name, OutputPath="$.Payload"))) for _ in range(3)]
    executions: list[tuple[int, str]] = []

    def begin(i: int) -> None:
        executions.append((i, machines.begin(arns[i % 3], {"i": i})))

    threads = [threading.Thread(target=begin, args=(i,)) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, execution in executions:
        assert json.loads(machines.ended(execution)["output"]) == i


def test_nothing_is_left_behind(tmp_path_factory: pytest.TempPathFactory) -> None:
    process, own = start(tmp_path_factory.mktemp("states"))
    try:
        machines = Machines(Deployed(own))
        machines.run(PASS)
        program = psutil.Process(own.pid)
        before = program.num_threads()
        for _ in range(5):
            machines.api.stop_execution(executionArn=machines.start(WAIT))
        inside = {"StartAt": "p", "States": {"p": {"Type": "Pass", "End": True}}}
        machines.output(one({"Type": "Map", "ItemProcessor": inside, "End": True}), [1] * 50)
        wait_until(lambda: program.num_threads() <= before + 2)
        machines.start(WAIT)
        began = time.monotonic()
    finally:
        stop(process)
    assert time.monotonic() - began < 10
    assert process.returncode == 0
