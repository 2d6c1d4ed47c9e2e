"""The state of a stage with a program, on a cluster or in containers: a look at its input."""

from __future__ import annotations

from headrace.plan import Plan, StagePlan
from infra.machine_task import RUN_TIMEOUT_S, Names, State, chosen, lambda_task


def look(plan: Plan, stage: StagePlan, names: Names) -> State:
    """See what the stage's input is, and write down the facts of the try."""
    told = {
        "op": "look",
        "run.$": "$.run",
        "stage": stage.name,
        "prefix.$": "$.prepared.prefix",
        "program": names.programs[stage.name].payload,
    }
    return lambda_task(
        names,
        plan.function("run"),
        told,
        RUN_TIMEOUT_S,
        ResultSelector=chosen(("files", "bytes")),
        ResultPath="$.looked",
    )
