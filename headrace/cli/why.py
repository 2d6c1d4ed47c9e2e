"""The verb why: the one cause of a failed run, and what to do."""

from __future__ import annotations

import re

import click

from headrace import why as causes
from headrace.board import Board
from headrace.cli import options
from headrace.cli.output import Output
from headrace.follow import Follower
from headrace.place import place_of
from headrace.plan import Plan
from headrace.runs import Machine
from headrace.why import Evidence, Why

#: Lines of a message that are shown: a sentence or two, and an item.
MOST_LINES = 6


@click.command("why")
@options.study
@click.argument("run_", metavar="[RUN]", required=False)
@click.option("--stage", metavar="NAME", help="Of several that failed; the first if not given.")
@click.option("--log", is_flag=True, help="Print the lines of its log as well.")
@options.common
def why_(
    plan: Plan, out: Output, where: str, run_: str | None, stage: str | None, log: bool
) -> None:
    """Say why a run failed: one cause, and what to do. The last run where none is named."""
    if stage:
        plan.stage(stage)
    target = options.reach(where)
    place = place_of(target)
    machine = Machine(plan, target.client("stepfunctions"), place.account)
    execution = machine.last(run_)
    follower = Follower(plan, execution, machine.client, target.client("athena"))
    follower.turn()
    board = follower.board
    evidence = Evidence(target.client, plan.bucket(place.account, place.region))
    found = causes.why(plan, board, evidence, log=log, stage=stage)
    told = {"study": plan.study.name, "run": board.run, "attempt": board.attempt}
    document = told | {"status": board.status, "cause": found.document() if found else None}
    if log and found:
        document["log"] = list(found.said)
    out.facts(document, lambda: _show_why(board, found, stage, log=log))


def _show_why(board: Board, found: Why | None, stage: str | None, *, log: bool) -> None:
    if found is None and stage:
        click.echo(f"Stage {stage} of run {board.run} is {board.stages[stage].state}.")
        return
    if found is None:
        ended = "succeeded" if board.status == "SUCCEEDED" else "runs; nothing of it failed so far"
        click.echo(f"Run {board.run} {ended}.")
        return
    click.echo(f"Run {board.run}, attempt {board.attempt}: {board.status}")
    click.echo("\n".join(full(found)))
    if log:
        click.echo("log lines")
        click.echo("\n".join(f"  {line}" for line in found.said) or "  none")


def full(found: Why) -> list[str]:
    """A cause in lines."""
    lines = [f"cause    {found.kind}"]
    if found.stage or found.step:
        lines.append(f"at       {found.stage or 'the run'}: {found.step}".rstrip(": "))
    said = message_lines(found.message)
    lines.append(f"said     {found.error}: {said[0]}" if said else f"said     {found.error}")
    lines += [f"         {line}" for line in said[1:]]
    for name, value in (("input", found.input), ("code", found.frame), ("log", found.log)):
        if value:
            lines.append(f"{name:<8} {value}")
    if found.reasons:
        lines.append("rejects  the most common reasons:")
        lines += [f"         {count:,}: {reason}" for count, reason in found.reasons]
    if found.others:
        lines.append(f"also     {', '.join(found.others)} failed (--stage NAME says why)")
    lines.append(f"do       {found.do}")
    return lines


def short(found: Why) -> list[str]:
    """A cause in the lines that a failed run ends with."""
    said = message_lines(found.message)[:1] or [""]
    place = f"{found.stage or 'the run'}: {found.step}".rstrip(": ")
    lines = [f"{place} failed ({found.kind}): {found.error}: {said[0]}".rstrip(": ")]
    lines += [f"  {count:,}: {reason}" for count, reason in found.reasons[:1]]
    if found.frame or found.log:
        lines.append(f"  {found.frame or found.log}")
    if found.others:
        lines.append(f"  {', '.join(found.others)} failed as well")
    return [*lines, found.do]


def message_lines(message: str) -> list[str]:
    """A message without the traceback in it, whose last line stays; at most a few lines."""
    kept: list[str] = []
    inside = False
    for line in message.splitlines():
        if line.strip().startswith("Traceback (most recent call last)"):
            inside = True
        elif inside and re.match(r"\s", line):
            continue
        elif line.strip():
            inside = False
            kept.append(line.strip())
    return kept[:MOST_LINES]


VERBS = (why_,)
