"""The states of the run's cluster: made before the stages that need it, ended after them.

::

    prepare ─▶ to do? ─▶ create ─▶ created ─▶ stages … ─▶ is one? ─▶ terminate ─▶
       │          └────────┼────────────────────▲           └──────┬──────┼──────▲
       │                   │                                       │      └▶ left ─▶ told
       └───────────────────┴──────────▶ failed ────────────────────┴─────────────▲

Whatever becomes of the stages, what comes after them is ``is one?``. What ends the execution
itself, and so no state can catch, leaves the cluster to EMR: after ``idle_s`` without a step it
terminates itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from headrace.graph import Node
from headrace.plan import Plan
from infra.cluster_parameters import cluster_parameters
from infra.machine_part import stages_of
from infra.machine_task import RUN_TIMEOUT_S, Names, State, chosen, lambda_task
from infra.retries import emr_retries

#: Some 6 minutes are usual; where a zone has none of the instances, EMR goes on asking.
CREATE_TIMEOUT_S = 1800
TERMINATE_TIMEOUT_S = 1800

PREPARE, TO_DO, CREATE, CREATED, IS_ONE, TERMINATE, LEFT, TOLD, FAILED = (
    f"cluster: {state}"
    for state in (
        *("prepare", "to do?", "create", "created", "is one?"),
        *("terminate", "left", "told", "failed"),
    )
)


@dataclass(frozen=True)
class ClusterStates:
    """Writes the cluster's states around those of its stages.

    Parameters
    ----------
    plan : Plan
        Of a study with such stages.
    names : Names
        With the cluster's.
    part : Node
        What stands between the cluster's making and its end.
    """

    plan: Plan
    names: Names
    part: Node

    def before(self, then: str) -> dict[str, State]:
        """What comes first, up to the first state of the stages."""
        todo = {"Variable": "$.cluster.todo", "BooleanEquals": True, "Next": CREATE}
        return {
            PREPARE: self._prepare() | _caught(FAILED) | {"Next": TO_DO},
            # There is none where all stages are done already.
            TO_DO: {"Type": "Choice", "Choices": [todo], "Default": then},
            CREATE: self._create() | _caught(FAILED) | {"Next": CREATED},
            # An id alone, which no ResultSelector can give.
            CREATED: {
                "Type": "Pass",
                "InputPath": "$.created.ClusterId",
                "ResultPath": "$.run.cluster",
                "Next": then,
            },
        }

    def after(self, then: str) -> dict[str, State]:
        """What comes after the stages, and `then` after that."""
        known = {"Variable": "$.run.cluster", "IsPresent": True, "Next": TERMINATE}
        first = next(n for n in stages_of(self.part) if n in {s.name for s in self.plan.emr})
        failure = {"stage": first, "error.$": "$.error.Error", "cause.$": "$.error.Cause"}
        return {
            IS_ONE: {"Type": "Choice", "Choices": [known], "Default": then},
            TERMINATE: self._terminate() | _caught(LEFT) | {"Next": then},
            # What failed before it is told with it.
            LEFT: {
                "Type": "Pass",
                "Parameters": {
                    "run.$": "$.run",
                    "parts": [{"failed.$": "$.failed"}, {"failed": [failure]}],
                },
                "Next": TOLD,
            },
            TOLD: {
                "Type": "Pass",
                "Parameters": {"run.$": "$.run", "failed.$": "$.parts[*].failed[*]"},
                "Next": then,
            },
            FAILED: {
                "Type": "Pass",
                "Parameters": {"run.$": "$.run", "failed": [failure]},
                "Next": then,
            },
        }

    def _prepare(self) -> State:
        stages = [stage.name for stage in self.plan.emr]
        return lambda_task(
            self.names,
            self.plan.function("run"),
            {"op": "cluster", "run.$": "$.run", "stages": stages},
            RUN_TIMEOUT_S,
            ResultSelector=chosen(("todo", "why", "name", "ebs_gib", "parallel")),
            ResultPath="$.cluster",
        )

    def _create(self) -> State:
        if self.names.cluster is None:
            raise ValueError("a study with cluster stages, and no names of what a cluster is of")
        return {
            "Type": "Task",
            "Resource": self.names.integration("elasticmapreduce:createCluster.sync"),
            "Parameters": cluster_parameters(self.plan, self.names.cluster, self.names.bucket),
            "TimeoutSeconds": CREATE_TIMEOUT_S,
            "Retry": emr_retries(),
            "ResultSelector": {"ClusterId.$": "$.ClusterId"},
            "ResultPath": "$.created",
        }

    def _terminate(self) -> State:
        return {
            "Type": "Task",
            "Resource": self.names.integration("elasticmapreduce:terminateCluster.sync"),
            "Parameters": {"ClusterId.$": "$.run.cluster"},
            "TimeoutSeconds": TERMINATE_TIMEOUT_S,
            "Retry": emr_retries(),
            "ResultPath": None,
        }


def _caught(then: str) -> State:
    return {"Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": then}]}
