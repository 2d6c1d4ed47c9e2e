"""Words that several verbs take, and what they mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from headrace import local_process
from headrace import plan as plans
from headrace import target as targets
from headrace.cli.output import Output
from headrace.local_process import Files
from headrace.plan import Plan
from headrace.sql import Athena
from headrace.target import Target

Command = Callable[..., Any]


def common(command: Command) -> Command:
    """Add `--target`, `--json` and `--debug` to a verb; it gets `where` and `out`."""
    for option in (
        click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks."),
        click.option(
            "--json",
            "out",
            is_flag=True,
            callback=lambda ctx, param, value: Output(as_json=value),
            help="Print one JSON document; messages go to standard error.",
        ),
        click.option(
            "--target",
            "where",
            type=click.Choice(["local", "aws"]),
            envvar="HEADRACE_TARGET",
            default="local",
            show_default=True,
            help="The laptop's cloud or AWS; HEADRACE_TARGET sets it too.",
        ),
    ):
        command = option(command)
    return command


def only_local(where: str) -> None:
    """Refuse another target, for verbs that are about the laptop's cloud itself."""
    if where != "local":
        raise click.UsageError(f"target {where!r}, which this verb has nothing to do for")


def study(command: Command) -> Command:
    """Add the argument STUDY; the verb gets `plan`."""
    return click.argument("plan", metavar="STUDY", callback=_load)(command)


def _load(ctx: click.Context, param: click.Parameter, name: str) -> Plan:
    return plans.load(name)


def reach(where: str) -> Target:
    """The target of that name."""
    local_process.find(files())  # a leftover of a cloud that was killed goes
    return targets.named(where)


def files() -> Files:
    """Where this checkout keeps its local cloud."""
    return Files(targets.STATE)


def athena_of(plan: Plan, target: Target) -> Athena:
    """Who answers a study's SQL."""
    return Athena(target.client("athena"), plan.workgroup, plan.database)
