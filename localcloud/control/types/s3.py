"""AWS::S3::Bucket and AWS::S3::BucketPolicy."""

from __future__ import annotations

import json
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
    missing,
    taken,
)
from localcloud.control.types.s3_lifecycle import rule_from_api, rule_to_api

NO_SWEEP = "no job expires or moves objects"
PLAIN = "objects lie unencrypted under the data folder"


class Bucket(ResourceType):
    """A bucket."""

    type = "AWS::S3::Bucket"
    named_by = "BucketName"
    properties = {
        "BucketName": Property("s3:ListBuckets", replaces=True),
        "AccessControl": Property("s3:GetBucketAcl", stored="every caller owns the account"),
        "BucketEncryption": Property("s3:GetBucketEncryption", stored=PLAIN),
        "LifecycleConfiguration": Property("s3:GetBucketLifecycleConfiguration", stored=NO_SWEEP),
        "OwnershipControls": Property(
            "s3:GetBucketOwnershipControls", stored="every caller owns the account"
        ),
        "PublicAccessBlockConfiguration": Property(
            "s3:GetPublicAccessBlock", stored="nothing but loopback reaches it"
        ),
        "Tags": Property("s3:GetBucketTagging", ordered=False),
        "VersioningConfiguration": Property(
            "s3:GetBucketVersioning", default={"Status": "Suspended"}
        ),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the bucket; one that is there already is not taken over."""
        name = str(want.get("BucketName") or here.name(63, lower=True))
        client = here.client("s3")
        try:
            client.head_bucket(Bucket=name)
        except ClientError:
            client.create_bucket(Bucket=name)
            return name
        raise taken(self.type, name)

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Bring every setting to what the template says."""
        for name, set_it in _SETTERS.items():
            if changed(had, want, name):
                set_it(here.client("s3"), made, want.get(name))

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete it; S3 refuses where objects are left."""
        client = here.client("s3")
        try:
            client.delete_bucket(Bucket=made)
        except client.exceptions.NoSuchBucket:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Ask S3 for each setting."""
        client = here.client("s3")
        found = {name: _asked(get, client, made) for name, get in _GETTERS.items()}
        names = [each["Name"] for each in client.list_buckets()["Buckets"]]
        found["BucketName"] = made if made in names else None
        return {name: value for name, value in found.items() if value}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """ARN and the bucket's host names."""
        region = here.cloud.region
        return {
            "Arn": f"arn:aws:s3:::{made}",
            "DomainName": f"{made}.s3.amazonaws.com",
            "RegionalDomainName": f"{made}.s3.{region}.amazonaws.com",
            "DualStackDomainName": f"{made}.s3.dualstack.{region}.amazonaws.com",
        }


def _asked(get: Callable[[Any, str], Any], client: Any, bucket: str) -> Any:
    try:
        return get(client, bucket)
    except ClientError as fault:
        if missing(fault, "ServerSideEncryptionConfigurationNotFoundError"):
            return None
        raise


def _set_acl(client: Any, bucket: str, value: Any) -> None:
    words = str(value or "Private")
    canned = "".join(f"-{c.lower()}" if c.isupper() else c for c in words).lstrip("-")
    client.put_bucket_acl(Bucket=bucket, ACL=canned)


def _get_acl(client: Any, bucket: str) -> str:
    grants = client.get_bucket_acl(Bucket=bucket)["Grants"]
    private = [g["Permission"] for g in grants] == ["FULL_CONTROL"]
    return "Private" if private and "ID" in grants[0]["Grantee"] else json.dumps(grants)


def _set_encryption(client: Any, bucket: str, value: Any) -> None:
    if not value:
        client.delete_bucket_encryption(Bucket=bucket)
        return
    rules = [_rename(rule, ENCRYPTION) for rule in value["ServerSideEncryptionConfiguration"]]
    client.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": rules})


ENCRYPTION = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}


