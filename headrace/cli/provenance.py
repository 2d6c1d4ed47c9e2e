"""The verbs runs, methods, package and compare: what the records say of what was run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from headrace.cli import options
from headrace.cli.output import Output
from headrace.place import place_of
from headrace.plan import ROOT, Plan
from headrace.provenance import explain, facts, methods, people, prose, reading
from headrace.provenance.people import Author, AuthorError
from headrace.provenance.reading import Lake
from headrace.provenance.records import Run, StageRecord
from headrace.provenance.verdicts import Comparison


def lake_of(plan: Plan, where: str) -> Lake:
    """Where a study's records are."""
    target = options.reach(where)
    place = place_of(target)
    athena = options.athena_of(plan, target)
    bucket = plan.bucket(place.account, place.region)
    return Lake(plan, lambda sql: athena.ask(sql).rows, target.client("s3"), bucket, target.name)


@click.command()
@options.study
@click.argument("run", required=False)
@options.common
def runs(plan: Plan, out: Output, where: str, run: str | None) -> None:
    """List the runs of a study, or the stages of RUN."""
    lake = lake_of(plan, where)
    if run is None:
        with out.progress("Reading the runs"):
            found = reading.runs(lake)
        listed = {"study": plan.study.name, "runs": [_told(r, plan) for r in found]}
        out.facts(listed, lambda: show_runs(out, plan, found))
        return
    with out.progress("Reading the run"):
        one = reading.run(lake, run)
        pin = reading.pin(lake, one)
    records = sorted(one.records, key=lambda r: (r.started, r.stage))
    document = {
        "study": plan.study.name,
        **_told(one, plan),
        "pin": dict(pin.document) if pin else None,
        "records": [record.document() for record in records],
    }
    out.facts(document, lambda: show_run(out, one, records))


def _told(run: Run, plan: Plan) -> dict[str, Any]:
    return run.document() | {"missing": run.missing([s.name for s in plan.stages])}


def show_runs(out: Output, plan: Plan, found: list[Run]) -> None:
    """One line a run."""
    if not found:
        out.say(f"No run yet. Start one with `headrace run {plan.study.name}`.")
        return
    names = [stage.name for stage in plan.stages]
    rows = []
    for run in found:
        told = run.document()
        done = len(names) - len(run.missing(names))
        rows.append(
            [
                run.id,
                when(told["started"]),
                f"{done} of {len(names)}",
                f"{told['rows']:,}",
                f"{told['quarantined']:,}",
                f"{told['seconds']:,.1f}",
                usd(told["cost_usd"]),
                ", ".join(map(str, told["seeds"])),
            ]
        )
    heads = ["run", "started (UTC)", "stages", "rows", "quarantined", "seconds", "USD", "seed"]
    out.table(heads, rows, (3, 4, 5, 6, 7))
    out.say("USD at list prices; on a laptop nothing is billed.")


def show_run(out: Output, run: Run, records: list[StageRecord]) -> None:
    """One line a stage and attempt, then what it was made with."""
    rows = []
    for r in records:
        counts = [f"{r.items:,}", f"{r.rows_out:,}", f"{r.quarantined:,}", f"{r.workers:,}"]
        spent = [f"{r.seconds:,.1f}", f"{r.engine_s:,.1f}", usd(r.cost_usd)]
        rows.append([r.stage, r.kind, str(r.attempt), *counts, *spent, r.code[:12]])
        rows[-1].append(r.output_checksum[:12])
    heads = ["stage", "kind", "attempt", "items", "rows", "quarantined", "workers", "seconds"]
    heads += ["engine s", "USD", "code", "rows' SHA-256"]
    out.table(heads, rows, tuple(range(2, 10)))
    for r in run.stages:
        read = ", ".join(f"{t} at {s}" for t, s in sorted(r.snapshots.items()))
        files = f"{len(r.files):,} files" if r.files else ""
        out.out.print(f"\n{r.stage}: {r.engine}, seed {r.seed}", markup=False)
        out.out.print(f"  read {read or files or 'nothing of the lake'}", markup=False)
        if r.params:
            out.out.print(f"  parameters {dict(r.params)}", markup=False)


def when(text: str) -> str:
    """A time of a document, for people."""
    return text.replace("T", " ").removesuffix("Z")


def usd(cost: float) -> str:
    """A cost with two digits that say something."""
    return f"{cost:,.2f}" if cost >= 0.1 or not cost else f"{cost:.2g}"


