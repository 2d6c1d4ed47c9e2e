"""AWS::SQS::Queue and AWS::SQS::QueuePolicy."""

from __future__ import annotations

import json
from typing import Any

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    document,
    retag,
    taken,
)

READ = "sqs:GetQueueAttributes"
NO_KEYS = "messages lie unencrypted in memory"

#: CloudFormation's properties that are the API's attributes of the same name, with defaults
#: from https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
ATTRIBUTES: dict[str, Any] = {
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "DelaySeconds": "0",
    "FifoQueue": None,
    "FifoThroughputLimit": "perQueue",
    "KmsDataKeyReusePeriodSeconds": "300",
    "KmsMasterKeyId": "",
    "MaximumMessageSize": "1048576",
    "MessageRetentionPeriod": "345600",
    "ReceiveMessageWaitTimeSeconds": "0",
    "RedriveAllowPolicy": "",
    "RedrivePolicy": "",
    "SqsManagedSseEnabled": "true",
    "VisibilityTimeout": "30",
}
STORED = {"SqsManagedSseEnabled", "KmsMasterKeyId", "KmsDataKeyReusePeriodSeconds"}


def _attribute(name: str) -> Property:
    return Property(
        READ,
        stored=NO_KEYS if name in STORED else "",
        replaces=name == "FifoQueue",
        default=ATTRIBUTES[name],
    )


class Queue(ResourceType):
    """A queue; `Ref` gives its URL."""

    type = "AWS::SQS::Queue"
    named_by = "QueueName"
    properties = {
        **{name: _attribute(name) for name in ATTRIBUTES},
        "QueueName": Property("sqs:GetQueueUrl", replaces=True),
        "Tags": Property("sqs:ListQueueTags", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the queue; one of the same name is not taken over."""
        fifo = str(want.get("FifoQueue", "false")).lower() == "true"
        name = str(want.get("QueueName") or here.name(80, suffix=".fifo" if fifo else ""))
        client = here.client("sqs")
        try:
            client.get_queue_url(QueueName=name)
        except client.exceptions.QueueDoesNotExist:
            attributes = {key: _text(want[key]) for key in ATTRIBUTES if key in want}
            return str(client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])
        raise taken(self.type, name)

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set what changed; what the template sets no more gets its default."""
        client = here.client("sqs")
        attributes = {
            key: _text(want.get(key, default))
            for key, default in ATTRIBUTES.items()
            if had and want.get(key) != had.get(key) and key != "FifoQueue"
        }
        if attributes:
            client.set_queue_attributes(QueueUrl=made, Attributes=attributes)
        retag(
            had,
            want,
            lambda keys: client.untag_queue(QueueUrl=made, TagKeys=keys),
            lambda tags: client.tag_queue(QueueUrl=made, Tags=tags),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the queue."""
        client = here.client("sqs")
        try:
            client.delete_queue(QueueUrl=made)
        except client.exceptions.QueueDoesNotExist:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the queue's attributes."""
        client = here.client("sqs")
        got = client.get_queue_attributes(QueueUrl=made, AttributeNames=["All"])["Attributes"]
        found = {name: got[name] for name in ATTRIBUTES if name in got}
        tags = client.list_queue_tags(QueueUrl=made).get("Tags", {})
        found["Tags"] = [{"Key": key, "Value": value} for key, value in tags.items()]
        return found | {"QueueName": got["QueueArn"].rsplit(":", 1)[1]}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """ARN, name and URL."""
        name = made.rsplit("/", 1)[1]
        return {"Arn": here.arn("sqs", name), "QueueName": name, "QueueUrl": made}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


class QueuePolicy(ResourceType):
    """The policy of one or more queues."""

    type = "AWS::SQS::QueuePolicy"
    properties = {
        "PolicyDocument": Property(
            READ, ordered=False, stored="the policies of queues are not enforced"
        ),
        "Queues": Property(READ, ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Name it."""
        return here.name()

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Put the policy on its queues, and take it from those that left."""
        client = here.client("sqs")
        text = document(want["PolicyDocument"])
        for url in want["Queues"]:
            client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": text})
        for url in set(had.get("Queues", ())) - set(want["Queues"]):
            client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Take the policy from its queues."""
        client = here.client("sqs")
        for url in had["Queues"]:
            try:
                client.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
            except client.exceptions.QueueDoesNotExist:
                continue

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the policy of each queue; they must be one."""
        client = here.client("sqs")
        texts = {}
        for url in want["Queues"]:
            got = client.get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"])
            texts[url] = got.get("Attributes", {}).get("Policy", "")
        same = len(set(texts.values())) == 1
        first = next(iter(texts.values()))
        found: Properties = {"Queues": [url for url, text in texts.items() if text]}
        return found | ({"PolicyDocument": json.loads(first)} if same and first else {})
