"""AWS::SNS::Topic and AWS::SNS::TopicPolicy."""

from __future__ import annotations

import json

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    document,
    retag,
    tag_list,
    taken,
)

READ = "sns:GetTopicAttributes"
SET_LATER = {"DisplayName": "", "KmsMasterKeyId": ""}
AT_CREATION = ("FifoTopic", "ContentBasedDeduplication")


class Topic(ResourceType):
    """A topic; `Ref` gives its ARN."""

    type = "AWS::SNS::Topic"
    named_by = "TopicName"
    properties = {
        "TopicName": Property(READ, replaces=True),
        "DisplayName": Property(READ),
        "KmsMasterKeyId": Property(READ, stored="messages lie unencrypted in memory"),
        "FifoTopic": Property(READ, replaces=True),
        "ContentBasedDeduplication": Property(READ, replaces=True),
        "Tags": Property("sns:ListTagsForResource", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the topic; one of the same name is not taken over."""
        fifo = str(want.get("FifoTopic", "false")).lower() == "true"
        name = str(want.get("TopicName") or here.name(256, suffix=".fifo" if fifo else ""))
        client = here.client("sns")
        try:
            client.get_topic_attributes(TopicArn=here.arn("sns", name))
        except client.exceptions.NotFoundException:
            words = {key: str(want[key]).lower() for key in AT_CREATION if key in want}
            return str(client.create_topic(Name=name, Attributes=words)["TopicArn"])
        raise taken(self.type, name)

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Set what changed."""
        client = here.client("sns")
        for name, default in SET_LATER.items():
            if changed(had, want, name):
                client.set_topic_attributes(
                    TopicArn=made, AttributeName=name, AttributeValue=want.get(name, default)
                )
        retag(
            had,
            want,
            lambda keys: client.untag_resource(ResourceArn=made, TagKeys=keys),
            lambda tags: client.tag_resource(ResourceArn=made, Tags=tag_list(tags)),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the topic."""
        client = here.client("sns")
        try:
            client.delete_topic(TopicArn=made)
        except client.exceptions.NotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the topic's attributes."""
        client = here.client("sns")
        got = client.get_topic_attributes(TopicArn=made)["Attributes"]
        found = {name: got[name] for name in (*SET_LATER, *AT_CREATION) if name in got}
        tags = client.list_tags_for_resource(ResourceArn=made)["Tags"]
        return found | {"TopicName": made.rsplit(":", 1)[1], "Tags": tags}

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """ARN and name."""
        return {"TopicArn": made, "TopicName": made.rsplit(":", 1)[1]}


class TopicPolicy(ResourceType):
    """The policy of one or more topics."""

    type = "AWS::SNS::TopicPolicy"
    properties = {
        "PolicyDocument": Property(
            READ, ordered=False, stored="the policies of topics are not enforced"
        ),
        "Topics": Property(READ, ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Name it."""
        return here.name()

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Put the policy on its topics."""
        client = here.client("sns")
        for arn in want["Topics"]:
            client.set_topic_attributes(
                TopicArn=arn,
                AttributeName="Policy",
                AttributeValue=document(want["PolicyDocument"]),
            )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Give its topics AWS's own policy back: the owner may do everything."""
        client = here.client("sns")
        for arn in had["Topics"]:
            text = json.dumps(_default_policy(here, arn))
            try:
                client.set_topic_attributes(
                    TopicArn=arn, AttributeName="Policy", AttributeValue=text
                )
            except client.exceptions.NotFoundException:
                continue

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Get the policy of each topic; they must be one."""
        client = here.client("sns")
        texts = {
            arn: client.get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy", "")
            for arn in want["Topics"]
        }
        first = next(iter(texts.values()))
        same = len(set(texts.values())) == 1
        found: Properties = {"Topics": [arn for arn, text in texts.items() if text]}
        return found | ({"PolicyDocument": json.loads(first)} if same and first else {})


def _default_policy(here: Here, arn: str) -> Properties:
    owner = {"StringEquals": {"AWS:SourceOwner": here.cloud.account}}
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:GetTopicAttributes"],
        "Resource": arn,
        "Condition": owner,
    }
    return {"Version": "2008-10-17", "Id": "__default_policy_ID", "Statement": [statement]}
