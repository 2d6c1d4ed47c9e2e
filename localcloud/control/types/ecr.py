"""AWS::ECR::Repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    document,
    lower_first,
    missing,
    retag,
    tag_list,
)

ON_DISK = "layers lie on this machine's disk"


class Repository(ResourceType):
    """A repository of container images."""

    type = "AWS::ECR::Repository"
    named_by = "RepositoryName"
    properties = {
        "EmptyOnDelete": Property("cloudformation:GetTemplate"),
        "EncryptionConfiguration": Property(
            "ecr:DescribeRepositories", stored=ON_DISK, replaces=True
        ),
        "ImageScanningConfiguration": Property(
            "ecr:DescribeRepositories", stored="no image is scanned"
        ),
        "ImageTagMutability": Property("ecr:DescribeRepositories", default="MUTABLE"),
        "LifecyclePolicy": Property("ecr:GetLifecyclePolicy", stored="no image expires"),
        "RepositoryName": Property("ecr:DescribeRepositories", replaces=True),
        "RepositoryPolicyText": Property(
            "ecr:GetRepositoryPolicy", ordered=False, stored="who pushes and pulls isn't asked"
        ),
        "Tags": Property("ecr:ListTagsForResource", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the repository; one of the same name is an error."""
        name = str(want.get("RepositoryName") or here.name(256, lower=True))
        words = {}
        if "EncryptionConfiguration" in want:
            words["encryptionConfiguration"] = lower_first(want["EncryptionConfiguration"])
        here.client("ecr").create_repository(repositoryName=name, **words)
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set what changed."""
        client = here.client("ecr")
        if changed(had, want, "ImageTagMutability"):
            client.put_image_tag_mutability(
                repositoryName=made, imageTagMutability=want.get("ImageTagMutability", "MUTABLE")
            )
        if changed(had, want, "ImageScanningConfiguration"):
            scanning = want.get("ImageScanningConfiguration", {"ScanOnPush": False})
            client.put_image_scanning_configuration(
                repositoryName=made, imageScanningConfiguration=lower_first(scanning)
            )
        _set_policies(client, made, had, want)
        arn = here.arn("ecr", f"repository/{made}")
        retag(
            had,
            want,
            lambda keys: client.untag_resource(resourceArn=arn, tagKeys=keys),
            lambda tags: client.tag_resource(resourceArn=arn, tags=tag_list(tags)),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the repository."""
        client = here.client("ecr")
        force = str(had.get("EmptyOnDelete", "false")).lower() == "true"
        try:
            client.delete_repository(repositoryName=made, force=force)
        except client.exceptions.RepositoryNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the repository."""
        client = here.client("ecr")
        got = client.describe_repositories(repositoryNames=[made])["repositories"][0]
        scanning, encryption = got["imageScanningConfiguration"], got["encryptionConfiguration"]
        found: Properties = {
            "RepositoryName": got["repositoryName"],
            "ImageTagMutability": got["imageTagMutability"],
            "ImageScanningConfiguration": {"ScanOnPush": scanning["scanOnPush"]},
            "EncryptionConfiguration": {k[:1].upper() + k[1:]: v for k, v in encryption.items()},
            "LifecyclePolicy": {"LifecyclePolicyText": _lifecycle(client, made)},
            "RepositoryPolicyText": _text(client.get_repository_policy, made, "policyText"),
            "Tags": client.list_tags_for_resource(resourceArn=got["repositoryArn"])["tags"],
        }
        if "EmptyOnDelete" in want:
            found["EmptyOnDelete"] = want["EmptyOnDelete"]
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """ARN and URI."""
        host = f"{here.cloud.account}.dkr.ecr.{here.cloud.region}.amazonaws.com"
        return {"Arn": here.arn("ecr", f"repository/{made}"), "RepositoryUri": f"{host}/{made}"}


def _set_policies(client: Any, made: str, had: Properties, want: Properties) -> None:
    if changed(had, want, "LifecyclePolicy"):
        if "LifecyclePolicy" in want:
            text = want["LifecyclePolicy"]["LifecyclePolicyText"]
            client.put_lifecycle_policy(repositoryName=made, lifecyclePolicyText=text)
        else:
            client.delete_lifecycle_policy(repositoryName=made)
    if changed(had, want, "RepositoryPolicyText"):
        if "RepositoryPolicyText" in want:
            text = document(want["RepositoryPolicyText"])
            client.set_repository_policy(repositoryName=made, policyText=text)
        else:
            client.delete_repository_policy(repositoryName=made)


def _lifecycle(client: Any, made: str) -> str:
    return _text(client.get_lifecycle_policy, made, "lifecyclePolicyText")


def _text(get: Callable[..., Any], made: str, key: str) -> str:
    try:
        return str(get(repositoryName=made)[key])
    except ClientError as fault:
        if missing(fault):
            return ""
        raise
