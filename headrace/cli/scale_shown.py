"""What a stage's scaling is, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from headrace.cli.output import Output
from headrace.plan import StagePlan
from headrace.scaling import measured
from headrace.scaling.measured import CLOCKS, Measured
from headrace.scaling.price import Price

if TYPE_CHECKING:  # scipy takes half a second, and only fits want it
    from headrace.scaling.analysis import Analysis
    from headrace.scaling.identified import Verdict
    from headrace.scaling.intervals import Interval

_COLUMNS = ["workers", "seconds", "from", "to", "speed-up", "efficiency", "USD", ""]
_RIGHT = (0, 1, 2, 3, 4, 5, 6)


def show(
    out: Output, stage: StagePlan, taken: list[Measured], found: Analysis, files: Sequence[str]
) -> None:
    """Print what was found, for people."""
    from headrace.scaling.analysis import warnings

    counts = ", ".join(map(str, found.timings.counts))
    click.echo(f"{len(found.timings.seconds)} times at {counts} workers, of {CLOCKS[stage.kind]}.")
    for line in (*_laws(found), *_stops(found), *_answers(taken)):
        click.echo(line)
    if found.forecast:
        click.echo(
            f"Forecast by {found.law.law.name if found.law else ''} ({Price(stage).note()}):"
        )
        out.table(_COLUMNS, _rows(found), _RIGHT)
    for said in warnings(found):
        click.echo(said)
    click.echo("\n".join(files))


def _laws(found: Analysis) -> list[str]:
    said = [_law("Amdahl", found.amdahl, "serial fraction", "serial")]
    if found.serial:
        n = max(found.timings.counts)
        at = dict(found.scaled()).get(n)
        speed = f", {_interval(at, 2)} at {n} workers on a problem {n} times as large" if at else ""
        said.append(f"Gustafson: scaled speed-up {found.scaled_source}{speed}.")
    elif found.gustafson:
        said.append(_law("Gustafson", found.gustafson, "serial fraction", "serial"))
    else:
        said.append("Gustafson: not identifiable, since it is taken over from Amdahl's fraction.")
    usl = _law("USL", found.usl, "contention σ", "sigma")  # noqa: RUF001
    if found.usl.identifiable:
        usl = usl.rstrip(".") + f", coherency κ {_interval(found.usl.intervals['kappa'], 5)}."
    return [*said, usl]


def _law(name: str, verdict: Verdict, word: str, parameter: str) -> str:
    if not verdict.identifiable:
        return f"{name}: not identifiable, since {verdict.why}. Needed: {verdict.needed}."
    return f"{name}: {word} {_interval(verdict.intervals[parameter], 4)}."


def _interval(found: Interval, digits: int) -> str:
    return f"{found.value:,.{digits}f} ({found.low:,.{digits}f} to {found.high:,.{digits}f})"


def _stops(found: Analysis) -> list[str]:
    said = []
    if found.knee:
        said.append(f"More workers stop paying at {_about(found.knee)}: past it one per cent more ")
        said[-1] += "cost buys less than one per cent of time."
    if found.usl.slows and found.peak:
        said.append(f"They do harm past {_about(found.peak)}: there the USL's time is least.")
    elif found.peak and found.peak.low > 1:
        said.append(
            f"No number at which they do harm is seen; none lies below {found.peak.low:,.0f}."
        )
    return said


def _about(found: Interval) -> str:
    def told(value: float) -> str:
        return f"{value:,.0f}" if value < 1e6 else "no limit"

    if found.empty:
        return f"about {told(found.value)} workers"
    return f"about {told(found.value)} workers ({told(found.low)} to {told(found.high)})"


def _answers(taken: list[Measured]) -> list[str]:
    around, same = measured.around_s(taken), measured.same_answer(taken)
    said = (
        [] if around is None else [f"Around it {around:.1f} s of each run: input, start, commit."]
    )
    if same is None:
        return said
    if same:
        return [*said, "All runs gave the same rows."]
    return [*said, "The rows differ between runs: the answer depends on the number of workers."]


def _rows(found: Analysis) -> list[list[str]]:
    return [
        [
            f"{row.workers:,}",
            f"{row.seconds.value:,.3f}",
            f"{row.seconds.low:,.3f}",
            f"{row.seconds.high:,.3f}",
            f"{row.speedup:.2f}",
            f"{row.efficiency:.0%}",
            f"{row.usd[0]:.5f}" if row.usd else "no such container",
            "measured" if row.workers in found.timings.counts else "",
        ]
        for row in found.forecast
    ]
