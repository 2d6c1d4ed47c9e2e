"""The verbs deploy and destroy: a study's stacks."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import defaultdict
from typing import Any

import click

from headrace import cdk
from headrace import target as targets
from headrace.cli import options
from headrace.cli.output import Bar, Output
from headrace.errors import HeadraceError
from headrace.place import place_of
from headrace.plan import Plan
from headrace.target import Target


class ProtectedError(HeadraceError):
    """The stack that holds data is protected against its deletion."""


@click.command()
@options.study
@options.common
def deploy(plan: Plan, out: Output, where: str) -> None:
    """Put a study's stacks in place: `cdk deploy --all -c study=STUDY`."""
    target = options.reach(where)
    place = place_of(target)
    out.say(f"Deploying {plan.study.name} to account {place.account}, {place.region} ({where}).")
    document = deploy_to(target, plan, out)
    out.facts(document, lambda: _show(document))


def deploy_to(target: Target, plan: Plan, out: Output) -> dict[str, Any]:
    """Deploy, and give the stacks' outputs and what the local cloud doesn't act on."""
    name = plan.study.name
    outputs = targets.STATE / f"outputs-{name}.json"
    with out.progress(f"Deploying {name}") as bar:
        cdk.run(
            target,
            [
                *("deploy", "--all", "--require-approval", "never", "--progress", "events"),
                *("-c", f"study={name}", "--outputs-file", str(outputs)),
            ],
            doing=f"deploying {name}",
            log=targets.STATE / f"deploy-{name}.log",
            on_line=Watch(bar),
        )
    stored = not_acted_on(target, plan)
    return {"study": name, "outputs": json.loads(outputs.read_text()), "stored_only": stored}


class Watch:
    """Shows on a bar what cdk says: resources done of those that all stacks so far have."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._stacks: dict[str, tuple[int, int]] = defaultdict(lambda: (0, 0))

    def __call__(self, line: str) -> None:
        """Read one line."""
        event = cdk.event_of(line)
        now = line.strip()
        if event is not None:
            now = f"{event.type} {event.name.split(' ')[0]} {event.status}"
            if event.done is not None and event.total is not None:
                self._stacks[event.stack] = (event.done, event.total)
        done = sum(d for d, _ in self._stacks.values())
        total = sum(t for _, t in self._stacks.values())
        self._bar.update(done, total or None, now)


def not_acted_on(target: Target, plan: Plan) -> list[dict[str, Any]] | None:
    """What of the study an emulator stores without acting on it; None where it has no such list."""
    endpoint = target.environment.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return None
    address = f"{endpoint}/_localcloud/stored"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - the target's own
            found: list[dict[str, Any]] = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
    return [one for one in found if one["stack"] in stacks(plan)]


def stacks(plan: Plan) -> list[str]:
    """The stacks that a study has, in the order in which they are made."""
    return [
        plan.data_stack,
        *([plan.flow_stack] if plan.streams else []),
        *([plan.run_stack] if plan.runs else []),
    ]


def _show(document: dict[str, Any]) -> None:
    for stack, outputs in document["outputs"].items():
        click.echo(stack)
        for name, value in outputs.items():
            click.echo(f"  {name} = {value}")
    if document["stored_only"]:
        click.echo("Stored by the local cloud, but not acted on:")
        for (kind, why), properties in _by_reason(document["stored_only"]).items():
            click.echo(f"  {kind}: {', '.join(properties)} ({why})")


def _by_reason(stored: list[dict[str, Any]]) -> dict[tuple[str, str], list[str]]:
    """The properties of each kind of resource that share a reason, each once."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for one in stored:
        properties = found[one["type"], one["why"]]
        if one["property"] not in properties:
            properties.append(one["property"])
    return found


@click.command()
@options.study
@click.option("--data", is_flag=True, help="The stack that holds the data as well.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@options.common
def destroy(plan: Plan, out: Output, where: str, data: bool, yes: bool) -> None:
    """Delete what moves records and what computes; with --data also the stack of the data.

    The lake's bucket, its tables and their data stay in any case: they are retained.
    """
    target = options.reach(where)
    place = place_of(target)
    if data:
        _refuse_protected(target, plan)
    gone = [name for name in reversed(stacks(plan)) if data or name != plan.data_stack]
    if not gone:
        raise ProtectedError(
            f"destroying {plan.study.name}",
            "only the stack that holds its data",
            f"To delete that one: headrace destroy {plan.study.name} --data",
        )
    _confirm(plan, gone, f"account {place.account}, {place.region}", data, yes)
    with out.progress(f"Destroying {plan.study.name}") as bar:
        cdk.run(
            target,
            [
                "destroy",
                *gone,
                "--force",
                "--progress",
                "events",
                "-c",
                f"study={plan.study.name}",
            ],
            doing=f"destroying {', '.join(gone)}",
            log=targets.STATE / f"destroy-{plan.study.name}.log",
            on_line=Watch(bar),
        )
    kept = plan.bucket(place.account, place.region)
    document = {"destroyed": gone, "kept_bucket": kept}
    words = f"Destroyed {', '.join(gone)}. Bucket {kept} and its tables stay."
    out.facts(document, lambda: click.echo(words))


def _refuse_protected(target: Target, plan: Plan) -> None:
    name = plan.data_stack
    client = target.client("cloudformation")
    if client.describe_stacks(StackName=name)["Stacks"][0].get("EnableTerminationProtection"):
        raise ProtectedError(
            f"destroying {name}",
            "termination protection on",
            "Take it off first: aws cloudformation update-termination-protection"
            f" --no-enable-termination-protection --stack-name {name}",
        )


def _confirm(plan: Plan, gone: list[str], where: str, data: bool, yes: bool) -> None:
    if yes:
        return
    if not data:
        click.confirm(f"Delete {', '.join(gone)} in {where}?", abort=True, err=True)
        return
    typed = click.prompt(f"Type the study's name to delete its data stack in {where}", err=True)
    if typed != plan.study.name:
        raise click.Abort


VERBS = (deploy, destroy)
