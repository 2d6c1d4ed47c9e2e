"""The verb scale: a stage at 1, 2, 4, ... workers, the laws of scaling, and a forecast."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from headrace.cli import options
from headrace.cli.output import Output
from headrace.cli.scale_runs import Bench
from headrace.cli.scale_shown import show
from headrace.place import place_of
from headrace.plan import ROOT, Plan, StagePlan
from headrace.scaling import measured, timings_file, workers
from headrace.scaling.measured import CLOCKS, Measured
from headrace.scaling.price import Price

if TYPE_CHECKING:  # scipy and matplotlib take a second, and only fits want them
    from headrace.scaling.analysis import Analysis
    from headrace.scaling.laws import Timings


class Numbers(click.ParamType[list[int]]):
    """Whole numbers from 1, with commas between."""

    name = "N,N,..."

    def convert(self, value: Any, param: Any, ctx: Any) -> list[int]:
        """Read them."""
        if isinstance(value, list):
            return value
        try:
            found = sorted({int(each) for each in str(value).split(",")})
        except ValueError:
            found = []
        if not found or found[0] < 1:
            self.fail(f"{value!r}, which are no whole numbers from 1", param, ctx)
        return found


@click.command()
@options.study
@click.argument("stage")
@click.option("--workers", "counts", type=Numbers(), help="1, 2, 4, … as many as there are.")
@click.option(
    "--repeats", type=click.IntRange(min=1), default=3, show_default=True, help="Times of each."
)
@click.option("--at", type=Numbers(), default=None, help="Foretell these too.")
@click.option(
    "--warm-up/--no-warm-up", default=True, show_default=True, help="A run before, not counted."
)
@click.option(
    "--timings",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Times taken elsewhere, a CSV: workers, seconds[, size]; nothing is run.",
)
@click.option("--out", "folder", type=click.Path(file_okay=False, path_type=Path))
@options.common
def scale(
    plan: Plan,
    stage: str,
    counts: list[int] | None,
    repeats: int,
    at: list[int] | None,
    warm_up: bool,
    timings: Path | None,
    folder: Path | None,
    out: Output,
    where: str,
) -> None:
    """Run STAGE at 1, 2, 4, ... workers, and say how it scales and where more stop paying.

    Fits Amdahl's, Gustafson's and the Universal Scalability Law, each with its 95 % interval, and
    writes scaling.json, timings.csv, scaling.png and scaling.svg into out/STUDY/scaling-STAGE.
    The stage must be of kind mpi, batch, dask or map, and deployed. Its table is that of the last
    run.
    """
    from headrace.scaling.analysis import analyse

    asked = plan.stage(stage)
    measured.check_kind(asked)
    for count in counts or []:
        asked.check_workers(count)
    taken: list[Measured] = []
    if timings is not None:
        fixed, grown = timings_file.read(timings)
    else:
        target = options.reach(where)
        bench = Bench(target, place_of(target), plan, asked, out)
        counts = counts or workers.counts(plan, asked, target)
        taken = bench.take(counts, repeats, warm_up)
        fixed, grown = measured.timings(taken), None
    with out.progress("Fitting the laws"):
        found = analyse(fixed, grown, at or [], Price(asked).usd)
    folder = folder or ROOT / "out" / plan.study.name / f"scaling-{stage}"
    document = _document(plan, asked, taken, fixed, found)
    document["files"] = [str(p) for p in _written(folder, document, taken, found, plan, stage)]
    out.facts(document, lambda: show(out, asked, taken, found, document["files"]))


def _document(
    plan: Plan, stage: StagePlan, taken: list[Measured], fixed: Timings, found: Analysis
) -> dict[str, Any]:
    pairs = zip(fixed.workers.tolist(), fixed.seconds.tolist(), strict=True)
    from headrace.scaling.analysis import warnings

    return {
        "study": plan.study.name,
        "stage": stage.name,
        "kind": stage.kind,
        "clock": CLOCKS[stage.kind],
        "runs": [one.document() for one in taken],
        "timings": [{"workers": int(n), "seconds": s} for n, s in pairs],
        "around_s": measured.around_s(taken),
        "same_answer": measured.same_answer(taken),
        "price": Price(stage).note(),
        "warnings": warnings(found),
        **found.document(),
    }


def _written(
    folder: Path,
    document: dict[str, Any],
    taken: list[Measured],
    found: Analysis,
    plan: Plan,
    stage: str,
) -> list[Path]:
    from headrace.scaling import draw

    folder.mkdir(parents=True, exist_ok=True)
    told = folder / "scaling.json"
    told.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    written = [told, *draw.write(found, f"How {plan.study.name}'s {stage} scales", folder)]
    if taken:
        timings_file.write(folder / "timings.csv", taken)
        written.append(folder / "timings.csv")
    return written


VERBS = (scale,)
