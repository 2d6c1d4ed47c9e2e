"""What builds container images: a CodeBuild project, its source, its role and its log."""

from __future__ import annotations

import json
from collections.abc import Sequence

from aws_cdk import RemovalPolicy
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from headrace.plan import Plan
from infra import images_rights
from infra.nag import acknowledge
from infra.zips import Asset

#: Minutes of a build, and of its wait for a machine, until CodeBuild ends it; 5 is the least that
#: it takes for the second: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuild.html
BUILD_TIMEOUT_MIN, QUEUE_TIMEOUT_MIN = 9, 5

#: Its first command that fails ends the build: `post_build` would run even so.
_BUILDSPEC = {
    "version": "0.2",
    "phases": {
        "pre_build": {
            "commands": [
                "aws ecr get-login-password | "
                'docker login --username AWS --password-stdin "${IMAGE%%/*}"'
            ]
        },
        "build": {
            "commands": [
                'docker build -f "$DOCKERFILE" -t "$IMAGE" .',
                'docker push "$IMAGE"',
            ]
        },
    },
}


class ImageProject(Construct):
    """A project whose builds push the image that they are told of, as ``IMAGE``.

    Examples
    --------
    >>> ImageProject(stack, "Builds", plan, images.context, [repository.attr_arn]).project.ref
    """

    def __init__(
        self, scope: Construct, id_: str, plan: Plan, context: Asset, repositories: Sequence[str]
    ) -> None:
        super().__init__(scope, id_)
        self._plan = plan
        self._source = s3_assets.Asset(
            self, "Source", path=str(context.path), asset_hash=context.digest
        )
        log = logs.LogGroup(
            self,
            "Log",
            log_group_name=f"/headrace/{plan.study.name}/builds",
            retention=logs.RetentionDays.ONE_MONTH,
            removal_policy=RemovalPolicy.DESTROY,
        )
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
            description=f"What the builds of {plan.prefix}'s images may do",
        )
        rights = images_rights.build(repositories, log.log_group_arn, self._source)
        policy = iam.Policy(self, "Rights", statements=rights, roles=[role])
        acknowledge(policy, "AwsSolutions-IAM5[Resource::*]", images_rights.REGISTRY)
        self.project = self._project(role.role_arn, log.log_group_name)
        self.project.node.add_dependency(policy)
        self._accept()

    def _project(self, role: str, log: str) -> codebuild.CfnProject:
        of = codebuild.CfnProject
        return of(
            self,
            "Project",
            description=f"Builds the container images of {self._plan.prefix}",
            service_role=role,
            artifacts=of.ArtifactsProperty(type="NO_ARTIFACTS"),
            environment=of.EnvironmentProperty(
                type="LINUX_CONTAINER",
                # 2 vCPUs: packages come as wheels, and nothing is compiled.
                compute_type="BUILD_GENERAL1_SMALL",
                # https://docs.aws.amazon.com/codebuild/latest/userguide/build-env-ref-available.html
                image="aws/codebuild/amazonlinux-x86_64-standard:5.0",
                # Docker in a build needs it:
                # https://docs.aws.amazon.com/codebuild/latest/userguide/sample-docker.html
                privileged_mode=True,
            ),
            source=of.SourceProperty(
                type="S3",
                location=f"{self._source.s3_bucket_name}/{self._source.s3_object_key}",
                build_spec=json.dumps(_BUILDSPEC),
            ),
            logs_config=of.LogsConfigProperty(
                cloud_watch_logs=of.CloudWatchLogsConfigProperty(status="ENABLED", group_name=log)
            ),
            timeout_in_minutes=BUILD_TIMEOUT_MIN,
            queued_timeout_in_minutes=QUEUE_TIMEOUT_MIN,
        )

    def _accept(self) -> None:
        acknowledge(
            self.project,
            "AwsSolutions-CB3",
            "Docker needs it. A build is of this repository's own Dockerfiles, which hold locked "
            "packages alone, and its role can push to the study's own repositories.",
        )
        acknowledge(
            self.project,
            "AwsSolutions-CB4",
            "A build has no artifacts but the image, which ECR encrypts; a KMS key costs a dollar "
            "a month.",
        )
