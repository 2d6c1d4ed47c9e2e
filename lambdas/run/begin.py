"""Begins a run: reads what was asked for, and pins the snapshots that all of it reads.

The pin is written once. A run that is begun again, after a failure, reads what it read before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from headrace.lake import QUARANTINE, RUNS, get_json, json_body, run_key
from lambdas.run.job import BESIDE

_FIELDS = {"run", "attempt", "redo", "only", "again", "workers"}
#: Kinds of stages whose workers a run may ask for, and their most.
_COUNTED = {"map": 1000, "mpi": 100_000, "batch": 10_000, "dask": 1000}


class InputError(ValueError):
    """An execution's input asks for what isn't there."""


def asked(
    told: Mapping[str, Any], execution: str, stages: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Read an execution's input.

    Parameters
    ----------
    told : mapping
        All fields may be absent.
    execution : str
        Name of the execution: the run, where ``run`` is absent.
    stages : sequence of mapping
        The study's, as deployed.

    Returns
    -------
    dict
        ``run``, ``attempt``, ``redo``, ``only``, and ``workers`` where they are asked for.

    Raises
    ------
    InputError
        For a field or a stage that isn't known, a run that can't be named so, or workers that a
        stage can't have.
    """
    if extra := sorted(told.keys() - _FIELDS):
        raise InputError(_say(f"the fields {extra}", f"Give some of {sorted(_FIELDS)}"))
    run = told.get("run") or execution
    if not isinstance(run, str) or not re.fullmatch(r"[a-z0-9-]{1,60}", run):
        raise InputError(
            _say(f"the run {run!r}", "Name it in 1 to 60 lower-case letters, digits, hyphens")
        )
    attempt = told.get("attempt", 1)
    if type(attempt) is not int or attempt < 1:
        raise InputError(_say(f"attempt {attempt!r}", "Give a whole number from 1"))
    redo, only = told.get("redo") or [], told.get("only")
    known = {stage["name"]: stage for stage in stages}
    workers = told.get("workers") or {}
    for name in (*redo, *(only or []), *workers):
        if name not in known:
            raise InputError(_say(f"the stage {name!r}", f"Name some of {list(known)}"))
    for name, count in workers.items():
        _check_workers(known[name], count)
    found = {"run": run, "attempt": attempt, "redo": list(redo), "only": only}
    return found | ({"workers": dict(workers)} if workers else {})


def _check_workers(stage: Mapping[str, Any], count: Any) -> None:
    """Refuse workers that a stage can't have."""
    found = f"{count!r} workers for stage {stage['name']}"
    if (most := _COUNTED.get(stage["kind"])) is None:
        kinds = ", ".join(_COUNTED)
        raise InputError(_say(f"{found} of kind {stage['kind']}", f"Name a stage of kind {kinds}"))
    if type(count) is not int or not 1 <= count <= most:
        raise InputError(_say(found, f"Give a whole number from 1 to {most:,}"))
    beside = BESIDE.get(stage["kind"], 0)
    if (count + beside) % (nodes := stage.get("nodes", 1)):
        that = f"as many that with {beside} more are a multiple" if beside else "a multiple"
        raise InputError(_say(f"{found} on {nodes} nodes", f"Give {that} of {nodes}"))


def _say(found: str, do: str) -> str:
    return f"While beginning a run, found {found}. {do}."


def pin(
    s3: Any,
    bucket: str,
    run: str,
    again: str | None,
    tables: Sequence[str],
    snapshot: Callable[[str], int | None],
    now: str,
) -> dict[str, Any]:
    """Pin what a run reads, or find what it was pinned to.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    run : str
    again : str, optional
        A run whose snapshots are taken over; a table that is new since is pinned now.
    tables : sequence of str
        Names of all Iceberg tables.
    snapshot : callable
        Gives a table's current snapshot.
    now : str
        The time, in ISO 8601.

    Returns
    -------
    dict
        The run's ``run.json``.

    Raises
    ------
    InputError
        Where the run to take over from isn't there.
    """
    key = run_key(run)
    if (known := get_json(s3, bucket, key)) is not None:
        return dict(known)
    held = {}
    if again:
        other = get_json(s3, bucket, run_key(again))
        if other is None:
            raise InputError(_say(f"no run {again!r} to take over from", "Name one of the lake"))
        held = other["snapshots"]
    books = (RUNS, QUARANTINE)
    pins = {t: held[t] if t in held else snapshot(t) for t in tables if t not in books}
    told: dict[str, Any] = {"run": run, "started": now, "snapshots": pins}
    told |= {"again": again} if again else {}
    try:
        s3.put_object(Bucket=bucket, Key=key, Body=json_body(told), IfNoneMatch="*")
    except ClientError as error:
        # https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
        if error.response["Error"]["Code"] not in (
            "PreconditionFailed",
            "ConditionalRequestConflict",
        ):
            raise
        told = get_json(s3, bucket, key)
    return told
