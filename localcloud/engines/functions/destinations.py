"""Sends what is left of failed work where a destination says: SQS, SNS, S3 or another function."""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Mapping
from typing import Any

from localcloud.cloud import Cloud

#: Services that a destination may be. EventBridge buses and Kafka topics are refused.
SERVICES = ("sqs", "sns", "s3", "lambda")


def service_of(arn: str) -> str:
    """The service that an ARN names."""
    return arn.split(":")[2] if arn.count(":") >= 5 else ""


def timestamp(seconds: float | None = None) -> str:
    """A time as Lambda's records have it: ``2026-11-22T10:00:00.123Z``."""
    when = datetime.datetime.now(datetime.UTC)
    if seconds is not None:
        when = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}Z"


def object_key(middle: str) -> str:
    """The key of a record in S3: ``aws/lambda/MIDDLE/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-UUID``.

    https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
    """
    now = datetime.datetime.now(datetime.UTC)
    return f"aws/lambda/{middle}/{now:%Y/%m/%d}/{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}"


def send(cloud: Cloud, arn: str, record: Mapping[str, Any], key: str) -> None:
    """Send one record.

    Parameters
    ----------
    arn : str
        Of a queue, topic, bucket or function.
    key : str
        The object's key where it is a bucket.
    """
    body, service, name = json.dumps(record), service_of(arn), arn.rsplit(":", 1)[-1]
    if service == "sqs":
        client = cloud.client("sqs")
        url = client.get_queue_url(QueueName=name)["QueueUrl"]
        client.send_message(QueueUrl=url, MessageBody=body)
    elif service == "sns":
        cloud.client("sns").publish(TopicArn=arn, Message=body)
    elif service == "s3":
        cloud.client("s3").put_object(Bucket=name, Key=key, Body=body.encode())
    elif service == "lambda":
        cloud.client("lambda").invoke(FunctionName=arn, InvocationType="Event", Payload=body)
    else:
        raise ValueError(
            f"While sending a record to {arn}, found the service {service!r}. "
            f"Use one of {', '.join(SERVICES)}."
        )


def dead_letter(cloud: Cloud, arn: str, payload: bytes, attributes: Mapping[str, str]) -> None:
    """Send an event itself to a dead-letter queue or topic, with its error as attributes.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    told = {k: {"DataType": "String", "StringValue": v} for k, v in attributes.items()}
    if service_of(arn) == "sns":
        cloud.client("sns").publish(TopicArn=arn, Message=payload.decode(), MessageAttributes=told)
        return
    client = cloud.client("sqs")
    url = client.get_queue_url(QueueName=arn.rsplit(":", 1)[-1])["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody=payload.decode(), MessageAttributes=told)
