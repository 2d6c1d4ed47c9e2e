"""The verb demo: all of it, from an empty laptop to a chart."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from headrace import cdk, records
from headrace import plan as plans
from headrace import target as targets
from headrace.cli import ask, cloud, deploy, options, push
from headrace.cli.output import Output
from headrace.ledger import Ledger

Done = TypeVar("Done")


class Board:
    """Says each stage's name when it starts, and its outcome and time when it ends."""

    def __init__(self, out: Output, stages: int) -> None:
        self._out, self._stages, self._stage = out, stages, 0

    def stage(self, name: str, work: Callable[[], Done], told: Callable[[Done], str]) -> Done:
        """Do one stage."""
        self._stage += 1
        started = time.monotonic()
        done = work()
        spent = time.monotonic() - started
        mark = f"[{self._stage}/{self._stages}]"
        self._out.say(f"{mark} {name:<8} {told(done)}  ({spent:.1f} s)")
        return done


@click.command()
@click.argument("study", default="speeches")
@options.common
def demo(out: Output, where: str, study: str) -> None:
    """Run a study on this laptop, start to end; a second time, nothing lands twice.

    The local cloud stays up afterwards, to be asked; `headrace down` stops it.
    """
    options.only_local(where)
    plan = plans.load(study)
    producer = f"{study}-demo"
    board = Board(out, 6)
    out.say(plan.study.question)
    running = board.stage("up", lambda: cloud.start(out), lambda r: r.endpoint)
    target = targets.local(running.endpoint)
    board.stage(
        "deploy",
        lambda: deploy.deploy_to(target, plan, out),
        lambda d: ", ".join(d["outputs"]),
    )
    receipt = board.stage(
        "push",
        lambda: push.push_to(target, plan, out, records.of_study(plan), producer=producer),
        lambda r: f"{r.records:,} records in {r.blocks:,} blocks, {r.bytes:,} bytes",
    )
    board.stage("land", lambda: push.wait_for(target, plan, out), lambda b: b.verdict())
    books = board.stage("ledger", lambda: ask.books_of(target, plan, out), _told)
    written = board.stage(
        "report",
        lambda: ask.write_report(target, plan, out, books),
        lambda paths: f"{len(paths) - 1} charts",
    )
    total = books.sum()
    document = {
        "study": study,
        "pushed_now": receipt.records,
        "ledger": books.document(),
        "report": written[0],
        "charts": written[1:],
    }
    out.facts(document, lambda: _show(study, books, written))
    if total.missing:
        raise click.exceptions.Exit(1)


def _told(books: Ledger) -> str:
    again = books.sum().resent
    return f"{again:,} sent again and recognised" if again else "nothing sent twice"


def _show(study: str, books: Ledger, written: list[Path]) -> None:
    total = books.sum()
    here = Path.cwd()
    click.echo(f"\nThe cloud stays up. Ask it: {_headrace()} query {study} 'SELECT ...'")
    click.echo(f"Stop it: {_headrace()} down\n")
    click.echo(f"pushed       {total.pushed:,}")
    click.echo(f"rows         {total.rows:,}")
    click.echo(f"quarantined  {total.quarantined:,}")
    for path in (*written[1:], written[0]):
        kind = "report" if path is written[0] else "chart"
        click.echo(f"{kind:<13}{path.relative_to(here) if path.is_relative_to(here) else path}")


def _headrace() -> str:
    """How to call this program from here."""
    program = Path(cdk.programs()) / "headrace"
    if shutil.which("headrace") == str(program):
        return "headrace"
    here = Path.cwd()
    return str(program.relative_to(here) if program.is_relative_to(here) else program)


VERBS = (demo,)