def _rename(words: Properties, names: dict[str, str]) -> Properties:
    return {names.get(key, key): value for key, value in words.items()}


def _get_encryption(client: Any, bucket: str) -> Properties:
    got = client.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    back = {value: key for key, value in ENCRYPTION.items()}
    return {"ServerSideEncryptionConfiguration": [_rename(rule, back) for rule in got["Rules"]]}


def _set_lifecycle(client: Any, bucket: str, value: Any) -> None:
    if not value:
        client.delete_bucket_lifecycle(Bucket=bucket)
        return
    rules = [rule_to_api(rule) for rule in value["Rules"]]
    client.put_bucket_lifecycle_configuration(
        Bucket=bucket, LifecycleConfiguration={"Rules": rules}
    )


def _get_lifecycle(client: Any, bucket: str) -> Properties:
    got = client.get_bucket_lifecycle_configuration(Bucket=bucket)
    return {"Rules": [rule_from_api(rule) for rule in got["Rules"]]}


def _set_ownership(client: Any, bucket: str, value: Any) -> None:
    if value:
        client.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=value)
    else:
        client.delete_bucket_ownership_controls(Bucket=bucket)


def _set_public_access(client: Any, bucket: str, value: Any) -> None:
    if value:
        client.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=value)
    else:
        client.delete_public_access_block(Bucket=bucket)


def _set_tags(client: Any, bucket: str, value: Any) -> None:
    if value:
        client.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": value})
    else:
        client.delete_bucket_tagging(Bucket=bucket)


def _set_versioning(client: Any, bucket: str, value: Any) -> None:
    status = {"Status": (value or {}).get("Status", "Suspended")}
    client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration=status)


def _get_versioning(client: Any, bucket: str) -> Properties:
    status = client.get_bucket_versioning(Bucket=bucket).get("Status")
    return {"Status": status} if status else {}


_SETTERS: dict[str, Callable[[Any, str, Any], None]] = {
    "AccessControl": _set_acl,
    "BucketEncryption": _set_encryption,
    "LifecycleConfiguration": _set_lifecycle,
    "OwnershipControls": _set_ownership,
    "PublicAccessBlockConfiguration": _set_public_access,
    "Tags": _set_tags,
    "VersioningConfiguration": _set_versioning,
}

_GETTERS: dict[str, Callable[[Any, str], Any]] = {
    "AccessControl": _get_acl,
    "BucketEncryption": _get_encryption,
    "LifecycleConfiguration": _get_lifecycle,
    "OwnershipControls": lambda c, b: c.get_bucket_ownership_controls(Bucket=b)[
        "OwnershipControls"
    ],
    "PublicAccessBlockConfiguration": lambda c, b: c.get_public_access_block(Bucket=b)[
        "PublicAccessBlockConfiguration"
    ],
    "Tags": lambda c, b: c.get_bucket_tagging(Bucket=b)["TagSet"],
    "VersioningConfiguration": _get_versioning,
}


class BucketPolicy(ResourceType):
    """A bucket's policy; `localcloud.control.patches.bucket_policy` tells how it is enforced."""

    type = "AWS::S3::BucketPolicy"
    named_by = "Bucket"
    properties = {
        "Bucket": Property("s3:GetBucketPolicy", replaces=True),
        "PolicyDocument": Property("s3:GetBucketPolicy", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Name it by its bucket, as AWS does."""
        return str(want["Bucket"])

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Put the policy."""
        here.client("s3").put_bucket_policy(Bucket=made, Policy=document(want["PolicyDocument"]))

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the policy, where the bucket is still there."""
        client = here.client("s3")
        try:
            client.delete_bucket_policy(Bucket=made)
        except client.exceptions.NoSuchBucket:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the policy."""
        got = here.client("s3").get_bucket_policy(Bucket=made)
        return {"Bucket": made, "PolicyDocument": json.loads(got["Policy"])}
