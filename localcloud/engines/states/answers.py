"""The API's answers about executions: begun, stopped, described, listed, their history."""

from __future__ import annotations

import datetime
import json
from typing import Any

from moto.core.responses import ActionResult
from moto.stepfunctions.exceptions import InvalidToken, ValidationException
from moto.stepfunctions.responses import StepFunctionResponse

from localcloud.engines.patching import patch
from localcloud.engines.states import history
from localcloud.engines.states.map_runs import Child, children_of


def install() -> None:
    """Put these in moto's place."""
    patch(
        StepFunctionResponse,
        start_execution=_start,
        stop_execution=_stop,
        describe_execution=_describe,
        list_executions=_list,
        get_execution_history=_history,
        describe_state_machine_for_execution=_machine_of,
        send_task_failure=_task_failure,
        redrive_execution=_refuse_redrive,
    )


def _start(self: Any) -> ActionResult:
    execution = self.stepfunction_backend.start_execution(
        self._get_param("stateMachineArn"),
        self._get_param("name"),
        self._get_param("input", if_none="{}"),
        self._get_param("traceHeader"),
    )
    return ActionResult(
        {"executionArn": execution.execution_arn, "startDate": execution.start_date}
    )


def _stop(self: Any) -> ActionResult:
    execution = self.stepfunction_backend.stop_execution(
        self._get_param("executionArn"), self._get_param("error"), self._get_param("cause")
    )
    return ActionResult({"stopDate": execution.stop_date or datetime.datetime.now(datetime.UTC)})


def _describe(self: Any) -> ActionResult:
    return ActionResult(
        _described(self.stepfunction_backend.describe_execution(self._get_param("executionArn")))
    )


def _described(execution: Any) -> dict[str, Any]:
    status = execution.status
    told = {
        "executionArn": execution.execution_arn,
        "stateMachineArn": execution.state_machine_arn,
        "name": execution.name,
        "status": status,
        "startDate": execution.start_date,
        "input": execution.execution_input,
        "inputDetails": {"included": True},
        "redriveCount": 0,
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "The local cloud can't redrive executions",
    }
    if isinstance(execution, Child):
        told["mapRunArn"] = execution.map_run_arn
    if status != "RUNNING":
        told["stopDate"] = execution.stop_date
    if status == "SUCCEEDED":
        told["output"] = json.dumps(execution.output, separators=(",", ":"))
        told["outputDetails"] = {"included": True}
    for key in ("error", "cause"):
        if getattr(execution, key) is not None and status != "RUNNING":
            told[key] = getattr(execution, key)
    return told


def _list(self: Any) -> ActionResult:
    backend, map_run = self.stepfunction_backend, self._get_param("mapRunArn")
    if map_run:
        found = list(children_of(backend, map_run))
    else:
        found = list(backend.describe_state_machine(self._get_param("stateMachineArn")).executions)
    wanted = self._get_param("statusFilter")
    found = [each for each in found if not wanted or each.status == wanted]
    found.sort(key=lambda each: (each.start_date, each.execution_arn), reverse=True)
    if token := self._get_param("nextToken"):
        place = next((i for i, each in enumerate(found) if each.execution_arn == token), None)
        if place is None:
            raise InvalidToken(token)
        found = found[place:]
    size = min(self._get_int_param("maxResults") or history.PAGE, history.MOST_A_PAGE)
    told = [_listed(each) for each in found[:size]]
    following = found[size].execution_arn if len(found) > size else None
    return ActionResult({"executions": told, "nextToken": following})


def _listed(execution: Any) -> dict[str, Any]:
    told = _described(execution)
    names = ("executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate")
    return {key: told[key] for key in (*names, "mapRunArn", "redriveCount") if key in told}


def _history(self: Any) -> ActionResult:
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    with_data = self._get_param("includeExecutionData")
    try:
        events, following = history.page(
            execution.to_history_output()["events"],
            self._get_int_param("maxResults"),
            self._get_param("nextToken"),
            bool(self._get_param("reverseOrder")),
            with_data is None or bool(with_data),
        )
    except ValueError:
        raise InvalidToken(self._get_param("nextToken")) from None
    return ActionResult({"events": events, "nextToken": following})


def _machine_of(self: Any) -> ActionResult:
    """The machine as it was when the execution began."""
    execution = self.stepfunction_backend.describe_execution(self._get_param("executionArn"))
    machine = execution.state_machine
    return ActionResult(
        {
            "stateMachineArn": machine.arn,
            "name": machine.name,
            "definition": machine.definition,
            "roleArn": machine.roleArn,
            "updateDate": machine.update_date,
            "loggingConfiguration": machine.loggingConfiguration,
            "tracingConfiguration": machine.tracingConfiguration,
        }
    )


def _task_failure(self: Any) -> ActionResult:
    self.stepfunction_backend.send_task_failure(
        self._get_param("taskToken"), self._get_param("error"), self._get_param("cause")
    )
    return ActionResult({})


def _refuse_redrive(self: Any) -> ActionResult:
    raise ValidationException(
        f"While redriving {self._get_param('executionArn')}, found RedriveExecution, which the "
        "local cloud can't honour. Start a new execution."
    )
