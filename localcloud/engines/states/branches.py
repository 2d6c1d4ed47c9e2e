"""Branches of a Parallel and iterations of an inline Map: side by side, ended by what fails."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any

from moto.stepfunctions.parser.api import HistoryEventType
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.inline_iteration_component import (  # noqa: E501
    InlineIterationComponent,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.itemprocessor.inline_item_processor_worker import (  # noqa: E501
    InlineItemProcessorWorker,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_map.iteration.job import Job
from moto.stepfunctions.parser.asl.component.state.exec.state_parallel.branches_decl import (
    BranchesDecl,
)

from localcloud.engines.patching import Method, patch, wrap
from localcloud.engines.states.errors import failure
from localcloud.engines.states.stopping import error_of, require_running

#: https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html
MOST_INLINE = 40


def install() -> None:
    """Put these in moto's place."""
    patch(BranchesDecl, _eval_body=_run_branches)
    patch(InlineIterationComponent, _eval_body=_iterate)
    wrap(InlineItemProcessorWorker, _eval_input=_item_is_known_to_the_selector_alone)


def _run_branches(self: Any, env: Any) -> None:
    """Run all branches; the first that fails ends the others."""
    given = env.stack.pop()
    ended: SimpleQueue[Any] = SimpleQueue()
    frames = []
    for program in self.programs:
        frame = env.open_inner_frame()
        frame.states.reset(input_value=copy.deepcopy(given))
        frames.append(frame)
        threading.Thread(
            target=_ending(program.eval, frame, ended), name="branch", daemon=True
        ).start()
    first: dict[str, Any] | None = None
    for _ in frames:
        failed = error_of(ended.get())
        if failed is not None and first is None:
            first = failed
            for frame in frames:
                frame.set_stop(stop_date=None, cause=None, error=None)
    for frame in frames:
        env.close_frame(frame)
    require_running(env)
    if first is not None:
        raise failure(
            env, first.get("error", ""), first.get("cause", ""), HistoryEventType.ExecutionFailed
        )
    env.stack.append([frame.states.get_input() for frame in frames])


def _ending(run: Callable[[Any], None], frame: Any, ended: SimpleQueue[Any]) -> Callable[[], None]:
    def branch() -> None:
        try:
            run(frame)
        finally:
            ended.put(frame)

    return branch


def side_by_side(workers: int, jobs: list[Callable[[], bool]]) -> None:
    """Run jobs in order, `workers` at a time, until one says not to go on."""
    waiting, raised = iter(jobs), list[BaseException]()
    lock, over = threading.Lock(), threading.Event()

    def work() -> None:
        try:
            while not over.is_set():
                with lock:
                    job = next(waiting, None)
                if job is None:
                    return
                if not job():
                    over.set()
        except BaseException as fault:
            raised.append(fault)
            over.set()

    threads = [
        threading.Thread(target=work, name="map", daemon=True)
        for _ in itertools.islice(jobs, workers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if raised:
        raise raised[0]


def _iterate(self: Any, env: Any) -> None:
    """Run an inline Map: the first iteration that fails ends the others."""
    given = env.stack.pop()
    worker = self._create_worker(env=env, eval_input=given, job_pool=None)
    program = self._get_iteration_program()
    jobs = [Job(index, program, item) for index, item in enumerate(given.input_items)]
    frames: list[Any] = []
    failed: list[Exception] = []

    def run(job: Job) -> bool:
        if not env.is_running():
            return False
        frame = env.open_inner_frame()
        frames.append(frame)
        worker._eval_job(env=frame, job=job)
        env.close_frame(frame)
        if isinstance(job.job_output, Exception) and not failed:
            failed.append(job.job_output)
            for other in list(frames):
                other.set_stop(stop_date=None, cause=None, error=None)
        return not failed

    def bound(job: Job) -> Callable[[], bool]:
        return lambda: run(job)

    side_by_side(
        min(given.max_concurrency or MOST_INLINE, MOST_INLINE), [bound(job) for job in jobs]
    )
    require_running(env)
    if failed:
        raise failed[0]
    env.stack.append([job.job_output for job in jobs])


def _item_is_known_to_the_selector_alone(eval_input: Method) -> Method:
    def evaluate(self: Any, env_frame: Any) -> None:
        # https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html:
        # $$.Map can be named in ItemSelector, not within the states of the ItemProcessor.
        eval_input(self, env_frame)
        env_frame.states.context_object.context_object_data.pop("Map", None)

    return evaluate
