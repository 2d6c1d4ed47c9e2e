"""Batch's call in states: https://docs.aws.amazon.com/step-functions/latest/dg/connect-batch.html.

A job that nobody waits for any more is terminated.
"""

from __future__ import annotations

from typing import Any

from localcloud.engines.states.job import Followed, Job, Shape, Submitted

#: https://docs.aws.amazon.com/step-functions/latest/dg/connect-to-resource.html
ABANDONED = "The task that submitted the job was stopped or timed out"


def _job(client: Any, submitted: Submitted) -> tuple[str, Shape]:
    return "describeJobs", client.describe_jobs(jobs=[submitted["JobId"]])


BATCH = Job(
    "AWSBatch",
    "Batch",
    frozenset({"submitJob"}),
    {
        "submitJob": Followed(
            _job,
            lambda told: str(told["jobs"][0]["status"]),
            frozenset({"SUCCEEDED"}),
            frozenset({"FAILED"}),
            lambda client, submitted: client.terminate_job(
                jobId=submitted["JobId"], reason=ABANDONED
            ),
            lambda told: dict(told["Jobs"][0]),
        )
    },
)
