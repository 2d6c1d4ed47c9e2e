"""A distributed Map over functions: its items, its children, its counts, its files."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.conftest import Running
from tests.integration.deployed import Deployed, unique, wait_until
from tests.integration.machines import Machines, call, one

NO_OP = "def handle(event, context): return event"
SOME_FAIL = (
    "def handle(event, context):\n"
    "    if event['i'] % event.get('every', 10) == 3: raise ValueError(f\"item {event['i']}\")\n"
    "    return event['i']"
)


@pytest.fixture(scope="module")
def deployed(cloud: Running) -> Iterator[Deployed]:
    made = Deployed(cloud)
    yield made
    made.clean()


@pytest.fixture(scope="module")
def machines(deployed: Deployed) -> Machines:
    return Machines(deployed)


def over(work: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A machine of one distributed Map, whose children do `work`."""
    state = {
        "Type": "Map",
        "ItemProcessor": {
            "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
            "StartAt": "work",
            "States": {"work": work},
        },
        "MaxConcurrency": 8,
        "End": True,
        **fields,
    }
    return one(state)


def reader(deployed: Deployed, items: Any, **config: Any) -> dict[str, Any]:
    """An ItemReader over items that are put into S3."""
    key = f"{unique('items')}.json"
    deployed.s3.put_object(Bucket=deployed.bucket, Key=key, Body=json.dumps(items))
    return {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON", **config},
        "Parameters": {"Bucket": deployed.bucket, "Key.$": f"States.Format('{{}}', '{key}')"},
    }


def writer(deployed: Deployed, prefix: str) -> dict[str, Any]:
    parameters = {"Bucket": deployed.bucket, "Prefix": prefix}
    return {"Resource": "arn:aws:states:::s3:putObject", "Parameters": parameters}


def run_of(machines: Machines, execution: str) -> dict[str, Any]:
    """The one map run of an execution."""
    (listed,) = machines.api.list_map_runs(executionArn=execution)["mapRuns"]
    return dict(machines.api.describe_map_run(mapRunArn=listed["mapRunArn"]))


def counts(**more: int) -> dict[str, int]:
    names = ("pending", "running", "succeeded", "failed", "timedOut", "aborted", "total")
    return dict.fromkeys((*names, "resultsWritten"), 0) | more


def counted(run: dict[str, Any], which: str = "itemCounts") -> dict[str, int]:
    return {k: v for k, v in run[which].items() if k in counts()}


def test_a_thousand_children(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function(NO_OP)
    deployed.invoke(name)
    work = call(name, ResultSelector={"i.$": "$.Payload.first"}, OutputPath="$.i")
    items = [{"first": i, "last": i} for i in range(1000)]
    arn = machines.make(over(work, ItemReader=reader(deployed, items)))
    began = time.monotonic()
    execution = machines.begin(arn)
    got = machines.ended(execution)
    assert time.monotonic() - began < 15
    assert json.loads(got["output"]) == list(range(1000))
    run = run_of(machines, execution)
    assert run["status"] == "SUCCEEDED"
    assert counted(run) == counted(run, "executionCounts") == counts(total=1000, succeeded=1000)
    kinds = machines.kinds(execution)
    assert kinds == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        "MapRunStarted",
        "MapRunSucceeded",
        "MapStateSucceeded",
        "MapStateExited",
        "ExecutionSucceeded",
    ]


def test_more_items_than_a_stack_is_deep(machines: Machines, deployed: Deployed) -> None:
    # moto's worker called itself once an item.
    work = {"Type": "Pass", "End": True}
    fields = {"ItemReader": reader(deployed, list(range(3000))), "MaxConcurrency": 1}
    assert machines.output(over(work, **fields)) == list(range(3000))


def test_selector_and_context(machines: Machines, deployed: Deployed) -> None:
    work = {
        "Type": "Pass",
        "Parameters": {
            "given.$": "$",
            "id.$": "$$.Execution.Id",
            "input.$": "$$.Execution.Input",
            "machine.$": "$$.StateMachine.Id",
        },
        "End": True,
    }
    selector = {
        "run.$": "$.run",
        "first.$": "$$.Map.Item.Value.first",
        "index.$": "$$.Map.Item.Index",
    }
    definition = over(
        work,
        ItemReader=reader(deployed, [{"first": 5}, {"first": 6}]),
        ItemSelector=selector,
        Label="words",
        MaxConcurrencyPath="$.most",
    )
    del definition["States"]["it"]["MaxConcurrency"]
    arn = machines.make(definition)
    execution = machines.begin(arn, {"run": "r", "most": 2})
    got = json.loads(machines.ended(execution)["output"])
    assert [each["given"] for each in got] == [
        {"run": "r", "first": 5, "index": 0},
        {"run": "r", "first": 6, "index": 1},
    ]
    assert got[0]["input"] == got[0]["given"]
    assert got[0]["machine"] == f"{arn}/words"
    assert got[0]["id"].startswith(arn.replace("stateMachine", "execution") + "/words:")
    child = machines.api.describe_execution(executionArn=got[0]["id"])
    assert child["status"] == "SUCCEEDED"
    assert json.loads(child["input"]) == got[0]["given"]
    run = run_of(machines, execution)
    assert child["mapRunArn"] == run["mapRunArn"]
    assert run["maxConcurrency"] == 2
    assert ":mapRun:" in run["mapRunArn"]
    assert "/words:" in run["mapRunArn"]
    assert machines.kinds(got[0]["id"]) == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]


