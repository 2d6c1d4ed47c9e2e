"""How programs and their states run: timeouts, retries, branches, waits.

::

    program ─▶ state ─▶ attempt ─▶ (a task) a thread of its own, watched for time and for an end
       ▲         └─ retry, catch ◀──── error
       └── next ◀──────┘
"""

from __future__ import annotations

import threading
import time
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.catch.catch_outcome import CatchOutcome
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
)
from moto.stepfunctions.parser.asl.component.common.retry.retry_outcome import RetryOutcome
from moto.stepfunctions.parser.asl.component.common.timeouts.timeout import (
    EvalTimeoutError,
    TimeoutSeconds,
)
from moto.stepfunctions.parser.asl.component.program.program import Program
from moto.stepfunctions.parser.asl.component.state.exec.execute_state import ExecutionState
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.state_parallel import (
    StateParallel,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task import StateTask
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import (
    WaitFunction,
)
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str
from moto.stepfunctions.parser.asl.utils.json_path import NoSuchJsonPathError

from localcloud.engines.patching import Method, patch, wrap
from localcloud.engines.states import history
from localcloud.engines.states.errors import failure
from localcloud.engines.states.stopping import Stopped, pause, require_running

#: What a stopped task gets to cancel what it started elsewhere.
CANCEL_S = 5


def install() -> None:
    """Put these in moto's place."""
    patch(Program, eval=_run_program)
    wrap(Program, _eval_body=_ends_where_stopped)
    patch(ExecutionState, _evaluate_with_timeout=_attempt, _eval_state=_try_until_done)
    wrap(ExecutionState, from_state_props=_no_timeout_of_its_own)
    patch(StateMap, _eval_state=_try_until_done)
    patch(StateParallel, _eval_state=_try_branches_until_done)
    patch(WaitFunction, _wait_interval=lambda self, env, wait_seconds: pause(env, wait_seconds))


def _run_program(self: Any, env: Any) -> None:
    """Run states in this thread, until one ends it or the time of the whole is over."""
    timer = None
    if self.timeout_seconds:
        timer = threading.Timer(self.timeout_seconds.timeout_seconds, env.set_timed_out)
        timer.daemon = True
        timer.start()
    try:
        with env._state_mutex:
            if env.is_running():
                env.next_state_name = self.start_at.start_at_name
        self._eval_body(env)
    finally:
        if timer:
            timer.cancel()


def _ends_where_stopped(eval_body: Method) -> Method:
    def run(self: Any, env: Any) -> None:
        # The loop leaves by an exception where it is stopped inside of a state; the second
        # round finds nothing to run, and writes the last event.
        try:
            eval_body(self, env)
        except Stopped:
            eval_body(self, env)

    return run


def _no_timeout_of_its_own(from_state_props: Method) -> Method:
    def set_up(self: Any, state_props: Any) -> None:
        from_state_props(self, state_props)
        # moto gives a state with a heartbeat 60 s; on AWS it has no limit of its own.
        if getattr(self.timeout, "is_default", None):
            self.timeout = TimeoutSeconds(TimeoutSeconds.DEFAULT_TIMEOUT_SECONDS)

    return set_up


def _attempt(self: Any, env: Any) -> None:
    """Run a state's work once, and put what it gives where the state says."""
    self.timeout.eval(env=env)
    limit_s = env.stack.pop()
    frame = env.open_frame()
    frame.states.reset(input_value=env.states.get_input())
    frame.stack = list(env.stack)
    try:
        if isinstance(self, StateTask):
            _watched(self, env, frame, limit_s)
        else:
            _guarded(self, frame)
            require_running(frame)
    finally:
        frame.set_ended()
        env.close_frame(frame)
    require_running(env)
    output = frame.stack.pop()
    env.stack.append(output)
    if self.result_selector:
        self.result_selector.eval(env=env)
    self.result_path.eval(env)


def _watched(self: Any, env: Any, frame: Any, limit_s: float) -> None:
    """Run a task in a thread, which is left alone where its time is over or the program ends."""
    raised: list[BaseException] = []

    def work() -> None:
        try:
            _guarded(self, frame)
        except BaseException as fault:
            raised.append(fault)
        finally:
            done.set()
            frame.set_ended()

    frame.started = None
    done = threading.Event()
    thread = threading.Thread(target=work, name=f"task-{self.name}", daemon=True)
    thread.start()
    left: float = limit_s
    while not frame.program_state_event.wait(left):
        left = limit_s if frame.started is None else frame.started + limit_s - time.monotonic()
        if left <= 0:
            frame.set_timed_out()
    if not done.is_set() and getattr(self, "cancels", False):
        thread.join(CANCEL_S)
    require_running(env)
    if not done.is_set() or (raised and isinstance(raised[0], Stopped)):
        raise EvalTimeoutError
    if raised:
        raise raised[0]


def _guarded(self: Any, frame: Any) -> None:
    try:
        self._eval_execution(frame)
    except NoSuchJsonPathError as fault:
        told = to_json_str(fault.data)
        raise failure(
            frame,
            "States.Runtime",
            f"The JSONPath '{fault.json_path}' specified for the field "
            f"'{frame.next_field_name}' could not be found in the input '{told}'",
        ) from None


def _try_until_done(self: Any, env: Any) -> None:
    """Attempt, retry as the state's retriers say, then catch or fail."""
    state = env.states.context_object.context_object_data["State"]
    state["RetryCount"] = 0
    given = list(env.stack)
    while True:
        require_running(env)
        env.stack[:] = given
        try:
            self._evaluate_with_timeout(env)
            return
        except Exception as fault:
            failed = self._from_error(env=env, ex=fault)
        require_running(env)
        if _told_at_once(self, failed):
            history.tell(env, failed.event_type, **(failed.event_details or {}))
        error_output = self._construct_error_output_value(failure_event=failed)
        env.states.set_error_output(error_output)
        env.states.set_result(error_output)
        if self.retry and self._handle_retry(env=env, failure_event=failed) == (
            RetryOutcome.CanRetry
        ):
            continue
        if isinstance(self, StateMap):
            history.tell(env, HistoryEventType.MapStateFailed)
        elif isinstance(self, StateParallel):
            history.tell(env, HistoryEventType.ParallelStateFailed)
        if self.catch:
            self._handle_catch(env=env, failure_event=failed)
            if env.stack[-1] == CatchOutcome.Caught:
                return
        self._handle_uncaught(env=env, failure_event=failed)


def _told_at_once(self: Any, failed: FailureEvent) -> bool:
    """Whether an attempt's failure is an event of its own: a task's is, if the task began."""
    name = failed.error_name.error_name if failed.error_name else None
    return isinstance(self, StateTask) and name != "States.Runtime"


def _try_branches_until_done(self: Any, env: Any) -> None:
    if self.parargs is not None:
        self.parargs.eval(env=env)
    _try_until_done(self, env)
