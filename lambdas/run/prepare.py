"""Prepares one stage: whether it is to do, and its SQL with the snapshots pinned.

A stage that was done is done anew where that is asked for, or where what it read then is not
what it would read now: an earlier stage gave its table anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from headrace.lake import done_key, get_json, put_json, run_key, stage_of
from lambdas.run.job import Job
from lambdas.run.steps import Work

#: The kinds of stages that a cluster runs, and those that AWS Batch runs.
EMR = ("mapreduce", "spark")
TASKS = ("mpi", "batch", "gpu", "dask")


class PrepareError(RuntimeError):
    """A stage can't be prepared."""


class NothingThere(RuntimeError):  # noqa: N818 - the name that the run shows
    """A stage reads a table that never had a row when the run began."""


def prepare(
    s3: Any,
    bucket: str,
    plan: Mapping[str, Any],
    run: Mapping[str, Any],
    name: str,
    now: str,
    program: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Prepare a stage.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    plan : mapping
        As deployed.
    run : mapping
        What ``begin`` gave.
    name : str
        The stage.
    now : str
        The time, in ISO 8601.
    program : mapping, optional
        What is run: on a cluster ``file``, ``archive``, ``jars`` (URIs) and ``python``; of a job
        ``archive``, ``definition`` and ``queue``.

    Returns
    -------
    dict
        ``todo``, ``why``, ``try``, ``prefix``, ``sql``, ``workers``, ``started``, ``steps`` of a
        cluster's stage, and ``job`` of one in containers. Of a stage that is to do,
        ``prepared.json`` under its prefix says what it reads.

    Raises
    ------
    PrepareError
        Where the run was never begun, or nobody said what a program's stage runs.
    StepError, JobError
        Where its arguments are too long, or a container would be too large.
    NothingThere
        Where it is to do, and a table that it reads has no snapshot: nothing to pin, so that it
        would read what lands while it runs.
    """
    stage = stage_of(dict(plan), name)
    snapshots = reads(s3, bucket, plan, run["run"], stage)
    done = get_json(s3, bucket, done_key(run["run"], name))
    todo, why = judge(run, name, snapshots, done)
    told = {"todo": todo, "why": why, "try": "", "prefix": "", "sql": "", "started": now}
    told["workers"] = workers(plan, stage, run)
    if stage["kind"] in EMR:
        told["steps"] = []
    if stage["kind"] in TASKS:
        told["job"] = {}
    if not todo:
        return told
    if empty := sorted(table for table, number in snapshots.items() if number is None):
        raise NothingThere(
            f"While preparing stage {name}, found that nothing was in {', '.join(empty)} when run "
            f"{run['run']} began. Push records or run the stage that makes it, then start a run."
        )
    told["try"] = f"{run['attempt']}-{secrets.token_hex(4)}"
    told["prefix"] = f"runs/{run['run']}/{name}/{told['try']}/"
    select = pinned(stage["sql"], snapshots)
    read: dict[str, Any] = {"sql": select, "snapshots": snapshots, "attempt": run["attempt"]}
    told["sql"] = unload(select, f"s3://{bucket}/{told['prefix']}in/", stage["kind"])
    if stage["kind"] in EMR:
        told["steps"] = _work(bucket, plan, stage, told, program).steps()
    if stage["kind"] in TASKS:
        job = _job(bucket, plan, run, stage, told, program)
        told["job"], read["container"] = job.told(), job.container()
    put_json(s3, bucket, f"{told['prefix']}prepared.json", read)
    return told


def _work(
    bucket: str,
    plan: Mapping[str, Any],
    stage: Mapping[str, Any],
    told: Mapping[str, Any],
    program: Mapping[str, Any] | None,
) -> Work:
    """The steps of a program on a cluster."""
    program = _known(stage, program)
    uri = f"s3://{bucket}/{told['prefix']}"
    source = source_of(stage, bucket) or f"{uri}in/"
    return Work(stage, uri, source, program, plan["seed"], told["workers"])


def _job(
    bucket: str,
    plan: Mapping[str, Any],
    run: Mapping[str, Any],
    stage: Mapping[str, Any],
    told: Mapping[str, Any],
    program: Mapping[str, Any] | None,
) -> Job:
    """The job of a program in containers."""
    archive = _known(stage, program)["archive"]
    uri = f"s3://{bucket}/{told['prefix']}"
    source = source_of(stage, bucket) or f"{uri}in/"
    # 128 characters at most, of which these have some 120:
    # https://docs.aws.amazon.com/batch/latest/APIReference/API_SubmitJob.html
    name = f"{plan['study']}-{stage['name']}-{run['run']}-{run['attempt']}"[:128]
    sizes = plan["fargate"], plan.get("gpu_hosts", ())
    return Job(stage, name, uri, source, archive, plan["seed"], told["workers"], *sizes)


def _known(stage: Mapping[str, Any], program: Mapping[str, Any] | None) -> Mapping[str, Any]:
    if not program:
        raise PrepareError(
            f"While preparing stage {stage['name']}, found no `program` in the event. Deploy the "
            "study: its state machine tells where the program lies."
        )
    return program


def source_of(stage: Mapping[str, Any], bucket: str) -> str:
    """The prefix that a program reads; empty where it reads what SQL gives."""
    return str(stage["prefix"]).replace("{lake}", bucket)


def workers(plan: Mapping[str, Any], stage: Mapping[str, Any], run: Mapping[str, Any]) -> int:
    """How many work at a stage: a Map's calls or the cluster's nodes at most, ranks or copies."""
    if stage["kind"] in EMR:
        return int(plan["cluster"]["core"] + plan["cluster"]["most_task"])
    asked: int | None = (run.get("workers") or {}).get(stage["name"])
    return int(asked or stage.get("workers") or stage.get("concurrency", 1))


def judge(
    run: Mapping[str, Any],
    name: str,
    snapshots: Mapping[str, int | None],
    done: Mapping[str, Any] | None,
) -> tuple[bool, str]:
    """Whether a stage is to do, and why."""
    if run["only"] is not None and name not in run["only"]:
        return False, "not asked for"
    if done is None:
        return True, "not done yet"
    if name in run["redo"] and done["attempt"] < run["attempt"]:
        return True, f"asked for anew, after attempt {done['attempt']}"
    if moved := [t for t, number in snapshots.items() if done["snapshots"].get(t) != number]:
        return True, f"made anew since: {', '.join(moved)}"
    return False, f"done in attempt {done['attempt']}"


def reads(
    s3: Any, bucket: str, plan: Mapping[str, Any], run: str, stage: Mapping[str, Any]
) -> dict[str, int | None]:
    """What a stage reads: a table that this run made as it made it, others as pinned.

    Raises
    ------
    PrepareError
        Where the run was never begun.
    """
    told = get_json(s3, bucket, run_key(run))
    if told is None:
        raise PrepareError(
            f"While preparing stage {stage['name']}, found no {run_key(run)}. Start the state "
            "machine, whose first step writes it."
        )
    makers = {other["name"] for other in plan["stages"] if other["kind"] != "query"}
    found: dict[str, int | None] = {}
    for piece in stage["sql"]:
        if isinstance(piece, str):
            continue
        table = piece["pin"]
        if table in makers and (made := get_json(s3, bucket, done_key(run, table))):
            found[table] = made["snapshot"]
        elif table in told["snapshots"]:
            found[table] = told["snapshots"][table]
    return dict(sorted(found.items()))


def pinned(pieces: list[Any], snapshots: Mapping[str, int | None]) -> str:
    """SQL with the snapshot of each table behind its name.

    https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-time-travel-and-version-travel-queries.html
    """
    parts = []
    for piece in pieces:
        number = None if isinstance(piece, str) else snapshots.get(piece["pin"])
        if isinstance(piece, str):
            parts.append(piece)
        elif number is not None:
            parts.append(f" FOR VERSION AS OF {number}")
    return "".join(parts)


#: How each kind's input is written; a job reads lines, and Hadoop splits plain text alone.
#: https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html
_WRITTEN = {
    "map": "format='PARQUET', compression='ZSTD'",
    "spark": "format='PARQUET', compression='ZSTD'",
    "mpi": "format='PARQUET', compression='ZSTD'",
    "batch": "format='PARQUET', compression='ZSTD'",
    "gpu": "format='PARQUET', compression='ZSTD'",
    "dask": "format='PARQUET', compression='ZSTD'",
    "mapreduce": "format='JSON', compression='NONE'",
}


def unload(select: str, location: str, kind: str) -> str:
    """A stage's SELECT as an UNLOAD; a query's stays as it is, as does no SQL at all.

    The bracket stands on a line of its own, since the SELECT may end in a comment.
    https://docs.aws.amazon.com/athena/latest/ug/unload.html
    """
    if kind == "query" or not select:
        return select
    return f"UNLOAD ({select}\n) TO '{location}' WITH ({_WRITTEN[kind]})"
