"""What each function may do: statements with the exact resources, and prefixes in the bucket."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from headrace.plan import Plan

#: Why a role may name all objects of a prefix, which cdk-nag asks for one by one.
REASONS = {
    "raw": "Raw blocks are named by shard and sequence numbers, which nobody knows before.",
    "staged": "Staged rows are named by shard and sequence numbers, which nobody knows before.",
    "tables": "Iceberg names data and metadata files by random ids.",
    "aws/lambda": "Lambda names failed batches by the mapping's id, shard and time.",
    "runs": "A run's objects are named by its id, which is made when it is started.",
    "athena": "Athena names results by the query's id.",
    "files": "Users name what they upload.",
}


@dataclass(frozen=True)
class Rights:
    """The statements of a study's roles, made from names: no stack imports from another.

    Parameters
    ----------
    plan : Plan
        The study's.
    bucket : str
        Name of the lake's bucket.
    """

    plan: Plan
    bucket: str

    def land(self, stream_arn: str, queue_arn: str) -> list[iam.PolicyStatement]:
        """Read the stream, write raw blocks and staged rows, send to commit."""
        return [
            # https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
            allow(
                [
                    "kinesis:DescribeStream",
                    "kinesis:DescribeStreamSummary",
                    "kinesis:GetRecords",
                    "kinesis:GetShardIterator",
                    "kinesis:ListShards",
                    "kinesis:ListStreams",
                ],
                [stream_arn],
            ),
            # `aws/lambda/` is where the mapping keeps batches that land failed on:
            # https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
            allow(
                ["s3:PutObject", "s3:AbortMultipartUpload"],
                self._objects("raw", "staged", "aws/lambda"),
            ),
            self._list(),
            allow(["sqs:SendMessage"], [queue_arn]),
        ]

    def commit(self, queue_arn: str) -> list[iam.PolicyStatement]:
        """Read its queue and staged rows; write the tables' files and pointers."""
        return [
            allow(
                [
                    "sqs:ChangeMessageVisibility",
                    "sqs:DeleteMessage",
                    "sqs:GetQueueAttributes",
                    "sqs:ReceiveMessage",
                ],
                [queue_arn],
            ),
            allow(["s3:GetObject"], self._objects("staged")),
            *self._append(),
        ]

    def table(self) -> list[iam.PolicyStatement]:
        """Make and evolve the tables."""
        return [
            self._list(),
            self._write_tables(),
            allow(
                ["glue:CreateTable", "glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"],
                self._glue(),
            ),
        ]

    def wildcards(self, *prefixes: str) -> dict[str, str]:
        """Why each of the prefixes may be named, by its ARN."""
        return {self._objects(p)[0]: REASONS[p] for p in prefixes}

    def _append(self) -> list[iam.PolicyStatement]:
        return [
            self._list(),
            self._write_tables(),
            # pyiceberg looks at the database before each commit: is it one of S3 Tables?
            allow(["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"], self._glue()),
        ]

    def _write_tables(self) -> iam.PolicyStatement:
        # Old metadata files are deleted: Iceberg keeps as many as the table's properties say.
        return allow(
            ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            self._objects("tables"),
        )

    def _list(self) -> iam.PolicyStatement:
        # Without it S3 answers 403, not 404, for an object that isn't there; and that question
        # has no prefix which a condition could name.
        return allow(["s3:ListBucket"], [f"arn:{Aws.PARTITION}:s3:::{self.bucket}"])

    def _objects(self, *prefixes: str) -> list[str]:
        return [f"arn:{Aws.PARTITION}:s3:::{self.bucket}/{prefix}/*" for prefix in prefixes]

    def _glue(self) -> list[str]:
        # A right to a table is one to its database and catalog too:
        # https://docs.aws.amazon.com/glue/latest/dg/glue-specifying-resource-arns.html
        root = f"arn:{Aws.PARTITION}:glue:{Aws.REGION}:{Aws.ACCOUNT_ID}"
        database = self.plan.database
        tables = [f"{root}:table/{database}/{t.name}" for t in self.plan.every_table]
        return [f"{root}:catalog", f"{root}:database/{database}", *tables]


def allow(actions: Sequence[str], resources: Sequence[str]) -> iam.PolicyStatement:
    """Allow actions on resources."""
    return iam.PolicyStatement(actions=list(actions), resources=list(resources))
