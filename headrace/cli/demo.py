"""The verb demo: all of it, from an empty laptop to a chart."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from headrace import board as boards
from headrace import cdk, records
from headrace import plan as plans
from headrace import target as targets
from headrace.cli import ask, cloud, deploy, options, push, run, stage_board
from headrace.cli.output import Output
from headrace.errors import HeadraceError
from headrace.ledger import Ledger
from headrace.place import place_of
from headrace.plan import Plan
from headrace.target import Target
from stream.producer import Receipt

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
    board = Board(out, 3 + 3 * plan.streams + plan.runs)
    out.say(plan.study.question)
    running = board.stage("up", lambda: cloud.start(out), lambda r: r.endpoint)
    target = targets.local(running.endpoint)
    board.stage(
        "deploy",
        lambda: deploy.deploy_to(target, plan, out),
        lambda d: ", ".join(d["outputs"]),
    )
    landed = _land(board, target, plan, out) if plan.streams else None
    ran = _run(board, target, plan, out) if plan.runs else None
    books = landed[1] if landed else None
    written = board.stage(
        "report",
        lambda: ask.write_report(target, plan, out, books),
        lambda paths: f"{len(paths) - 1} charts",
    )
    document = {
        "study": study,
        "pushed_now": landed[0].records if landed else None,
        "ledger": books.document() if books else None,
        "run": ran.document(stage_board.now()) if ran else None,
        "report": written[0],
        "charts": written[1:],
    }
    out.facts(document, lambda: _show(study, books, ran, written))
    if (books and books.sum().missing) or (ran and ran.status != "SUCCEEDED"):
        raise click.exceptions.Exit(1)


def _land(board: Board, target: Target, plan: Plan, out: Output) -> tuple[Receipt, Ledger]:
    """Push the study's own records, and wait until they are in the lake."""
    producer = f"{plan.study.name}-demo"
    receipt = board.stage(
        "push",
        lambda: push.push_to(target, plan, out, records.of_study(plan), producer=producer),
        lambda r: f"{r.records:,} records in {r.blocks:,} blocks, {r.bytes:,} bytes",
    )
    board.stage("land", lambda: push.wait_for(target, plan, out), lambda b: b.verdict())
    return receipt, board.stage("ledger", lambda: ask.books_of(target, plan, out), _told)


class NoFilesError(HeadraceError):
    """A stage lists files of the lake, and there are none."""


def _check_files(target: Target, plan: Plan) -> None:
    """Refuse a run that would find nothing to read: files are the user's to bring."""
    place, s3 = place_of(target), target.client("s3")
    bucket = plan.bucket(place.account, place.region)
    for stage in plan.maps:
        uri = stage.prefix.replace("{lake}", bucket)
        under = uri.removeprefix(f"s3://{bucket}/")
        if uri == under or s3.list_objects_v2(Bucket=bucket, Prefix=under, MaxKeys=1)["KeyCount"]:
            continue
        name = under.removeprefix("files/").rstrip("/")
        raise NoFilesError(
            f"looking for what stage {stage.name} reads",
            f"nothing under {uri}",
            f"Upload it (headrace upload {plan.study.name} {name} FILE...), then do this again.",
        )


def _run(board: Board, target: Target, plan: Plan, out: Output) -> boards.Board:
    """Run the stages; a run that failed says why and leaves the rest of the demo to go on."""
    _check_files(target, plan)
    return board.stage("run", lambda: run.run_to_end(target, plan, out), _ran)


def _ran(ran: boards.Board) -> str:
    done = [stage for stage in ran.stages.values() if stage.state in ("done", "passed over")]
    return f"{len(done)} of {len(ran.stages)} stages, run {ran.run} {ran.status}"


def _told(books: Ledger) -> str:
    again = books.sum().resent
    return f"{again:,} sent again and recognised" if again else "nothing sent twice"


def _show(study: str, books: Ledger | None, ran: boards.Board | None, written: list[Path]) -> None:
    here = Path.cwd()
    click.echo(f"\nThe cloud stays up. Ask it: {_headrace()} query {study} 'SELECT ...'")
    click.echo(f"Stop it: {_headrace()} down\n")
    if books is not None:
        total = books.sum()
        click.echo(f"pushed       {total.pushed:,}")
        click.echo(f"rows         {total.rows:,}")
        click.echo(f"quarantined  {total.quarantined:,}")
    for stage in ran.stages.values() if ran is not None else ():
        told = f"{stage.rows:,} rows" if stage.rows is not None else stage.state
        lost = f", {stage.quarantined:,} quarantined" if stage.quarantined else ""
        click.echo(f"stage        {stage.name}: {told}{lost}")
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
