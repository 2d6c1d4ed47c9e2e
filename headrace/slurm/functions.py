"""A try of a stage whose job the house doesn't run: its first and last steps.

They are the state machine's own, taken one by one by the same functions: `begin`, `prepare`, the
UNLOAD and `look` before, `register` after (``docs/contracts.md``, The run). So the input is pinned
as any run's, and what comes back becomes the table under the same checks.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from headrace.errors import HeadraceError
from headrace.plan import Plan
from headrace.sql import Athena


class StepError(HeadraceError):
    """A step of the house failed."""


@dataclasses.dataclass(frozen=True)
class Try:
    """A try of a stage, prepared.

    Parameters
    ----------
    study, stage, run, bucket : str
    prepared : dict
        What `prepare` gave: ``try``, ``prefix``, ``started``, ``job``, and more.
    asked : dict or None
        Athena's query and what it scanned, where the stage reads SQL.
    program : dict
        What the state machine tells of the program: ``archive``, its URI.
    workers : int
        Ranks or copies that the cluster is asked for.
    """

    study: str
    stage: str
    run: dict[str, Any]
    bucket: str
    prepared: dict[str, Any]
    asked: dict[str, Any] | None
    program: dict[str, Any]
    workers: int

    @property
    def prefix(self) -> str:
        """The prefix of the try in the lake."""
        return str(self.prepared["prefix"])

    def document(self) -> dict[str, Any]:
        """The try as plain data."""
        return dataclasses.asdict(self)


class Functions:
    """The study's functions, called as its state machine calls them.

    Parameters
    ----------
    plan : Plan
    lambda_ : boto3 Lambda client
        Whose patience should be 15 minutes, since `register` may take that long.
    """

    def __init__(self, plan: Plan, lambda_: Any) -> None:
        self.plan, self.lambda_ = plan, lambda_

    def call(self, name: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Call a function.

        Raises
        ------
        StepError
            With the function's own error.
        """
        told = self.lambda_.invoke(
            FunctionName=self.plan.function(name), Payload=json.dumps(dict(event)).encode()
        )
        answer: dict[str, Any] = json.loads(told["Payload"].read())
        if told.get("FunctionError"):
            raise StepError(
                f"calling {self.plan.function(name)} to {event['op']}",
                f"{answer.get('errorType', 'an error')}: {answer.get('errorMessage', answer)}",
                "Mend what it names and ask again.",
            )
        return answer

    def begin(self, stage: str, run: str, machine: Mapping[str, Any], bucket: str) -> Try:
        """Begin a run of one stage, and prepare its try.

        The house isn't told of another number of workers: it would refuse what Fargate can't hold.
        """
        given = {"run": run, "attempt": 1, "only": [stage]}
        begun = self.call("run", {"op": "begin", "execution": f"{run}-1", "input": given})
        program = program_of(machine, stage)
        event = {"op": "prepare", "run": begun, "stage": stage, "program": program}
        prepared = self.call("run", event)
        workers = int(prepared["workers"])
        return Try(self.plan.study.name, stage, begun, bucket, prepared, None, program, workers)

    def fill(self, this: Try, athena: Athena) -> Try:
        """Write the input of a try that reads SQL, and the facts of any."""
        asked = None
        if sql := this.prepared["sql"]:
            answer = athena.ask(sql)
            asked = {"query": answer.id, "scanned_bytes": answer.scanned_bytes}
        event = {"op": "look", "run": this.run, "stage": this.stage, "prefix": this.prefix}
        self.call("run", event | {"program": this.program})
        return dataclasses.replace(this, asked=asked)

    def register(self, this: Try) -> dict[str, Any]:
        """Make what the try gave the stage's table."""
        told = {"op": "register", "run": this.run, "stage": this.stage, "asked": this.asked}
        told |= {name: this.prepared[name] for name in ("prefix", "try", "started")}
        return self.call("register", told)


def program_of(machine: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """What the deployed state machine says of a stage's program.

    Parameters
    ----------
    machine : mapping
        The definition, in Amazon States Language.
    stage : str

    Raises
    ------
    StepError
        Where it has no such stage: the study was changed and not deployed since.
    """
    for states in _states(machine):
        if (state := states.get(f"{stage}: prepare")) is not None:
            found: dict[str, Any] = state["Parameters"]["Payload"]["program"]
            return found
    raise StepError(
        f"looking for stage {stage} in the deployed state machine",
        "none of that name",
        "Deploy the study as it is now.",
    )


def _states(machine: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """All maps of states, those of branches too."""
    yield machine["States"]
    for state in machine["States"].values():
        for branch in state.get("Branches", ()):
            yield from _states(branch)
