"""AWS::S3::Bucket and AWS::S3::BucketPolicy."""

from __future__ import annotations

import json

from botocore.exceptions import ClientError

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    document,
    taken,
)
from localcloud.control.types.s3_settings import GETTERS, SETTERS, asked

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
        for name, set_it in SETTERS.items():
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
        found = {name: asked(get, client, made) for name, get in GETTERS.items()}
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


class BucketPolicy(ResourceType):
    """A bucket's policy; `localcloud.control.patches.bucket_policy` tells how it is enforced."""

    type = "AWS::S3::BucketPolicy"
    named_by = "Bucket"
    properties = {
        "Bucket": Property("s3:GetBucketPolicy", replaces=True),
        "PolicyDocument": Property("s3:GetBucketPolicy", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Name it by its bucket, as AWS does; a policy that is there is not taken over."""
        client, bucket = here.client("s3"), str(want["Bucket"])
        if asked(lambda c, b: c.get_bucket_policy(Bucket=b), client, bucket):
            raise taken(self.type, bucket)
        return bucket

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
