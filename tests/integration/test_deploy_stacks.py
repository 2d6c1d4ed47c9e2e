"""A stack comes to be, changes, rolls back and goes, as on AWS."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

QUEUE = "AWS::SQS::Queue"


def queue(name: str, **more: Any) -> dict[str, Any]:
    return {"Type": QUEUE, "Properties": {"QueueName": name, **more}}


def exists(cloud: Any, name: str) -> bool:
    return any(
        url.endswith(f"/{name}") for url in cloud.client("sqs").list_queues().get("QueueUrls", [])
    )


def attributes(cloud: Any, name: str) -> dict[str, str]:
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    return dict(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"])


def broken(**more: Any) -> dict[str, Any]:
    """A mapping of a queue that is not there: Lambda refuses it."""
    arn = "arn:aws:lambda:us-east-1:123456789012:function:nobody"
    source = "arn:aws:sqs:us-east-1:123456789012:nothing"
    words = {"FunctionName": arn, "EventSourceArn": source}
    return {"Type": "AWS::Lambda::EventSourceMapping", "Properties": words, **more}


def test_create_no_change_update_delete(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    template = {
        "Resources": {"Q": queue(name, VisibilityTimeout=60)},
        "Outputs": {"Url": {"Value": {"Ref": "Q"}}, "Arn": {"Value": {"Fn::GetAtt": "Q.Arn"}}},
    }
    outputs = stacks.deploy(name, template)
    assert outputs["Url"].endswith(f"/{name}")
    assert outputs["Arn"] == f"arn:aws:sqs:us-east-1:123456789012:{name}"
    assert attributes(cloud, name)["VisibilityTimeout"] == "60"

    unchanged = stacks.change_set(name, template)
    assert unchanged["Status"] == "FAILED"
    assert "didn't contain changes" in unchanged["StatusReason"]
    stacks.api.delete_change_set(StackName=name, ChangeSetName="c")
    stacks.api.delete_change_set(StackName=name, ChangeSetName="c")  # gone: no error, as on AWS

    template["Resources"]["Q"] = queue(name, VisibilityTimeout=90)
    told = stacks.change_set(name, template)["Changes"][0]["ResourceChange"]
    assert (told["Action"], told["LogicalResourceId"], told["Replacement"]) == (
        "Modify",
        "Q",
        "False",
    )
    stacks.api.execute_change_set(StackName=name, ChangeSetName="c")
    assert stacks.settled(name) == "UPDATE_COMPLETE"
    assert attributes(cloud, name)["VisibilityTimeout"] == "90"

    template["Resources"]["Q"] = queue(name)
    stacks.deploy(name, template)
    assert attributes(cloud, name)["VisibilityTimeout"] == "30"  # SQS's own, once nobody sets it

    assert stacks.delete(name) == "DELETE_COMPLETE"
    assert not exists(cloud, name)


def test_a_new_name_replaces_and_deletes_the_old(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    policy = {
        "Type": "AWS::SQS::QueuePolicy",
        "Properties": {
            "Queues": [{"Ref": "Q"}],
            "PolicyDocument": {
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:*"}]
            },
        },
    }
    stacks.deploy(name, {"Resources": {"Q": queue(f"{name}-a"), "P": policy}})
    renamed = {"Resources": {"Q": queue(f"{name}-b"), "P": policy}}
    told = stacks.change_set(name, renamed)["Changes"]
    assert [c["ResourceChange"]["Replacement"] for c in told] == ["True", "False"]
    assert told[0]["ResourceChange"]["PolicyAction"] == "ReplaceAndDelete"
    stacks.api.execute_change_set(StackName=name, ChangeSetName="c")
    assert stacks.settled(name) == "UPDATE_COMPLETE"
    assert (exists(cloud, f"{name}-a"), exists(cloud, f"{name}-b")) == (False, True)
    assert "Policy" in attributes(cloud, f"{name}-b")


def test_a_failed_create_is_undone_and_says_why(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    template = {"Resources": {"Q": queue(name), "Bad": broken(DependsOn="Q")}}
    with pytest.raises(stacks.Failed, match=r"^ROLLBACK_COMPLETE:"):
        stacks.deploy(name, template)
    assert not exists(cloud, name)
    events = stacks.events(name)
    failed = [reason for logical_id, status, reason in events if status == "CREATE_FAILED"]
    assert len(failed) == 1
    assert "nobody" in failed[0]
    assert ("Q", "DELETE_COMPLETE", "") in events
    stacks.delete(name)
    stacks.deploy(name, {"Resources": {"Q": queue(name)}})


def test_a_failed_update_puts_everything_back(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    had = {
        "Resources": {"Q": queue(name, DelaySeconds=5), "R": queue(f"{name}-r")},
        "Outputs": {"O": {"Value": "before"}},
    }
    stacks.deploy(name, had)
    want = {
        "Resources": {
            "Q": queue(name, DelaySeconds=7),
            "New": queue(f"{name}-new"),
            "Bad": broken(DependsOn=["Q", "New"]),
        },
        "Outputs": {"O": {"Value": "after"}},
    }
    with pytest.raises(stacks.Failed, match=r"^UPDATE_ROLLBACK_COMPLETE:"):
        stacks.deploy(name, want)
    assert attributes(cloud, name)["DelaySeconds"] == "5"
    assert exists(cloud, f"{name}-r")
    assert not exists(cloud, f"{name}-new")
    assert stacks.outputs(name) == {"O": "before"}
    stacks.deploy(name, {"Resources": {"Q": queue(name, DelaySeconds=9)}})
    assert attributes(cloud, name)["DelaySeconds"] == "9"
    assert not exists(cloud, f"{name}-r")


def test_a_name_that_is_taken_is_not_taken_over(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    url = cloud.client("sqs").create_queue(QueueName=name)["QueueUrl"]
    with pytest.raises(stacks.Failed):
        stacks.deploy(name, {"Resources": {"Q": queue(name)}})
    assert any("already exists" in reason for _, _, reason in stacks.events(name))
    assert exists(cloud, name)  # somebody else's: the rollback leaves it
    cloud.client("sqs").delete_queue(QueueUrl=url)


def test_an_alarm_of_somebody_else_stays_as_it_is(cloud: Any, stacks: Any) -> None:
    name, cloudwatch = stacks.new(), cloud.client("cloudwatch")
    words = {"Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60}
    words |= {"EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}
    cloudwatch.put_metric_alarm(AlarmName=name, Threshold=1, **words)
    alarm = {"AlarmName": name, "Threshold": 2, **words}
    with pytest.raises(stacks.Failed, match="already exists"):
        stacks.deploy(
            name, {"Resources": {"A": {"Type": "AWS::CloudWatch::Alarm", "Properties": alarm}}}
        )
    found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert [each["Threshold"] for each in found] == [1.0]


def test_policies_keep_what_they_say(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    kept = {**queue(f"{name}-kept"), "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
    stacks.deploy(name, {"Resources": {"K": kept, "Q": queue(name)}})
    kept = {**kept, "Properties": {"QueueName": f"{name}-kept2"}}
    stacks.deploy(name, {"Resources": {"K": kept, "Q": queue(name)}})
    assert exists(cloud, f"{name}-kept")
    stack_id = stacks.api.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    assert stacks.delete(name) == "DELETE_COMPLETE"
    assert exists(cloud, f"{name}-kept2")
    assert not exists(cloud, name)
    assert ("K", "DELETE_SKIPPED", "") in stacks.events(stack_id)


def test_protected_stacks_are_not_deleted(stacks: Any) -> None:
    name = stacks.new()
    stacks.deploy(name, {"Resources": {"Q": queue(name)}})
    words = {"StackName": name, "EnableTerminationProtection": True}
    stacks.api.update_termination_protection(**words)
    with pytest.raises(ClientError, match="TerminationProtection is enabled"):
        stacks.api.delete_stack(StackName=name)
    assert stacks.status(name) == "CREATE_COMPLETE"


def test_a_bucket_with_objects_stops_the_deletion(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": name}}
    stacks.deploy(name, {"Resources": {"B": bucket, "Q": queue(name)}})
    s3 = cloud.client("s3")
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    assert stacks.delete(name) == "DELETE_FAILED"
    assert any("not empty" in reason for _, _, reason in stacks.events(name))
    assert not exists(cloud, name)
    s3.delete_object(Bucket=name, Key="k")
    assert stacks.delete(name) == "DELETE_COMPLETE"


def test_an_export_in_use_is_protected(cloud: Any, stacks: Any) -> None:
    maker, user = stacks.new(), stacks.new()

    def exporting(queue_name: str) -> dict[str, Any]:
        arn = {"Value": {"Fn::GetAtt": ["Q", "Arn"]}, "Export": {"Name": f"{maker}-arn"}}
        return {"Resources": {"Q": queue(queue_name)}, "Outputs": {"Arn": arn}}

    stacks.deploy(maker, exporting(f"{maker}-a"))
    parameter = {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Type": "String", "Value": {"Fn::ImportValue": f"{maker}-arn"}},
    }
    outputs = {"P": {"Value": {"Fn::GetAtt": ["P", "Value"]}}}
    got = stacks.deploy(user, {"Resources": {"P": parameter}, "Outputs": outputs})
    assert got["P"].endswith(f"{maker}-a")
    assert stacks.api.list_imports(ExportName=f"{maker}-arn")["Imports"] == [user]

    with pytest.raises(stacks.Failed, match="UPDATE_ROLLBACK_COMPLETE"):
        stacks.deploy(maker, exporting(f"{maker}-b"))
    assert any(f"in use by {user}" in reason for _, _, reason in stacks.events(maker))
    assert (exists(cloud, f"{maker}-a"), exists(cloud, f"{maker}-b")) == (True, False)
    with pytest.raises(stacks.Failed, match="UPDATE_ROLLBACK_COMPLETE"):
        stacks.deploy(maker, {"Resources": {"Q": queue(f"{maker}-a")}})
    stacks.delete(maker)
    assert stacks.exists(maker)
    assert exists(cloud, f"{maker}-a")
    with pytest.raises(ClientError, match="No export named"):
        stacks.deploy(stacks.new(), _importing("no-such-export"))

    assert stacks.delete(user) == "DELETE_COMPLETE"
    assert stacks.delete(maker) == "DELETE_COMPLETE"


def _importing(name: str) -> dict[str, Any]:
    words = {"Type": "String", "Value": {"Fn::ImportValue": name}}
    return {"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": words}}}


def test_functions_conditions_and_parameters(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    cloud.client("ssm").put_parameter(Name=f"/{name}/v", Type="String", Value="21")
    sub = {"Fn::Sub": ["${AWS::Partition}-${word}-${!kept}-${Q.QueueName}", {"word": "w"}]}
    outputs: dict[str, Any] = {
        "Sub": sub,
        "Join": {"Fn::Join": ["-", {"Ref": "List"}]},
        "Select": {"Fn::Select": [1, {"Fn::Split": ["/", {"Ref": "Slashed"}]}]},
        "Map": {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]},
        "If": {"Fn::If": ["Big", "big", "small"]},
        "Base64": {"Fn::Base64": "a"},
        "Stored": {"Ref": "Stored"},
        "Dynamic": f"{{{{resolve:ssm:/{name}/v}}}}",
    }
    template = {
        "Parameters": {
            "List": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
            "Slashed": {"Type": "String", "Default": "x/y/z"},
            "Size": {"Type": "Number"},
            "Stored": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": f"/{name}/v"},
        },
        "Mappings": {"M": {"us-east-1": {"k": "mapped"}}},
        "Conditions": {
            "Big": {"Fn::And": [{"Condition": "Sized"}, {"Fn::Equals": [{"Ref": "Size"}, "9"]}]},
            "Sized": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Size"}, "0"]}]},
        },
        "Resources": {
            "Q": queue(
                f"{name}-q",
                DelaySeconds={"Fn::If": ["Big", 3, {"Ref": "AWS::NoValue"}]},
            ),
            "Only": {**queue(f"{name}-only"), "Condition": "Big"},
        },
        "Outputs": {key: {"Value": value} for key, value in outputs.items()},
    }
    nine = [{"ParameterKey": "Size", "ParameterValue": "9"}]
    assert stacks.deploy(name, template, Parameters=nine) == {
        "Sub": f"aws-w-${{kept}}-{name}-q",
        "Join": "a-b-c",
        "Select": "y",
        "Map": "mapped",
        "If": "big",
        "Base64": "YQ==",
        "Stored": "21",
        "Dynamic": "21",
    }
    assert attributes(cloud, f"{name}-q")["DelaySeconds"] == "3"
    one = [{"ParameterKey": "Size", "ParameterValue": "1"}]
    assert stacks.deploy(name, template, Parameters=one)["If"] == "small"
    assert attributes(cloud, f"{name}-q")["DelaySeconds"] == "0"
    assert not exists(cloud, f"{name}-only")
    with pytest.raises(ClientError, match="must have values"):
        stacks.deploy(stacks.new(), template)


def test_without_a_change_set(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    body = f"Resources:\n  Q:\n    Type: {QUEUE}\n    Properties:\n"
    body += "      QueueName: !Sub '${AWS::StackName}'\n"
    stacks.api.create_stack(StackName=name, TemplateBody=body)
    assert stacks.settled(name) == "CREATE_COMPLETE"
    with pytest.raises(ClientError, match="No updates are to be performed"):
        stacks.api.update_stack(StackName=name, TemplateBody=body)
    stacks.api.update_stack(StackName=name, TemplateBody=f"{body}      DelaySeconds: 4\n")
    assert stacks.settled(name) == "UPDATE_COMPLETE"
    assert attributes(cloud, name)["DelaySeconds"] == "4"


def test_kept_failures_are_rolled_back_when_asked(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    template = {"Resources": {"Q": queue(name), "Bad": broken(DependsOn="Q")}}
    stacks.change_set(name, template)
    stacks.api.execute_change_set(StackName=name, ChangeSetName="c", DisableRollback=True)
    assert stacks.settled(name) == "CREATE_FAILED"
    assert exists(cloud, name)
    stacks.api.rollback_stack(StackName=name)
    assert stacks.settled(name) == "ROLLBACK_COMPLETE"
    assert not exists(cloud, name)


def test_a_kept_failed_update_goes_on_with_the_next(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    stacks.deploy(name, {"Resources": {"Q": queue(name, DelaySeconds=1)}})
    changed = {"Q": queue(name, DelaySeconds=2), "Bad": broken(DependsOn="Q")}
    stacks.change_set(name, {"Resources": changed})
    stacks.api.execute_change_set(StackName=name, ChangeSetName="c", DisableRollback=True)
    assert stacks.settled(name) == "UPDATE_FAILED"
    assert attributes(cloud, name)["DelaySeconds"] == "2"
    stacks.deploy(name, {"Resources": {"Q": queue(name, DelaySeconds=1)}})
    assert attributes(cloud, name)["DelaySeconds"] == "1"


def test_stack_tags_reach_resources(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    own = [{"Key": "who", "Value": "me"}]
    tags = [{"Key": "who", "Value": "all"}, {"Key": "project", "Value": "p"}]
    stacks.deploy(name, {"Resources": {"Q": queue(name, Tags=own)}}, Tags=tags)
    sqs = cloud.client("sqs")
    url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"who": "me", "project": "p"}
    stacks.deploy(name, {"Resources": {"Q": queue(name)}}, Tags=[])
    assert sqs.list_queue_tags(QueueUrl=url).get("Tags", {}) == {}
