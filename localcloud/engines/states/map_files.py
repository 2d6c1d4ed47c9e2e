"""What a distributed Map reads its items from, and writes its results to."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)

from localcloud.engines.states import clients, errors, tasks
from localcloud.engines.states.map_runs import MapRun

KINDS = {"SUCCEEDED": "SUCCEEDED", "FAILED": "FAILED", "TIMED_OUT": "FAILED", "ABORTED": "PENDING"}


def _failed(env: Any, error: str, cause: str) -> FailureEventException:
    return errors.failure(env, error, cause, HistoryEventType.MapRunFailed)


def items_of(state: Any, env: Any, s3: Any) -> list[Any]:
    """The items of a Map, in their order: of S3, or of the state's input.

    Raises
    ------
    FailureEventException
        States.ItemReaderFailed where S3 doesn't give a list.
    """
    reader = state.item_reader
    if reader is None:
        state.items_path.eval(env=env)
        items, most = env.stack.pop(), None
        if not isinstance(items, list):
            cause = f"Map state input must be an array but was: {type(items).__name__}"
            raise _failed(env, "States.Runtime", cause)
        return items
    most = None
    if reader.reader_config:
        reader.reader_config.max_items_decl.eval(env=env)
        most = env.stack.pop()
    parameters = {}
    if reader.parargs:
        reader.parargs.eval(env=env)
        parameters = env.stack.pop()
    try:
        if reader.resource.api_action == "listObjectsV2":
            return _listed(s3, parameters)[:most]
        return _read(env, s3, parameters)[:most]
    except ClientError as fault:
        _, cause = tasks.error_of_call("S3", "Amazon S3", fault)
        raise _failed(env, "States.ItemReaderFailed", cause) from None


def _listed(s3: Any, parameters: dict[str, Any]) -> list[Any]:
    shape = tasks.operation("s3", "listObjectsV2").output_shape  # type: ignore[union-attr]
    member = shape.members["Contents"].member
    found = []
    for page in s3.get_paginator("list_objects_v2").paginate(**parameters):
        for each in page.get("Contents", ()):
            told = clients.from_boto(each, member, lambda when: int(when.timestamp()))
            found.append(told)
    return found


def _read(env: Any, s3: Any, parameters: dict[str, Any]) -> list[Any]:
    text = s3.get_object(**parameters)["Body"].read()
    try:
        items = json.loads(text)
    except ValueError as fault:
        cause = f"Attempting to read an object that is no JSON: {fault}"
        raise _failed(env, "States.ItemReaderFailed", cause) from None
    if not isinstance(items, list):
        cause = "Attempting to map over non-iterable node."
        raise _failed(env, "States.ItemReaderFailed", cause)
    return items


def write_results(state: Any, env: Any, s3: Any, run: MapRun, given: Any) -> dict[str, Any] | None:
    """Write ResultWriter's files; what the state then gives, or None where it has no writer.

    https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html: one
    file for each kind of end (AWS begins another at 5 GB), and a manifest that lists them.

    Raises
    ------
    FailureEventException
        States.ResultWriterFailed where S3 refuses.
    """
    if state.result_writer is None:
        return None
    env.stack.append(given)
    state.result_writer.parargs.eval(env=env)
    parameters = env.stack.pop()
    env.stack.pop()
    bucket, prefix = parameters["Bucket"], str(parameters.get("Prefix") or "").rstrip("/")
    folder = f"{prefix}/{run.id}" if prefix else run.id
    written: dict[str, list[dict[str, Any]]] = {"FAILED": [], "PENDING": [], "SUCCEEDED": []}
    ended = [child for child in run.children if child.start_date or child.status != "PENDING"]
    try:
        for kind in written:
            told = [child.written() for child in ended if KINDS[child.status] == kind]
            if told:
                body = json.dumps(told, separators=(",", ":")).encode()
                key = f"{folder}/{kind}_0.json"
                s3.put_object(Bucket=bucket, Key=key, Body=body)
                written[kind].append({"Key": key, "Size": len(body)})
        manifest = {
            "DestinationBucket": bucket,
            "MapRunArn": run.map_run_arn,
            "ResultFiles": written,
        }
        key = f"{folder}/manifest.json"
        s3.put_object(Bucket=bucket, Key=key, Body=json.dumps(manifest).encode())
    except ClientError as fault:
        _, cause = tasks.error_of_call("S3", "Amazon S3", fault)
        raise _failed(env, "States.ResultWriterFailed", cause) from None
    run.results_written = len(ended)
    return {
        "MapRunArn": run.map_run_arn,
        "ResultWriterDetails": {"Bucket": bucket, "Key": key},
    }
