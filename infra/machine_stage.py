"""The states of one stage of the run, one after another.

::

    prepare ─▶ to do? ─▶ unload ─▶ probe ─▶ map ─▶ commit ─▶ done
                  │         └────────┴───────┴───────┴─────▶ failed
                  └──────────────────────────────────────────▶ passed over

A query has no probe and no map; what reads a prefix has no unload. For probe and map a MapReduce
or Spark stage has a look and steps, an Mpi or Batch stage a look and its job. Whatever its end, a
stage hands on ``{"run": ..., "failed": [...]}`` and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from headrace.plan import Plan, StagePlan
from infra import machine_batch, machine_emr
from infra.machine_look import look
from infra.machine_map import distributed_map, probe
from infra.machine_task import (
    REGISTER_TIMEOUT_S,
    RUN_TIMEOUT_S,
    Names,
    State,
    chosen,
    lambda_task,
)
from infra.retries import athena_retries

#: Athena stops a query after 30 minutes; before that it may wait in the queue:
#: https://docs.aws.amazon.com/athena/latest/ug/service-limits.html
QUERY_TIMEOUT_S = 3600


def stage_states(plan: Plan, stage: StagePlan, names: Names, then: str | None) -> dict[str, State]:
    """All states of a stage by name, the first one first.

    Parameters
    ----------
    plan : Plan
        The study's.
    stage : StagePlan
        One of its stages.
    names : Names
        What the plan doesn't know.
    then : str, optional
        The state that comes after; none at a branch's end.
    """
    return _Stage(plan, stage, names, {"Next": then} if then else {"End": True}).states()


@dataclass(frozen=True)
class _Stage:
    plan: Plan
    stage: StagePlan
    names: Names
    then: State

    @property
    def has_program(self) -> bool:
        return self.stage.is_emr or self.stage.is_task

    def states(self) -> dict[str, State]:
        steps: dict[str, State] = {}
        if self.stage.sql:
            steps["unload"] = self._unload()
        if self.stage.kind == "map":
            known = (self.plan, self.stage, self.names)
            steps |= {"probe": probe(*known), "map": distributed_map(*known)}
        if self.has_program:
            steps["look"] = look(self.plan, self.stage, self.names)
        if self.stage.is_emr:
            for number in range(1, machine_emr.steps_of(self.stage) + 1):
                steps[f"step {number}"] = machine_emr.step(self.stage, self.names, number)
        if self.stage.is_task:
            steps["job"] = machine_batch.job(*self._known())
        steps["commit"] = self._commit()
        for step, following in zip(steps, [*list(steps)[1:], "done"], strict=True):
            steps[step] |= self._next(following)
        if self.stage.kind == "batch":
            steps |= self._array() | {"look": steps["look"] | {"Next": self._name("one?")}}
        first = {"prepare": self._prepare(), "to do?": self._to_do(next(iter(steps)))}
        return {self._name(step): state for step, state in (first | steps | self._ends()).items()}

    def _array(self) -> dict[str, State]:
        return {
            "one?": machine_batch.is_one(self._name("job"), self._name("array")),
            "array": machine_batch.array(*self._known()) | self._next("commit"),
        }

    def _known(self) -> tuple[Plan, StagePlan, str]:
        return self.plan, self.stage, self.names.integration("batch:submitJob.sync")

    def _name(self, step: str) -> str:
        return f"{self.stage.name}: {step}"

    def _next(self, step: str) -> State:
        # Catches all but States.Runtime and States.DataLimitExceeded, which nothing can catch:
        # https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
        caught = {"ErrorEquals": ["States.ALL"], "ResultPath": "$.error"}
        return {
            "Catch": [caught | {"Next": self._name("failed")}],
            "Next": self._name(step),
        }

    def _prepare(self) -> State:
        told: State = {"op": "prepare", "run.$": "$.run", "stage": self.stage.name}
        given = ["todo", "why", "try", "prefix", "sql", "workers", "started"]
        if self.has_program:
            told["program"] = self.names.programs[self.stage.name].payload
            given.append("steps" if self.stage.is_emr else "job")
        return lambda_task(
            self.names,
            self.plan.function("run"),
            told,
            RUN_TIMEOUT_S,
            ResultSelector=chosen(given),
            ResultPath="$.prepared",
        ) | self._next("to do?")

    def _to_do(self, step: str) -> State:
        return {
            "Type": "Choice",
            "Choices": [
                {
                    "Variable": "$.prepared.todo",
                    "BooleanEquals": True,
                    "Next": self._name(step),
                }
            ],
            "Default": self._name("passed over"),
        }

    def _unload(self) -> State:
        execution = "$.QueryExecution"
        return {
            "Type": "Task",
            "Resource": self.names.integration("athena:startQueryExecution.sync"),
            "Parameters": {
                "QueryString.$": "$.prepared.sql",
                # Started a second time, it is the same query: two UNLOADs would fill one folder.
                "ClientRequestToken.$": "States.Hash($.prepared.prefix, 'SHA-256')",
                "QueryExecutionContext": {"Database": self.plan.database},
                "WorkGroup": self.plan.workgroup,
            },
            "TimeoutSeconds": QUERY_TIMEOUT_S,
            "Retry": athena_retries(),
            "ResultSelector": {
                "query.$": f"{execution}.QueryExecutionId",
                "scanned_bytes.$": f"{execution}.Statistics.DataScannedInBytes",
            },
            "ResultPath": "$.asked",
        }

    def _commit(self) -> State:
        told = {
            "op": "register",
            "run.$": "$.run",
            "stage": self.stage.name,
            "prefix.$": "$.prepared.prefix",
            "try.$": "$.prepared.try",
            "started.$": "$.prepared.started",
            **({"asked.$": "$.asked"} if self.stage.sql else {"asked": None}),
        }
        return lambda_task(
            self.names,
            self.plan.function("register"),
            told,
            REGISTER_TIMEOUT_S,
            ResultSelector=chosen(("rows", "quarantined", "snapshot", "checksum")),
            ResultPath="$.committed",
        )

    def _ends(self) -> dict[str, State]:
        failure = {
            "stage": self.stage.name,
            "error.$": "$.error.Error",
            "cause.$": "$.error.Cause",
        }
        return {
            "passed over": self._end([]),
            "done": self._end([]),
            "failed": self._end([failure]),
        }

    def _end(self, failed: list[State]) -> State:
        return {
            "Type": "Pass",
            "Parameters": {"run.$": "$.run", "failed": failed},
            **self.then,
        }
