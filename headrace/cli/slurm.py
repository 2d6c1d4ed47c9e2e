"""The verb slurm: a stage on a research cluster, and what it gave back into the lake."""

from __future__ import annotations

import dataclasses
import datetime
import json
import shlex
from pathlib import Path
from typing import Any

import click
from botocore.config import Config

from headrace.cli import options
from headrace.cli.output import Output
from headrace.place import place_of
from headrace.plan import Plan, StagePlan
from headrace.runs import Machine, new_id
from headrace.slurm import bring_back, folder, script, stage_in
from headrace.slurm.functions import Functions, Try
from headrace.stages import Batch, Mpi, StudyError
from headrace.target import Target

#: Registering a table may take all that Lambda gives, and must not be asked for twice.
_ONCE = Config(read_timeout=930, retries={"total_max_attempts": 1})


@click.command()
@options.study
@click.argument("stage", metavar="STAGE")
@click.option("--out", "new", type=click.Path(path_type=Path), help="Write this new folder.")
@click.option("--back", type=click.Path(path_type=Path), help="Bring back this folder's result.")
@click.option("--workers", type=click.IntRange(1), help="Ranks, or copies, on the cluster.")
@click.option("--nodes", type=click.IntRange(1), help="Nodes for the ranks; the stage's own.")
@options.common
def slurm(
    plan: Plan,
    out: Output,
    where: str,
    stage: str,
    new: Path | None,
    back: Path | None,
    workers: int | None,
    nodes: int | None,
) -> None:
    """Run a stage on a Slurm cluster instead of AWS Batch.

    --out writes a folder for the cluster: the program as deployed, its packages' lock, the input
    with a list of its checksums, and an sbatch script with the same arguments and seed. Its
    README.md says what to do there. --back uploads what came of it, and makes it the stage's table.
    """
    if (new is None) == (back is None):
        raise click.UsageError("not one of --out and --back")
    planned = _task(plan, stage)
    target = options.reach(where)
    if new is not None:
        _out(plan, planned, out, target, new, workers, nodes)
    elif back is not None:
        if workers or nodes:
            raise click.UsageError("--workers or --nodes with --back, whose job is done")
        _back(plan, planned, out, target, back)


def _task(plan: Plan, name: str) -> StagePlan:
    stage = plan.stage(name)
    if not isinstance(stage.stage, Mpi | Batch):
        able = ", ".join(s.name for s in plan.tasks if isinstance(s.stage, Mpi | Batch)) or "none"
        raise StudyError(
            f"While looking at stage {name}, found that it is a {type(stage.stage).__name__}, "
            f"which Slurm can't run. Name an Mpi or Batch stage; {plan.study.name} has {able}."
        )
    return stage


def _out(
    plan: Plan,
    stage: StagePlan,
    out: Output,
    target: Target,
    to: Path,
    workers: int | None,
    nodes: int | None,
) -> None:
    task = stage.stage
    assert isinstance(task, Mpi | Batch)  # noqa: S101 - for the type checker
    asked = script.allocation(task, workers or task.workers, nodes)
    folder.check_new(to)
    this = _prepared(plan, stage.name, target)
    this = dataclasses.replace(this, workers=workers or this.workers)
    s3, source = target.client("s3"), _source(stage, this)
    uris = _input(s3, this)
    with out.progress(f"Fetching the input of {stage.name}") as bar:
        moved = 0

        def count(more: int, file: str) -> None:
            nonlocal moved
            moved += more
            bar.update(moved, None, f"bytes, {file}")

        staged = stage_in.fetch(s3, uris, source, to / "input", count)
    job = f"{plan.study.name}-{stage.name}"
    command, seed = this.prepared["job"]["command"], plan.study.seed
    text = script.script(job, asked, command, seed, this.workers)
    bucket, _, key = this.program["archive"].removeprefix("s3://").partition("/")
    program = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    told = _told(plan, stage, this, staged, to)
    folder.write(to, this, staged, stage.image, text, program, told)
    document = {"folder": str(to), "run": this.run["run"], "prefix": this.prefix}
    document |= {"files": len(staged), "bytes": sum(s.bytes for s in staged)}
    out.facts(document, lambda: click.echo(f"Wrote {to}; {to}/README.md says what to do with it."))


def _prepared(plan: Plan, stage: str, target: Target) -> Try:
    """Have the house prepare a try and write its input."""
    place = place_of(target)
    client = target.client("stepfunctions")
    arn = Machine(plan, client, place.account).arn
    machine = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
    functions = Functions(plan, target.client("lambda", _ONCE))
    run = new_id(datetime.datetime.now(datetime.UTC))
    bucket = plan.bucket(place.account, place.region)
    begun = functions.begin(stage, run, machine, bucket)
    return functions.fill(begun, options.athena_of(plan, target))


def _source(stage: StagePlan, this: Try) -> str:
    if stage.prefix:
        return stage.prefix.replace("{lake}", this.bucket)
    return f"s3://{this.bucket}/{this.prefix}in/"


def _input(s3: Any, this: Try) -> list[str]:
    """URIs of what the house saw of the input."""
    body = s3.get_object(Bucket=this.bucket, Key=f"{this.prefix}facts.json")["Body"].read()
    files = json.loads(body)["files"]
    return [f if f.startswith("s3://") else f"s3://{this.bucket}/{f}" for f in files]


def _told(
    plan: Plan, stage: StagePlan, this: Try, staged: list[stage_in.Staged], to: Path
) -> dict[str, Any]:
    words = "ranks" if isinstance(stage.stage, Mpi) else "copies"
    return {
        "study": plan.study.name,
        "stage": stage.name,
        "seed": plan.study.seed,
        "run": this.run["run"],
        "workers_words": f"{this.workers} {words}",
        "files": f"{len(staged):,} file{'s' * (len(staged) != 1)}",
        "bytes": f"{sum(s.bytes for s in staged):,}",
        "folder": shlex.quote(str(to)),
        "name": shlex.quote(to.name),
    }


def _back(plan: Plan, stage: StagePlan, out: Output, target: Target, from_: Path) -> None:
    this = folder.read(from_, plan.study.name, stage.name)
    bring_back.check(from_, stage.kind, this.workers)
    keys = bring_back.upload(target.client("s3"), this, from_)
    told = Functions(plan, target.client("lambda", _ONCE)).register(this)
    document = {"run": this.run["run"], "uploaded": keys, **told}
    words = (
        f"Stage {stage.name} has {told['rows']:,} rows of run {this.run['run']}"
        f" (checksum {told['checksum'][:16]})."
    )
    out.facts(document, lambda: click.echo(words))


VERBS = (slurm,)
