"""What jobs, what starts their containers, and the machine that submits them may do."""

from __future__ import annotations

from collections.abc import Sequence

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from headrace.plan import Plan
from infra import images_rights
from infra.rights import REASONS, allow
from infra.run_rights import NAMED, Place

_HERE = f"{Aws.REGION}:{Aws.ACCOUNT_ID}"
_BATCH = f"arn:{Aws.PARTITION}:batch:{_HERE}"

#: Below `runs/`: what a job may write of its try, see `docs/contracts.md`.
WRITTEN = ("out/*", "facts/*", "libraries.json", "failed.json")

JOBS = f"{_BATCH}:job/*"


def machine(plan: Plan) -> list[iam.PolicyStatement]:
    """The state machine's: submit the study's jobs, look after them, and end them.

    https://docs.aws.amazon.com/step-functions/latest/dg/batch-iam.html
    """
    rule = f"arn:{Aws.PARTITION}:events:{_HERE}:rule/StepFunctionsGetEventsForBatchJobsRule"
    return [
        allow(["batch:SubmitJob"], [*_definitions(plan), *_queues(plan)]),
        # Batch has no resources for it, and names jobs as they are submitted:
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsbatch.html
        allow(["batch:DescribeJobs"], ["*"]),
        allow(["batch:TerminateJob"], [JOBS]),
        # By this Step Functions learns that a job has ended.
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], [rule]),
    ]


def machine_wildcards(plan: Plan) -> dict[str, str]:
    """Why the state machine's rights name a resource with ``*``, by that resource."""
    revisions = "The revision of a definition, which every deploy that changes it counts up."
    return {
        "*": "DescribeJobs takes no resource; it tells the states of the account's jobs.",
        JOBS: "Batch names jobs as they are submitted; the machine ends those that it waits for.",
        **dict.fromkeys(_definitions(plan), revisions),
    }


def job(bucket: str, programs: Sequence[str], places: Sequence[Place]) -> list[iam.PolicyStatement]:
    """A job's own: read its program and inputs, write a try's results.

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
        allow(["s3:PutObject", "s3:AbortMultipartUpload"], _written(lake)),
        allow(["s3:GetBucketLocation", "s3:ListBucket"], [*buckets]),
    ]


def job_wildcards(bucket: str, places: Sequence[Place]) -> dict[str, str]:
    """Why each of a job's resources may be named with ``*``, by its ARN."""
    lake = f"arn:{Aws.PARTITION}:s3:::{bucket}"
    why = {f"{lake}/{prefix}/*": REASONS[prefix] for prefix in ("runs", "files")}
    why |= dict.fromkeys(_written(lake), "Tries and their files are named by run.")
    return why | {place.arn: NAMED for place in places}


def start(repositories: Sequence[str], log: str) -> list[iam.PolicyStatement]:
    """What starts a container may do: pull its image, and write its log.

    https://docs.aws.amazon.com/batch/latest/userguide/execution-IAM-role.html
    """
    pull = ("BatchCheckLayerAvailability", "GetDownloadUrlForLayer", "BatchGetImage")
    return [
        images_rights.token(),
        allow([f"ecr:{verb}" for verb in pull], repositories),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], [log]),
    ]


def _written(lake: str) -> list[str]:
    return [f"{lake}/runs/*/{part}" for part in WRITTEN]


def _definitions(plan: Plan) -> list[str]:
    # The ARN of a request has the revision, also where the request has none:
    # https://docs.aws.amazon.com/batch/latest/userguide/iam-example-restrict-job-submission.html
    return [f"{_BATCH}:job-definition/{plan.job_definition(s.name)}:*" for s in plan.tasks]


def _queues(plan: Plan) -> list[str]:
    return [f"{_BATCH}:job-queue/{plan.job_queue(name)}" for name in plan.queues]
