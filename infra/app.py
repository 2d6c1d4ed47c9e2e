"""The CDK app of one study: its stacks, and what is checked of them."""

from __future__ import annotations

import json
from typing import Any

import aws_cdk as cdk

from headrace import plan as plans
from headrace.plan import ROOT, Plan
from headrace.study import StudyError
from headrace.target import Target
from infra import nag
from infra.bundle import Assets
from infra.data_stack import DataStack
from infra.flow_stack import FlowStack
from infra.run_stack import RunStack


def feature_flags() -> dict[str, Any]:
    """The context of cdk.json, which the CDK's command line alone would give the app."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text())["context"]
    return context


def study_name(given: str | None) -> str:
    """Name of the study to build.

    Raises
    ------
    StudyError
        Where none is given.
    """
    if not given:
        raise StudyError(
            "While starting the CDK app, found no study named. "
            f"Give one by `-c study=NAME` or in HEADRACE_STUDY, of {', '.join(plans.names())}."
        )
    return given


def build(app: cdk.App, plan: Plan, target: Target, assets: Assets, **stack: Any) -> None:
    """Put a study's stacks into an app.

    Parameters
    ----------
    app : App
        Empty.
    plan : Plan
        What to build.
    target : Target
        Whose Python the functions run.
    assets : Assets
        Where zips come from.
    **stack
        Passed to all stacks, as ``env``.
    """
    # Of the stack, which CloudFormation puts on each resource that takes tags:
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-resource-tags.html
    tags = {"project": "headrace", "study": plan.study.name, **plan.study.tags}
    data = DataStack(app, plan, target, assets, tags=tags, **stack)
    if plan.streams:
        flow = FlowStack(app, plan, target, assets, tags=tags, **stack)
        flow.add_stack_dependency(data, "land and commit write into the lake's bucket and tables")
    if plan.runs:
        run = RunStack(app, plan, target, assets, tags=tags, **stack)
        run.add_stack_dependency(data, "stages read and write the lake's bucket and tables")
    nag.check(app)
