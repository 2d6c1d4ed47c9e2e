"""What the run's functions and its state machine may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import Aws
from aws_cdk import aws_iam as iam

from headrace.plan import StagePlan
from headrace.study import Map
from infra.rights import Rights, allow

#: Why a role may read all of a prefix that the study names.
NAMED = "The study names this prefix as what it reads; its objects are whatever others put there."
#: Why the machine may stop all executions of itself.
OWN = "Executions are named by their run, and those of batches by Step Functions."


@dataclass(frozen=True)
class Place:
    """A prefix in a bucket.

    Parameters
    ----------
    bucket, prefix : str
        As ``s3://bucket/prefix`` has them.
    """

    bucket: str
    prefix: str

    @property
    def arn(self) -> str:
        """ARN of its objects."""
        return f"{self.bucket_arn}/{self.prefix}*"

    @property
    def bucket_arn(self) -> str:
        """ARN of its bucket."""
        return f"arn:{Aws.PARTITION}:s3:::{self.bucket}"


@dataclass(frozen=True)
class RunRights(Rights):
    """The statements of the run stack's roles."""

    def run(self) -> list[iam.PolicyStatement]:
        """Pin tables' snapshots and keep the run's objects."""
        return [
            self._list(),
            allow(["s3:GetObject"], self._objects("runs", "tables")),
            allow(["s3:PutObject"], self._objects("runs")),
            allow(["glue:GetDatabase", "glue:GetTable"], self._glue()),
            # It counts what stages with a program read.
            *self._list_others([*self.clustered(), *self.contained()]),
        ]

    def register(self) -> list[iam.PolicyStatement]:
        """Write the tables; read what the run, and Athena for it, have written."""
        return [
            *self._append(),
            allow(["s3:GetObject"], self._objects("runs", "athena")),
            allow(["s3:PutObject"], self._objects("runs")),
            # How long a query took, and where its result is.
            allow(["athena:GetQueryExecution"], [self._workgroup()]),
        ]

    def map(self, stage: StagePlan) -> list[iam.PolicyStatement]:
        """Read items and what the stage names; write the try's results."""
        places = self.places(stage)
        return [
            self._list(),
            allow(["s3:GetObject"], [*self._objects("runs", "files"), *(p.arn for p in places)]),
            allow(["s3:PutObject", "s3:AbortMultipartUpload"], self._objects("runs")),
            *self._list_others(places),
        ]

    def places(self, stage: StagePlan) -> list[Place]:
        """Where a stage reads beside the lake's own ``files/`` and ``runs/``."""
        named = [stage.prefix] if stage.prefix else []
        if isinstance(stage.stage, Map):
            named += stage.stage.reads
        return self._outside(named)

    def clustered(self) -> list[Place]:
        """Where cluster stages read beside the lake's own ``files/`` and ``runs/``."""
        return self._outside(stage.prefix for stage in self.plan.emr if stage.prefix)

    def contained(self) -> list[Place]:
        """Where stages in containers read beside the lake's own ``files/`` and ``runs/``."""
        return self._outside(stage.prefix for stage in self.plan.tasks if stage.prefix)

    def externals(self) -> list[Place]:
        """Where tables of others lie."""
        return self._outside(external.location for external in self.plan.externals)

    def own_externals(self) -> list[str]:
        """``files``, where a table of others is a user's own copy in the lake."""
        inside = any(e.location.startswith("s3://{lake}/files/") for e in self.plan.externals)
        return ["files"] if inside else []

    def machine(self, functions: Iterable[str]) -> list[iam.PolicyStatement]:
        """Call the functions by their ARNs, ask Athena, and start a child for each batch."""
        places = self.externals()
        own = self.own_externals()
        return [
            allow(["lambda:InvokeFunction"], sorted(functions)),
            *self._ask(),
            # Athena reads with the rights of who asks, and UNLOAD writes with them:
            # https://docs.aws.amazon.com/athena/latest/ug/s3-permissions.html
            # The machine itself reads `batches.json` and writes the results of a Map:
            # https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
            allow(
                ["s3:GetObject"],
                [*self._objects("tables", "runs", "athena", *own), *(p.arn for p in places)],
            ),
            allow(
                ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
                self._objects("runs", "athena"),
            ),
            allow(["s3:GetBucketLocation", "s3:ListBucket"], [self._bucket(self.bucket)]),
            *self._list_others(places),
            allow(["states:StartExecution"], [self._states("stateMachine")]),
            allow(["states:DescribeExecution", "states:StopExecution"], self.executions()),
        ]

    def executions(self) -> list[str]:
        """ARNs of the machine's executions and of its Maps' children."""
        own = self._states("execution")
        return [f"{own}:*", f"{own}/*"]

    def _ask(self) -> list[iam.PolicyStatement]:
        # https://docs.aws.amazon.com/step-functions/latest/dg/connect-athena.html#athena-iam
        queries = [f"athena:{verb}QueryExecution" for verb in ("Start", "Stop", "Get")]
        root = f"arn:{Aws.PARTITION}:glue:{Aws.REGION}:{Aws.ACCOUNT_ID}"
        database = self.plan.database
        externals = [f"{root}:table/{database}/{e.name}" for e in self.plan.externals]
        return [
            allow(queries, [self._workgroup()]),
            allow(["athena:GetDataCatalog"], [self._athena("datacatalog/AwsDataCatalog")]),
            allow(
                ["glue:GetDatabase", "glue:GetTable", "glue:GetPartitions"],
                # Athena looks at the database `default` whatever is asked:
                # https://docs.aws.amazon.com/athena/latest/ug/fine-grained-access-to-glue-resources.html
                [*self._glue(), *externals, f"{root}:database/default"],
            ),
        ]

    def _outside(self, uris: Iterable[str]) -> list[Place]:
        found = []
        for uri in uris:
            where = uri.replace("{lake}", self.bucket).removeprefix("s3://")
            bucket, _, prefix = where.partition("/")
            place = Place(bucket, prefix)
            own = place.bucket == self.bucket and place.prefix.startswith(("files/", "runs/"))
            if not own and place not in found:
                found.append(place)
        return found

    def _list_others(self, places: Iterable[Place]) -> list[iam.PolicyStatement]:
        buckets = sorted({place.bucket for place in places} - {self.bucket})
        actions = ["s3:GetBucketLocation", "s3:ListBucket"]
        return [allow(actions, [self._bucket(b) for b in buckets])] if buckets else []

    def _bucket(self, name: str) -> str:
        return f"arn:{Aws.PARTITION}:s3:::{name}"

    def _workgroup(self) -> str:
        return self._athena(f"workgroup/{self.plan.workgroup}")

    def _athena(self, resource: str) -> str:
        return f"arn:{Aws.PARTITION}:athena:{Aws.REGION}:{Aws.ACCOUNT_ID}:{resource}"

    def _states(self, kind: str) -> str:
        name = self.plan.machine
        return f"arn:{Aws.PARTITION}:states:{Aws.REGION}:{Aws.ACCOUNT_ID}:{kind}:{name}"
