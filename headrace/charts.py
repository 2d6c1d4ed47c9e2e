"""Draws a query's answer: one figure, as SVG for the report and as PNG beside it.

What is drawn follows from the columns' names and types, so that SQL decides:

- the first column is the x axis of a line chart, or names the bars;
- ``draw`` names what is drawn, else every numeric column is;
- ``<column>_low`` and ``<column>_high`` are that column's interval, a band or whiskers;
- the first whole-number column that is not drawn counts what each point rests on.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pyarrow as pa
import pyarrow.types as pat
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from headrace.errors import HeadraceError
from headrace.printed import is_number

INK, FAINT, COLOURS = "#1a1a1a", "#8a8a8a", ("#1f4e79", "#b5541c", "#4a7a3a", "#7a3a6a")
WIDTH_IN = 7.2
_ID = re.compile(r'\bid="|url\(#|href="#')
STYLE: Any = {
    "font.family": "sans-serif",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.titlesize": 11,
    "figure.titleweight": "bold",
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and copied
}


class ChartError(HeadraceError):
    """An answer has no column that its chart could show."""


@dataclass(frozen=True)
class Chart:
    """What to draw.

    Parameters
    ----------
    name : str
        Names the files, and keeps the ids of several figures on one page apart.
    kind : {"line", "bar"}
    title : str
    rows : pyarrow.Table
    draw : sequence of str
        Columns to draw; every numeric one but intervals where empty.
    labels : mapping of str to str
        A column's name in words, with its unit; its name where there is none.
    """

    name: str
    kind: str
    title: str
    rows: pa.Table
    draw: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def x(self) -> str:
        """The column along the axis, or that names the bars."""
        return str(self.rows.column_names[0])

    def drawn(self) -> list[str]:
        """The columns that are drawn.

        Raises
        ------
        ChartError
            Where one that ``draw`` names is missing or not numeric, or there is none, or no row.
        """
        numeric = [c for c in self.rows.column_names[1:] if is_number(self.rows[c].type)]
        wanted = list(self.draw) or [c for c in numeric if not c.endswith(("_low", "_high"))]
        if self.rows.num_rows == 0 or not wanted or not set(wanted) <= set(numeric):
            raise ChartError(
                f"drawing {self.name}",
                f"{self.rows.num_rows} rows, numeric columns {numeric} and draw={wanted}",
                "Give the query rows and a numeric column, or set its chart to table.",
            )
        return wanted

    def counts(self) -> str | None:
        """The column that says how many things each point rests on."""
        drawn = self.drawn()
        whole = (c for c in self.rows.column_names[1:] if pat.is_integer(self.rows[c].type))
        return next((c for c in whole if c not in drawn), None)

    def values(self, column: str) -> list[Any]:
        """A column as floats or texts, NaN for a missing number: a gap, not a zero."""
        values: list[Any] = self.rows[column].to_pylist()
        if not is_number(self.rows[column].type):
            return values
        return [float("nan") if v is None else float(v) for v in values]

    def label(self, column: str) -> str:
        """A column in words."""
        return self.labels.get(column, column.replace("_", " "))


def figure(chart: Chart) -> Figure:
    """Draw a chart."""
    with mpl.rc_context(STYLE):
        return _bars(chart) if chart.kind == "bar" else _lines(chart)


def svg(chart: Chart) -> str:
    """The chart as an ``<svg>`` element for a page: the same bytes for the same answer."""
    file = io.StringIO()
    with mpl.rc_context(STYLE | {"svg.hashsalt": chart.name}):
        figure(chart).savefig(file, format="svg", metadata={"Date": None})
    text = file.getvalue()
    # Every figure has an "axes_1": on one page they would be one another's.
    return _ID.sub(rf"\g<0>{chart.name}-", text[text.index("<svg") :])


def png(chart: Chart, path: Path) -> None:
    """Write the chart as a PNG of 200 dots an inch."""
    with mpl.rc_context(STYLE):
        figure(chart).savefig(path, dpi=200)


def _lines(chart: Chart) -> Figure:
    counts, drawn = chart.counts(), chart.drawn()
    made = Figure(figsize=(WIDTH_IN, 4.4 if counts else 3.6), layout="constrained")
    rooms: Any = made.subplots(
        2 if counts else 1,
        sharex=True,
        squeeze=False,
        height_ratios=(5, 1) if counts else None,
    )[:, 0]
    axes, x = rooms[0], chart.values(chart.x)
    for column, colour in zip(drawn, _colours(drawn), strict=True):
        if (interval := _interval(chart, column)) is not None:
            axes.fill_between(x, *interval, color=colour, alpha=0.15, linewidth=0)
        axes.plot(x, chart.values(column), color=colour, linewidth=1.8, marker="o", markersize=3.5)
    _name_lines(chart, axes, drawn)
    _title(made, chart)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    if counts:
        axes.tick_params(axis="x", length=0)
        _strip_of_counts(chart, rooms[1], x, counts)
    rooms[-1].set_xlabel(chart.label(chart.x))
    _ticks_of_numbers(rooms[-1].xaxis, x)
    return made


def _name_lines(chart: Chart, axes: Any, drawn: Sequence[str]) -> None:
    if len(drawn) == 1:
        axes.set_ylabel(chart.label(drawn[0]))
        return
    for column, colour in zip(drawn, _colours(drawn), strict=True):
        values = chart.values(column)
        end = (chart.values(chart.x)[-1], values[-1])
        axes.annotate(
            f" {chart.label(column)}", end, color=colour, va="center", annotation_clip=False
        )


def _strip_of_counts(chart: Chart, axes: Any, x: Sequence[Any], counts: str) -> None:
    """A low strip under the lines: what each point rests on, on the same axis."""
    gaps = [b - a for a, b in pairwise(x) if isinstance(a, float)]
    axes.bar(x, chart.values(counts), width=0.7 * min(gaps, default=1.0), color="#b9c4ce")
    axes.set_ylabel(chart.label(counts), rotation=0, ha="right", va="center")
    axes.yaxis.set_major_locator(MaxNLocator(2, integer=True))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))


def _ticks_of_numbers(axis: Any, x: Sequence[Any]) -> None:
    """Whole numbers along x, as years and decades, get round ticks and no separators."""
    if all(isinstance(v, float) for v in x):
        axis.set_major_locator(MaxNLocator(nbins=14, steps=[1, 2, 5, 10], integer=True))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.10g}"))
    else:
        axis.set_tick_params(rotation=45)


def _bars(chart: Chart) -> Figure:
    drawn, names = chart.drawn(), _names(chart)
    height = 0.42 * len(names) * max(1, 0.6 * len(drawn))
    made = Figure(figsize=(WIDTH_IN, 1.3 + height), layout="constrained")
    axes: Any = made.subplots()
    thick = 0.62 / len(drawn)
    for place, (column, colour) in enumerate(zip(drawn, _colours(drawn), strict=True)):
        y = [i + (place - (len(drawn) - 1) / 2) * thick for i in range(len(names))]
        values = chart.values(column)
        axes.barh(y, values, height=thick, color=colour, alpha=0.6, label=chart.label(column))
        if (interval := _interval(chart, column)) is not None:
            low = [v - a for v, a in zip(values, interval[0], strict=True)]
            high = [b - v for v, b in zip(values, interval[1], strict=True)]
            axes.errorbar(values, y, xerr=(low, high), fmt="none", ecolor=INK, elinewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()  # the query's first row on top
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=FAINT, linewidth=0.8)
    axes.grid(axis="x", color="#e4e4e4", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_xlabel(chart.label(drawn[0]) if len(drawn) == 1 else "")
    _title(made, chart)
    if (counts := chart.counts()) is not None:
        note = {"fontsize": 8.5, "color": FAINT, "ha": "right", "va": "bottom"}
        axes.annotate(f"n: {chart.label(counts)}", (1, 1), xycoords="axes fraction", **note)
    if len(drawn) > 1:
        axes.legend(frameon=False)
    return made


def _title(made: Figure, chart: Chart) -> None:
    """On the left of the whole figure: over the axes, a long one would be cut at the edge."""
    if chart.title:
        made.suptitle(chart.title, x=0.01, ha="left")


def _names(chart: Chart) -> list[str]:
    names = ["" if v is None else str(v) for v in chart.rows[chart.x].to_pylist()]
    counts = chart.counts()
    if counts is None:
        return names
    numbers = chart.rows[counts].to_pylist()
    return [f"{name}  (n = {n:,})" for name, n in zip(names, numbers, strict=True)]


def _interval(chart: Chart, column: str) -> tuple[list[float], list[float]] | None:
    low, high = f"{column}_low", f"{column}_high"
    if not {low, high} <= set(chart.rows.column_names):
        return None
    return chart.values(low), chart.values(high)


def _colours(drawn: Sequence[str]) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(len(drawn))]
