"""Tasks: what is called, what it gives, and how its failures are told."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.asked import Lake
from tests.integration.conftest import Running
from tests.integration.deployed import SAW, Deployed, unique, wait_until
from tests.integration.machines import Machines, call, one, task


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def machines(deployed: Deployed) -> Machines:
    return Machines(deployed)


@pytest.fixture(scope="module")
def db(cloud: Running) -> Lake:
    name = f"states{uuid.uuid4().hex[:8]}"
    cloud.client("s3").create_bucket(Bucket=name)
    cloud.client("glue").create_database(DatabaseInput={"Name": name})
    clients = (cloud.client(service) for service in ("athena", "s3", "glue"))
    return Lake(cloud, name, name, *clients)


def query(db: Lake, sql: str, pattern: str = ".sync", **more: Any) -> dict[str, Any]:
    given = {
        "QueryString": sql,
        "QueryExecutionContext": {"Database": db.database},
        "ResultConfiguration": {"OutputLocation": f"s3://{db.bucket}/athena/"},
    }
    return task(f"athena:startQueryExecution{pattern}", given, **more)


def test_a_function_answers(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return {'got': event}")
    execution = machines.start(one(call(name, {"a.$": "$.a", "n": None})), {"a": [1]})
    got = json.loads(machines.ended(execution)["output"])
    assert got["Payload"] == {"got": {"a": [1], "n": None}}
    assert (got["StatusCode"], got["ExecutedVersion"]) == (200, "$LATEST")
    events = machines.events(execution)
    assert [event["type"] for event in events] == [
        "ExecutionStarted",
        "TaskStateEntered",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]
    assert [event["previousEventId"] for event in events] == [0, 0, 2, 3, 4, 5, 6]
    scheduled = events[2]["taskScheduledEventDetails"]
    assert (scheduled["resourceType"], scheduled["resource"]) == ("lambda", "invoke")
    assert json.loads(scheduled["parameters"])["FunctionName"] == name
    assert events[5]["stateExitedEventDetails"]["name"] == "it"


def test_a_function_by_its_arn(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return event['a'] + 1")
    arn = deployed.lambdas.get_function_configuration(FunctionName=name)["FunctionArn"]
    state = {"Type": "Task", "Resource": arn, "End": True}
    execution = machines.start(one(state), {"a": 1})
    assert json.loads(machines.ended(execution)["output"]) == 2
    assert "LambdaFunctionSucceeded" in machines.kinds(execution)
    got = machines.run(one(state), {"b": 1})
    assert got["error"] == "KeyError"


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("def handle(e, c): raise ValueError('no such thing')", "ValueError"),
        ("import time\ndef handle(e, c): time.sleep(9)", "Sandbox.Timedout"),
        ("import os\ndef handle(e, c): os._exit(3)", "Runtime.ExitError"),
        ("import os\ndef handle(e, c): os.kill(os.getpid(), 9)", "Runtime.ExitError"),
    ],
)
def test_errors_have_the_names_that_lambda_gives_them(
    machines: Machines, deployed: Deployed, source: str, error: str
) -> None:
    execution = machines.start(one(call(deployed.function(source, Timeout=1))))
    got = machines.ended(execution)
    assert (got["status"], got["error"]) == ("FAILED", error)
    assert json.loads(got["cause"])["errorType"] == error
    (event,) = [e for e in machines.events(execution) if e["type"] == "TaskFailed"]
    told = event["taskFailedEventDetails"]
    assert (told["error"], told["resource"], told["resourceType"]) == (error, "invoke", "lambda")


def test_errors_of_lambda_itself(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("def handle(event, context): return 1")
    deployed.lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    got = machines.run(one(call(name)))
    assert got["error"] == "Lambda.TooManyRequestsException"
    assert got["cause"].startswith(
        "Rate Exceeded. (Service: AWSLambda; Status Code: 429; "
        "Error Code: TooManyRequestsException; Request ID: "
    )
    got = machines.run(one(call("not-there")))
    assert got["error"] == "Lambda.ResourceNotFoundException"
    assert "Function not found" in got["cause"]


def test_a_query_is_waited_for(machines: Machines, db: Lake) -> None:
    execution = machines.start(one(query(db, "SELECT 1 AS one")))
    told = json.loads(machines.ended(execution)["output"])["QueryExecution"]
    assert told["Status"]["State"] == "SUCCEEDED"
    assert isinstance(told["Status"]["CompletionDateTime"], int)
    assert told["Statistics"]["DataScannedInBytes"] == 0
    assert db.rows(told["QueryExecutionId"]) == [["one"], ["1"]]
    kinds = machines.kinds(execution)
    assert kinds[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_query_that_fails(machines: Machines, db: Lake) -> None:
    execution = machines.start(one(query(db, "SELECT nothing FROM nowhere")))
    got = machines.ended(execution)
    assert got["error"] == "States.TaskFailed"
    told = json.loads(got["cause"])["QueryExecution"]
    assert told["Status"]["State"] == "FAILED"
    assert "nowhere" in told["Status"]["StateChangeReason"]
    caught = query(
        db,
        "SELECT 1/0",
        Catch=[{"ErrorEquals": ["States.TaskFailed"], "ResultPath": "$.e", "Next": "c"}],
    )
    end = {"Type": "Pass", "OutputPath": "$.e.Error", "End": True}
    assert machines.output(one(caught, c=end)) == "States.TaskFailed"


def test_a_query_that_athena_refuses(machines: Machines, db: Lake) -> None:
    state = task("athena:startQueryExecution.sync", {"QueryString": "SELECT 1", "WorkGroup": "no"})
    got = machines.run(one(state))
    assert got["error"] == "Athena.InvalidRequestException"
    assert got["cause"].startswith("WorkGroup no is not found. (Service: AmazonAthena; Status")


def test_a_query_that_is_only_begun(machines: Machines, db: Lake) -> None:
    rows = task(
        "athena:getQueryResults",
        {"QueryExecutionId.$": "$.QueryExecutionId"},
        Retry=[{"ErrorEquals": ["Athena.InvalidRequestException"], "IntervalSeconds": 1}],
    )
    state = query(db, "SELECT 7 AS x", "", Next="rows")
    got = machines.output(one(state, rows=rows))
    assert got["ResultSet"]["Rows"][1] == {"Data": [{"VarCharValue": "7"}]}


LONG = (
    "SELECT count(*) FROM UNNEST(sequence(1, 9999)) a(x) "
    "CROSS JOIN UNNEST(sequence(1, 9999)) b(y) CROSS JOIN UNNEST(sequence(1, 9999)) c(z) "
    "WHERE x * y > z * 2 + 1"
)


@pytest.mark.parametrize("how", ["stopped", "over its time"])
def test_a_query_that_nobody_waits_for_is_stopped(machines: Machines, db: Lake, how: str) -> None:
    limit: dict[str, Any] = {"TimeoutSeconds": 2} if how == "over its time" else {}
    execution = machines.start(one(query(db, LONG, **limit)))

    def submitted() -> list[str]:
        return [
            json.loads(event["taskSubmittedEventDetails"]["output"])["QueryExecutionId"]
            for event in machines.events(execution)
            if event["type"] == "TaskSubmitted"
        ]

    (id_,) = wait_until(submitted)
    told = db.athena.get_query_execution(QueryExecutionId=id_)["QueryExecution"]
    assert told["Status"]["State"] in ("QUEUED", "RUNNING")
    if how == "stopped":
        began = time.monotonic()
        machines.api.stop_execution(executionArn=execution, error="Mine", cause="enough")
        assert time.monotonic() - began < 3
        got = machines.api.describe_execution(executionArn=execution)
        assert (got["status"], got["error"], got["cause"]) == ("ABORTED", "Mine", "enough")
    else:
        assert machines.ended(execution)["error"] == "States.Timeout"
    assert db.wait(id_)["Status"]["State"] == "CANCELLED"


def test_calls_of_the_sdk(machines: Machines, deployed: Deployed) -> None:
    put = task(
        "aws-sdk:s3:putObject",
        {"Bucket": deployed.bucket, "Key": "sdk/a.json", "Body.$": "$"},
        ResultPath=None,
        Next="list",
    )
    listed = task("aws-sdk:s3:listObjectsV2", {"Bucket": deployed.bucket, "Prefix": "sdk/"})
    got = machines.output(one(put, list=listed), {"a": 1})
    assert deployed.read(deployed.bucket, "sdk/a.json") == {"a": 1}
    (found,) = got["Contents"]
    assert (found["Key"], found["Size"]) == ("sdk/a.json", 7)
    assert found["LastModified"].endswith("Z")
    got = machines.run(one(task("aws-sdk:s3:getObject", {"Bucket": deployed.bucket, "Key": "no"})))
    assert got["error"] == "S3.NoSuchKeyException"
    got = machines.run(one(task("aws-sdk:sfn:describeExecution", {"ExecutionArn": "no"})))
    assert got["error"].startswith("Sfn.InvalidArn")


def test_a_message(machines: Machines, deployed: Deployed) -> None:
    url, _ = deployed.queue()
    state = task("sqs:sendMessage", {"QueueUrl": url, "MessageBody": {"n.$": "$.n"}})
    got = machines.output(one(state), {"n": 3})
    assert deployed.messages(url) == [{"n": 3}]
    assert {"MessageId", "MD5OfMessageBody"} <= got.keys()


def test_a_token_is_waited_for(machines: Machines, deployed: Deployed) -> None:
    url, _ = deployed.queue()
    given = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    arn = machines.make(one(task("sqs:sendMessage.waitForTaskToken", given)))

    def token() -> str:
        return str(wait_until(lambda: deployed.messages(url))[0]["token"])

    execution = machines.begin(arn)
    machines.api.send_task_success(taskToken=token(), output='{"x": 1}')
    assert json.loads(machines.ended(execution)["output"]) == {"x": 1}
    execution = machines.begin(arn)
    # moto lost the cause.
    machines.api.send_task_failure(taskToken=token(), error="Mine", cause="because")
    got = machines.ended(execution)
    assert (got["error"], got["cause"]) == ("Mine", "because")
    execution = machines.begin(arn)
    token()
    machines.api.stop_execution(executionArn=execution)
    assert machines.ended(execution)["status"] == "ABORTED"


def test_a_heartbeat_is_missed(machines: Machines, deployed: Deployed) -> None:
    url, _ = deployed.queue()
    given = {"QueueUrl": url, "MessageBody": {"token.$": "$$.Task.Token"}}
    state = task("sqs:sendMessage.waitForTaskToken", given, HeartbeatSeconds=1)
    assert machines.run(one(state))["error"] == "States.Timeout"
    caught = state | {"Catch": [{"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "c"}]}
    assert machines.run(one(caught, c={"Type": "Succeed"}))["status"] == "SUCCEEDED"
    deployed.messages(url)
    execution = machines.start(one(state))
    token = str(wait_until(lambda: deployed.messages(url))[0]["token"])
    for _ in range(4):
        time.sleep(0.5)
        machines.api.send_task_heartbeat(taskToken=token)
    machines.api.send_task_success(taskToken=token, output="2")
    assert machines.ended(execution)["status"] == "SUCCEEDED"


def test_a_machine_starts_another(machines: Machines) -> None:
    inner = machines.make(one({"Type": "Pass", "End": True}))
    given = {"StateMachineArn": inner, "Input": {"a.$": "$.a"}}
    state = task("states:startExecution.sync:2", given)
    got = machines.output(one(state), {"a": [1]})
    assert (got["Status"], got["Output"], got["StateMachineArn"]) == (
        "SUCCEEDED",
        {"a": [1]},
        inner,
    )
    text = machines.output(one(task("states:startExecution.sync", given)), {"a": 1})["Output"]
    assert json.loads(text) == {"a": 1}
    begun = machines.output(one(task("states:startExecution", given)), {"a": 1})
    assert begun["ExecutionArn"].startswith(inner.replace("stateMachine", "execution"))
    failing = machines.make(one({"Type": "Fail", "Error": "E", "Cause": "c"}))
    got = machines.run(one(task("states:startExecution.sync:2", {"StateMachineArn": failing})))
    assert got["error"] == "States.TaskFailed"
    assert json.loads(got["cause"])["Error"] == "E"


def test_what_a_machine_started_ends_with_it(machines: Machines) -> None:
    inner = machines.make(one({"Type": "Wait", "Seconds": 60, "End": True}))
    name = unique("inner")
    given = {"StateMachineArn": inner, "Name": name}
    execution = machines.start(one(task("states:startExecution.sync:2", given)))
    started = f"{inner.replace('stateMachine', 'execution')}:{name}"
    wait_until(lambda: "TaskSubmitted" in machines.kinds(execution))
    machines.api.stop_execution(executionArn=execution)
    assert machines.ended(started)["status"] == "ABORTED"


def test_calls_wait_until_the_function_has_room(machines: Machines, deployed: Deployed) -> None:
    # The time of a call runs from its start, not while it waits for a process.
    name = deployed.function(
        f"{SAW}\ndef handle(event, context): saw(event['i']); time.sleep(1)", Timeout=10
    )
    inside = {"StartAt": "w", "States": {"w": call(name, {"i.$": "$"}, TimeoutSeconds=8)}}
    state = {"Type": "Map", "ItemProcessor": inside, "End": True}
    execution = machines.start(one(state), list(range(15)))
    wait_until(lambda: len(deployed.seen(name)) >= 2)
    machines.api.stop_execution(executionArn=execution)
    assert machines.kinds(execution)[-1] == "ExecutionAborted"
    time.sleep(1.5)
    assert len(deployed.seen(name)) <= 10  # those that waited were never begun
