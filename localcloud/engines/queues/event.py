"""What a function sees of a queue's messages.

https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html, the example events
"""

from __future__ import annotations

import base64
import json
from typing import Any


def record_of(message: Any, queue: Any) -> str:
    """A message of moto's as the event has it: the record's JSON."""
    attributes = {
        "ApproximateReceiveCount": str(message.approximate_receive_count),
        "SentTimestamp": str(message.sent_timestamp),
        "SenderId": message.sender_id,
        "ApproximateFirstReceiveTimestamp": str(message.approximate_first_receive_timestamp),
    }
    if queue.fifo_queue:
        attributes["SequenceNumber"] = message.sequence_number
        attributes["MessageGroupId"] = message.group_id
        attributes["MessageDeduplicationId"] = message.deduplication_id
    told = {
        "messageId": message.id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": attributes,
        "messageAttributes": {k: _attribute(v) for k, v in message.message_attributes.items()},
        "md5OfBody": message.body_md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.queue_arn,
        "awsRegion": queue.region,
    }
    if message.message_attributes:
        told["md5OfMessageAttributes"] = message.attribute_md5
    return json.dumps(told)


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"stringListValues": [], "binaryListValues": []}
    if value.get("StringValue") is not None:
        told["stringValue"] = value["StringValue"]
    if value.get("BinaryValue") is not None:
        raw = value["BinaryValue"]
        told["binaryValue"] = raw if isinstance(raw, str) else base64.b64encode(raw).decode()
    return told | {"dataType": value["DataType"]}


def payload(records: list[str]) -> bytes:
    """The event of these records."""
    return ('{"Records": [' + ", ".join(records) + "]}").encode()
