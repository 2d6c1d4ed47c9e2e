"""The verbs query, ledger and report: what the lake answers."""

from __future__ import annotations

import csv
import datetime
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
import pyarrow.parquet as pq

from headrace import last_run, ledger, questions
from headrace.cli import options
from headrace.cli.output import Output
from headrace.ledger import Ledger
from headrace.place import place_of
from headrace.plan import Plan
from headrace.printed import is_number, texts
from headrace.study import Query
from headrace.target import Target

#: Rows of an answer that a terminal shows.
SHOWN = 1000


@click.command(context_settings={"ignore_unknown_options": True})  # SQL may begin with --
@options.study
@click.argument("sql")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["table", "csv", "json", "parquet"]),
    help="How rows are printed; by the suffix of --out if not given, else table.",
)
@click.option("--out", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write here.")
@options.common
def query(
    plan: Plan, out: Output, where: str, sql: str, kind: str | None, file: Path | None
) -> None:
    """Ask Athena, in a study's database and workgroup."""
    kind = kind or (file.suffix.lstrip(".") if file else "table")
    fitting = tuple(PRINTED) if file is None else tuple(WRITTEN)
    if kind not in fitting:
        where_to = "for the screen (give --out FILE)" if file is None else f"for {file}"
        raise click.UsageError(f"format {kind!r} {where_to}, where {', '.join(fitting)} go")
    target = options.reach(where)
    with out.progress("Asking Athena"):
        answer = options.athena_of(plan, target).ask(sql)
    if file is not None:
        WRITTEN[kind](answer.rows, file)
    out.say(f"{answer.rows.num_rows:,} rows, {answer.scanned_bytes:,} bytes scanned.")
    document = {
        "query_id": answer.id,
        "scanned_bytes": answer.scanned_bytes,
        "engine_ms": answer.engine_ms,
        "columns": {f.name: str(f.type) for f in answer.rows.schema},
        "file": file,
        "rows": plain_rows(answer.rows) if file is None else None,
    }
    out.facts(document, lambda: PRINTED[kind](out, answer.rows) if file is None else None)


def print_table(out: Output, rows: pa.Table) -> None:
    """Print rows for people, who read the first of them; files are for the rest."""
    right = [p for p, kind in enumerate(rows.schema.types) if is_number(kind)]
    out.table(rows.column_names, texts(rows.slice(0, SHOWN)), tuple(right))
    if rows.num_rows > SHOWN:
        out.say(f"These are the first {SHOWN:,}. For all of them give --format csv, or --out FILE.")


def csv_text(rows: pa.Table) -> str:
    """Rows as CSV with a header; a null is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows.column_names)
    for row in plain_rows(rows):
        writer.writerow(str(v).lower() if isinstance(v, bool) else v for v in row.values())
    return text.getvalue()


def json_text(rows: pa.Table) -> str:
    """Rows as a JSON array of objects."""
    return json.dumps(plain_rows(rows), indent=2, default=str, ensure_ascii=False) + "\n"


def plain_rows(rows: pa.Table) -> list[dict[str, Any]]:
    """Rows as dicts, bytes written as Athena writes them: ``68 65 6c``."""
    return [
        {k: v.hex(" ") if isinstance(v, bytes) else v for k, v in row.items()}
        for row in rows.to_pylist()
    ]


PRINTED: dict[str, Callable[[Output, pa.Table], None]] = {
    "table": print_table,
    "csv": lambda out, rows: click.echo(csv_text(rows), nl=False),
    "json": lambda out, rows: click.echo(json_text(rows), nl=False),
}
WRITTEN: dict[str, Callable[[pa.Table, Path], object]] = {
    "csv": lambda rows, file: file.write_text(csv_text(rows), encoding="utf-8"),
    "json": lambda rows, file: file.write_text(json_text(rows), encoding="utf-8"),
    "parquet": pq.write_table,
}


@click.command("ledger")
@options.study
@click.option("--check", is_flag=True, help="Exit 1 where a record is missing or there twice.")
@options.common
def ledger_(plan: Plan, out: Output, where: str, check: bool) -> int:
    """Show the books: pushed = rows + quarantined, per shard."""
    target = options.reach(where)
    if not plan.streams:
        words = f"Study {plan.study.name} has no stream, so there are no books to keep."
        document: dict[str, Any] = {"study": plan.study.name, "stream": None, "shards": []}
        out.facts(document, lambda: click.echo(words))
        return 0
    books = books_of(target, plan, out)
    out.facts({"study": plan.study.name, **books.document()}, lambda: show_ledger(out, books))
    return 1 if check and not books.balanced else 0


def books_of(target: Target, plan: Plan, out: Output) -> Ledger:
    """Take the ledger of a study."""
    place = place_of(target)
    athena = options.athena_of(plan, target)
    with out.progress("Counting the stream and the tables"):
        return ledger.take(
            plan,
            target.client,
            plan.bucket(place.account, place.region),
            lambda sql: athena.ask(sql).rows,
        )


def show_ledger(out: Output, books: Ledger) -> None:
    """Print the books."""
    print_table(out, books.table())
    for reason, count in sorted(books.reasons.items()):
        click.echo(f"quarantined {count:,}: {reason}")
    click.echo(books.verdict())


@click.command("report")
@options.study
@click.option("--out", "folder", type=click.Path(file_okay=False, path_type=Path))
@options.common
def report_(plan: Plan, out: Output, where: str, folder: Path | None) -> None:
    """Write out/STUDY/report.html: the question, the answers and charts, the run, the ledger."""
    target = options.reach(where)
    books = books_of(target, plan, out) if plan.streams else None
    written = write_report(target, plan, out, books, folder)
    document = {"report": written[0], "charts": written[1:]}
    out.facts(document, lambda: click.echo("\n".join(str(path) for path in written)))


def write_report(
    target: Target, plan: Plan, out: Output, books: Ledger | None, folder: Path | None = None
) -> list[Path]:
    """Ask the study's queries and write the report; its path, then the charts'."""
    from headrace import report  # here, not above: matplotlib would slow every verb down

    ask = options.athena_of(plan, target).ask
    stages = [stage for stage in plan.study.stages if isinstance(stage, Query)]
    with out.progress("Asking the study's queries") as bar:
        asked = []
        for done, stage in enumerate(stages):
            bar.update(done, len(stages), stage.name)
            asked.append(questions.ask(plan, stage, ask))
        place = place_of(target)
        return report.write(
            plan,
            place,
            books,
            asked,
            datetime.datetime.now(datetime.UTC),
            folder or report.folder(plan),
            last_run.take(plan, target.client, place.account, ask) if plan.runs else None,
        )


VERBS = (query, ledger_, report_)