def test_the_item_is_not_known_to_the_states(machines: Machines, deployed: Deployed) -> None:
    # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
    work = {"Type": "Pass", "Parameters": {"i.$": "$$.Map.Item.Index"}, "End": True}
    got = machines.run(over(work), [1])
    assert got["error"] == "States.ExceedToleratedFailureThreshold"


def test_failures_within_what_is_tolerated(machines: Machines, deployed: Deployed) -> None:
    name, prefix = deployed.function(SOME_FAIL), unique("results")
    definition = over(
        call(name, OutputPath="$.Payload"),
        ToleratedFailureCountPath="$.most",
        ItemReader=reader(deployed, [{"i": i} for i in range(40)]),
        ResultWriter=writer(deployed, prefix + "/"),
        Label="some",
    )
    execution = machines.start(definition, {"most": 40})
    got = json.loads(machines.ended(execution)["output"])
    run = run_of(machines, execution)
    tally = counts(total=40, succeeded=36, failed=4, resultsWritten=40)
    assert counted(run) == counted(run, "executionCounts") == tally
    assert run["toleratedFailureCount"] == 40
    assert run["status"] == "SUCCEEDED"
    folder = f"{prefix}/{run['mapRunArn'].rsplit(':', 1)[1]}"
    where = {"Bucket": deployed.bucket, "Key": f"{folder}/manifest.json"}
    assert got == {"MapRunArn": run["mapRunArn"], "ResultWriterDetails": where}
    manifest = deployed.read(deployed.bucket, where["Key"])
    assert manifest["DestinationBucket"] == deployed.bucket
    assert manifest["MapRunArn"] == run["mapRunArn"]
    files = manifest["ResultFiles"]
    assert files["PENDING"] == []
    assert [f["Key"] for f in files["SUCCEEDED"]] == [f"{folder}/SUCCEEDED_0.json"]
    failed = deployed.read(deployed.bucket, files["FAILED"][0]["Key"])
    assert len(failed) == 4
    assert failed[0]["Error"] == "ValueError"
    assert json.loads(failed[0]["Cause"])["errorMessage"] == "item 3"
    assert json.loads(failed[0]["Input"]) == {"i": 3}
    assert failed[0]["Status"] == "FAILED"
    done = deployed.read(deployed.bucket, files["SUCCEEDED"][0]["Key"])
    assert len(done) == 36
    assert (done[0]["Output"], done[0]["OutputDetails"]) == ("0", {"Included": True})
    size = deployed.s3.head_object(Bucket=deployed.bucket, Key=files["FAILED"][0]["Key"])
    assert size["ContentLength"] == files["FAILED"][0]["Size"]
    listed = machines.api.list_executions(mapRunArn=run["mapRunArn"], statusFilter="FAILED")
    assert len(listed["executions"]) == 4
    child = machines.api.describe_execution(executionArn=listed["executions"][0]["executionArn"])
    assert (child["status"], child["error"]) == ("FAILED", "ValueError")


