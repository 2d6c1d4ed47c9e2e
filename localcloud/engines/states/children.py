"""A child of a distributed Map: its input, its own execution, and how that ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.eval.event.event_manager import (
    EventHistoryContext,
    EventManager,
)
from moto.stepfunctions.parser.asl.eval.program_state import ProgramEnded
from moto.stepfunctions.parser.asl.eval.states import ItemData, MapData
from moto.stepfunctions.parser.asl.utils.encoding import to_json_str

from localcloud.engines.states import clients, history
from localcloud.engines.states.map_runs import Child, MapRun
from localcloud.engines.states.stopping import error_of


def input_of(self: Any, env: Any, given: Any, index: int, item: Any) -> Any:
    """An item as its child gets it: ItemSelector's, where there is one."""
    selector = self.item_selector or self.parameters
    if not selector:
        return item
    frame = env.open_inner_frame()
    try:
        context = frame.states.context_object.context_object_data
        context["Map"] = MapData(Item=ItemData(Index=index, Value=item))
        frame.states.reset(input_value=given)
        frame.stack = [given]
        selector.eval(frame)
        return frame.stack.pop()
    finally:
        frame.set_ended()
        env.delete_frame(frame)


def work_of(self: Any, env: Any, run: MapRun, child: Child) -> Callable[[], bool]:
    """Give what runs a child, and says whether to go on."""
    program = self.iteration_component._get_iteration_program()

    def work() -> bool:
        if not env.is_running() or run.too_many_failed:
            return False
        frame = env.open_inner_frame()
        frame.event_manager = EventManager()
        frame.event_history_context = EventHistoryContext.of_program_start()
        child.env = frame
        run.move(child, "RUNNING")
        _enter(frame, child)
        program.eval(frame)
        status = _end_child(frame, child)
        run.move(child, status)
        env.delete_frame(frame)
        if run.too_many_failed:
            for other in run.children:
                if other.status == "RUNNING":
                    other.stop(None, None, None)
        return True

    return work


def _enter(frame: Any, child: Child) -> None:
    """Make a frame the child's own execution."""
    context = frame.states.context_object.context_object_data
    context["Execution"] = context["Execution"] | {
        "Id": child.execution_arn,
        "Name": child.name,
        "Input": child.given,
        "StartTime": clients.iso(child.start_date) if child.start_date else None,
    }
    context["StateMachine"] = {
        "Id": child.state_machine_arn,
        "Name": child.state_machine_arn.rsplit(":", 1)[1],
    }
    context.pop("State", None)
    frame.states.reset(input_value=child.given)
    history.tell(
        frame,
        HistoryEventType.ExecutionStarted,
        move=False,
        executionStartedEventDetails={
            "input": child.execution_input,
            "inputDetails": {"truncated": False},
            "roleArn": frame.aws_execution_details.role_arn,
        },
    )


def _end_child(frame: Any, child: Child) -> str:
    failed = error_of(frame)
    if failed is not None:
        child.error, child.cause = failed.get("error"), failed.get("cause")
        history.tell(frame, HistoryEventType.ExecutionFailed, executionFailedEventDetails=failed)
        return "FAILED"
    if not isinstance(frame.program_state(), ProgramEnded):
        history.tell(frame, HistoryEventType.ExecutionAborted, executionAbortedEventDetails={})
        return "ABORTED"
    child.output = frame.states.get_input()
    history.tell(
        frame,
        HistoryEventType.ExecutionSucceeded,
        executionSucceededEventDetails={
            "output": to_json_str(child.output, separators=(",", ":")),
            "outputDetails": {"truncated": False},
        },
    )
    return "SUCCEEDED"
