"""What Batch is told of a stage's job before any is submitted: its job definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import Aws
from aws_cdk import aws_batch as batch
from constructs import Construct

from headrace.plan import Plan, StagePlan

#: Tries of a job, the first one among them.
ATTEMPTS = 3
#: Exit status of `boot` where trying again may help, see `docs/contracts.md`.
TRY_AGAIN = 75
#: Seconds more than a stage's own until Batch ends its job, so that `boot` does it first and says
#: who hung.
GRACE_S = 60


@dataclass(frozen=True)
class Definitions:
    """Writes the job definitions of a study.

    Parameters
    ----------
    plan : Plan
        The study's.
    job_role, start_role : str
        ARNs of the roles of what runs in containers, and of what starts them.
    """

    plan: Plan
    job_role: str
    start_role: str

    def define(self, scope: Construct, stage: StagePlan, image: str) -> batch.CfnJobDefinition:
        """The definition of a stage's job, in an image by its URI."""
        told = stage.deployed()
        on_fargate = stage.queue == "fargate"
        words: dict[str, Any] = {"type": "container"}
        container = self._container(stage, image)
        if stage.queue == "nodes":
            words = {"type": "multinode", "node_properties": _nodes(told["nodes"], container)}
        else:
            words["container_properties"] = container
        return batch.CfnJobDefinition(
            scope,
            f"{stage.name}-job",
            job_definition_name=self.plan.job_definition(stage.name),
            platform_capabilities=["FARGATE" if on_fargate else "EC2"],
            # Fargate's bill knows a task by its tags alone.
            propagate_tags=True,
            retry_strategy=_retries(),
            # Of one try; of many nodes, of all together:
            # https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html
            timeout=batch.CfnJobDefinition.TimeoutProperty(
                attempt_duration_seconds=told["timeout_s"] + GRACE_S
            ),
            **words,
        )

    def _container(
        self, stage: StagePlan, image: str
    ) -> batch.CfnJobDefinition.ContainerPropertiesProperty:
        told = stage.deployed()
        definition = batch.CfnJobDefinition
        needs = {"VCPU": f"{told['vcpus']:g}", "MEMORY": str(told["memory_mib"])}
        needs |= {"GPU": str(told["gpus"])} if told.get("gpus") else {}
        # ECS tells a container its region on Fargate alone.
        region = {"AWS_REGION": Aws.REGION, "AWS_DEFAULT_REGION": Aws.REGION}
        return definition.ContainerPropertiesProperty(
            image=image,
            # A run gives it: the program, its input and its output.
            command=[],
            resource_requirements=[
                definition.ResourceRequirementProperty(type=kind, value=value)
                for kind, value in needs.items()
            ],
            environment=[
                definition.EnvironmentProperty(name=name, value=value)
                for name, value in region.items()
            ],
            job_role_arn=self.job_role,
            execution_role_arn=self.start_role,
            log_configuration=definition.LogConfigurationProperty(
                log_driver="awslogs",
                options={
                    "awslogs-group": self.plan.job_logs,
                    "awslogs-region": Aws.REGION,
                    "awslogs-stream-prefix": self.plan.job_definition(stage.name),
                },
            ),
            **(_fargate() if stage.queue == "fargate" else _ec2(told["memory_mib"])),
        )


def _fargate() -> dict[str, Any]:
    definition = batch.CfnJobDefinition
    return {
        # Its subnets' way out is for addresses of the internet; it lets in nobody.
        "network_configuration": definition.NetworkConfigurationProperty(
            assign_public_ip="ENABLED"
        ),
        "fargate_platform_configuration": definition.FargatePlatformConfigurationProperty(
            platform_version="LATEST"
        ),
    }


def _ec2(memory_mib: int) -> dict[str, Any]:
    # Ranks of one node talk through shared memory, of which Docker gives 64 MiB; on Fargate it
    # can't be set: https://docs.aws.amazon.com/batch/latest/APIReference/API_LinuxParameters.html
    shared = batch.CfnJobDefinition.LinuxParametersProperty(
        shared_memory_size=max(64, memory_mib // 2)
    )
    return {"linux_parameters": shared}


def _nodes(
    nodes: int, container: batch.CfnJobDefinition.ContainerPropertiesProperty
) -> batch.CfnJobDefinition.NodePropertiesProperty:
    every = batch.CfnJobDefinition.NodeRangePropertyProperty(target_nodes="0:", container=container)
    return batch.CfnJobDefinition.NodePropertiesProperty(
        num_nodes=nodes, main_node=0, node_range_properties=[every]
    )


def _retries() -> batch.CfnJobDefinition.RetryStrategyProperty:
    """What is tried again by `boot`'s word, and where a host was taken away; nothing else.

    What matches nothing would be tried again:
    https://docs.aws.amazon.com/batch/latest/userguide/job_retries.html
    """
    on_exit = batch.CfnJobDefinition.EvaluateOnExitProperty
    return batch.CfnJobDefinition.RetryStrategyProperty(
        attempts=ATTEMPTS,
        evaluate_on_exit=[
            on_exit(action="RETRY", on_exit_code=str(TRY_AGAIN)),
            on_exit(action="RETRY", on_status_reason="Host EC2*"),
            # Not by the reason, which a program that exits by itself has none of.
            on_exit(action="EXIT", on_status_reason="*"),
        ],
    )
