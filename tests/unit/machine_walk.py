"""Walks through the run's machine as Step Functions would, whatever fails."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

State = dict[str, Any]


def flat(document: State) -> Iterator[tuple[str, State]]:
    """Every state by name, however deep."""
    for name, state in document.get("States", {}).items():
        yield name, state
        for inside in (*state.get("Branches", ()), state.get("ItemProcessor", {})):
            yield from flat(inside)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, set[str]]:
    names = [f"s{i}" for i in range(draw(st.integers(1, 6)))]
    return {
        name: draw(st.sets(st.sampled_from(names[:i]))) if i else set()
        for i, name in enumerate(names)
    }


class Walk:
    """Goes through a document where the stages of `failing` fail, and the cluster's states too.

    ``lost`` are states of the cluster that fail; ``todo`` is whether there is work for one.
    """

    def __init__(
        self, failing: set[str], lost: frozenset[str] = frozenset(), todo: bool = True
    ) -> None:
        self.failing, self.lost, self.todo = failing, lost, todo
        self.ended: list[str] = []
        #: Steps of stages, and the cluster's making and end, as they come.
        self.happened: list[str] = []

    def run(self, document: State, data: State) -> State:
        """Walk until a state ends it; gives that state's output, and how it ended."""
        name = document["StartAt"]
        while True:
            state = document["States"][name]
            data, then = self._step(name, state, data)
            if then is None:
                return {"type": state["Type"], **data}
            name = then

    def _step(self, name: str, state: State, data: State) -> tuple[State, str | None]:
        stage, _, step = name.partition(": ")
        then = state.get("Next")
        if state["Type"] == "Choice":
            return data, self._chosen(state, data)
        if state["Type"] == "Parallel":
            return self._side_by_side(state, data), then
        if name == "begin":
            return {"run": {"run": "r"}, "failed": []}, then
        if state["Type"] in ("Task", "Map"):
            self._happen(stage, step, data)
            if name in self.lost or (step == "commit" and stage in self.failing):
                return {**data, "error": {"Error": "E", "Cause": "C"}}, state["Catch"][0]["Next"]
            return data, then
        if state["Type"] == "Pass":
            return self._passed(stage, step, state, data), then
        return data, None

    def _happen(self, stage: str, step: str, data: State) -> None:
        if step.startswith("step "):
            assert "cluster" in data["run"], stage
        if step.startswith("step ") or (stage == "cluster" and step in ("create", "terminate")):
            self.happened.append(f"{stage}: {step}")

    def _chosen(self, state: State, data: State) -> str:
        (choice,) = state["Choices"]
        taken = {
            "$.prepared.todo": True,
            "$.cluster.todo": self.todo,
            "$.run.cluster": "cluster" in data["run"],
            "$.failed[0]": bool(data["failed"]),
        }
        then: str = choice["Next"] if taken[choice["Variable"]] else state["Default"]
        return then

    def _side_by_side(self, state: State, data: State) -> State:
        given = json.dumps(data)
        outs = [self.run(branch, json.loads(given)) for branch in state["Branches"]]
        assert state["ResultSelector"] == {"failed.$": "$[*].failed[*]"}
        assert state["ResultPath"] == "$.joined"
        return {**data, "joined": {"failed": [f for o in outs for f in o["failed"]]}}

    def _passed(self, stage: str, step: str, state: State, data: State) -> State:
        if state.get("ResultPath") == "$.run.cluster":
            return {**data, "run": {**data["run"], "cluster": "j-1"}}
        if step == "done":
            self.ended.append(stage)
        if "parts" in state["Parameters"]:
            before, now = (part for part in state["Parameters"]["parts"])
            assert before == {"failed.$": "$.failed"}
            told = [*data["failed"], *({"stage": f["stage"]} for f in now["failed"])]
            return {"run": data["run"], "joined": {"failed": told}}
        if "failed.$" in state["Parameters"]:
            return {"run": data["run"], "failed": data["joined"]["failed"]}
        failed = [{"stage": f["stage"]} for f in state["Parameters"]["failed"]]
        return {"run": data["run"], "failed": failed}
