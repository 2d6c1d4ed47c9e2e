"""What can't be honoured is refused by its name, before or while it is made, and never lost."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

REMEDY = "Remove it, or deploy to AWS."


def bucket(**properties: Any) -> dict[str, Any]:
    return {"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": properties}}}


@pytest.mark.parametrize(
    ("template", "named"),
    [
        (
            bucket(AccelerateConfiguration={"AccelerationStatus": "Enabled"}),
            "AWS::S3::Bucket AccelerateConfiguration",
        ),
        ({"Resources": {"D": {"Type": "AWS::DynamoDB::Table"}}}, "AWS::DynamoDB::Table"),
        ({"Transform": "AWS::Serverless-2016-10-31", **bucket()}, "The template section Transform"),
        (
            {"Resources": {"B": {"Type": "AWS::S3::Bucket", "CreationPolicy": {}}}},
            "AWS::S3::Bucket B's attribute CreationPolicy",
        ),
        (bucket(BucketName={"Fn::Cidr": ["10.0.0.0/16", 1, 1]}), "The function Fn::Cidr"),
        (
            {"Resources": {"B": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Snapshot"}}},
            "DeletionPolicy Snapshot",
        ),
        (bucket(BucketName="{{resolve:secretsmanager:x}}"), "resolve:secretsmanager"),
    ],
)
def test_refused_before_anything_is_made(stacks: Any, template: Any, named: str) -> None:
    name = stacks.new()
    with pytest.raises(ClientError) as refused:
        stacks.change_set(name, template)
    error = refused.value.response
    assert named in error["Error"]["Message"]
    assert error["Error"]["Message"].endswith(f"can't be honoured by the local cloud. {REMEDY}")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert not any(s["StackName"] == name for s in stacks.api.describe_stacks()["Stacks"])


def test_a_property_that_is_not_kept_fails_by_its_path(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    rule = {"Id": "r", "Status": "Enabled", "ExpirationInDays": 3, "ObjectSizeGreaterThan": "99"}
    with pytest.raises(stacks.Failed, match=r"^ROLLBACK_COMPLETE:"):
        stacks.deploy(name, bucket(BucketName=name, LifecycleConfiguration={"Rules": [rule]}))
    reasons = [reason for _, status, reason in stacks.events(name) if status == "CREATE_FAILED"]
    assert len(reasons) == 1
    assert "ObjectSizeGreaterThan" in reasons[0] or "LifecycleConfiguration" in reasons[0]
    names = [b["Name"] for b in cloud.client("s3").list_buckets()["Buckets"]]
    assert name not in names


def test_what_a_condition_leaves_out_is_not_refused(stacks: Any) -> None:
    template = bucket(
        AccelerateConfiguration={"Fn::If": ["Never", {"x": "y"}, {"Ref": "AWS::NoValue"}]}
    )
    template["Conditions"] = {"Never": {"Fn::Equals": ["a", "b"]}}
    stacks.deploy(stacks.new(), template)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({"Outputs": {}}, "At least one Resources member must be defined"),
        (
            {"Resources": {"B": {"Type": "AWS::S3::Bucket", "DependsOn": "Nobody"}}},
            "Unresolved resource dependencies",
        ),
        (bucket(BucketName={"Ref": "Nobody"}), "Unresolved resource dependencies"),
        (
            {
                "Resources": {
                    "A": {"Type": "AWS::S3::Bucket", "DependsOn": "B"},
                    "B": {"Type": "AWS::S3::Bucket", "DependsOn": "A"},
                }
            },
            "Circular dependency",
        ),
    ],
)
def test_wrong_templates(stacks: Any, template: Any, told: str) -> None:
    with pytest.raises(ClientError, match=told):
        stacks.change_set(stacks.new(), template)


def test_stacks_that_are_not_there(stacks: Any) -> None:
    with pytest.raises(ClientError, match="Stack with id nothing does not exist"):
        stacks.api.describe_stacks(StackName="nothing")
    with pytest.raises(stacks.api.exceptions.ChangeSetNotFoundException):
        stacks.api.describe_change_set(ChangeSetName="nothing")
    stacks.api.delete_stack(StackName="nothing")


def test_an_action_that_nobody_built_is_not_retried(stacks: Any) -> None:
    with pytest.raises(ClientError) as refused:
        stacks.api.detect_stack_drift(StackName="x")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
