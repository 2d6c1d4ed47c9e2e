"""State machines, put in place by boto3 as a user would, and how their executions went."""

from __future__ import annotations

import json
import time
from typing import Any

from tests.integration.deployed import Deployed, unique

Definition = dict[str, Any]


def task(resource: str, parameters: Any, **more: Any) -> Definition:
    """A Task of an optimised integration."""
    more = more if "Next" in more else {"End": True} | more
    arn = f"arn:aws:states:::{resource}"
    return {"Type": "Task", "Resource": arn, "Parameters": parameters, **more}


def call(function: str, payload: Any = None, **more: Any) -> Definition:
    """A Task that invokes a function, with the state's input where no payload is given."""
    given = {"Payload.$": "$"} if payload is None else {"Payload": payload}
    return task("lambda:invoke", {"FunctionName": function, **given}, **more)


def one(state: Definition, **others: Definition) -> Definition:
    """A machine that begins with `state`, which is named `it`."""
    return {"StartAt": "it", "States": {"it": state, **others}}


class Machines:
    """Makes machines in a cloud, and runs them."""

    def __init__(self, deployed: Deployed) -> None:
        self.api = deployed.cloud.client("stepfunctions")
        self.role = deployed.role

    def make(self, definition: Definition, **words: Any) -> str:
        """Make a machine; give its ARN."""
        words = {"name": unique("machine"), "roleArn": self.role} | words
        got = self.api.create_state_machine(definition=json.dumps(definition), **words)
        return str(got["stateMachineArn"])

    def start(self, definition: Definition, given: Any = None, **words: Any) -> str:
        """Make a machine and start it; give the execution's ARN."""
        return self.begin(self.make(definition), given, **words)

    def begin(self, machine: str, given: Any = None, **words: Any) -> str:
        """Start a machine; give the execution's ARN."""
        text = json.dumps({} if given is None else given)
        got = self.api.start_execution(stateMachineArn=machine, input=text, **words)
        return str(got["executionArn"])

    def ended(self, execution: str, limit_s: float = 30) -> dict[str, Any]:
        """Wait for an execution's end, and describe it."""
        deadline = time.monotonic() + limit_s
        while (got := self.api.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < deadline, "it never ended"
            time.sleep(0.01)
        return dict(got)

    def run(self, definition: Definition, given: Any = None, **words: Any) -> dict[str, Any]:
        """Make a machine, start it, wait for its end."""
        return self.ended(self.start(definition, given, **words))

    def output(self, definition: Definition, given: Any = None) -> Any:
        """What a machine gives."""
        got = self.run(definition, given)
        assert got["status"] == "SUCCEEDED", got
        return json.loads(got["output"])

    def events(self, execution: str) -> list[dict[str, Any]]:
        """All events of an execution."""
        pages = self.api.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [event for page in pages for event in page["events"]]

    def kinds(self, execution: str) -> list[str]:
        """The types of all events."""
        return [event["type"] for event in self.events(execution)]
