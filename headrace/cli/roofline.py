"""The verb roofline: what a machine can do at most, and how near a study's stages come to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli import options
from headrace.cli.output import Output
from headrace.place import place_of
from headrace.plan import ROOT, Plan
from headrace.plan import load as load_plan
from headrace.roofline import placed as places
from headrace.roofline import probe
from headrace.target import Target

if TYPE_CHECKING:
    from headrace.roofline.placed import Placed
    from headrace.roofline.roofs import Roof, Roofline

_ROOFS = ["roof", "cores", "", "memory or moved", ""]
_PLACED = ["stage", "workers", "reached", "FLOP a byte", "of its roof", ""]


def _load(ctx: click.Context, param: click.Parameter, name: str | None) -> Plan | None:
    return load_plan(name) if name else None


@click.command()
@click.argument("plan", metavar="[STUDY]", required=False, callback=_load)
@click.option("--here", is_flag=True, help="Measure this machine, not the study's queue.")
@click.option("--out", "folder", type=click.Path(file_okay=False, path_type=Path))
@options.common
def roofline(plan: Plan | None, here: bool, folder: Path | None, out: Output, where: str) -> None:
    """Measure a machine's peak and bandwidths, and place the stages of STUDY under them.

    Where STUDY is deployed and has a stage in containers, the machine is the one that its jobs
    get: the program that measures runs as a job on its queue. Else it is this one. Each stage
    stands where the last run that did it stood. Writes roofline.json, roofline.png and
    roofline.svg into out/STUDY/roofline.
    """
    from headrace.roofline import draw  # here, not above: matplotlib would slow every verb down

    if plan is None:
        with out.progress("Measuring this machine"):
            found = probe.run_here({})
        stages: list[Placed] = []
    else:
        found, stages = of_study(options.reach(where), plan, here, out)
    title = f"The roofline of {found.where}"
    folder = folder or ROOT / "out" / (plan.study.name if plan else "") / "roofline"
    document: dict[str, Any] = {"study": plan.study.name if plan else None, **found.document()}
    document["stages"] = [stage.document() for stage in stages]
    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "roofline.json"
    told.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    files = [told, *draw.write(found, stages, title, folder)]
    document["files"] = [str(path) for path in files]
    out.facts(document, lambda: show(out, found, stages, document["files"]))


def of_study(target: Target, plan: Plan, here: bool, out: Output) -> tuple[Roofline, list[Placed]]:
    """Measure the machine of a study's jobs, or this one, and place its stages."""
    place = place_of(target)
    bucket, s3 = plan.bucket(place.account, place.region), target.client("s3")
    stage = None if here or not plan.tasks else probe.stage_for(plan, target.client("batch"))
    if stage is not None:
        found = probe.JobProbe(plan, stage, target.client, bucket).run(out.say)
    else:
        if not here:
            out.say(f"No queue of {plan.study.name} runs such a program: this machine is measured.")
        there = _is_there(s3, bucket)
        with out.progress("Measuring this machine"):
            found = probe.run_here(target.environment, s3 if there else None, bucket)
    if not (plan.runs and _is_there(s3, bucket)):
        return found, []
    ask = options.athena_of(plan, target).ask
    return found, list(places.place(found, ask, s3, bucket))


def _is_there(s3: Any, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def show(out: Output, found: Roofline, stages: list[Placed], files: list[str]) -> None:
    """Print it for people."""
    click.echo(f"{found.where[0].upper()}{found.where[1:]}: {found.facts.get('model', 'unknown')}")
    out.table(_ROOFS, [_roof(roof) for roof in found.roofs], (1, 2, 3))
    if found.rate("S3, GET") is None:
        click.echo("S3 is not measured: there is no lake, so no study that is deployed was named.")
    if stages:
        out.table(_PLACED, [_stage(stage) for stage in stages], (1, 2, 3))
    for said in found.warnings():
        click.echo(said)
    click.echo("\n".join(files))


def _roof(roof: Roof) -> list[str]:
    size = (
        f"{roof.bytes / 2**20:,.1f} MiB"
        if roof.bytes >= 2**20
        else f"{roof.bytes / 2**10:,.0f} KiB"
    )
    unit = "GFLOP/s" if roof.unit == "FLOP/s" else "GB/s"
    cores = f"{roof.cores}" if roof.cores else ""
    return [
        roof.roof,
        cores,
        f"{roof.per_s / 1e9:,.2f} {unit}",
        size if roof.bytes else "",
        roof.note,
    ]


def _stage(stage: Placed) -> list[str]:
    if stage.flop_per_s is not None:
        reached, intensity = f"{stage.flop_per_s / 1e9:,.3f} GFLOP/s", f"{stage.intensity:.3f}"
    elif stage.bytes_per_s is not None:
        reached, intensity = f"{stage.bytes_per_s / 1e6:,.3f} MB/s", ""
    else:
        reached = intensity = ""
    share = f"{stage.share:.1%} of {stage.roof}" if stage.share is not None else ""
    return [stage.stage, f"{stage.workers}", reached, intensity, share, stage.why]


VERBS = (roofline,)
