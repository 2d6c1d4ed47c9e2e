"""The Kinesis stream that records are pushed into."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_kinesis as kinesis
from constructs import Construct


@dataclass(frozen=True)
class StreamProps:
    """Size and memory of the stream.

    Parameters
    ----------
    name : str
        Physical name.
    shards : int
        Each carries 1 MiB or 1,000 records a second in:
        https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
    retention_h : int
        Hours that a record is kept.
    """

    name: str
    shards: int
    retention_h: int


class Stream(Construct):
    """The stream: provisioned, since a study's plan says how much it needs and costs.

    Examples
    --------
    >>> Stream(stack, "Stream", StreamProps("headrace-speeches", shards=1, retention_h=24))
    """

    def __init__(self, scope: Construct, id_: str, props: StreamProps) -> None:
        super().__init__(scope, id_)
        self.stream = kinesis.Stream(
            self,
            "Stream",
            stream_name=props.name,
            stream_mode=kinesis.StreamMode.PROVISIONED,
            shard_count=props.shards,
            retention_period=Duration.hours(props.retention_h),
            # AWS's own key for Kinesis: nobody who may read the stream needs a right to it.
            encryption=kinesis.StreamEncryption.MANAGED,
            # All that has landed is in the lake; what has not is seen by the alarms first.
            removal_policy=RemovalPolicy.DESTROY,
        )
