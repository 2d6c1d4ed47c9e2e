"""The verb plan: all that a study will have, before any of it is there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from headrace import target as targets
from headrace.board import before
from headrace.cli import options
from headrace.cli.output import Output
from headrace.cost import task_usd_h
from headrace.plan import RUNS, Plan, StagePlan
from headrace.stages import Task
from headrace.study import Dask, Gpu, Map, MapReduce, Spark


@click.command("plan")
@options.study
@options.common
def plan_(plan: Plan, out: Output, where: str) -> None:
    """List what will exist, before any of it does."""
    plan = targets.on(plan, where)
    document = planned(plan)
    out.facts(document, lambda: click.echo("\n".join(lines(plan, document))))


def planned(plan: Plan) -> dict[str, Any]:
    """The plan as a document; what a study doesn't have isn't in it."""
    study = plan.study
    return {
        "study": study.name,
        "question": study.question,
        "stacks": {
            "data": plan.data_stack,
            **({"flow": plan.flow_stack} if plan.streams else {}),
            **({"run": plan.run_stack} if plan.runs else {}),
        },
        "bucket": plan.bucket("ACCOUNT", "REGION"),
        "database": plan.database,
        "workgroup": {"name": plan.workgroup, "scan_limit_mib": study.scan_limit_mib},
        "tables": {
            t.name: {c.name: c.type + ("" if c.required else ", may be null") for c in t.columns}
            for t in plan.every_table
        },
        "externals": {e.name: e.location for e in plan.externals},
        **(_flow(plan) if plan.streams else {}),
        **({"run": _run(plan)} if plan.runs else {}),
        "queries": {s.name: s.sql for s in plan.stages if s.kind == "query"},
    }


def _flow(plan: Plan) -> dict[str, Any]:
    study, source = plan.study, plan.study.source
    return {
        "stream": {
            "name": plan.stream,
            "shards": source.shards,
            "retention_h": source.retention_h,
            "key": source.key,
        },
        "functions": {
            plan.function(name): {"memory_mib": f.memory_mib, "timeout_s": f.timeout_s}
            for name, f in (("land", study.land), ("commit", study.commit))
        },
        "queues": [plan.commit_queue, plan.commit_dead_letters],
    }


def _run(plan: Plan) -> dict[str, Any]:
    earlier = before(plan.order)
    # By how many stages come before them: the order in which they run, side by side in the
    # study's.
    stages = sorted(plan.stages, key=lambda stage: len(earlier[stage.name]))
    return {
        "machine": plan.machine,
        "functions": [plan.function("run"), plan.function("register")],
        "stages": [_stage(plan, stage, earlier[stage.name]) for stage in stages],
        **({"cluster": _cluster(plan)} if plan.emr else {}),
    }


def _cluster(plan: Plan) -> dict[str, Any]:
    cluster = plan.study.cluster
    return {
        "name": plan.cluster_name,
        "release": cluster.release,
        "instance": plan.cluster_instance,
        "core": cluster.core,
        "most_task": cluster.most_task,
        "idle_s": cluster.idle_s,
        "usd_h": round(plan.node_usd_h * (1 + cluster.core), 4),
        "usd_h_most": round(plan.node_usd_h * (1 + cluster.core + cluster.most_task), 4),
        "stages": [stage.name for stage in plan.emr],
    }


def _stage(plan: Plan, stage: StagePlan, after: tuple[str, ...]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": stage.name,
        "kind": stage.kind,
        "after": list(after),
        "reads": list(stage.reads) or ([stage.prefix] if stage.prefix else []),
        "makes": stage.table.name if stage.table else None,
    }
    if isinstance(stage.stage, Map):
        told |= {
            "fn": stage.stage.fn,
            "function": plan.map_function(stage.name),
            "memory_mib": stage.stage.function.memory_mib,
            "timeout_s": stage.stage.function.timeout_s,
            "concurrency": stage.stage.concurrency,
            "batch_items": stage.stage.batch_items,
            "tolerate": stage.stage.tolerate,
        }
    if isinstance(stage.stage, MapReduce | Spark):
        told |= {
            "program": stage.program,
            "params": dict(stage.stage.params),
            "timeout_s": stage.stage.timeout_s,
            "tolerate": stage.stage.tolerate,
        }
    if isinstance(stage.stage, Task):
        told |= _job(plan, stage, stage.stage)
    return told


def _job(plan: Plan, stage: StagePlan, task: Task) -> dict[str, Any]:
    size = task.container
    platform = "FARGATE" if task.is_fargate else "EC2"
    return {
        "program": task.program,
        "params": dict(task.params),
        "image": task.image,
        "definition": plan.job_definition(stage.name),
        "queue": plan.job_queue(stage.queue),
        "platform": platform,
        "workers": task.workers,
        "containers": task.containers,
        "vcpus": size.vcpus,
        "memory_mib": size.memory_mib,
        **({"gpus": task.gpus} if isinstance(task, Gpu | Dask) else {}),
        "usd_h": round(task.containers * task_usd_h(task), 4),
        "timeout_s": task.timeout_s,
        "tolerate": task.tolerate,
    }


def lines(plan: Plan, document: dict[str, Any]) -> Iterator[str]:
    """The plan for people."""
    workgroup = document["workgroup"]
    yield document["question"]
    yield f"data stack  {plan.data_stack} (kept when destroyed)"
    yield f"  bucket    {document['bucket']}"
    yield f"  database  {document['database']}"
    yield f"  workgroup {workgroup['name']}, at most {workgroup['scan_limit_mib']} MiB a query"
    for table, columns in document["tables"].items():
        told = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        yield f"  table     {table} ({'a row a stage of each run' if table == RUNS else told})"
    for name, location in document["externals"].items():
        yield f"  external  {name}, read at {location}"
    if plan.streams:
        yield from _flow_lines(plan, document)
    if plan.runs:
        yield from _run_lines(plan, document["run"])
    else:  # a run asks its queries with its other stages
        for name in document["queries"]:
            yield f"asks        {name}"


def _flow_lines(plan: Plan, document: dict[str, Any]) -> Iterator[str]:
    stream = document["stream"]
    key = f", in order by {stream['key']}" if stream["key"] else ""
    yield f"flow stack  {plan.flow_stack}"
    yield (
        f"  stream    {stream['name']}, {stream['shards']} shard(s),"
        f" keeps {stream['retention_h']} h{key}"
    )
    for name, function in document["functions"].items():
        yield f"  function  {name}, {function['memory_mib']} MiB, {function['timeout_s']} s at most"
    for name in document["queues"]:
        yield f"  queue     {name}"


def _run_lines(plan: Plan, run: dict[str, Any]) -> Iterator[str]:
    yield f"run stack   {plan.run_stack}"
    yield f"  machine   {run['machine']}"
    for name in run["functions"]:
        yield f"  function  {name}"
    for stage in run["stages"]:
        reads = ", ".join(stage["reads"]) or "no table"
        makes = f"makes {stage['makes']}" if stage["makes"] else "asks"
        after = f", after {', '.join(stage['after'])}" if stage["after"] else ""
        yield f"  stage     {stage['name']}: {stage['kind']}, reads {reads}, {makes}{after}"
        if "function" in stage:
            batch = stage["batch_items"] or "a probe's choice of"
            yield (
                f"            {stage['function']}, {stage['memory_mib']} MiB,"
                f" {stage['timeout_s']} s at most, {stage['concurrency']} at a time,"
                f" {batch} items a call, {stage['tolerate']:.0%} of items may fail"
            )
        if "queue" in stage:
            yield from _job_lines(stage)
        elif "program" in stage:
            yield (
                f"            {stage['program']} on the cluster, {stage['timeout_s']} s a step at"
                f" most, {stage['tolerate']:.0%} of rows may be none"
            )
    if "cluster" in run:
        yield from _cluster_lines(run["cluster"])


def _job_lines(stage: dict[str, Any]) -> Iterator[str]:
    containers, workers = stage["containers"], stage["workers"]
    many = f"{containers} containers" if containers > 1 else "one container"
    words = {"mpi": "ranks", "dask": "workers"}.get(stage["kind"])
    ranks = f"{workers} {words} in {many}" if words else many
    yield (
        f"            {stage['program']} by {stage['queue']}, image {stage['image']}: {ranks},"
        f" {stage['timeout_s']} s at most, {stage['tolerate']:.0%} of rows may be none"
    )
    kind = {"FARGATE": "Fargate", "EC2": "EC2"}[stage["platform"]]
    spot = ", less on the spot market" if stage["queue"].endswith(("-spot", "-gpu")) else ""
    gpus = f"{stage['gpus']} GPU, " if stage.get("gpus") else ""
    if stage.get("gpus") == 0 and stage["kind"] == "gpu":
        gpus = "no GPU here, "
    yield (
        f"            {gpus}{stage['vcpus']:g} vCPU and {stage['memory_mib']:,} MiB each on {kind};"
        f" USD {stage['usd_h']:.4f} an hour on AWS while it runs{spot}"
    )


def _cluster_lines(cluster: dict[str, Any]) -> Iterator[str]:
    yield (
        f"  cluster   {cluster['name']}, {cluster['release']}, for {', '.join(cluster['stages'])}:"
        f" made by the run, and ends with them"
    )
    yield (
        f"            1 primary and {cluster['core']} core {cluster['instance']}, up to"
        f" {cluster['most_task']} more on the spot market; USD {cluster['usd_h']:.2f} an hour on"
        f" AWS, {cluster['usd_h_most']:.2f} with all at the full price"
    )
    idle = f"EMR ends it after {cluster['idle_s']} s without a step"
    yield f"            {idle}, whatever becomes of the run"


VERBS = (plan_,)
