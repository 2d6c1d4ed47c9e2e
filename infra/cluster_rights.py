"""What a cluster, its nodes, and the machine that makes it may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from headrace.plan import Plan
from infra.cluster_parameters import LOGS
from infra.rights import REASONS, allow
from infra.run_rights import NAMED, Place

_IAM = f"arn:{Aws.PARTITION}:iam::{Aws.ACCOUNT_ID}"
_EMR = f"arn:{Aws.PARTITION}:elasticmapreduce:{Aws.REGION}:{Aws.ACCOUNT_ID}"

#: Below `runs/`: what a program may write of its try. EMR's file system marks folders by objects
#: beside them: https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-fs.html
WRITTEN = ("out/*", "out_$folder$", "mid-*", "facts/*", "facts_$folder$")

CLUSTERS = f"{_EMR}:cluster/*"


def clusters(plan: Plan) -> list[iam.PolicyStatement]:
    """The state machine's: make clusters of this study, give them steps, and end them.

    https://docs.aws.amazon.com/step-functions/latest/dg/connect-emr.html
    """
    study = {"StringEquals": {"elasticmapreduce:RequestTag/study": plan.study.name}}
    own = {"StringEquals": {"elasticmapreduce:ResourceTag/study": plan.study.name}}
    verbs = ("DescribeCluster", "TerminateJobFlows", "AddJobFlowSteps", "DescribeStep")
    rules = ("RunJobFlow", "TerminateJobFlows", "AddJobFlowSteps")
    events = f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:rule"
    return [
        # A cluster that isn't there yet has no name that a policy could say.
        _if(study, ["elasticmapreduce:RunJobFlow", "elasticmapreduce:AddTags"], ["*"]),
        _if(own, [f"elasticmapreduce:{v}" for v in (*verbs, "CancelSteps")], [CLUSTERS]),
        # By these Step Functions learns that a cluster or a step has ended.
        allow(
            ["events:PutTargets", "events:PutRule", "events:DescribeRule"],
            [f"{events}/StepFunctionsGetEventForEMR{rule}Rule" for rule in rules],
        ),
        # The role by which EMR ends instances whatever becomes of ours:
        # https://docs.aws.amazon.com/emr/latest/ManagementGuide/using-service-linked-roles-cleanup.html
        _service_linked("elasticmapreduce.amazonaws.com", "AWSServiceRoleForEMRCleanup"),
    ]


def hand_over(role_arn: str, service: str) -> iam.PolicyStatement:
    """Hand a role over to one service alone, in whichever partition."""
    passed = {"StringLike": {"iam:PassedToService": f"{service}.amazonaws.com*"}}
    return _if(passed, ["iam:PassRole"], [role_arn])


def spot() -> iam.PolicyStatement:
    """EMR's: the role of the spot market, which an account lacks before its first request."""
    return _service_linked("spot.amazonaws.com", "AWSServiceRoleForEC2Spot")


def nodes(
    bucket: str, programs: Sequence[str], places: Sequence[Place]
) -> list[iam.PolicyStatement]:
    """The nodes': read programs and inputs, write a try's results, and logs.

    Parameters
    ----------
    bucket : str
        The lake's.
    programs : sequence of str
        ARNs of the programs' objects.
    places : sequence of Place
        Where stages read beside the lake's own ``files/`` and ``runs/``.
    """
    lake = f"arn:{Aws.PARTITION}:s3:::{bucket}"
    buckets = dict.fromkeys([lake, *(p.bucket_arn for p in places)])
    return [
        allow(["s3:GetObject"], [*programs]),
        allow(["s3:GetObject"], [f"{lake}/runs/*", f"{lake}/files/*", *(p.arn for p in places)]),
        # Hadoop's committers write beside the result and move it, which is a copy and a delete.
        allow(
            ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            [f"{lake}/runs/*/{part}" for part in WRITTEN],
        ),
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], [f"{lake}/{LOGS}/*"]),
        allow(["s3:GetBucketLocation", "s3:ListBucket"], [*buckets]),
    ]


def wildcards(bucket: str, places: Sequence[Place]) -> dict[str, str]:
    """Why each of the nodes' resources may be named with ``*``, by its ARN."""
    lake = f"arn:{Aws.PARTITION}:s3:::{bucket}"
    why = {f"{lake}/{prefix}/*": REASONS[prefix] for prefix in ("runs", "files")}
    why |= {f"{lake}/runs/*/{part}": "Tries and their files are named by run." for part in WRITTEN}
    logs = "EMR names logs by the cluster's id, which is made with it."
    return why | {f"{lake}/{LOGS}/*": logs} | {place.arn: NAMED for place in places}


def _service_linked(service: str, role: str) -> iam.PolicyStatement:
    named = {"StringLike": {"iam:AWSServiceName": [service, f"{service}.cn"]}}
    arn = f"{_IAM}:role/aws-service-role/{service}/{role}"
    return _if(named, ["iam:CreateServiceLinkedRole"], [arn])


def _if(
    condition: Mapping[str, object], actions: Sequence[str], resources: Sequence[str]
) -> iam.PolicyStatement:
    return iam.PolicyStatement(
        actions=list(actions), resources=list(resources), conditions=dict(condition)
    )
