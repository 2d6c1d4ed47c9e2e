"""Writes a study's report: one self-contained HTML page, and each chart as a PNG beside it.

The page needs no script, no network and no font of its own, and prints as it looks.
"""

from __future__ import annotations

import datetime
import html
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from string import Template

import pyarrow as pa

from headrace import charts
from headrace.last_run import LastRun
from headrace.ledger import Ledger
from headrace.place import Place
from headrace.plan import ROOT, Plan
from headrace.printed import is_number, texts
from headrace.questions import Asked

MOST_ROWS = 200
_PAGE = Template(Path(__file__).with_name("report.html").read_text(encoding="utf-8"))


def folder(plan: Plan) -> Path:
    """Where the report of a study goes."""
    return ROOT / "out" / plan.study.name


def write(
    plan: Plan,
    place: Place,
    ledger: Ledger | None,
    asked: Sequence[Asked],
    when: datetime.datetime,
    into: Path,
    last: LastRun | None = None,
) -> list[Path]:
    """Write ``report.html`` and the charts.

    Parameters
    ----------
    plan : Plan
    place : Place
    ledger : Ledger or None
        None where the study has no stream.
    asked : sequence of Asked
    when : datetime
        With its zone.
    into : Path
        The folder; made where it is missing.
    last : LastRun, optional
        What the stages of the last run gave.

    Returns
    -------
    list of Path
        The report, then the charts.

    Raises
    ------
    headrace.charts.NotDrawable
        Where an answer can't be drawn as its query says.
    """
    into.mkdir(parents=True, exist_ok=True)
    written = [into / "report.html"]
    for one in asked:
        if (chart := chart_of(one)) is not None:
            written.append(into / f"{one.query.name}.png")
            charts.png(chart, written[-1])
    text = page(plan, place, ledger, asked, when, last)
    written[0].write_text(text, encoding="utf-8")
    return written


def chart_of(asked: Asked) -> charts.Chart | None:
    """The chart of a query that wants one."""
    query = asked.query
    if query.chart == "table":
        return None
    return charts.Chart(
        name=query.name,
        kind=query.chart,
        title=query.title,
        rows=asked.answer.rows,
        draw=query.draw,
        labels=dict(query.labels),
    )


def page(
    plan: Plan,
    place: Place,
    ledger: Ledger | None,
    asked: Sequence[Asked],
    when: datetime.datetime,
    last: LastRun | None = None,
) -> str:
    """The whole page as text."""
    return _PAGE.substitute(
        title=html.escape(plan.study.question),
        study=html.escape(plan.study.name),
        when=html.escape(when.strftime("%-d %B %Y, %H:%M %Z")),
        place=html.escape(f"{place.target}, account {place.account}, {place.region}"),
        run=run_html(last) if last else "",
        ledger=_ledger_section(ledger) if ledger else "",
        queries="\n".join(query_html(one) for one in asked),
    )


def run_html(last: LastRun) -> str:
    """The stages of the last run, one line each."""
    table = html_table(last.stages, caption=None)
    return (
        f'<section id="run">\n<h2>Stages of the last run</h2>\n'
        f"<p>{html.escape(last.words())}</p>\n{table}\n</section>"
    )


def _ledger_section(ledger: Ledger) -> str:
    return (
        '<section id="ledger">\n<h2>Ledger: is every record there?</h2>\n'
        f"<p>{html.escape(ledger.verdict())}</p>\n{ledger_html(ledger)}\n</section>"
    )


def ledger_html(ledger: Ledger) -> str:
    """The ledger as a table, one line a shard and the sum."""
    rows = html_table(ledger.table(), caption=None)
    reasons = "".join(
        f"<li>{count:,}: {html.escape(reason)}</li>"
        for reason, count in sorted(ledger.reasons.items())
    )
    return rows + (f"<p>Quarantined, by reason:</p><ul>{reasons}</ul>" if reasons else "")


def query_html(asked: Asked) -> str:
    """A query: chart, result and SQL."""
    query, answer = asked.query, asked.answer
    parts = [f'<section id="{html.escape(query.name)}">']
    parts.append(f"<h2>{html.escape(query.title or query.name)}</h2>")
    if (chart := chart_of(asked)) is not None:
        parts.append(f'<figure role="img" aria-label="{html.escape(query.title or query.name)}">')
        parts.append(f"{charts.svg(replace(chart, title=''))}</figure>")  # the heading says it
    shown = answer.rows.slice(0, MOST_ROWS)
    more = answer.rows.num_rows - shown.num_rows
    caption = f"{query.name}: {answer.rows.num_rows:,} rows, {answer.scanned_bytes:,} bytes scanned"
    parts.append(html_table(shown, caption))
    if more:
        parts.append(f"<p>The first {MOST_ROWS} rows; {more:,} more are not shown.</p>")
    parts.append(f"<pre><code>{html.escape(asked.sql.strip())}</code></pre></section>")
    return "\n".join(parts)


def html_table(rows: pa.Table, caption: str | None) -> str:
    """A table as HTML, numbers to the right.

    Parameters
    ----------
    rows : pyarrow.Table
    caption : str or None
    """
    marks = [' class="n"' if is_number(kind) else "" for kind in rows.schema.types]
    head = "".join(
        f'<th scope="col"{mark}>{html.escape(name)}</th>'
        for name, mark in zip(rows.column_names, marks, strict=True)
    )
    body = "\n".join(
        "<tr>"
        + "".join(
            f"<td{mark}>{html.escape(text)}</td>" for text, mark in zip(line, marks, strict=True)
        )
        + "</tr>"
        for line in texts(rows)
    )
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return f"<table>{title}<thead><tr>{head}</tr></thead>\n<tbody>{body}</tbody></table>"
