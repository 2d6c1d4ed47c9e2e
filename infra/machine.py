"""The run as one state machine, in Amazon States Language, from a study's plan.

A pure function of the plan: what runs after what is ``Plan.order``, which stages are there is
``Plan.stages``. Data between stages is ``{"run": RUN, "failed": [...]}``; see
``docs/contracts.md``, "The run". ::

    begin ─▶ a: … ─▶ 1: go on? ─▶ 2: side by side [ b: … | c: … ] ─▶ 3: joined ─▶ end ─▶ done
                         └──────────────── a failed ──────────────────────────────▶│
                                                                                   └▶ failed

Around the part that holds all stages which need one stand the states of a cluster.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from headrace.graph import Node, Parallel, Series
from headrace.plan import Plan
from headrace.study import StudyError
from infra.machine_cluster import IS_ONE, PREPARE, ClusterStates
from infra.machine_part import part_of
from infra.machine_stage import stage_states
from infra.machine_task import RUN_TIMEOUT_S, Names, State, lambda_task

#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
STATE_NAME_LIMIT = 80
DOCUMENT_LIMIT_BYTES = 1_048_576

_END = "0: end"


def machine(plan: Plan, names: Names) -> dict[str, Any]:
    """Write the state machine of a study.

    Parameters
    ----------
    plan : Plan
        Of a study that runs.
    names : Names
        What the plan doesn't know: the bucket, and the partition of ARNs.

    Returns
    -------
    dict
        The document, ready for JSON.

    Raises
    ------
    StudyError
        For a stage whose name makes a state's name longer than Step Functions allows.
    """
    order, part = plan.order, None
    if plan.emr:
        order, part = part_of(order, frozenset(stage.name for stage in plan.emr))
    chain = _Writer(plan, names, part).chain(order, _END)
    states = {"begin": _begin(plan, names, chain.first), **chain.states, **_end()}
    for name in _names(states):
        if len(name) > STATE_NAME_LIMIT:
            raise StudyError(
                f"While naming the states of study {plan.study.name}, found {name!r} with "
                f"{len(name)} characters, above Step Functions' {STATE_NAME_LIMIT}. Shorten the "
                "stage's name."
            )
    return {
        "Comment": f"Headrace: a run of study {plan.study.name}",
        "StartAt": "begin",
        "States": states,
    }


def _begin(plan: Plan, names: Names, then: str) -> State:
    # A run that can't begin fails with the function's own error: there is no stage to name.
    return lambda_task(
        names,
        plan.function("run"),
        {"op": "begin", "execution.$": "$$.Execution.Name", "input.$": "$"},
        RUN_TIMEOUT_S,
        ResultSelector={"run.$": "$.Payload", "failed": []},
        Next=then,
    )


def _end() -> dict[str, State]:
    return {
        _END: {"Type": "Choice", "Choices": [_if_failed("failed")], "Default": "done"},
        "failed": {
            "Type": "Fail",
            "Error": "StageFailed",
            "CausePath": "States.JsonToString($.failed)",
        },
        "done": {"Type": "Succeed"},
    }


def _if_failed(then: str) -> State:
    return {"Variable": "$.failed[0]", "IsPresent": True, "Next": then}


def _names(states: dict[str, State]) -> list[str]:
    """Names of states and of those inside them."""
    found = list(states)
    for state in states.values():
        inside = [*state.get("Branches", ()), state.get("ItemProcessor", {})]
        found += [name for part in inside for name in _names(part.get("States", {}))]
    return found


@dataclass(frozen=True)
class _Chain:
    """States, and the one that comes first."""

    first: str
    states: dict[str, State]


@dataclass(frozen=True)
class _Writer:
    """Writes nodes from the last to the first, since a state names the one after it."""

    plan: Plan
    names: Names
    clustered: Node | None
    numbers: count[int] = field(default_factory=lambda: count(1))

    def chain(self, node: Node, then: str | None) -> _Chain:
        """The states of a node; `then` comes after it, or nothing where it ends a branch."""
        if node == self.clustered:
            return self._cluster(node, then)
        return self._plain(node, then)

    def _plain(self, node: Node, then: str | None) -> _Chain:
        if isinstance(node, Series):
            return self._series(node, then)
        if isinstance(node, Parallel):
            return self._parallel(node, then)
        states = stage_states(self.plan, self.plan.stage(node), self.names, then)
        return _Chain(next(iter(states)), states)

    def _cluster(self, node: Node, then: str | None) -> _Chain:
        then, last = self._last(then)
        around = ClusterStates(self.plan, self.names, node)
        inside = self._plain(node, IS_ONE)
        before, after = around.before(inside.first), around.after(then)
        return _Chain(PREPARE, before | inside.states | after | last)

    def _last(self, then: str | None) -> tuple[str, dict[str, State]]:
        """What comes after, and the state for it where that is a branch's end."""
        if then is not None:
            return then, {}
        end = f"{next(self.numbers)}: end"
        return end, {end: {"Type": "Succeed"}}

    def _series(self, node: Series, then: str | None) -> _Chain:
        then, states = self._last(then)
        following = then
        for step in reversed(node.steps):
            chain = self.chain(step, following)
            states = chain.states | states
            following = chain.first
            if step is not node.steps[0]:
                # What failed is what this one waits for, or beside it: it isn't begun.
                following = f"{next(self.numbers)}: go on?"
                choice = {"Type": "Choice", "Choices": [_if_failed(then)], "Default": chain.first}
                states = {following: choice} | states
        return _Chain(following, states)

    def _parallel(self, node: Parallel, then: str | None) -> _Chain:
        branches = [self.chain(branch, None) for branch in node.branches]
        side, joined = (f"{next(self.numbers)}: {what}" for what in ("side by side", "joined"))
        return _Chain(
            side,
            {
                side: {
                    "Type": "Parallel",
                    "Branches": [{"StartAt": b.first, "States": b.states} for b in branches],
                    "ResultSelector": {"failed.$": "$[*].failed[*]"},
                    "ResultPath": "$.joined",
                    "Next": joined,
                },
                joined: {
                    "Type": "Pass",
                    "Parameters": {"run.$": "$.run", "failed.$": "$.joined.failed"},
                    **({"Next": then} if then else {"End": True}),
                },
            },
        )