def test_more_failures_than_are_tolerated(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function(SOME_FAIL)
    definition = over(
        call(name),
        ToleratedFailurePercentage=5,
        ItemReader=reader(deployed, [{"i": i, "every": 4} for i in range(100)]),
        ResultWriter=writer(deployed, "beyond"),
    )
    execution = machines.start(definition)
    got = machines.ended(execution)
    assert got["error"] == "States.ExceedToleratedFailureThreshold"
    assert got["cause"] == "The specified tolerated failure threshold was exceeded"
    run = run_of(machines, execution)
    assert run["status"] == "FAILED"
    tally = counted(run)
    assert tally["failed"] > 5
    assert tally["aborted"] > 0
    assert tally["running"] == tally["pending"] == 0
    names = ("succeeded", "failed", "aborted")
    assert sum(tally[name] for name in names) == tally["total"] == 100
    kinds = machines.kinds(execution)
    assert kinds[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]
    # One that fails is too many where nothing is said; a Catch may go on.
    caught = over(
        call(name),
        Catch=[{"ErrorEquals": ["States.ALL"], "ResultPath": "$.e", "Next": "c"}],
        ItemsPath="$.items",
    )
    caught["States"]["c"] = {"Type": "Pass", "OutputPath": "$.e.Error", "End": True}
    assert machines.output(caught, {"items": [{"i": 3}]}) == got["error"]


def test_a_failed_child_among_the_outputs(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function(SOME_FAIL)
    definition = over(call(name, OutputPath="$.Payload"), ToleratedFailurePercentage=100)
    one_, failed, three = machines.output(definition, [{"i": 1}, {"i": 3}, {"i": 5}])
    assert (one_, three) == (1, 5)
    assert (failed["Status"], failed["Error"]) == ("FAILED", "ValueError")


def test_counts_while_it_runs(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function(
        "import time\ndef handle(event, context):\n"
        "    time.sleep(0.3)\n"
        "    if event == 1: raise ValueError"
    )
    definition = over(call(name), MaxConcurrency=2, ToleratedFailureCount=5)
    execution = machines.start(definition, list(range(8)))

    def seen() -> dict[str, int] | None:
        tally = counted(run_of(machines, execution))
        return tally if tally["failed"] and tally["running"] == 2 else None

    wait_until(lambda: machines.api.list_map_runs(executionArn=execution)["mapRuns"])
    tally = wait_until(seen)
    assert tally["pending"] > 0
    assert sum(tally[k] for k in ("pending", "running", "succeeded", "failed")) == 8
    assert run_of(machines, execution)["status"] == "RUNNING"
    machines.ended(execution)
    assert counted(run_of(machines, execution)) == counts(total=8, succeeded=7, failed=1)


def test_children_are_retried_by_themselves(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function(
        "def handle(event, context):\n"
        "    if event['try'] == 0 and event['i'] == 1: raise ValueError\n"
        "    return [event['i'], event['try']]"
    )
    retry = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 1, "MaxAttempts": 1}]
    given = {"i.$": "$", "try.$": "$$.State.RetryCount"}
    definition = over(call(name, given, Retry=retry, OutputPath="$.Payload"))
    assert machines.output(definition, [0, 1, 2]) == [[0, 0], [1, 1], [2, 0]]


def test_items_are_what_s3_lists(machines: Machines, deployed: Deployed) -> None:
    prefix = unique("listed") + "/"
    for i in range(3):
        deployed.s3.put_object(Bucket=deployed.bucket, Key=f"{prefix}{i}.txt", Body=b"x" * i)
    listing = {
        "Resource": "arn:aws:states:::s3:listObjectsV2",
        "Parameters": {"Bucket": deployed.bucket, "Prefix.$": "$.prefix", "MaxKeys": 2},
    }
    got = machines.output(
        over({"Type": "Pass", "End": True}, ItemReader=listing), {"prefix": prefix}
    )
    assert [(each["Key"], each["Size"]) for each in got] == [
        (f"{prefix}{i}.txt", i) for i in range(3)
    ]
    assert isinstance(got[0]["LastModified"], int)
    assert (
        machines.output(over({"Type": "Pass", "End": True}, ItemReader=listing), {"prefix": "none"})
        == []
    )


def test_what_can_not_be_read(machines: Machines, deployed: Deployed) -> None:
    work = {"Type": "Pass", "End": True}
    execution = machines.start(over(work, ItemReader=reader(deployed, {"a": 1})))
    got = machines.ended(execution)
    assert got["error"] == "States.ItemReaderFailed"
    assert run_of(machines, execution)["status"] == "FAILED"
    gone = reader(deployed, []) | {"Parameters": {"Bucket": deployed.bucket, "Key": "gone"}}
    assert machines.run(over(work, ItemReader=gone))["error"] == "States.ItemReaderFailed"
    assert machines.output(over(work, ItemReader=reader(deployed, [1, 2, 3], MaxItems=2))) == [1, 2]
    bad = writer(deployed, "x")
    bad["Parameters"]["Bucket"] = "no-such-bucket-here"
    got = machines.run(over(work, ResultWriter=bad), [1])
    assert got["error"] == "States.ResultWriterFailed"


def test_a_map_run_that_is_stopped(machines: Machines, deployed: Deployed) -> None:
    name = deployed.function("import time\ndef handle(event, context): time.sleep(1)")
    execution = machines.start(over(call(name), MaxConcurrency=2), list(range(50)))
    wait_until(lambda: machines.api.list_map_runs(executionArn=execution)["mapRuns"])
    wait_until(lambda: run_of(machines, execution)["itemCounts"]["running"] == 2)
    began = time.monotonic()
    machines.api.stop_execution(executionArn=execution)
    assert time.monotonic() - began < 2
    assert machines.api.describe_execution(executionArn=execution)["status"] == "ABORTED"
    run = run_of(machines, execution)
    assert run["status"] == "ABORTED"
    tally = counted(run)
    assert tally["running"] == tally["pending"] == 0
    assert tally["aborted"] >= 48
    assert machines.kinds(execution)[-2:] == ["MapRunAborted", "ExecutionAborted"]


def test_a_map_run_that_is_not_there(machines: Machines) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:mapRun:a/b:c"
    with pytest.raises(ClientError, match="ResourceNotFound"):
        machines.api.describe_map_run(mapRunArn=arn)
    with pytest.raises(ClientError, match="ResourceNotFound"):
        machines.api.list_executions(mapRunArn=arn)
