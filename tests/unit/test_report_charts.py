"""What a chart draws follows from the columns; the picture shows what they say."""

import re
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from headrace import charts

ROWS = pa.table(
    {
        "decade": [1790, 1800, 1810, 1820],
        "mood": [0.3, 0.25, None, 0.2],
        "mood_low": [0.2, 0.2, None, 0.1],
        "mood_high": [0.4, 0.3, None, 0.3],
        "sentences": [560, 601, 809, 1823],
    }
)
LINE = charts.Chart(
    "mood", "line", "Mood by decade", ROWS, ["mood"], {"mood": "VADER score (-1 to 1)"}
)


def drawn(chart: charts.Chart) -> Any:
    figure = charts.figure(chart)
    figure.draw_without_rendering()
    return figure


def texts(figure: Any) -> set[str]:
    found = figure.findobj(lambda a: hasattr(a, "get_text"))
    return {a.get_text() for a in found} - {""}


def test_columns_say_what_is_drawn() -> None:
    assert LINE.drawn() == ["mood"]
    assert LINE.counts() == "sentences"
    assert replace(LINE, draw=()).drawn() == ["mood", "sentences"]  # no interval, but all else
    assert replace(LINE, draw=()).counts() is None


def test_a_missing_value_is_a_gap_and_no_zero() -> None:
    (line,) = drawn(LINE).axes[0].lines
    assert [str(v) for v in line.get_ydata()] == ["0.3", "0.25", "nan", "0.2"]


def test_a_line_chart_names_its_axes_its_decades_and_its_counts() -> None:
    figure = drawn(LINE)
    assert {"Mood by decade", "VADER score (-1 to 1)", "decade", "sentences", "1800"} <= texts(
        figure
    )
    upper, lower = figure.axes
    assert len(upper.collections) == 1  # the interval
    assert [bar.get_height() for bar in lower.patches] == [560, 601, 809, 1823]


def test_a_bar_chart_names_its_bars_with_their_counts() -> None:
    rows = pa.table({"party": ["Whig", None], "mood": [0.3, -0.1], "n": [1071, 4]})
    figure = drawn(charts.Chart("p", "bar", "By party", rows, ["mood"]))
    assert {"Whig  (n = 1,071)", "  (n = 4)", "By party", "mood"} <= texts(figure)
    assert [round(bar.get_width(), 6) for bar in figure.axes[0].patches] == [0.3, -0.1]


def test_several_columns_are_named() -> None:
    rows = pa.table({"year": [1, 2], "a": [1.0, 2.0], "b_c": [2.0, 1.0]})
    line = drawn(charts.Chart("x", "line", "", rows))
    assert {" a", " b c"} <= texts(line)
    bars = drawn(charts.Chart("x", "bar", "", rows))
    assert {"a", "b c"} <= texts(bars)


def test_names_along_a_line_are_no_numbers() -> None:
    rows = pa.table({"month": ["Jan", "Feb"], "a": [1.0, 2.0], "n": [3, 4]})
    assert charts.svg(charts.Chart("x", "line", "", rows, ["a"])).count("Jan") >= 1


@pytest.mark.parametrize(
    ("rows", "draw"),
    [(ROWS, ["nothing"]), (ROWS.slice(0, 0), ["mood"]), (pa.table({"x": [1], "y": ["a"]}), [])],
)
def test_what_cannot_be_drawn_is_refused(rows: pa.Table, draw: list[str]) -> None:
    with pytest.raises(charts.ChartError, match="While drawing c, found"):
        charts.svg(charts.Chart("c", "line", "", rows, draw))


def test_the_same_answer_gives_the_same_picture_with_ids_of_its_own() -> None:
    one, again = charts.svg(LINE), charts.svg(LINE)
    other = charts.svg(replace(LINE, name="other"))
    assert one == again
    assert one.startswith("<svg")
    assert one.rstrip().endswith("</svg>")
    assert "<text" in one  # text stays text
    assert set(re.findall(r'id="([^"]+)"', one)).isdisjoint(re.findall(r'id="([^"]+)"', other))
    assert set(re.findall(r"url\(#([^)]+)\)", one)) <= set(re.findall(r'id="([^"]+)"', one))
