"""The stack that moves a study's records; it can be destroyed and made again at will."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
from aws_cdk import Aws
from constructs import Construct

from headrace.plan import Plan
from headrace.study import Function as FunctionSettings
from headrace.target import Target
from infra.alarms import Alarms, AlarmsProps
from infra.bundle import Assets
from infra.commit_queue import CommitQueue, CommitQueueProps
from infra.function import Function, FunctionProps
from infra.queue_mapping import QueueMapping, QueueMappingProps
from infra.rights import Rights
from infra.stream import Stream, StreamProps
from infra.stream_mapping import StreamMapping, StreamMappingProps


class FlowStack(cdk.Stack):
    """Stream, land, queue, commit and alarms.

    It knows the data stack's resources by the plan's names, so neither stack holds the other
    in place by an export; the app says which comes first.

    Parameters
    ----------
    plan : Plan
        What to build.
    target : Target
        Whose Python the functions run.
    assets : Assets
        Where zips come from.
    """

    def __init__(
        self, scope: Construct, plan: Plan, target: Target, assets: Assets, **stack: Any
    ) -> None:
        super().__init__(
            scope,
            plan.flow_stack,
            description=f"Headrace, study {plan.study.name}: the flow into the lake.",
            **stack,
        )
        self._plan, self._target, self._assets = plan, target, assets
        self.bucket_name = plan.bucket(self.account, self.region)
        self._rights = Rights(plan, self.bucket_name)
        source = plan.study.source
        self.stream = Stream(
            self, "Stream", StreamProps(plan.stream, source.shards, source.retention_h)
        ).stream
        self.queue = CommitQueue(
            self,
            "CommitQueue",
            CommitQueueProps(
                plan.commit_queue, plan.commit_dead_letters, plan.study.commit.timeout_s
            ),
        )
        self.land = self._land()
        self.commit = self._commit()
        self._map()
        Alarms(
            self,
            "Alarms",
            AlarmsProps(self.land.function, self.commit.function, self.queue.dead_letters),
        )
        cdk.CfnOutput(self, "StreamName", value=self.stream.stream_name)

    def _land(self) -> Function:
        return self._function(
            "land",
            "Turns the stream's blocks into staged rows",
            self._plan.study.land,
            environment={
                "LAKE_BUCKET": self.bucket_name,
                "COMMIT_QUEUE_URL": self.queue.queue.queue_url,
            },
            rights=self._rights.land(self.stream.stream_arn, self.queue.queue.queue_arn),
            wildcards=self._rights.wildcards("raw", "staged", "aws/lambda"),
        )

    def _commit(self) -> Function:
        return self._function(
            "commit",
            "Appends staged rows to the lake's tables; the only writer",
            self._plan.study.commit,
            environment={"LAKE_BUCKET": self.bucket_name, "DATABASE": self._plan.database},
            rights=self._rights.commit(self.queue.queue.queue_arn),
            wildcards=self._rights.wildcards("staged", "tables"),
        )

    def _function(
        self, folder: str, description: str, settings: FunctionSettings, **props: Any
    ) -> Function:
        return Function(
            self,
            folder.capitalize(),
            FunctionProps(
                folder=folder,
                name=self._plan.function(folder),
                description=description,
                memory_mib=settings.memory_mib,
                timeout_s=settings.timeout_s,
                **props,
            ),
            self._assets,
            self._target,
        )

    def _map(self) -> None:
        source = self._plan.study.source
        StreamMapping(
            self,
            "Landing",
            StreamMappingProps(
                stream_arn=self.stream.stream_arn,
                function_arn=self.land.function.function_arn,
                failures_arn=f"arn:{Aws.PARTITION}:s3:::{self.bucket_name}",
                batch_blocks=source.batch_blocks,
                window_s=source.window_s,
            ),
        )
        QueueMapping(
            self,
            "Committing",
            QueueMappingProps(self.queue.queue.queue_arn, self.commit.function.function_arn),
        )
