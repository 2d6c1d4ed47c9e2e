"""The run function: the first step of a run, and the first of each stage."""

from __future__ import annotations

import datetime
import functools
import json
import os
from dataclasses import dataclass
from typing import Any

import boto3

from headrace.lake import deployed_plan
from lambdas.run.begin import asked, pin
from lambdas.run.prepare import prepare
from lambdas.run.snapshots import current


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
        InputError, SnapshotError, PrepareError
        """
        at = now.isoformat(timespec="milliseconds")
        if event["op"] == "begin":
            return self._begin(event, at)
        if event["op"] == "prepare":
            run, stage = event["run"], event["stage"]
            return prepare(self.s3, self.bucket, self.plan, run, stage, at)
        raise ValueError(
            f"While running {self.plan['study']}, found the step {event['op']!r}. "
            "Send `begin` or `prepare`."
        )

    def _begin(self, event: dict[str, Any], at: str) -> dict[str, Any]:
        told = event.get("input") or {}
        run = asked(told, event["execution"], [s["name"] for s in self.plan["stages"]])
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
