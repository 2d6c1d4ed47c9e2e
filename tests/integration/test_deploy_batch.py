"""Batch's environments, queues and definitions: deployed, read back, changed, and deleted."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from botocore.exceptions import ClientError

TAGS = {"project": "tested", "a": "1"}
GPUS = {"ImageType": "ECS_AL2023_NVIDIA"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}


def resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": kind, "Properties": properties}


def ref(name: str) -> dict[str, str]:
    return {"Ref": name}


def arn(name: str, attribute: str = "Arn") -> dict[str, list[str]]:
    return {"Fn::GetAtt": [name, attribute]}


def around() -> dict[str, Any]:
    return {
        "Vpc": resource("AWS::EC2::VPC", CidrBlock="10.8.0.0/16"),
        "Subnet": resource("AWS::EC2::Subnet", VpcId=ref("Vpc"), CidrBlock="10.8.0.0/20"),
        "Group": resource("AWS::EC2::SecurityGroup", GroupDescription="g", VpcId=ref("Vpc")),
        "Role": resource("AWS::IAM::Role", AssumeRolePolicyDocument=TRUST),
        "Profile": resource("AWS::IAM::InstanceProfile", Roles=[ref("Role")]),
    }


def environment(kind: str, **more: Any) -> dict[str, Any]:
    where = {"Subnets": [ref("Subnet")], "SecurityGroupIds": [arn("Group", "GroupId")]}
    hosts = {
        "AllocationStrategy": "SPOT_CAPACITY_OPTIMIZED",
        "MinvCpus": 0,
        "InstanceTypes": ["default_x86_64"],
        "InstanceRole": arn("Profile"),
        "Tags": TAGS,
        "UpdateToLatestImageVersion": True,
    }
    own = {} if kind == "FARGATE" else hosts
    resources = {"Type": kind, "MaxvCpus": "64", **where, **own, **more}
    return resource(
        "AWS::Batch::ComputeEnvironment",
        Type="managed",  # as the cdk writes it
        State="ENABLED",
        ReplaceComputeEnvironment=False,
        ComputeResources=resources,
        Tags=TAGS,
    )


def queue(name: str, of: str, **more: Any) -> dict[str, Any]:
    order = [{"Order": 1, "ComputeEnvironment": arn(of, "ComputeEnvironmentArn")}]
    words = {"JobQueueName": name, "Priority": 1, "State": "ENABLED", "Tags": TAGS} | more
    return resource("AWS::Batch::JobQueue", ComputeEnvironmentOrder=order, **words)


def container(memory: str = "2048", *, fargate: bool) -> dict[str, Any]:
    own: dict[str, Any] = {"LinuxParameters": {"SharedMemorySize": 64}}
    if fargate:
        own = {
            "NetworkConfiguration": {"AssignPublicIp": "ENABLED"},
            "FargatePlatformConfiguration": {"PlatformVersion": "LATEST"},
        }
    return {
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/tested:0",
        "Command": [],
        "ResourceRequirements": [
            {"Type": "VCPU", "Value": "1"},
            {"Type": "MEMORY", "Value": memory},
        ],
        "JobRoleArn": arn("Role"),
        "ExecutionRoleArn": arn("Role"),
        "Environment": [{"Name": "AWS_REGION", "Value": ref("AWS::Region")}],
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {"awslogs-group": "/tested/jobs", "awslogs-stream-prefix": "p"},
        },
        **own,
    }


def definition(name: str, **more: Any) -> dict[str, Any]:
    return resource(
        "AWS::Batch::JobDefinition",
        JobDefinitionName=name,
        PropagateTags=True,
        RetryStrategy={
            "Attempts": 3,
            "EvaluateOnExit": [
                {"Action": "RETRY", "OnExitCode": "75"},
                {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
                {"Action": "EXIT", "OnStatusReason": "*"},
            ],
        },
        Timeout={"AttemptDurationSeconds": "90"},
        Tags=TAGS,
        **more,
    )


def single(name: str, memory: str = "2048") -> dict[str, Any]:
    properties = container(memory, fargate=True)
    return definition(
        name, Type="container", PlatformCapabilities=["FARGATE"], ContainerProperties=properties
    )


def multinode(name: str) -> dict[str, Any]:
    nodes = {
        "NumNodes": 2,
        "MainNode": 0,
        "NodeRangeProperties": [{"TargetNodes": "0:", "Container": container(fargate=False)}],
    }
    return definition(name, Type="multinode", PlatformCapabilities=["EC2"], NodeProperties=nodes)


def every(name: str) -> dict[str, Any]:
    return around() | {
        "Fargate": environment("FARGATE"),
        "Spot": environment("SPOT"),
        "FargateQueue": queue(f"{name}-fargate", "Fargate"),
        "SpotQueue": queue(f"{name}-spot", "Spot"),
        "Single": single(f"{name}-single"),
        "Nodes": multinode(f"{name}-nodes"),
    }


def deploy(stacks: Any, name: str, resources: dict[str, Any]) -> dict[str, str]:
    outputs = {key: {"Value": ref(key)} for key in resources}
    found: dict[str, str] = stacks.deploy(name, {"Resources": resources, "Outputs": outputs})
    return found


def test_what_is_deployed_reads_back_and_changes_in_place(cloud: Any, stacks: Any) -> None:
    name, batch = stacks.new(), cloud.client("batch")
    resources = every(name)
    made = deploy(stacks, name, resources)
    (spot,) = batch.describe_compute_environments(computeEnvironments=[made["Spot"]])[
        "computeEnvironments"
    ]
    assert (spot["type"], spot["state"], spot["status"]) == ("MANAGED", "ENABLED", "VALID")
    assert spot["serviceRole"].endswith(":role/aws-service-role/batch.amazonaws.com/"
                                        "AWSServiceRoleForBatch")  # fmt: skip
    assert spot["computeResources"]["maxvCpus"] == 64
    assert spot["computeResources"]["tags"] == TAGS
    assert spot["tags"] == TAGS
    (waiting,) = batch.describe_job_queues(jobQueues=[f"{name}-spot"])["jobQueues"]
    assert waiting["jobQueueArn"] == made["SpotQueue"]
    assert waiting["computeEnvironmentOrder"] == [{"order": 1, "computeEnvironment": made["Spot"]}]
    (nodes,) = batch.describe_job_definitions(jobDefinitions=[made["Nodes"]])["jobDefinitions"]
    assert nodes["nodeProperties"]["numNodes"] == 2
    assert nodes["timeout"] == {"attemptDurationSeconds": 90}
    told = nodes["nodeProperties"]["nodeRangeProperties"][0]["container"]
    assert told["logConfiguration"]["options"]["awslogs-stream-prefix"] == "p"
    assert made["Single"].endswith(f":job-definition/{name}-single:1")

    changed = copy.deepcopy(resources)
    changed["Spot"] = environment("SPOT", MaxvCpus=32, InstanceTypes=["m6i.xlarge"])
    changed["SpotQueue"] = queue(f"{name}-spot", "Spot", Priority=7, Tags={"a": "2"})
    changed["Single"] = single(f"{name}-single", memory="4096")
    again = deploy(stacks, name, changed)
    assert again["Spot"] == made["Spot"]
    assert again["SpotQueue"] == made["SpotQueue"]
    assert again["Single"].endswith(":2")
    (spot,) = batch.describe_compute_environments(computeEnvironments=[made["Spot"]])[
        "computeEnvironments"
    ]
    assert spot["computeResources"]["maxvCpus"] == 32
    assert spot["computeResources"]["instanceTypes"] == ["m6i.xlarge"]
    (waiting,) = batch.describe_job_queues(jobQueues=[f"{name}-spot"])["jobQueues"]
    assert (waiting["priority"], waiting["tags"]) == (7, {"a": "2"})
    revisions = batch.describe_job_definitions(jobDefinitionName=f"{name}-single")
    assert {r["revision"]: r["status"] for r in revisions["jobDefinitions"]} == {
        1: "INACTIVE",
        2: "ACTIVE",
    }

    assert stacks.delete(name) == "DELETE_COMPLETE"
    assert not batch.describe_job_queues(jobQueues=[made["SpotQueue"]])["jobQueues"]
    left = batch.describe_compute_environments(computeEnvironments=[made["Spot"]])
    assert not left["computeEnvironments"]
    active = batch.describe_job_definitions(jobDefinitionName=f"{name}-single", status="ACTIVE")
    assert not active["jobDefinitions"]


def test_an_environment_that_must_be_replaced_is_made_before_the_old_one_goes(
    cloud: Any, stacks: Any
) -> None:
    name, batch = stacks.new(), cloud.client("batch")
    resources = around() | {"Spot": environment("SPOT"), "Q": queue(f"{name}-q", "Spot")}
    made = deploy(stacks, name, resources)
    resources["Spot"]["Properties"]["ReplaceComputeEnvironment"] = True
    resources["Spot"]["Properties"]["ComputeResources"]["InstanceTypes"] = ["optimal"]
    again = deploy(stacks, name, resources)
    assert again["Spot"] != made["Spot"]
    (waiting,) = batch.describe_job_queues(jobQueues=[made["Q"]])["jobQueues"]
    assert waiting["computeEnvironmentOrder"][0]["computeEnvironment"] == again["Spot"]
    gone = batch.describe_compute_environments(computeEnvironments=[made["Spot"]])
    assert not gone["computeEnvironments"]


def test_hosts_with_gpus_read_back_and_change_in_place(cloud: Any, stacks: Any) -> None:
    name, batch, known = stacks.new(), cloud.client("batch"), set()
    for families, image in ((["g4dn", "g5"], "ECS_AL2023_NVIDIA"), (["m6i"], "ECS_AL2023")):
        words = {"InstanceTypes": families, "Ec2Configuration": [{"ImageType": image}]}
        hosts = environment("EC2", AllocationStrategy="BEST_FIT_PROGRESSIVE", **words)
        made = deploy(stacks, name, around() | {"E": hosts})["E"]
        told = batch.describe_compute_environments(computeEnvironments=[made])
        (found,) = told["computeEnvironments"]
        assert found["computeResources"]["instanceTypes"] == families
        assert found["computeResources"]["ec2Configuration"] == [{"imageType": image}]
        known.add(made)
    assert len(known) == 1


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"LaunchTemplate": {"LaunchTemplateName": "x"}}, "ComputeResources.LaunchTemplate"),
        ({"ImageId": "ami-1"}, "ComputeResources.ImageId"),
        ({"Ec2Configuration": [GPUS | {"ImageIdOverride": "ami-1"}]}, "ImageIdOverride"),
        ({"Ec2Configuration": [{"ImageType": "ECS_AL2_NVIDIA"}]}, "ImageType ECS_AL2_NVIDIA"),
    ],
)
def test_what_no_host_here_can_be_is_refused_by_name(
    stacks: Any, more: dict[str, Any], named: str
) -> None:
    name = stacks.new()
    with pytest.raises((stacks.Failed, ClientError), match=named):
        deploy(stacks, name, around() | {"Spot": environment("SPOT", **more)})


def test_batch_refuses_what_aws_refuses(cloud: Any, stacks: Any) -> None:
    name, batch = stacks.new(), cloud.client("batch")
    made = deploy(
        stacks, name, around() | {"E": environment("FARGATE"), "Q": queue(f"{name}-q", "E")}
    )
    with pytest.raises(ClientError, match="must be disabled"):
        batch.delete_compute_environment(computeEnvironment=made["E"])
    with pytest.raises(ClientError, match="ENABLED"):
        batch.delete_job_queue(jobQueue=made["Q"])
    batch.update_compute_environment(computeEnvironment=made["E"], state="DISABLED")
    with pytest.raises(ClientError, match="JobQueue relationship"):
        batch.delete_compute_environment(computeEnvironment=made["E"])
    batch.update_compute_environment(computeEnvironment=made["E"], state="ENABLED")
    with pytest.raises(ClientError, match="not applicable to Fargate"):
        batch.update_compute_environment(
            computeEnvironment=made["E"], computeResources={"minvCpus": 1}
        )
    with pytest.raises(ClientError, match="does not exist"):
        batch.create_compute_environment(
            computeEnvironmentName=f"{name}-x",
            type="MANAGED",
            computeResources={
                "type": "EC2", "minvCpus": 0, "maxvCpus": 1, "instanceTypes": ["m99.large"],
                "instanceRole": made["Profile"], "subnets": [made["Subnet"]],
                "securityGroupIds": [made["Group"]],
            },
        )  # fmt: skip
