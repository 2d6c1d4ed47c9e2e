"""What the run's machine tries again: outages and throttles, and calls that were killed.

What a function says of its own accord, or a query that is wrong, comes out the same the second
time and is not tried again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

#: Lambda itself failed:
#: https://docs.aws.amazon.com/step-functions/latest/dg/bp-lambda-serviceexception.html
LAMBDA_OUTAGES = (
    "Lambda.ClientExecutionTimeoutException",
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
)
#: More calls at a time than the account may have; the same page.
LAMBDA_THROTTLES = ("Lambda.TooManyRequestsException",)
#: A call that ran and did not end: beyond its time, out of memory, or its process gone. The
#: same page on `Lambda.Unknown`; the others are Lambda's own error types, which the machine hands
#: on: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
GONE = ("Lambda.Unknown", "Runtime.ExitError")
KILLED = (*GONE, "States.Timeout", "Sandbox.Timedout")
#: What a function says where S3 or another service failed beneath it: the SDK's own tries are over,
#: or it was a body, which the SDK doesn't read again. The classes' names, of
#: https://github.com/boto/botocore/blob/develop/botocore/exceptions.py
BENEATH = (
    "ChangedError",  # ours, of `register`: a straggler wrote a batch anew meanwhile
    "ClientError",
    "ConnectionClosedError",
    "ConnectTimeoutError",
    "EndpointConnectionError",
    "IncompleteReadError",
    "ReadTimeoutError",
    "ResponseStreamingError",
)
#: What function `map` says when a call's time is over before its batch is done: the next try goes
#: on from there.
UNFINISHED = ("OutOfTime",)
#: The errors of StartQueryExecution that are not the caller's, and the SDK's name for what has no
#: other: https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
ATHENA_OUTAGES = (
    "Athena.TooManyRequestsException",
    "Athena.InternalServerException",
    "Athena.AmazonAthenaException",
)
#: More calls a second than EMR takes. It has no class of its own in the API, so it may come as the
#: SDK's name for what has no other; and some wrong words come so too, hence few tries:
#: https://docs.aws.amazon.com/emr/latest/APIReference/CommonErrors.html
EMR_THROTTLES = ("EMR.ThrottlingException", "EMR.AmazonElasticMapReduceException")
#: What Batch could not do, and the SDK's name for what has no other, a throttle among them. Wrong
#: words come as Batch.ClientException; a job that failed is States.TaskFailed:
#: https://docs.aws.amazon.com/batch/latest/APIReference/CommonErrors.html
BATCH_OUTAGES = ("Batch.ServerException", "Batch.AWSBatchException")


def lambda_retries() -> list[dict[str, Any]]:
    """Of every call of a function but a batch's: each may be done twice.

    One whose time was over would need as much again, so it is not tried again.
    """
    return [*_outages(), _retry(GONE, first_s=1, most_s=10, attempts=2)]


def _outages() -> list[dict[str, Any]]:
    return [
        _retry(LAMBDA_OUTAGES, first_s=2, most_s=60, attempts=6),
        # Another run of the same account may hold all its calls for minutes.
        _retry(LAMBDA_THROTTLES, first_s=2, most_s=60, attempts=12),
        _retry(BENEATH, first_s=2, most_s=30, attempts=3),
    ]


def work_retries() -> list[dict[str, Any]]:
    """Of a batch.

    A killed call's next try keeps a journal of parts, by which the one after knows the part that
    kills, and splits it: two such items in a large batch make six.
    """
    return [
        *_outages(),
        _retry(KILLED, first_s=1, most_s=10, attempts=6),
        _retry(UNFINISHED, first_s=1, most_s=1, attempts=8),
    ]


def athena_retries() -> list[dict[str, Any]]:
    """Of a query that could not be started. One that failed is answered by States.TaskFailed."""
    return [_retry(ATHENA_OUTAGES, first_s=5, most_s=60, attempts=6)]


def emr_retries() -> list[dict[str, Any]]:
    """Of a call of EMR that it would not take. A cluster or step that failed is not tried again."""
    return [_retry(EMR_THROTTLES, first_s=2, most_s=20, attempts=4)]


def batch_retries() -> list[dict[str, Any]]:
    """Of a job that could not be submitted. One that failed Batch itself tries again, by cause."""
    return [_retry(BATCH_OUTAGES, first_s=2, most_s=60, attempts=8)]


def _retry(errors: Sequence[str], first_s: int, most_s: int, attempts: int) -> dict[str, Any]:
    return {
        "ErrorEquals": list(errors),
        "IntervalSeconds": first_s,
        "BackoffRate": 2,
        "MaxDelaySeconds": most_s,
        "MaxAttempts": attempts,
        # Or calls that were throttled together come back together.
        "JitterStrategy": "FULL",
    }
