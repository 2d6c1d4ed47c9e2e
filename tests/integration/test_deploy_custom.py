"""Custom resources: the function is really asked, and its answer decides."""

from __future__ import annotations

import json
import sys
import textwrap
from typing import Any

import pytest

RUNTIME = f"python{sys.version_info.major}.{sys.version_info.minor}"
#: Answers as told by its properties, and keeps every event in a bucket.
SOURCE = textwrap.dedent(
    """
    import json, os, time, urllib.request
    import boto3

    def handler(event, context):
        words = event["ResourceProperties"]
        boto3.client("s3").put_object(
            Bucket=os.environ["BUCKET"],
            Key=f"{time.time_ns()}",
            Body=json.dumps(event),
        )
        if words.get("Raise") and event["RequestType"] != "Delete":
            raise ValueError(words["Raise"])
        if words.get("Silent") and event["RequestType"] != "Delete":
            return
        failing = words.get("Fail") if event["RequestType"] != "Delete" else None
        answer = {
            "Status": "FAILED" if failing else "SUCCESS",
            "Reason": failing or "",
            "PhysicalResourceId": f"made-{words['Name']}",
            "StackId": event["StackId"],
            "RequestId": event["RequestId"],
            "LogicalResourceId": event["LogicalResourceId"],
            "Data": {"Loud": words["Name"].upper()},
        }
        request = urllib.request.Request(
            event["ResponseURL"], json.dumps(answer).encode(), {"Content-Type": ""}, method="PUT"
        )
        urllib.request.urlopen(request)
    """
)


def template(name: str, **words: Any) -> dict[str, Any]:
    trust = {
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "lambda.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ]
    }
    function = {
        "Runtime": RUNTIME,
        "Handler": "index.handler",
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": SOURCE},
        "Environment": {"Variables": {"BUCKET": f"{name}-log"}},
        "Timeout": 30,
        "MemorySize": 256,
    }
    token = {"ServiceToken": {"Fn::GetAtt": ["Function", "Arn"]}}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Thing": {"Type": "Custom::Thing", "Properties": {**token, **words}},
        },
        "Outputs": {
            "Ref": {"Value": {"Ref": "Thing"}},
            "Loud": {"Value": {"Fn::GetAtt": ["Thing", "Loud"]}},
        },
    }


@pytest.fixture
def log(cloud: Any, stacks: Any) -> Any:
    """Name of a stack, and what its function was asked."""
    name = stacks.new()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=f"{name}-log")

    def events() -> list[dict[str, Any]]:
        listed = s3.list_objects_v2(Bucket=f"{name}-log").get("Contents", [])
        bodies = [s3.get_object(Bucket=f"{name}-log", Key=o["Key"])["Body"].read() for o in listed]
        return [json.loads(body) for body in bodies]

    return name, events


def test_create_update_replace_delete(stacks: Any, log: Any) -> None:
    name, events = log
    got = stacks.deploy(name, template(name, Name="a", Number=5, Deep={"Yes": True, "L": [1]}))
    assert got == {"Ref": "made-a", "Loud": "A"}
    (asked,) = events()
    assert asked["RequestType"] == "Create"
    assert asked["ResourceType"] == "Custom::Thing"
    assert asked["LogicalResourceId"] == "Thing"
    words = asked["ResourceProperties"]
    assert words["Number"] == "5"
    assert words["Deep"] == {"Yes": "true", "L": ["1"]}

    stacks.deploy(name, template(name, Name="a", Number=6))
    asked = next(each for each in events() if each["RequestType"] == "Update")
    assert asked["PhysicalResourceId"] == "made-a"
    assert asked["OldResourceProperties"]["Number"] == "5"
    assert asked["ResourceProperties"]["Number"] == "6"

    assert stacks.deploy(name, template(name, Name="b"))["Ref"] == "made-b"
    deleted = [e["PhysicalResourceId"] for e in events() if e["RequestType"] == "Delete"]
    assert deleted == ["made-a"]  # a new id replaces: the old one is cleaned up
    assert stacks.delete(name) == "DELETE_COMPLETE"
    deleted = [e["PhysicalResourceId"] for e in events() if e["RequestType"] == "Delete"]
    assert sorted(deleted) == ["made-a", "made-b"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"Fail": "no room on the boat"}, "no room on the boat"),
        ({"Raise": "it broke"}, "it broke"),
        ({"Silent": "1", "ServiceTimeout": "2"}, "did not receive a response"),
    ],
)
def test_a_failure_fails_the_deploy_with_its_reason(
    stacks: Any, log: Any, words: Any, told: str
) -> None:
    name, _ = log
    with pytest.raises(stacks.Failed, match=r"^ROLLBACK_COMPLETE:"):
        stacks.deploy(name, template(name, Name="a", **words))
    failed = [
        r for who, status, r in stacks.events(name) if (who, status) == ("Thing", "CREATE_FAILED")
    ]
    assert len(failed) == 1
    assert told in failed[0]


def test_a_failed_update_is_told_to_go_back(stacks: Any, log: Any) -> None:
    name, events = log
    stacks.deploy(name, template(name, Name="a", Number=1))
    with pytest.raises(stacks.Failed, match=r"^UPDATE_ROLLBACK_COMPLETE:"):
        stacks.deploy(name, template(name, Name="a", Number=2, Fail="no"))
    updates = [e for e in events() if e["RequestType"] == "Update"]
    assert [e["ResourceProperties"]["Number"] for e in updates] == ["2", "1"]
    assert stacks.outputs(name)["Loud"] == "A"
