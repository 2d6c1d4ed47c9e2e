"""The function of a Map stage: plans its calls, and runs a batch of items in each.

``{"op": "probe"}`` comes once, ``{"op": "work"}`` from each of a distributed Map's batches.
"""

from __future__ import annotations

import functools
import json
import os
import time
from typing import Any

import boto3

from headrace.lake import deployed_plan, stage_of
from lambdas.map import facts
from lambdas.map.mapper import Mapper
from lambdas.map.probe import probe
from lambdas.map.work import Batch


def answer(mapper: Mapper, event: dict[str, Any], left_s: float) -> dict[str, Any]:
    """Do one step.

    Parameters
    ----------
    mapper : Mapper
    event : dict
        ``docs/contracts.md``, "The run".
    left_s : float
        Seconds that the call has.

    Raises
    ------
    ValueError
        For another step.
    DoesNotFit, EveryProbeFailed
        By the probe.
    OutOfTime
        By a batch whose next try goes on.
    """
    if event["op"] == "probe":
        workers = (event.get("run") or {}).get("workers") or {}
        return probe(mapper, event["prefix"], left_s, workers.get(mapper.name))
    if event["op"] == "work":
        attempt = int(event.get("attempt") or 0)
        return Batch(mapper, event["prefix"], event["first"], event["last"], attempt).run(left_s)
    raise ValueError(
        f"While mapping stage {mapper.name}, found the step {event['op']!r}. "
        "Send `probe` or `work`."
    )


@functools.cache
def _deployed() -> Mapper:
    plan = deployed_plan()
    return Mapper(
        boto3.client("s3"),
        os.environ["LAKE_BUCKET"],
        stage_of(plan, os.environ["STAGE"]),
        plan["seed"],
        functools.cache(facts.code_hash),
    )


def handle(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer the state machine."""
    began = time.perf_counter()
    mapper = _deployed()
    told = answer(mapper, event, context.get_remaining_time_in_millis() / 1000)
    said = {"op": event["op"], "stage": mapper.name, **told}
    print(json.dumps({"map": {**said, "seconds": round(time.perf_counter() - began, 3)}}))
    return told
