"""Draws a roofline with a study's stages under it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from headrace.charts import COLOURS, FAINT, INK, STYLE, WIDTH_IN
from headrace.roofline.placed import Placed
from headrace.roofline.roofs import Roofline

_LEFT, _RIGHT = 2.0**-6, 2.0**8
#: Of the levels of memory, the nearest first.
_STYLES = (":", "-.", "--", "-")


def figure(roofline: Roofline, placed: Sequence[Placed], title: str) -> Figure:
    """Draw it: a line a level of memory up to the peak, of all cores, and faint those of one."""
    with mpl.rc_context(STYLE):
        made = Figure(figsize=(WIDTH_IN, 4.8), layout="constrained")
        axes: Any = made.subplots()
        made.suptitle(title, x=0.01, ha="left")
        under = [p for p in placed if p.flop_per_s and p.intensity]
        left = min([_LEFT, *(p.intensity / 4 for p in under if p.intensity)])
        right = max([_RIGHT, *(p.intensity * 4 for p in under if p.intensity)])
        x = np.geomspace(left, right, 300)
        _roofs(roofline, axes, x)
        for number, stage in enumerate(under):
            at = (stage.intensity, (stage.flop_per_s or 0.0) / 1e9)
            axes.plot(*at, marker="o", markersize=6, linewidth=0, color=COLOURS[1], zorder=5)
            words = f"{stage.stage}, {stage.workers} workers"
            axes.annotate(
                words,
                at,
                xytext=(7, -4 - 9 * (number % 2)),
                textcoords="offset points",
                fontsize=8.5,
                color=COLOURS[1],
            )
        _axes(axes, left, right)
    return made


def write(roofline: Roofline, placed: Sequence[Placed], title: str, folder: Path) -> list[Path]:
    """Write it as ``roofline.png`` and ``roofline.svg``."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / "roofline.png", folder / "roofline.svg"]
    made = figure(roofline, placed, title)
    with mpl.rc_context(STYLE | {"svg.hashsalt": "roofline"}):
        made.savefig(written[0], dpi=200)
        made.savefig(written[1], metadata={"Date": None})
    return written


def _roofs(roofline: Roofline, axes: Any, x: Any) -> None:
    cores = roofline.cores
    peak = roofline.peak(cores)
    for level, style in zip(roofline.levels, _STYLES, strict=False):
        slope = roofline.bandwidth(level, cores)
        name = f"{level}, {slope / 1e9:,.0f} GB/s"
        y = np.minimum(peak, slope * x) / 1e9
        axes.plot(x, y, color=COLOURS[0], linewidth=1.6, linestyle=style, label=name)
    words = f"peak of {cores} cores {peak / 1e9:,.1f} GFLOP/s"
    axes.annotate(
        words,
        (x[-1], peak / 1e9),
        xytext=(0, 4),
        textcoords="offset points",
        fontsize=8.5,
        color=COLOURS[0],
        ha="right",
    )
    if (nominal := roofline.rate("nominal", cores)) is not None:
        axes.axhline(nominal / 1e9, color=FAINT, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate(
            f"nominal {nominal / 1e9:,.1f}",
            (x[-1], nominal / 1e9),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=8.5,
            color=FAINT,
            ha="right",
        )
    if cores > 1:
        one = np.minimum(roofline.peak(1), roofline.bandwidth("DRAM", 1) * x)
        axes.plot(x, one / 1e9, color=FAINT, linewidth=1, label="DRAM, one core")
    axes.legend(frameon=False, loc="lower right", fontsize=8.5)


def _axes(axes: Any, left: float, right: float) -> None:
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlim(left, right)
    axes.xaxis.set_major_formatter(FuncFormatter(_ratio))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    axes.set_xlabel("FLOP a byte of memory", color=INK)
    axes.set_ylabel("GFLOP/s")
    axes.grid(color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)


def _ratio(value: float, _: int) -> str:
    return f"1/{1 / value:g}" if value < 1 else f"{value:g}"
