"""What a build of images, and the function that starts it, may do."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as s3_assets

from infra.rights import allow

#: https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html
_PUSH = (
    "BatchCheckLayerAvailability",
    "BatchGetImage",
    "CompleteLayerUpload",
    "GetDownloadUrlForLayer",
    "InitiateLayerUpload",
    "PutImage",
    "UploadLayerPart",
)

#: Why `token` names all resources.
REGISTRY = "ECR's password is of the account's registry, and the call takes no resource."


def build(
    repositories: Sequence[str], log: str, source: s3_assets.Asset
) -> list[iam.PolicyStatement]:
    """CodeBuild's: read the source, push images, write its log.

    https://docs.aws.amazon.com/codebuild/latest/userguide/setting-up-service-role.html
    """
    bucket = f"arn:{Aws.PARTITION}:s3:::{source.s3_bucket_name}"
    return [
        allow(["s3:GetObject", "s3:GetObjectVersion"], [f"{bucket}/{source.s3_object_key}"]),
        allow(["s3:GetBucketAcl", "s3:GetBucketLocation"], [bucket]),
        token(),
        allow([f"ecr:{verb}" for verb in _PUSH], repositories),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log]),
    ]


def function(repositories: Sequence[str], project: str) -> list[iam.PolicyStatement]:
    """Function `image`'s: look for the image, and start, watch and stop its build."""
    return [
        allow(["ecr:DescribeImages"], repositories),
        # Of a build, the resource is its project:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodebuild.html
        allow([f"codebuild:{v}" for v in ("StartBuild", "BatchGetBuilds", "StopBuild")], [project]),
    ]


def token() -> iam.PolicyStatement:
    """Ask for the registry's password, which is the account's and has no resource.

    https://docs.aws.amazon.com/AmazonECR/latest/userguide/security_iam_service-with-iam.html
    """
    return allow(["ecr:GetAuthorizationToken"], ["*"])
