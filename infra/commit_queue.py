"""The FIFO queue from land to commit, and the one where what commit can't do is kept."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_sqs as sqs
from constructs import Construct


@dataclass(frozen=True)
class CommitQueueProps:
    """Names and times.

    Parameters
    ----------
    name : str
        Physical name; ends with ``.fifo``.
    dead_letters : str
        Physical name of the dead-letter queue; ends with ``.fifo``.
    commit_timeout_s : int
        Timeout of the function that reads the queue.
    receives : int
        Deliveries until a message is given up; AWS asks for at least 5, since throttled
        calls count: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    keep_days : int
        Days that a message is kept, SQS's most: time to repair commit and send it again.
    """

    name: str
    dead_letters: str
    commit_timeout_s: int
    receives: int = 5
    keep_days: int = 14


class CommitQueue(Construct):
    """Both queues. Land names each message itself, so their content makes no duplicate.

    Examples
    --------
    >>> CommitQueue(stack, "Queue", CommitQueueProps("a.fifo", "a-dead.fifo", 300))
    """

    def __init__(self, scope: Construct, id_: str, props: CommitQueueProps) -> None:
        super().__init__(scope, id_)
        self.dead_letters = self._queue("DeadLetters", props.dead_letters, props)
        self.queue = self._queue(
            "Queue",
            props.name,
            props,
            # Six times the function's timeout, or a message comes back while it is being
            # worked on: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
            visibility_timeout=Duration.seconds(6 * props.commit_timeout_s),
            dead_letter_queue=sqs.DeadLetterQueue(
                queue=self.dead_letters, max_receive_count=props.receives
            ),
        )

    def _queue(
        self,
        id_: str,
        name: str,
        props: CommitQueueProps,
        visibility_timeout: Duration | None = None,
        dead_letter_queue: sqs.DeadLetterQueue | None = None,
    ) -> sqs.Queue:
        return sqs.Queue(
            self,
            id_,
            queue_name=name,
            fifo=True,
            enforce_ssl=True,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            retention_period=Duration.days(props.keep_days),
            visibility_timeout=visibility_timeout,
            dead_letter_queue=dead_letter_queue,
            # A message only points at staged rows, which the data stack keeps.
            removal_policy=RemovalPolicy.DESTROY,
        )
