"""What a run asks EMR for: a cluster of its study, whose size EMR chooses within limits."""

from __future__ import annotations

from typing import Any

from headrace.plan import Plan
from infra import rapids
from infra.machine_task import ClusterNames, State

#: What the policy AmazonEMRServicePolicy_v2 wants on all that it may use:
#: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-iam-policies.html#manually-tagged-resources
EMR_TAG = ("for-use-with-amazon-emr-managed-policies", "true")
#: Where in the lake EMR puts logs.
LOGS = "emr-logs"


def cluster_parameters(plan: Plan, names: ClusterNames, bucket: str) -> State:
    """What `createCluster` is told: RunJobFlow's words, without steps.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html
    """
    cluster = plan.study.cluster
    # The machine may make clusters of this study alone, and that is told by the tag.
    ours = {"project": "headrace", "study": plan.study.name, EMR_TAG[0]: EMR_TAG[1]}
    tags = {key: value for key, value in plan.study.tags.items() if key != "run"} | ours
    return {
        "Name.$": "$.cluster.name",
        "ReleaseLabel": cluster.release,
        "Applications": [{"Name": "Hadoop"}, {"Name": "Spark"}],
        "LogUri": f"s3://{bucket}/{LOGS}/",
        "ServiceRole": names.service_role,
        "JobFlowRole": names.profile,
        "VisibleToAllUsers": True,
        "Instances": _instances(plan, names),
        **_scaling(plan),
        "StepConcurrencyLevel.$": "$.cluster.parallel",
        # The cluster ends by itself where the run was stopped or killed.
        "AutoTerminationPolicy": {"IdleTimeout": cluster.idle_s},
        **_gpu(plan, names),
        "Tags": [
            *({"Key": key, "Value": value} for key, value in tags.items()),
            {"Key": "run", "Value.$": "$.run.run"},
        ],
    }


def _instances(plan: Plan, names: ClusterNames) -> State:
    cluster = plan.study.cluster
    nodes = plan.cluster_instance
    groups = [
        _group("MASTER", "ON_DEMAND", cluster.instance, 1),
        _group("CORE", "ON_DEMAND", nodes, cluster.core) | _disk(),
    ]
    if cluster.most_task:
        # One at first, and as many as it pays: no group of none is left to EMR to fill.
        groups.append(_group("TASK", "SPOT", nodes, 1) | _disk())
    return {
        "KeepJobFlowAliveWhenNoSteps": True,
        "TerminationProtected": False,
        "Ec2SubnetId": names.subnet,
        "EmrManagedMasterSecurityGroup": names.primary,
        "EmrManagedSlaveSecurityGroup": names.workers,
        "InstanceGroups": groups,
    }


def _group(role: str, market: str, instance: str, count: int) -> State:
    return {
        "Name": role.lower(),
        "InstanceRole": role,
        "Market": market,
        "InstanceType": instance,
        "InstanceCount": count,
    }


def _disk() -> State:
    volume = {"VolumeType": "gp3", "SizeInGB.$": "$.cluster.ebs_gib"}
    device = {"VolumeSpecification": volume, "VolumesPerInstance": 1}
    return {"EbsConfiguration": {"EbsOptimized": True, "EbsBlockDeviceConfigs": [device]}}


def _scaling(plan: Plan) -> State:
    """EMR's own scaling: task nodes come and go, core nodes stay."""
    cluster = plan.study.cluster
    if not cluster.most_task:
        return {}
    limits = {
        "UnitType": "Instances",
        "MinimumCapacityUnits": cluster.core,
        "MaximumCapacityUnits": cluster.core + cluster.most_task,
        # So all above core nodes are on the spot market:
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/managed-scaling-allocation-strategy.html
        "MaximumOnDemandCapacityUnits": cluster.core,
        "MaximumCoreCapacityUnits": cluster.core,
    }
    return {"ManagedScalingPolicy": {"ComputeLimits": limits}}


def _gpu(plan: Plan, names: ClusterNames) -> dict[str, Any]:
    if not plan.gpu:
        return {}
    script = {"Path": names.bootstrap}
    return {
        "Configurations": rapids.configurations(),
        "BootstrapActions": [{"Name": "GPUs for YARN", "ScriptBootstrapAction": script}],
    }
