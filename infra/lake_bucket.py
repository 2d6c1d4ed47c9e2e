"""The lake's bucket: encrypted, over TLS only, versioned, seen by nobody else, and kept."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_s3 as s3
from constructs import Construct

from infra.nag import acknowledge


@dataclass(frozen=True)
class LakeBucketProps:
    """What the bucket is called and how long it keeps what is not the lake itself.

    Parameters
    ----------
    name : str
        Physical name.
    notebooks : bool
        Whether lithops stores here; what a killed notebook left expires after a week.
    clusters : bool
        Whether EMR puts logs here; they expire after a month.
    staged_days : int
        Days until staged rows expire: twice what the commit queue and its dead letters keep
        a message that names them (14 days each).
    results_days : int
        Days until Athena's results expire; a query can be asked again.
    replaced_days : int
        Days that a replaced or deleted version is kept: time to notice a mistake.
    """

    name: str
    notebooks: bool = False
    clusters: bool = False
    staged_days: int = 30
    results_days: int = 7
    replaced_days: int = 30


class LakeBucket(Construct):
    """The bucket with its lifecycle and policy.

    What a replication needs doesn't expire: raw blocks, users' files, and of a run its inputs,
    results and the pin of its snapshots, which is all of ``runs/`` but for what only a call that
    was cut short comes back to (``journal/``, small, and named too deep for a rule).

    Examples
    --------
    >>> LakeBucket(stack, "Lake", LakeBucketProps(name="headrace-speeches-1-us-east-1"))
    """

    def __init__(self, scope: Construct, id_: str, props: LakeBucketProps) -> None:
        super().__init__(scope, id_)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            bucket_name=props.name,
            # Keys of S3's own: a KMS key costs a dollar a month and a call for each object.
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            enforce_ssl=True,
            versioned=True,
            lifecycle_rules=_lifecycle(props),
            # But for what a failed first deploy made: the next would find it in its way.
            removal_policy=RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        acknowledge(
            self.bucket,
            "AwsSolutions-S1",
            "Server access logs are delivered on a best-effort basis and would need a second "
            "retained bucket. Who wrote what is known without them: three roles can write, each "
            "to its own prefixes, landed objects are named by source and sequence numbers, and "
            "the bucket is versioned. Where reads must be audited, switch on CloudTrail's data "
            "events for this bucket.",
        )


def _lifecycle(props: LakeBucketProps) -> list[s3.LifecycleRule]:
    return [
        s3.LifecycleRule(
            id="staged", prefix="staged/", expiration=Duration.days(props.staged_days)
        ),
        s3.LifecycleRule(
            id="results", prefix="athena/", expiration=Duration.days(props.results_days)
        ),
        s3.LifecycleRule(
            id="replaced",
            noncurrent_version_expiration=Duration.days(props.replaced_days),
            # Nor do the marks of what was deleted stay once its last version has gone.
            expired_object_delete_marker=True,
        ),
        *(
            s3.LifecycleRule(
                id=f"left-in-{name.rstrip('/')}", prefix=name, expiration=Duration.days(7)
            )
            for name in ("lithops/", "lithops_v")
            if props.notebooks
        ),
        *(
            s3.LifecycleRule(id="logs", prefix="emr-logs/", expiration=Duration.days(30))
            for _ in range(props.clusters)
        ),
        # Parts of an upload that a killed function left are paid for and never seen.
        s3.LifecycleRule(id="unfinished", abort_incomplete_multipart_upload_after=Duration.days(7)),
    ]
