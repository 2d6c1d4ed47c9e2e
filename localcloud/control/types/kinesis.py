"""AWS::Kinesis::Stream."""

from __future__ import annotations

from typing import Any

from localcloud.control.types.base import (
    Here,
    Properties,
    Property,
    ResourceType,
    changed,
    retag,
)


class Stream(ResourceType):
    """A stream."""

    type = "AWS::Kinesis::Stream"
    named_by = "Name"
    properties = {
        "Name": Property("kinesis:DescribeStreamSummary", replaces=True),
        "RetentionPeriodHours": Property(
            "kinesis:DescribeStreamSummary", default=24, stored="records stay until the cloud stops"
        ),
        "ShardCount": Property("kinesis:DescribeStreamSummary"),
        "StreamEncryption": Property(
            "kinesis:DescribeStreamSummary", stored="records lie unencrypted in memory"
        ),
        "StreamModeDetails": Property(
            "kinesis:DescribeStreamSummary", default={"StreamMode": "PROVISIONED"}
        ),
        "Tags": Property("kinesis:ListTagsForStream", ordered=False),
    }

    def create(self, here: Here, want: Properties) -> str:
        """Make the stream."""
        name = str(want.get("Name") or here.name(128))
        mode = want.get("StreamModeDetails", {"StreamMode": "PROVISIONED"})
        words: Properties = {"StreamName": name, "StreamModeDetails": mode}
        if mode["StreamMode"] == "PROVISIONED":
            words["ShardCount"] = int(want.get("ShardCount", 1))
        here.client("kinesis").create_stream(**words)
        return name

    def settle(self, here: Here, made: str, had: Properties, want: Properties) -> None:
        """Bring the stream's settings to what the template says."""
        client = here.client("kinesis")
        _set_retention(client, made, int(want.get("RetentionPeriodHours", 24)))
        if had and changed(had, want, "StreamModeDetails"):
            mode = want.get("StreamModeDetails", {"StreamMode": "PROVISIONED"})
            arn = self.attributes(here, made, want)["Arn"]
            client.update_stream_mode(StreamARN=arn, StreamModeDetails=mode)
        if had and changed(had, want, "ShardCount") and "ShardCount" in want:
            client.update_shard_count(
                StreamName=made,
                TargetShardCount=int(want["ShardCount"]),
                ScalingType="UNIFORM_SCALING",
            )
        if changed(had, want, "StreamEncryption"):
            _set_encryption(client, made, had.get("StreamEncryption"), want.get("StreamEncryption"))
        retag(
            had,
            want,
            lambda keys: client.remove_tags_from_stream(StreamName=made, TagKeys=keys),
            lambda tags: client.add_tags_to_stream(StreamName=made, Tags=tags),
        )

    def delete(self, here: Here, made: str, had: Properties) -> None:
        """Delete the stream."""
        client = here.client("kinesis")
        try:
            client.delete_stream(StreamName=made)
        except client.exceptions.ResourceNotFoundException:
            return

    def read(self, here: Here, made: str, want: Properties) -> Properties:
        """Describe the stream."""
        client = here.client("kinesis")
        got = client.describe_stream_summary(StreamName=made)["StreamDescriptionSummary"]
        found = {
            "Name": got["StreamName"],
            "RetentionPeriodHours": got["RetentionPeriodHours"],
            "ShardCount": got["OpenShardCount"],
            "StreamModeDetails": got["StreamModeDetails"],
            "Tags": client.list_tags_for_stream(StreamName=made)["Tags"],
        }
        if got.get("EncryptionType", "NONE") != "NONE":
            found["StreamEncryption"] = {
                "EncryptionType": got["EncryptionType"],
                "KeyId": got["KeyId"],
            }
        return found

    def attributes(self, here: Here, made: str, want: Properties) -> Properties:
        """The ARN."""
        return {"Arn": here.arn("kinesis", f"stream/{made}")}


def _set_retention(client: Any, made: str, wanted_h: int) -> None:
    got = client.describe_stream_summary(StreamName=made)["StreamDescriptionSummary"]
    has_h = got["RetentionPeriodHours"]
    if wanted_h > has_h:
        client.increase_stream_retention_period(StreamName=made, RetentionPeriodHours=wanted_h)
    elif wanted_h < has_h:
        client.decrease_stream_retention_period(StreamName=made, RetentionPeriodHours=wanted_h)


def _set_encryption(client: Any, made: str, had: Any, want: Any) -> None:
    if want:
        client.start_stream_encryption(StreamName=made, **want)
    elif had:
        client.stop_stream_encryption(StreamName=made, **had)
