"""The states of a MapReduce or Spark stage alone: its steps on the run's cluster."""

from __future__ import annotations

from headrace.plan import StagePlan
from infra.machine_task import Names, State
from infra.retries import emr_retries

#: Seconds more than a stage's own that its state waits: until EMR has begun the step, where others
#: run beside it, and until its end is known.
STEP_GRACE_S = 120


def steps_of(stage: StagePlan) -> int:
    """How many steps of the cluster a stage is."""
    return len(stage.deployed()["steps"]) if stage.kind == "mapreduce" else 1


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
