"""Where jobs wait, and the hosts that Batch makes for them: none while no job waits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_batch as batch
from aws_cdk import aws_iam as iam
from constructs import Construct

from headrace.gpu_stage import gpu_host
from headrace.plan import Plan, StagePlan
from headrace.task_stages import Size
from infra.nag import acknowledge
from infra.network import Network

#: vCPUs that a queue has at once, unless one stage asks for more: a slip of the pen costs no more
#: than this many at a time.
MOST_VCPUS = 64
#: The same of a queue whose hosts have GPUs: four of the smallest.
MOST_GPU_VCPUS = 16
#: AWS's own choice of families on x86, for which images are built; each region has some of them:
#: https://docs.aws.amazon.com/batch/latest/userguide/instance-type-compute-table.html
_INSTANCES = ["default_x86_64"]
#: NVIDIA's T4 and A10G: the cheapest that there are, and in most regions.
_GPU_INSTANCES = ["g4dn", "g5"]
#: The ECS GPU-optimised image. Of Amazon Linux 2023: no environment can be made with that of
#: Amazon Linux 2 since 30 June 2026.
#: https://docs.aws.amazon.com/batch/latest/APIReference/API_Ec2Configuration.html
_GPU_IMAGE = "ECS_AL2023_NVIDIA"
_POLICY = "service-role/AmazonEC2ContainerServiceforEC2Role"


@dataclass(frozen=True)
class QueuesProps:
    """Whose queues, and where their hosts are.

    Parameters
    ----------
    plan : Plan
        The study's.
    network : Network
        Of the hosts.
    group : str
        Id of their security group.
    tags : mapping
        What hosts are marked with on the bill.
    """

    plan: Plan
    network: Network
    group: str
    tags: Mapping[str, str]


class Queues(Construct):
    """One queue for each kind of host that a study uses, with the environment behind it.

    - ``fargate``: containers without a host that anyone sees, started in about a minute.
    - ``spot``: EC2 at the spot market's price. A host that is taken away has its job tried again.
    - ``nodes``: EC2 on demand, for jobs of many nodes.
    - ``gpu``, ``gpu-on-demand``: EC2 with GPUs, at the spot market's price and on demand. What of
      these an account may have at once is a quota of its own, which may be none.

    Environments have no names of ours: one that must be replaced is made before the old one goes.

    Examples
    --------
    >>> Queues(stack, "Queues", QueuesProps(plan, network, group, {"study": "health"}))
    """

    def __init__(self, scope: Construct, id_: str, props: QueuesProps) -> None:
        super().__init__(scope, id_)
        self._props = props
        hosts = set(props.plan.queues) - {"fargate"}
        self._profile = self._hosts_profile() if hosts else None
        self.queues = [self._queue(name) for name in props.plan.queues]

    def _queue(self, name: str) -> batch.CfnJobQueue:
        environment = batch.CfnComputeEnvironment(
            self,
            name.capitalize(),
            type="MANAGED",
            state="ENABLED",
            # No role: Batch then uses its service-linked one, which it makes where there is none:
            # https://docs.aws.amazon.com/batch/latest/userguide/using-service-linked-roles.html
            # With that role, and such strategies as below, changes are made in place:
            # https://docs.aws.amazon.com/batch/latest/userguide/updating-compute-environments.html
            replace_compute_environment=False,
            compute_resources=self._resources(name),
        )
        # Hosts need it to start, and to be told to end.
        environment.add_resource_dependency(self._props.network.out)
        order = batch.CfnJobQueue.ComputeEnvironmentOrderProperty(
            order=1, compute_environment=environment.attr_compute_environment_arn
        )
        return batch.CfnJobQueue(
            self,
            f"{name.capitalize()}Queue",
            job_queue_name=self._props.plan.job_queue(name),
            priority=1,
            state="ENABLED",
            compute_environment_order=[order],
        )

    def _resources(self, name: str) -> batch.CfnComputeEnvironment.ComputeResourcesProperty:
        subnets = self._props.network.subnets
        words: dict[str, Any] = {
            "maxv_cpus": most_vcpus(self._props.plan, name),
            "security_group_ids": [self._props.group],
            # Nodes that talk to each other are in one zone. A placement group would have them
            # nearer still, and jobs wait longer for hosts:
            # https://docs.aws.amazon.com/batch/latest/userguide/mnp-ce.html
            "subnets": subnets[:1] if name == "nodes" else subnets,
        }
        if name == "fargate":
            return batch.CfnComputeEnvironment.ComputeResourcesProperty(type="FARGATE", **words)
        # Jobs of many nodes can't be on the spot market; the same page.
        on_spot = name in ("spot", "gpu")
        with_gpus = name.startswith("gpu")
        return batch.CfnComputeEnvironment.ComputeResourcesProperty(
            type="SPOT" if on_spot else "EC2",
            allocation_strategy="SPOT_CAPACITY_OPTIMIZED" if on_spot else "BEST_FIT_PROGRESSIVE",
            minv_cpus=0,
            instance_types=_GPU_INSTANCES if with_gpus else _INSTANCES,
            ec2_configuration=[
                batch.CfnComputeEnvironment.Ec2ConfigurationObjectProperty(image_type=_GPU_IMAGE)
            ]
            if with_gpus
            else None,
            instance_role=self._profile.attr_arn if self._profile else None,
            tags=dict(self._props.tags),
            **words,
        )

    def _hosts_profile(self) -> iam.CfnInstanceProfile:
        role = iam.Role(
            self,
            "Hosts",
            assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"),
            description=f"What the hosts of {self._props.plan.prefix}'s jobs may do",
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_POLICY)],
        )
        acknowledge(
            role,
            f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_POLICY}]",
            "AWS's own policy for hosts of containers changes as its agent on them does: it joins "
            "the cluster that Batch made, pulls images and writes logs. Jobs have a role of their "
            "own.",
        )
        return iam.CfnInstanceProfile(self, "Profile", roles=[role.role_name])


def most_vcpus(plan: Plan, queue: str) -> int:
    """How many vCPUs a queue may have: all nodes of a job start at once, or it never does."""
    most = float(MOST_GPU_VCPUS if queue.startswith("gpu") else MOST_VCPUS)
    for stage in plan.tasks:
        if stage.queue == queue:
            most = max(most, _vcpus(stage))
    return math.ceil(most)


def _vcpus(stage: StagePlan) -> float:
    """The vCPUs of all that must start at once: of whole hosts, where they have GPUs."""
    told = stage.deployed()
    if gpus := told.get("gpus", 0):
        return gpu_host(gpus, Size(told["vcpus"], told["memory_mib"]), stage.name).vcpus
    return float(told["vcpus"] * told.get("nodes", 1))
