"""Draws a stage's scaling: the speed-up beside the laws, and cost against time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from headrace.charts import COLOURS, FAINT, INK, STYLE
from headrace.scaling.analysis import Analysis
from headrace.scaling.laws import Floats

_GRID = "#e4e4e4"
_BAND: Any = {"alpha": 0.15, "linewidth": 0}
_DOTS: Any = {"color": INK, "linewidth": 0, "marker": "o", "markersize": 4, "zorder": 5}


def figure(analysis: Analysis, title: str) -> Figure:
    """Draw it: on the left what was measured and what laws say of speed, on the right of cost."""
    with mpl.rc_context(STYLE):
        made = Figure(figsize=(9.6, 4.4), layout="constrained")
        left, right = made.subplots(1, 2)
        made.suptitle(title, x=0.01, ha="left")
        _speed(analysis, left)
        _cost(analysis, right)
    return made


def write(analysis: Analysis, title: str, folder: Path) -> list[Path]:
    """Write it as ``scaling.png`` and ``scaling.svg``."""
    written = [folder / "scaling.png", folder / "scaling.svg"]
    made = figure(analysis, title)
    with mpl.rc_context(STYLE | {"svg.hashsalt": "scaling"}):
        made.savefig(written[0], dpi=200)
        made.savefig(written[1], metadata={"Date": None})
    return written


def _speed(analysis: Analysis, axes: Any) -> None:
    timings = analysis.timings
    most = max([row.workers for row in analysis.forecast] or timings.counts)
    n = np.geomspace(1, most, 200)
    axes.plot(n, n, color=FAINT, linewidth=1, linestyle=(0, (4, 3)), label="linear")
    if analysis.amdahl.identifiable:
        _amdahl(analysis, axes, n)
    if analysis.serial:
        low, high = (s + (1 - s) * n for s in (analysis.serial.high, analysis.serial.low))
        value = analysis.serial.value + (1 - analysis.serial.value) * n
        how = "measured" if analysis.gustafson else "predicted"
        axes.plot(n, value, color=COLOURS[2], linewidth=1.4, label=f"Gustafson, scaled ({how})")
        axes.fill_between(n, low, high, color=COLOURS[2], **_BAND)
    if analysis.usl.fit and analysis.usl.identifiable:
        speed = 1 / analysis.usl.law.factor(n, *analysis.usl.fit.held)
        axes.plot(n, speed, color=COLOURS[1], linewidth=1.8, label="USL")
    one = _one_s(analysis)
    axes.plot(timings.workers, one / timings.seconds, **_DOTS, label="measured")
    _logs(axes, timings.counts, most)
    axes.set_yscale("log", base=2)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.set_ylabel("speed-up over one worker")
    axes.legend(frameon=False, loc="upper left", fontsize=8.5)


def _amdahl(analysis: Analysis, axes: Any, n: Floats) -> None:
    found = analysis.amdahl.intervals["serial"]
    law, colour = analysis.amdahl.law, COLOURS[0]
    name = f"Amdahl, s = {found.value:.3f} ({found.low:.3f} to {found.high:.3f})"
    axes.plot(n, 1 / law.factor(n, found.value), color=colour, linewidth=1.8, label=name)
    ends = [1 / law.factor(n, s) for s in (found.high, found.low)]
    axes.fill_between(n, *ends, color=colour, **_BAND)


def _one_s(analysis: Analysis) -> float:
    """Seconds on one worker: by the law in use, else the geometric mean of what was measured."""
    fitted = (analysis.law or analysis.amdahl).fit
    if fitted is not None:
        return fitted.one_s
    alone = analysis.timings.workers == min(analysis.timings.counts)
    return float(np.exp(analysis.timings.log_seconds[alone].mean()))


def _cost(analysis: Analysis, axes: Any) -> None:
    """Cost against time, a point a number of workers."""
    rows = [row for row in analysis.forecast if row.usd]
    if not rows:
        _seconds(analysis, axes)
        return
    seconds = [row.seconds.value for row in rows]
    usd = [row.usd[0] for row in rows if row.usd]
    axes.plot(seconds, usd, color=COLOURS[0], linewidth=1.4, marker="o", markersize=3.5)
    for row, y in zip(rows, usd, strict=True):
        axes.plot(
            [row.seconds.low, row.seconds.high], [y, y], color=COLOURS[0], alpha=0.3, linewidth=3
        )
        axes.annotate(
            f"{row.workers:,}", (row.seconds.value, y), xytext=(3, 4),
            textcoords="offset points", fontsize=8, color=FAINT,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
        axis.set_minor_formatter(NullFormatter())
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.set_xlabel("seconds a result (and their interval), at n workers")
    axes.set_ylabel("USD a result, list price")


def _seconds(analysis: Analysis, axes: Any) -> None:
    """What was measured alone, where nothing can be foretold."""
    timings = analysis.timings
    axes.plot(timings.workers, timings.seconds, **_DOTS)
    _logs(axes, timings.counts, max(timings.counts))
    axes.set_ylabel("seconds")
    axes.set_title("no law is identifiable", loc="left", fontsize=9, color=FAINT)


def _logs(axes: Any, counts: list[int], most: int) -> None:
    axes.set_xscale("log", base=2)
    ticks = sorted({*counts, *(2**i for i in range(most.bit_length()) if 2**i <= most)})
    axes.set_xticks(ticks, [f"{n:,}" for n in ticks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlabel("workers")
    axes.grid(color=_GRID, linewidth=0.8)
    axes.set_axisbelow(True)
