"""Distributed Map: a run of children side by side, counted as they go.

::

    items ─▶ MapRun ─▶ workers, MaxConcurrency of them ─▶ a child execution an item
                │                                             │
                └─ DescribeMapRun                outputs, or ResultWriter's files
"""

from __future__ import annotations

from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.distributed_iteration_component import (  # noqa: E501
    DistributedIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.state_map import StateMap

from localcloud.cloud import Cloud
from localcloud.engines.patching import Method, wrap
from localcloud.engines.states import children, clients, history, map_files
from localcloud.engines.states.branches import side_by_side
from localcloud.engines.states.errors import failure
from localcloud.engines.states.map_runs import MapRun
from localcloud.engines.states.stopping import Stopped, require_running

#: AWS runs 10,000 children at a time; more threads than this help no laptop, the rest wait.
MOST = 64

TOO_MANY = "States.ExceedToleratedFailureThreshold"


def install(cloud: Cloud) -> None:
    """Put these in moto's place."""
    s3 = clients.client(cloud, "s3")

    def distributed_or_inline(inline: Method) -> Method:
        def evaluate(self: Any, env: Any) -> None:
            if isinstance(self.iteration_component, DistributedIterationComponent):
                _run_map(self, env, s3)
            else:
                inline(self, env)

        return evaluate

    wrap(StateMap, _eval_execution=distributed_or_inline)


def _value(decl: Any, env: Any) -> Any:
    decl.eval(env=env)
    return env.stack.pop()


def _run_map(self: Any, env: Any, s3: Any) -> None:
    run = _begin(self, env)
    given = env.stack[-1]
    try:
        items = map_files.items_of(self, env, s3)
        run.fill([children.input_of(self, env, given, *each) for each in enumerate(items)], None)
        side_by_side(
            min(run.concurrency or MOST, MOST),
            [children.work_of(self, env, run, child) for child in run.children],
        )
        require_running(env)
    except Stopped:
        _leave_pending_aborted(run)
        run.end("ABORTED")
        history.tell(env, HistoryEventType.MapRunAborted)
        raise
    except FailureEventException as fault:
        _fail(env, run, *(fault.extract_error_cause_pair() or (None, None)))
        raise
    if run.too_many_failed:
        _leave_pending_aborted(run)
        map_files.write_results(self, env, s3, run, given)
        cause = "The specified tolerated failure threshold was exceeded"
        _fail(env, run, TOO_MANY, cause)
        raise failure(env, TOO_MANY, cause, HistoryEventType.MapRunFailed)
    try:
        output = map_files.write_results(self, env, s3, run, given)
    except FailureEventException as fault:
        _fail(env, run, *(fault.extract_error_cause_pair() or (None, None)))
        raise
    run.end("SUCCEEDED")
    history.tell(env, HistoryEventType.MapRunSucceeded)
    env.stack.append(_outputs(run) if output is None else output)
    history.tell(env, HistoryEventType.MapStateSucceeded, move=False)


def _begin(self: Any, env: Any) -> MapRun:
    context = env.states.context_object.context_object_data
    run = MapRun(
        context["StateMachine"]["Id"],
        context["Execution"]["Id"],
        self.label.label if self.label else None,
        _value(self.max_concurrency_decl, env),
        _value(self.tolerated_failure_count_decl, env),
        float(_value(self.tolerated_failure_percentage_decl, env)),
    )
    history.tell(
        env,
        HistoryEventType.MapStateStarted,
        mapStateStartedEventDetails={"length": 0},
    )
    env.map_run_record_pool_manager.add(run)
    history.tell(
        env,
        HistoryEventType.MapRunStarted,
        mapRunStartedEventDetails={"mapRunArn": run.map_run_arn},
    )
    return run


def _fail(env: Any, run: MapRun, error: str | None, cause: str | None) -> None:
    run.end("FAILED")
    told = {"error": error, "cause": cause}
    details = {key: text for key, text in told.items() if text}
    history.tell(env, HistoryEventType.MapRunFailed, mapRunFailedEventDetails=details)


def _leave_pending_aborted(run: MapRun) -> None:
    for child in run.children:
        if child.status in ("PENDING", "RUNNING"):
            run.move(child, "ABORTED")


def _outputs(run: MapRun) -> list[Any]:
    # A child that failed is told of as it is, its output having none:
    # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-resultwriter.html
    return [c.output if c.status == "SUCCEEDED" else c.written() for c in run.children]
