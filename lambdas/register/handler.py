"""The register function: a stage has ended, and its results become its table."""

from __future__ import annotations

import datetime
import functools
import json
import os
import time
from typing import Any

import boto3
from botocore.config import Config

from headrace.lake import deployed_plan, glue_catalog, stage_of
from lambdas.register.objects import READERS
from lambdas.register.stage import End, Lake


def answer(lake: Lake, event: dict[str, Any]) -> dict[str, Any]:
    """Register a stage.

    Parameters
    ----------
    lake : Lake
    event : dict
        ``docs/contracts.md``, "The run".

    Raises
    ------
    ValueError
        For another step.
    TooManyFailed, OutputsError, Superseded
    """
    if event["op"] != "register":
        raise ValueError(
            f"While registering a stage, found the step {event['op']!r}. Send `register`."
        )
    stage = stage_of(dict(lake.plan), event["stage"])
    end = End(
        lake,
        stage,
        event["run"]["run"],
        event["try"],
        event["prefix"],
        event["started"],
        event.get("asked") or {},
    )
    return end.register(lambda: datetime.datetime.now(datetime.UTC))


@functools.cache
def _deployed() -> Lake:
    return Lake(
        deployed_plan(),
        glue_catalog(),
        boto3.client("s3", config=Config(max_pool_connections=READERS)),
        boto3.client("athena"),
        os.environ["LAKE_BUCKET"],
        os.environ["DATABASE"],
    )


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the state machine."""
    began = time.perf_counter()
    told = answer(_deployed(), event)
    said = {"stage": event["stage"], **told, "seconds": round(time.perf_counter() - began, 3)}
    print(json.dumps({"register": said}))
    return told
