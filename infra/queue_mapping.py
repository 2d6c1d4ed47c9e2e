"""Lambda's reading of the FIFO queue for commit."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_
from constructs import Construct


@dataclass(frozen=True)
class QueueMappingProps:
    """How messages are handed to the function.

    Parameters
    ----------
    queue_arn, function_arn : str
        From and to.
    batch : int
        Messages a call gets at most. 10 is a FIFO queue's most, and the more staged files one
        append takes, the fewer snapshots a table has:
        https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    """

    queue_arn: str
    function_arn: str
    batch: int = 10


class QueueMapping(Construct):
    """The mapping. While a call works on a table's messages no other gets any of that table.

    Examples
    --------
    >>> QueueMapping(stack, "Mapping", QueueMappingProps(queue_arn, function_arn))
    """

    def __init__(self, scope: Construct, id_: str, props: QueueMappingProps) -> None:
        super().__init__(scope, id_)
        self.mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=props.queue_arn,
            function_name=props.function_arn,
            batch_size=props.batch,
            # Commit answers which messages must come again; unread, that answer would lose them:
            # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
            function_response_types=["ReportBatchItemFailures"],
        )
