"""The verb push: records into the study's stream."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from headrace import ledger, records
from headrace.cli import options
from headrace.cli.output import Output
from headrace.errors import HeadraceError
from headrace.ledger import Ledger
from headrace.place import place_of
from headrace.plan import Plan
from headrace.records import Record
from headrace.target import Target
from stream.producer import Producer, Receipt


class NoStreamError(HeadraceError):
    """The study has no stream to push into."""


@click.command()
@options.study
@click.argument("file", required=False, metavar="[FILE|-]")
@click.option("--plain", is_flag=True, help="One JSON document a stream record, not numbered.")
@click.option(
    "--producer",
    metavar="ID",
    help="Name of this one input: pushed again under it, nothing lands twice.",
)
@click.option("--table", metavar="NAME", help="The study's first table if not given.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["jsonl", "csv", "parquet"]),
    help="By FILE's suffix if not given.",
)
@click.option("--wait", is_flag=True, help="Return when the records have landed.")
@options.common
def push(
    plan: Plan,
    out: Output,
    where: str,
    file: str | None,
    plain: bool,
    producer: str | None,
    table: str | None,
    kind: str | None,
    wait: bool,
) -> None:
    """Put records into a study's stream.

    They come from FILE, from standard input where FILE is - (JSON lines), or from the study.

    A line that is no record is pushed too: it lands in the quarantine table with its reason.
    """
    if not plan.streams:
        raise NoStreamError(
            f"pushing into {plan.study.name}",
            "a study without a table, and so without a stream",
            f"It reads files: headrace upload {plan.study.name} NAME FILE",
        )
    given = _records(plan, file, table, kind)
    target = options.reach(where)
    receipt = push_to(target, plan, out, given, plain=plain, producer=producer, table=table)
    document = asdict(receipt)
    if wait:
        books = wait_for(target, plan, out)
        document["ledger"] = books.document()
    out.facts(document, lambda: _show(receipt, books if wait else None))


def _records(plan: Plan, file: str | None, table: str | None, kind: str | None) -> Iterator[Record]:
    meant = records.table_of(plan, table)
    if file is None:
        return records.of_study(plan)
    if file != "-":
        return records.of_file(Path(file), meant, kind)
    if kind not in (None, "jsonl"):
        raise click.UsageError(f"--format {kind} with -: standard input is read as JSON lines")
    return records.of_lines(sys.stdin.buffer)


def push_to(
    target: Target,
    plan: Plan,
    out: Output,
    given: Iterator[Record],
    *,
    plain: bool = False,
    producer: str | None = None,
    table: str | None = None,
) -> Receipt:
    """Push, showing how far it is; the id goes first, for whoever stops it on the way."""
    if not plain:
        producer = producer or str(uuid.uuid4())
        out.say(f"Producer id {producer}: under it, this input pushed again lands nothing twice.")
    with out.progress(f"Pushing into {plan.stream}") as bar:
        sender = Producer(
            target.client("kinesis"),
            plan.stream,
            key=plan.study.source.key,
            producer=producer,
            table=table,
            plain=plain,
            progress=lambda r: bar.update(r.records, None, f"records, {r.blocks:,} blocks"),
        )
        return sender.push(given)


def wait_for(target: Target, plan: Plan, out: Output) -> Ledger:
    """Wait until all that is in the stream has landed."""
    place = place_of(target)
    athena = options.athena_of(plan, target)
    with out.progress("Landing") as bar:
        return ledger.wait(
            plan,
            target.client,
            plan.bucket(place.account, place.region),
            lambda sql: athena.ask(sql).rows,
            on_count=lambda done, total: bar.update(done, total, "records"),
        )


def _show(receipt: Receipt, books: Ledger | None) -> None:
    again = f" under producer id {receipt.producer}" if receipt.producer else ", not numbered"
    click.echo(
        f"Pushed {receipt.records:,} records in {receipt.blocks:,} blocks,"
        f" {receipt.bytes:,} bytes{again}."
    )
    if books is not None:
        click.echo(
            f"In the stream's whole retention: {books.verdict()}"
            f" Recognised as sent before: {books.sum().resent:,}."
        )


VERBS = (push,)
