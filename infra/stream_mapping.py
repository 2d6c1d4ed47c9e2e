"""Lambda's reading of the Kinesis stream for land."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_lambda as lambda_
from constructs import Construct


@dataclass(frozen=True)
class StreamMappingProps:
    """How records are handed to the function.

    Parameters
    ----------
    stream_arn, function_arn : str
        From and to.
    failures_arn : str
        The bucket that batches given up on are kept in, under ``aws/lambda/``.
    batch_blocks : int
        Kinesis records a call gets at most.
    window_s : int
        Seconds that a batch waits to fill.
    retries : int
        A batch is halved at each failure; so many failures later a lone block is given up.
        Land answers for bad records itself: what fails here is an outage or a bug of ours.
    """

    stream_arn: str
    function_arn: str
    failures_arn: str
    batch_blocks: int
    window_s: int
    retries: int = 3


class StreamMapping(Construct):
    """The mapping. One batch a shard is in flight, which keeps the order of a shard.

    Examples
    --------
    >>> StreamMapping(stack, "Mapping", StreamMappingProps(stream, function, bucket, 10, 1))
    """

    def __init__(self, scope: Construct, id_: str, props: StreamMappingProps) -> None:
        super().__init__(scope, id_)
        destination = lambda_.CfnEventSourceMapping.OnFailureProperty(
            destination=props.failures_arn
        )
        # The plain resource: the one of a higher level grants its own, wider, rights.
        self.mapping = lambda_.CfnEventSourceMapping(
            self,
            "Mapping",
            event_source_arn=props.stream_arn,
            function_name=props.function_arn,
            # Records that were pushed before the mapping was ready land too.
            starting_position="TRIM_HORIZON",
            batch_size=props.batch_blocks,
            maximum_batching_window_in_seconds=props.window_s,
            bisect_batch_on_function_error=True,
            maximum_retry_attempts=props.retries,
            destination_config=lambda_.CfnEventSourceMapping.DestinationConfigProperty(
                on_failure=destination
            ),
        )
