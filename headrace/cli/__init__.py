"""The command line. It wraps cdk and boto3 and owns nothing: they do the same without it.

One module a group of verbs; :mod:`headrace.cli.group` ties them together and says errors.
"""

from __future__ import annotations

from headrace.cli import (
    ask,
    cloud,
    demo,
    deploy,
    env,
    plan,
    provenance,
    push,
    roofline,
    run,
    scale,
    slurm,
    upload,
    why,
)
from headrace.cli.group import cli

for _module in (
    cloud,
    env,
    plan,
    deploy,
    push,
    upload,
    run,
    scale,
    roofline,
    why,
    slurm,
    provenance,
    ask,
    demo,
):
    for _verb in _module.VERBS:
        cli.add_command(_verb)

main = cli

__all__ = ["cli", "main"]
