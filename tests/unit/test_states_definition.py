"""What a definition asks for and can't have here is refused before a machine is made."""

from __future__ import annotations

import json
from typing import Any

import pytest

from localcloud.engines.states.definition import Unfit, check

OK = {"Type": "Pass", "End": True}


def task(resource: str, **more: Any) -> dict[str, Any]:
    return {"Type": "Task", "Resource": f"arn:aws:states:::{resource}", "End": True, **more}


def over(processor: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    inside = {"StartAt": "p", "States": {"p": OK}}
    mode = {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}}
    return {"Type": "Map", "ItemProcessor": processor or {**inside, **mode}, "End": True, **more}


def one(state: dict[str, Any], **others: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "it", "States": {"it": state, **others}}


READER = {
    "Resource": "arn:aws:states:::s3:getObject",
    "Parameters": {"Bucket": "b", "Key": "k"},
}


@pytest.mark.parametrize(
    "state",
    [
        task("lambda:invoke", Parameters={"FunctionName": "f", "Payload.$": "$"}),
        task("athena:startQueryExecution.sync", Parameters={"QueryString.$": "$.sql"}),
        task("states:startExecution.sync:2", Parameters={"StateMachineArn": "a"}),
        task(
            "elasticmapreduce:createCluster.sync",
            Parameters={"BootstrapActions": [{"ScriptBootstrapAction": {"Path": "s3://b/k"}}]},
        ),
        task("aws-sdk:dynamodb:getItem", Parameters={"TableName": "t", "Key": {}}),
        task("lambda:invoke", TimeoutSecondsPath="$.t", Parameters={"FunctionName": "f"}),
        {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:1:function:f", "End": True},
        over(ItemReader=READER | {"ReaderConfig": {"InputType": "JSON", "MaxItems": 3}}),
        {"Type": "Fail", "CausePath": "States.JsonToString($.failed)"},
        {"Type": "Pass", "Parameters": {"a.$": "$$.Execution.Name"}, "End": True},
    ],
)
def test_what_is_honoured(state: dict[str, Any]) -> None:
    check(json.dumps(one(state)))


@pytest.mark.parametrize(
    ("state", "named"),
    [
        (OK | {"QueryLanguage": "JSONata"}, "QueryLanguage"),
        (OK | {"Assign": {"a": 1}}, "Assign"),
        (OK | {"Output": "{% 1 %}"}, "Output"),
        (OK | {"Parameters": {"a.$": "$variable"}}, r"\$variable"),
        (OK | {"Parameters": {"a.$": "$.a["}}, "JSONPath"),
        (OK | {"Fancy": 1}, "'Fancy' is not supported"),
        (OK | {"Next": "it"}, "one of Next and End"),
        ({"Type": "Pass", "Next": "nowhere"}, "MISSING_TRANSITION_TARGET: 'nowhere'"),
        ({"Type": "Dance", "End": True}, "Dance"),
        (
            task("elasticmapreduce:modifyInstanceGroupByName"),
            "elasticmapreduce:modifyInstanceGroupByName",
        ),
        (task("ecs:runTask.sync"), "ecs:runTask.sync"),
        (task("glue:startJobRun.sync"), "glue:startJobRun.sync"),
        (task("dynamodb:putItem"), "dynamodb:putItem"),
        (task("athena:getQueryResults.sync"), "getQueryResults.sync"),
        (task("athena:startQueryExecution.waitForTaskToken"), "waitForTaskToken"),
        (task("aws-sdk:nothere:doThing"), "nothere"),
        (task("aws-sdk:s3:doThing"), "doThing"),
        (task("lambda:invoke", Parameters={"InvocationType": "Event"}), "InvocationType"),
        (task("athena:startQueryExecution", Parameters={"Sql": "x"}), "'Sql'"),
        (task("lambda:invoke", Credentials={"RoleArn": "r"}), "Credentials"),
        (
            {"Type": "Task", "Resource": "arn:aws:states:us-east-1:1:activity:a", "End": True},
            "activity:a",
        ),
        (task("lambda:invoke", TimeoutSeconds=1, TimeoutSecondsPath="$.a"), "only one of"),
        (
            task("lambda:invoke", Retry=[{"ErrorEquals": ["States.ALL", "A"]}]),
            "States.ALL must stand alone",
        ),
        (
            task("lambda:invoke", Catch=[{"ErrorEquals": ["A"], "Next": "gone"}]),
            "MISSING_TRANSITION_TARGET: 'gone'",
        ),
        (over(ItemBatcher={"MaxItemsPerBatch": 2}), "ItemBatcher"),
        (over(ItemReader=READER | {"ReaderConfig": {"InputType": "CSV"}}), "InputType"),
        (over(ItemReader=READER), "InputType"),
        (over(ResultWriter={"WriterConfig": {}}), "WriterConfig"),
        (
            over(
                {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                    "StartAt": "p",
                    "States": {"p": OK},
                }
            ),
            "ExecutionType",
        ),
        (over({"StartAt": "p", "States": {"p": OK}}, ItemReader=READER), "DISTRIBUTED mode"),
        (over({"StartAt": "it", "States": {"it": OK}}), "DUPLICATE_STATE_NAME"),
        (over({"StartAt": "p", "States": {"p": OK}}, Label="x"), "Label"),
        ({"Type": "Map", "Iterator": {}, "End": True}, "Iterator"),
        (
            {
                "Type": "Parallel",
                "Branches": [one(task("ecs:runTask.sync")) | {"StartAt": "it"}],
                "End": True,
            },
            "DUPLICATE_STATE_NAME|ecs:runTask",
        ),
    ],
)
def test_what_is_refused_by_name(state: dict[str, Any], named: str) -> None:
    with pytest.raises(Unfit, match=named):
        check(json.dumps(one(state)))


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{no", "INVALID_JSON"),
        ("[]", "no JSON object"),
        ("{}", "at least one state"),
        (json.dumps({"StartAt": "b", "States": {"a": OK}}), "MISSING_TRANSITION_TARGET: 'b'"),
        (json.dumps({"StartAt": "a" * 81, "States": {"a" * 81: OK}}), "80 characters"),
        (" " * 1_048_577, "1048576 bytes"),
    ],
)
def test_a_document_that_is_no_machine(text: str, named: str) -> None:
    with pytest.raises(Unfit, match=named):
        check(text)
