"""The run function: the first step of a run, of its cluster, and of each stage."""

from __future__ import annotations

import datetime
import functools
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3

from headrace.lake import deployed_plan, stage_of
from lambdas.run.begin import asked, pin
from lambdas.run.cluster import wanted
from lambdas.run.look import look
from lambdas.run.prepare import TASKS, prepare, source_of, workers
from lambdas.run.snapshots import current, size


@dataclass(frozen=True)
class Runner:
    """All that outlives one call."""

    plan: dict[str, Any]
    s3: Any
    glue: Any
    bucket: str
    database: str

    def answer(self, event: dict[str, Any], now: datetime.datetime) -> dict[str, Any]:
        """Do one step.

        Parameters
        ----------
        event : dict
            ``docs/contracts.md``, "The run".
        now : datetime

        Raises
        ------
        ValueError
            For another step.
        InputError, SnapshotError, PrepareError, StepError, JobError, NothingThere
        """
        at = now.isoformat(timespec="milliseconds")
        if event["op"] == "begin":
            return self._begin(event, at)
        if event["op"] == "prepare":
            run, stage, program = event["run"], event["stage"], event.get("program")
            return prepare(self.s3, self.bucket, self.plan, run, stage, at, program)
        if event["op"] == "cluster":
            sizes = functools.partial(size, self.glue, self.s3, self.database)
            return wanted(self.s3, self.bucket, self.plan, event["run"], event["stages"], sizes)
        if event["op"] == "look":
            return self._look(event)
        raise ValueError(
            f"While running {self.plan['study']}, found the step {event['op']!r}. "
            "Send `begin`, `prepare`, `cluster` or `look`."
        )

    def _look(self, event: dict[str, Any]) -> dict[str, Any]:
        stage = stage_of(self.plan, event["stage"])
        source = source_of(stage, self.bucket) or f"s3://{self.bucket}/{event['prefix']}in/"
        facts = {
            "engine": self._engine(stage),
            "workers": workers(self.plan, stage, event.get("run") or {}),
            "seed": self.plan["seed"],
        }
        place = (self.s3, self.bucket, event["prefix"])
        return look(*place, stage, source, event["program"], facts)

    def _engine(self, stage: Mapping[str, Any]) -> str:
        if stage["kind"] in TASKS:
            return "AWS Batch"
        return str(self.plan["cluster"]["engine"])

    def _begin(self, event: dict[str, Any], at: str) -> dict[str, Any]:
        told = event.get("input") or {}
        run = asked(told, event["execution"], self.plan["stages"])
        pin(
            self.s3,
            self.bucket,
            run["run"],
            told.get("again"),
            [table["name"] for table in self.plan["tables"]],
            functools.partial(current, self.glue, self.s3, self.database),
            at,
        )
        return run


@functools.cache
def _deployed() -> Runner:
    return Runner(
        deployed_plan(),
        boto3.client("s3"),
        boto3.client("glue"),
        os.environ["LAKE_BUCKET"],
        os.environ["DATABASE"],
    )


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the state machine."""
    told = _deployed().answer(event, datetime.datetime.now(datetime.UTC))
    print(json.dumps({"run": {"op": event["op"], "stage": event.get("stage"), **told}}))
    return told
