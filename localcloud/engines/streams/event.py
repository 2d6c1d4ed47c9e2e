"""What a function sees of a stream's records, and a destination of those given up.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html, the example event
https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
"""

from __future__ import annotations

import json
from typing import Any

from localcloud.engines.functions.destinations import timestamp
from localcloud.engines.mappings.batching import GivenUp, Record


def record_of(record: Any, shard_id: str, stream: Any, role: str) -> Record:
    """A record of moto's as the event has it."""
    sequence, arrived = record.sequence_number, round(record.created_at, 3)
    told = {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": record.partition_key,
            "sequenceNumber": str(sequence),
            "data": record.data,
            "approximateArrivalTimestamp": arrived,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{shard_id}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": stream.region,
        "eventSourceARN": stream.arn,
    }
    return Record(sequence, arrived, json.dumps(told))


def payload(records: tuple[Record, ...]) -> bytes:
    """The event: its records' JSON joined, which is long enough not to be parsed again."""
    return ('{"Records": [' + ", ".join(r.text for r in records) + "]}").encode()


def failure(
    given_up: GivenUp, shard_id: str, stream_arn: str, function: Any, request_id: str, whole: bool
) -> dict[str, Any]:
    """What a destination is told of records that are passed over.

    Parameters
    ----------
    whole : bool
        Whether to add the event itself, as S3 gets it.
    """
    records = given_up.work.records
    told: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function.function_arn,
            "condition": given_up.condition,
            "approximateInvokeCount": given_up.work.invocations,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": str(function.version),
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": timestamp(),
        "KinesisBatchInfo": {
            "shardId": shard_id,
            "startSequenceNumber": str(records[0].sequence),
            "endSequenceNumber": str(records[-1].sequence),
            "approximateArrivalOfFirstRecord": timestamp(records[0].arrived),
            "approximateArrivalOfLastRecord": timestamp(records[-1].arrived),
            "batchSize": len(records),
            "streamArn": stream_arn,
        },
    }
    if given_up.condition != "RetryAttemptsExhausted" or not given_up.work.invocations:
        del told["responseContext"]  # there was none
    return told | ({"payload": json.loads(payload(records))} if whole else {})
