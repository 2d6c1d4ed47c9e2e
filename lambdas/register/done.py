"""`done.json`, the last that a stage's end writes; a later try's is not replaced."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from headrace.lake import done_key, get_json, json_body
from lambdas.register.commits import Superseded, Try

#: Of S3's, for a write on a condition that wasn't so:
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
_BETWEEN = ("PreconditionFailed", "ConditionalRequestConflict", "NoSuchKey")
_ATTEMPTS = 5


def check(s3: Any, bucket: str, by: Try) -> None:
    """Refuse where a later try is done.

    Raises
    ------
    Superseded
    """
    if (told := get_json(s3, bucket, done_key(by.run, by.stage))) is not None:
        by.yields_to(f"{by.run}/{told['try']}", told["started"])


def write(s3: Any, bucket: str, by: Try, told: dict[str, Any]) -> None:
    """Write what a try gave, on the condition that what :func:`check` saw is still there.

    Raises
    ------
    Superseded
        Where a later try is done, or others write again and again.
    """
    key = done_key(by.run, by.stage)
    for _ in range(_ATTEMPTS):
        etag = _etag(s3, bucket, key)  # before the look: what comes after it fails the write
        check(s3, bucket, by)
        condition = {"IfMatch": etag} if etag else {"IfNoneMatch": "*"}
        try:
            s3.put_object(
                Bucket=bucket,
                Key=key,
                Body=json_body(told),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in _BETWEEN:
                raise
        else:
            return
    raise Superseded(
        f"While registering stage {by.stage} of run {by.mark}, found {key} written by another "
        f"{_ATTEMPTS} times. Two executions register this stage: stop one, and redo the stage."
    )


def _etag(s3: Any, bucket: str, key: str) -> str | None:
    try:
        etag: str = s3.get_object(Bucket=bucket, Key=key)["ETag"]
    except s3.exceptions.NoSuchKey:
        return None
    return etag
