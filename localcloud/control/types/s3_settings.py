"""The settings of a bucket: how each is put and got, in CloudFormation's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from localcloud.control.types.base import Properties, missing
from localcloud.control.types.s3_lifecycle import rule_from_api, rule_to_api


def asked(get: Callable[[Any, str], Any], client: Any, bucket: str) -> Any:
    """Ask S3 for a setting; None where it has none."""
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


SETTERS: dict[str, Callable[[Any, str, Any], None]] = {
    "AccessControl": _set_acl,
    "BucketEncryption": _set_encryption,
    "LifecycleConfiguration": _set_lifecycle,
    "OwnershipControls": _set_ownership,
    "PublicAccessBlockConfiguration": _set_public_access,
    "Tags": _set_tags,
    "VersioningConfiguration": _set_versioning,
}

GETTERS: dict[str, Callable[[Any, str], Any]] = {
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
