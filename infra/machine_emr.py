"""The states of a MapReduce or Spark stage alone: a look at its input, and its steps."""

from __future__ import annotations

from headrace.plan import Plan, StagePlan
from infra.machine_task import RUN_TIMEOUT_S, Names, State, chosen, lambda_task
from infra.retries import emr_retries

#: Seconds more than a stage's own that its state waits: until EMR has begun the step, where others
#: run beside it, and until its end is known.
STEP_GRACE_S = 120


def steps_of(stage: StagePlan) -> int:
    """How many steps of the cluster a stage is."""
    return len(stage.deployed()["steps"]) if stage.kind == "mapreduce" else 1


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


def step(stage: StagePlan, names: Names, number: int) -> State:
    """Have the run's cluster do one step, counted from 1, and wait for its end."""
    told = stage.deployed()
    return {
        "Type": "Task",
        "Resource": names.integration("elasticmapreduce:addStep.sync"),
        "Parameters": {
            "ClusterId.$": "$.run.cluster",
            "Step": {
                "Name": f"{stage.name} {number}/{steps_of(stage)} {told['program']}",
                # The machine ends the cluster, and steps of other stages may run beside it:
                # https://docs.aws.amazon.com/emr/latest/APIReference/API_StepConfig.html
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {
                    "Jar": "command-runner.jar",
                    "Args.$": f"$.prepared.steps[{number - 1}]",
                },
            },
        },
        "TimeoutSeconds": told["timeout_s"] + STEP_GRACE_S,
        "Retry": emr_retries(),
        "ResultPath": "$.stepped",
    }
