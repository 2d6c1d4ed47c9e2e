"""The verb env: what a shell needs, so that other tools reach what Headrace reaches."""

from __future__ import annotations

import os
import shlex

import click

from headrace import cdk
from headrace import plan as plans
from headrace import target as targets
from headrace.cli import env_mrjob, options
from headrace.cli.output import Output


@click.command()
@click.argument("name", metavar="[STUDY]", required=False)
@options.common
def env(out: Output, where: str, name: str | None) -> None:
    """Print the exports that point cdk, boto3 and the aws CLI at the target.

    Use it as: eval "$(headrace env)"

    With a STUDY that is deployed it also writes a configuration for mrjob, whose clusters then
    have that study's network, roles and lake: python emr_steps/top_words.py -r emr s3://…
    """
    target = options.reach(where)
    own = cdk.environment(target)
    told = dict(target.environment)
    if name:
        found = env_mrjob.configuration(target, plans.load(name), plans.ROOT / ".cache")
        told["MRJOB_CONF"] = str(env_mrjob.write(found, targets.STATE / "mrjob.conf"))
    gone = sorted(name for name in os.environ if name.startswith("AWS_") and name not in own)
    lines = exports(told, gone)
    out.facts(told, lambda: click.echo("\n".join(lines)))


def exports(environment: dict[str, str], gone: list[str]) -> list[str]:
    """The lines for a shell: what would override the target goes, what it needs is set."""
    lines = [f"unset {name}" for name in gone]
    lines += [f"export {k}={shlex.quote(v)}" for k, v in sorted(environment.items())]
    return [*lines, f'export PATH={shlex.quote(cdk.programs())}:"$PATH"']


VERBS = (env,)
