"""The verbs up, down and status: the target itself."""

from __future__ import annotations

from typing import Any

import botocore.exceptions
import click

from headrace import cdk, local_process
from headrace import plan as plans
from headrace import target as targets
from headrace.cli import options
from headrace.cli.output import Output
from headrace.place import place_of
from headrace.plan import Plan
from headrace.runs import Machine
from headrace.target import NotUpError, Target

#: The stack that every CDK deploy needs.
BOOTSTRAP = "CDKToolkit"
STACKS = ("data", "flow", "run")
#: Of a stack that a study doesn't have.
NONE = "none"


@click.command()
@click.option(
    "--port", type=click.IntRange(1, 65535), help="Port; 5566 or a free one if not given."
)
@click.option("--container", is_flag=True, help="Run real containers, by Podman, not processes.")
@options.common
def up(out: Output, where: str, port: int | None, container: bool) -> None:
    """Start the local cloud, ready for `cdk deploy`; does nothing where one runs."""
    options.only_local(where)
    running = start(out, port, container)
    facts = {"endpoint": running.endpoint, "pid": running.pid, "data": str(running.data)}
    out.facts(facts, lambda: click.echo(f"Local cloud at {running.endpoint}, pid {running.pid}."))


def start(out: Output, port: int | None = None, container: bool = False) -> local_process.Running:
    """Start the local cloud and bootstrap it for the CDK."""
    files = options.files()
    with out.progress("Starting the local cloud") as bar:
        running = local_process.start(files, port, container)
        bar.update(1, 2, "cdk bootstrap")
        target = targets.local(running.endpoint)
        if stack_status(target, BOOTSTRAP) not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            place = place_of(target)
            cdk.run(
                target,
                ["bootstrap", f"aws://{place.account}/{place.region}", "--app", ""],
                doing="preparing the local cloud for the CDK",
                log=files.state / "bootstrap.log",
                on_line=lambda line: bar.update(1, 2, line),
            )
    return running


@click.command()
@options.common
def down(out: Output, where: str) -> None:
    """Stop the local cloud and remove its data; does nothing where none runs."""
    options.only_local(where)
    with out.progress("Stopping the local cloud"):
        stopped = local_process.stop(options.files())
    facts = {"stopped": stopped is not None, "pid": stopped.pid if stopped else None}
    words = (
        f"Stopped the local cloud (pid {stopped.pid}) and removed its data."
        if stopped
        else "No local cloud runs."
    )
    out.facts(facts, lambda: click.echo(words))


@click.command()
@options.common
def status(out: Output, where: str) -> None:
    """Say what is up: the target, its studies, and whether records flow."""
    running = local_process.find(options.files())
    document: dict[str, Any]
    try:
        target = options.reach(where)
    except NotUpError:
        document = {"target": where, "up": False, "studies": []}
        out.facts(document, lambda: click.echo("No local cloud runs. Start one: headrace up"))
        return
    place = place_of(target)
    document = {
        "target": where,
        "up": True,
        "account": place.account,
        "region": place.region,
        "endpoint": target.environment.get("AWS_ENDPOINT_URL"),
        "studies": [
            study_status(target, plans.load(name), place.account) for name in plans.names()
        ],
    }
    if running is not None and running.endpoint == document["endpoint"]:
        document |= {"pid": running.pid, "memory_mib": running.memory_bytes() >> 20}
    out.facts(document, lambda: _show(out, document))


def _show(out: Output, found: dict[str, Any]) -> None:
    where = found["endpoint"] or "AWS"
    own = f", pid {found['pid']}, {found['memory_mib']} MiB" if "pid" in found else ""
    click.echo(f"{where}: account {found['account']}, {found['region']}{own}")
    rows = []
    for study in found["studies"]:
        told = [f"{m['function']} {m['state']}" for m in study["mappings"]]
        mappings = ", ".join([*told, *([f"run {study['running']}"] if study["running"] else [])])
        rows.append([study["study"], *(study[stack] or "not there" for stack in STACKS), mappings])
    out.table(["study", *(f"{stack} stack" for stack in STACKS), "mappings, run"], rows)


def study_status(target: Target, plan: Plan, account: str) -> dict[str, Any]:
    """What CloudFormation, Lambda and Step Functions say of a study."""
    flow = stack_status(target, plan.flow_stack) if plan.streams else NONE
    run = stack_status(target, plan.run_stack) if plan.runs else NONE
    return {
        "study": plan.study.name,
        "data": stack_status(target, plan.data_stack),
        "flow": flow,
        "run": run,
        "mappings": mappings(target, plan) if flow not in (None, NONE) else [],
        "running": running(target, plan, account) if run not in (None, NONE) else None,
    }


def running(target: Target, plan: Plan, account: str) -> str | None:
    """The run of a study that runs now."""
    now = Machine(plan, target.client("stepfunctions"), account).running()
    return now.run if now else None


def stack_status(target: Target, name: str) -> str | None:
    """A stack's status; None where there is no such stack."""
    try:
        found = target.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except botocore.exceptions.ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return str(found[0]["StackStatus"])


def mappings(target: Target, plan: Plan) -> list[dict[str, Any]]:
    """The event source mappings of a study's functions, and what they did last."""
    client = target.client("lambda")
    return [
        {
            "function": name,
            "source": found["EventSourceArn"],
            "state": found["State"],
            "last_result": found.get("LastProcessingResult"),
        }
        for name in ("land", "commit")
        for found in client.list_event_source_mappings(FunctionName=plan.function(name))[
            "EventSourceMappings"
        ]
    ]


VERBS = (up, down, status)
