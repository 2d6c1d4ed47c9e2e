"""What a study's stages in containers run in: images, queues, definitions, roles and a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aws_cdk import Aws, RemovalPolicy
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from headrace.plan import Plan, StagePlan
from headrace.target import Target
from infra import batch_rights, images_rights
from infra.batch_definitions import Definitions
from infra.batch_queues import Queues, QueuesProps
from infra.bundle import Assets
from infra.images import Images, ImagesProps
from infra.machine_task import TaskNames
from infra.nag import acknowledge, nag_name
from infra.network import Network
from infra.run_rights import RunRights


@dataclass(frozen=True)
class JobsProps:
    """Whose jobs, and where.

    Parameters
    ----------
    plan : Plan
        The study's.
    rights : RunRights
        What its stages read.
    network : Network, optional
        That of the study's clusters; one is made where it has none.
    tags : mapping
        What hosts are marked with on the bill.
    """

    plan: Plan
    rights: RunRights
    network: Network | None
    tags: Mapping[str, str]


class Jobs(Construct):
    """All that Batch has of a study, and the names by which the state machine submits jobs.

    Nothing of it costs while no job runs but the images: ten cents a GB and month.

    Examples
    --------
    >>> Jobs(stack, "Jobs", JobsProps(plan, rights, None, {}), assets, target).programs
    """

    def __init__(
        self, scope: Construct, id_: str, props: JobsProps, assets: Assets, target: Target
    ) -> None:
        super().__init__(scope, id_)
        self._plan = props.plan
        archives = {stage.name: self._archive(stage, assets) for stage in self._plan.tasks}
        network = props.network or Network(self, "Network")
        queues = QueuesProps(self._plan, network, self._group(network), props.tags)
        Queues(self, "Queues", queues)
        images = Images(self, "Images", ImagesProps(self._plan), assets, target)
        definitions = Definitions(
            self._plan,
            self._job_role(props.rights, list(archives.values())).role_arn,
            self._start_role(images.arns).role_arn,
        )
        for stage in self._plan.tasks:
            definitions.define(self, stage, images.uris[stage.image])
        #: Where each stage's program lies, and what its job is called.
        self.programs = {
            stage.name: TaskNames(
                archives[stage.name].s3_object_url,
                self._plan.job_definition(stage.name),
                self._plan.job_queue(stage.queue),
            )
            for stage in self._plan.tasks
        }

    def rights(self) -> list[iam.PolicyStatement]:
        """What the state machine may do with jobs."""
        return batch_rights.machine(self._plan)

    def wildcards(self) -> dict[str, str]:
        """Why the state machine's rights name a resource with ``*``."""
        return batch_rights.machine_wildcards(self._plan)

    def _archive(self, stage: StagePlan, assets: Assets) -> s3_assets.Asset:
        told = assets.archive(stage)
        id_ = f"{stage.name}-archive"
        return s3_assets.Asset(self, id_, path=str(told.path), asset_hash=told.digest)

    def _group(self, network: Network) -> str:
        group = network.group(
            self, "Group", f"Jobs of {self._plan.prefix}", "S3, images, logs, and other nodes"
        )
        if "nodes" in self._plan.queues:
            # MPI chooses its ports.
            ec2.CfnSecurityGroupIngress(
                self,
                "FromEachOther",
                group_id=group.attr_group_id,
                source_security_group_id=group.attr_group_id,
                ip_protocol="tcp",
                from_port=0,
                to_port=65535,
            )
        return group.attr_group_id

    def _job_role(self, rights: RunRights, archives: list[s3_assets.Asset]) -> iam.Role:
        places = rights.contained()
        programs = [
            f"arn:{Aws.PARTITION}:s3:::{made.s3_bucket_name}/{made.s3_object_key}"
            for made in archives
        ]
        statements = batch_rights.job(rights.bucket, programs, places)
        why = batch_rights.job_wildcards(rights.bucket, places)
        return self._role("Job", f"What jobs of {self._plan.prefix} may do", statements, why)

    def _start_role(self, repositories: list[str]) -> iam.Role:
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=self._plan.job_logs,
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        statements = batch_rights.start(repositories, log.log_group_arn)
        about = f"What starts the containers of {self._plan.prefix}"
        return self._role("Start", about, statements, {"*": images_rights.REGISTRY})

    def _role(
        self, id_: str, about: str, statements: list[iam.PolicyStatement], why: dict[str, str]
    ) -> iam.Role:
        role = iam.Role(
            self,
            id_,
            # For tasks of this account alone:
            # https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html
            assumed_by=iam.ServicePrincipal(
                "ecs-tasks.amazonaws.com",
                conditions={
                    "StringEquals": {"aws:SourceAccount": Aws.ACCOUNT_ID},
                    "ArnLike": {
                        "aws:SourceArn": f"arn:{Aws.PARTITION}:ecs:{Aws.REGION}:{Aws.ACCOUNT_ID}:*"
                    },
                },
            ),
            description=about,
        )
        policy = iam.Policy(self, f"{id_}Rights", statements=statements, roles=[role])
        for resource, reason in why.items():
            acknowledge(policy, f"AwsSolutions-IAM5[Resource::{nag_name(resource)}]", reason)
        return role