@click.command("methods")
@options.study
@click.argument("run", required=False)
@click.option(
    "--format", "kind", type=click.Choice(prose.FORMATS), default="text", show_default=True
)
@options.common
def methods_(plan: Plan, out: Output, where: str, run: str | None, kind: str) -> None:
    """Write the methods paragraphs of a paper, from the records of RUN (the last complete one)."""
    lake = lake_of(plan, where)
    with out.progress("Reading the run's records"):
        one = reading.run(lake, run) if run else reading.last_complete(lake)
        told = facts.of(lake, one, ROOT)
    text = prose.write(methods.paragraphs(told), kind)
    document = {"study": plan.study.name, "run": one.id, "format": kind, "text": text}
    out.facts(document, lambda: click.echo(text, nl=False))


def _authors(ctx: click.Context, param: click.Parameter, said: tuple[str, ...]) -> list[Author]:
    try:
        return [people.author(text) for text in said]
    except AuthorError as error:
        raise click.BadParameter(str(error)) from error


@click.command("package")
@options.study
@click.argument("run", required=False)
@click.option(
    "--out", "file", type=click.Path(dir_okay=False, path_type=Path),
    help="The zip; out/STUDY/RUN.zip if not given.",
)  # fmt: skip
@click.option("--inputs", is_flag=True, help="Include the items that the stages got.")
@click.option(
    "--author", "authors", multiple=True, callback=_authors,
    help='"Given Family <ORCID iD>", once for each; the first is who ran it.',
)  # fmt: skip
@click.option("--license", "licence", default="", help="SPDX identifier or address; else unknown.")
@options.common
def package_(
    plan: Plan, out: Output, where: str, run: str | None, file: Path | None, inputs: bool,
    authors: list[Author], licence: str,
) -> None:  # fmt: skip
    """Write a replication package of RUN (the last complete one), as an RO-Crate.

    It holds the study, the locks, the run's records and its results.
    """
    from headrace.provenance import package  # here: it draws in what other verbs don't need

    lake = lake_of(plan, where)
    one = reading.run(lake, run) if run else reading.last_complete(lake)
    to = file or ROOT / "out" / plan.study.name / f"{one.id}.zip"
    wanted = package.Wanted(authors, licence, inputs)
    with out.progress("Packing") as bar:
        notes = package.make(lake, one, ROOT, to, wanted, bar.update)
    missing = one.missing([stage.name for stage in plan.stages])
    if missing:
        notes = [*notes, f"The run is incomplete: it has not done {', '.join(missing)}."]
    if changed := _changed_since(plan, one):
        notes = [
            *notes,
            f"Changed after the run began, and packed as they are now: {', '.join(changed)}. "
            "If the run had other code, check that out and pack again.",
        ]
    for note in notes:
        out.say(note)
    size = to.stat().st_size
    document = {"study": plan.study.name, "run": one.id, "file": to, "bytes": size, "notes": notes}
    out.facts(document, lambda: click.echo(f"{to} ({size:,} bytes)"))


def _changed_since(plan: Plan, run: Run) -> list[str]:
    """Files of the study that were written after a run began."""
    began = min(record.started for record in run.records).timestamp()
    folder = ROOT / "studies" / plan.package
    files = (p for p in sorted(folder.rglob("*")) if p.is_file() and "__pycache__" not in p.parts)
    return [str(p.relative_to(ROOT)) for p in files if p.stat().st_mtime > began]


@click.command()
@options.study
@click.argument("run_a")
@click.argument("run_b")
@options.common
def compare(plan: Plan, out: Output, where: str, run_a: str, run_b: str) -> int:
    """Say of each stage whether two runs gave the same, and why not; exit 1 for no reason."""
    lake = lake_of(plan, where)
    with out.progress("Comparing the runs"):
        told = compared(lake, run_a, run_b)
    out.facts({"study": plan.study.name, **told.document()}, lambda: show_comparison(out, told))
    return 0 if told.deterministic else 1


def compared(lake: Lake, run_a: str, run_b: str) -> Comparison:
    """Compare two runs by their names, with rows and guesses where one is not deterministic."""
    return explain.explained(lake, reading.run(lake, run_a), reading.run(lake, run_b), ROOT)


def show_comparison(out: Output, told: Comparison) -> None:
    """A line a stage, and what was found of those that are not deterministic."""
    for verdict in told.verdicts:
        out.out.print(f"{verdict.stage}: {verdict.sentence()}", markup=False)
        for line in verdict.details():
            out.out.print(f"  {line}", markup=False)


VERBS = (runs, methods_, package_, compare)
