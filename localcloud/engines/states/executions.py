"""Executions: begun under a name that is theirs alone, told of as they are, stopped at once."""

from __future__ import annotations

import copy
import datetime
import json
import threading
import uuid
from typing import Any

from moto.stepfunctions.exceptions import (
    ExecutionAlreadyExists,
    ExecutionDoesNotExist,
    InvalidExecutionInput,
)
from moto.stepfunctions.parser.api import ExecutionStatus, HistoryEventType
from moto.stepfunctions.parser.asl.eval.program_state import (
    ProgramEnded,
    ProgramError,
    ProgramRunning,
    ProgramStopped,
)
from moto.stepfunctions.parser.backend.execution import (
    BaseExecutionWorkerCommunication,
    Execution,
)
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker
from moto.stepfunctions.parser.models import StepFunctionsParserBackend

from localcloud.engines.patching import patch
from localcloud.engines.states import clients, history
from localcloud.engines.states.map_runs import child_of, run_of
from localcloud.engines.states.program import parsed

#: What an execution gets to end in, once it is told to.
END_S = 10

#: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
MOST_BYTES = 262_144


def install() -> None:
    """Put these in moto's place."""
    patch(ExecutionWorker, start=_start_worker, stop=_stop_worker)
    patch(BaseExecutionWorkerCommunication, terminated=_ended)
    patch(Execution, stop=_stop)
    patch(
        StepFunctionsParserBackend,
        start_execution=_start,
        stop_execution=_stop_execution,
        describe_execution=_find,
        describe_map_run=lambda self, map_run_arn: run_of(self, map_run_arn).describe(),
    )


def stop_all(backend: Any, cause: str) -> None:
    """Stop whatever runs, and wait for it."""
    running = [
        each
        for machine in backend.state_machines
        for each in machine.executions
        if each.status == "RUNNING"
    ]
    for each in running:
        each.exec_worker.stop(stop_date=None, error="LocalCloud.Stopped", cause=cause)
    for each in running:
        each.exec_worker.ended.wait(END_S)


_starting = threading.Lock()


def _start(
    self: Any,
    state_machine_arn: str,
    name: str | None = None,
    execution_input: str | None = None,
    trace_header: Any = None,
) -> Execution:
    machine = self.describe_state_machine(state_machine_arn)
    name = name or str(uuid.uuid4())
    self._validate_name(name)
    given = "{}" if execution_input is None else execution_input
    _check_input(given)
    with _starting:
        arn = machine.arn.replace(":stateMachine:", ":execution:") + f":{name}"
        for other in machine.executions:
            if other.name == name:
                if other.status == "RUNNING" and other.execution_input == given:
                    return other  # type: ignore[no-any-return]
                raise ExecutionAlreadyExists(f"Execution Already Exists: '{arn}'")
        # An update of the machine leaves what runs as it began.
        as_it_is = copy.copy(machine)
        execution = Execution(
            name=name,
            sm_type=machine.type,
            role_arn=machine.roleArn,
            exec_arn=arn,
            account_id=self.account_id,
            region_name=self.region_name,
            state_machine=as_it_is,
            start_date=datetime.datetime.now(datetime.UTC),
            cloud_watch_logging_session=None,
            input_data=given,
            trace_header=trace_header,
            activity_store={},
        )
        execution.start()
        machine.executions.append(execution)
    return execution


def _check_input(given: str) -> None:
    try:
        json.loads(given)
    except ValueError as fault:
        raise InvalidExecutionInput(f"Invalid State Machine Execution Input: '{fault}'") from None
    if len(given.encode()) > MOST_BYTES:
        raise InvalidExecutionInput(
            f"Invalid State Machine Execution Input: '{len(given.encode())} bytes, above the "
            f"limit of {MOST_BYTES}'"
        )


def _start_worker(self: Any) -> None:
    """Begin: from here on the execution can be read and stopped."""
    details = self._evaluation_details
    program = parsed(details.state_machine_details.definition)
    self.env, self.ended = self._get_evaluation_environment(), threading.Event()
    self.env._program_state = ProgramRunning()  # type: ignore[no-untyped-call]
    execution = self.env.states.context_object.context_object_data["Execution"]
    execution["StartTime"] = clients.iso(details.execution_details.start_time)
    execution["RedriveCount"] = 0
    history.tell(
        self.env,
        HistoryEventType.ExecutionStarted,
        move=False,
        executionStartedEventDetails={
            "input": json.dumps(details.execution_details.inpt, separators=(",", ":")),
            "inputDetails": {"truncated": False},
            "roleArn": details.aws_execution_details.role_arn,
        },
    )

    def run() -> None:
        try:
            program.eval(self.env)
        finally:
            self._execution_communication.terminated()
            self.ended.set()

    name = f"execution-{details.execution_details.name}"
    threading.Thread(target=run, name=name, daemon=True).start()


def _stop_worker(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
    self.env.set_stop(stop_date=stop_date, cause=cause, error=error)


def _ended(self: Any) -> None:
    """Write down how it ended; the status last, since who reads it reads the rest."""
    execution = self.execution
    state = execution.exec_worker.env.program_state()
    execution.stop_date = datetime.datetime.now(datetime.UTC)
    if isinstance(state, ProgramEnded):
        execution.output = execution.exec_worker.env.states.get_input()
        status = ExecutionStatus.SUCCEEDED
    elif isinstance(state, ProgramStopped):
        execution.error, execution.cause = state.error, state.cause
        status = ExecutionStatus.ABORTED
    elif isinstance(state, ProgramError):
        told = state.error or {}
        execution.error, execution.cause = told.get("error"), told.get("cause")
        status = ExecutionStatus.FAILED
    else:
        execution.error = "States.Timeout"
        status = ExecutionStatus.TIMED_OUT
    execution.exec_status = status


def _stop(self: Any, stop_date: Any, error: str | None, cause: str | None) -> None:
    self.exec_worker.stop(stop_date=stop_date, error=error, cause=cause)
    self.exec_worker.ended.wait(END_S)


def _find(self: Any, execution_arn: str) -> Any:
    self._validate_execution_arn(execution_arn)
    for machine in self.state_machines:
        for each in machine.executions:
            if each.execution_arn == execution_arn:
                return each
    child = child_of(self, execution_arn)
    if child is None:
        raise ExecutionDoesNotExist(f"Execution Does Not Exist: '{execution_arn}'")
    return child


def _stop_execution(
    self: Any, execution_arn: str, error: str | None = None, cause: str | None = None
) -> Any:
    execution = self.describe_execution(execution_arn)
    if execution.status == "RUNNING":
        execution.stop(datetime.datetime.now(datetime.UTC), error, cause)
    return execution
