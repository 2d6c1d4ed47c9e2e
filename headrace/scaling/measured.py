"""Takes the times of a stage: runs of it at some numbers of workers, one after the other.

The runs go up and down through the numbers, so that a machine that slows down, or a cache that
fills, isn't taken for a loss by workers. One run goes before them and isn't counted: what is
compiled and fetched once, a laptop has from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from headrace.board import Board, Stage
from headrace.errors import HeadraceError
from headrace.lake import done_key, get_json
from headrace.plan import StagePlan
from headrace.scaling.laws import Timings

#: Kinds of stages whose workers a run can be told, and what tells their time.
CLOCKS = {
    "mpi": "the program, from the start of its ranks to their end",
    "batch": "the program, by the first of its copies",
    "dask": "the program, from the start of its cluster to its end",
    "map": "the calls, from the first one's start to the last one's end",
}
_REFUSED = {
    "query": "a query, whose workers are Athena's to choose",
    "mapreduce": "a MapReduce, whose workers are the nodes of the run's cluster",
    "gpu": "a Gpu stage, whose workers are those of its GPU",
    "spark": "a Spark stage, whose workers are the nodes of the run's cluster",
}


class ScalingError(HeadraceError):
    """A stage's scaling can't be measured."""


@dataclass(frozen=True)
class Measured:
    """One time of a stage.

    Parameters
    ----------
    workers : int
    seconds : float
        By the clock that :data:`CLOCKS` names for its kind.
    stage_s : float
        Of the whole stage: with its input, its start, and the commit of its table.
    run : str
        The run's id.
    checksum : str
        Of the rows that it gave, in their order.
    counted : bool
        Whether the laws are fitted to it: not the run that goes before.
    """

    workers: int
    seconds: float
    stage_s: float
    run: str
    checksum: str
    counted: bool = True

    def document(self) -> dict[str, Any]:
        """It as JSON would have it."""
        return asdict(self)


def check_kind(stage: StagePlan) -> None:
    """Refuse a stage whose number of workers no run can be told.

    Raises
    ------
    ScalingError
    """
    if stage.kind not in CLOCKS:
        raise ScalingError(
            f"measuring the scaling of stage {stage.name}",
            _REFUSED.get(stage.kind, f"kind {stage.kind}, whose workers no run can be told"),
            f"Name a stage of kind {', '.join(CLOCKS)}.",
        )


def order(counts: Sequence[int], repeats: int, warm_up: bool) -> Iterator[tuple[int, bool]]:
    """Numbers of workers in the order of their runs, and whether each counts."""
    if warm_up:
        yield max(counts), False
    for repeat in range(repeats):
        for count in sorted(counts, reverse=repeat % 2 == 1):
            yield count, True


def measure(
    stage: StagePlan,
    workers: int,
    counted: bool,
    run: Callable[[int], Board],
    client: Callable[[str], Any],
    bucket: str,
    study: str,
) -> Measured:
    """Run a stage once, and take its time.

    Parameters
    ----------
    stage : StagePlan
    workers : int
    counted : bool
    run : callable
        Runs it with so many workers to its end.
    client : callable
        Makes a boto3 client of a service.
    bucket : str
        The lake's.
    study : str
        Its name.

    Raises
    ------
    ScalingError
        Where the stage isn't done at the end.
    """
    board = run(workers)
    found = board.stages[stage.name]
    if found.state != "done" or found.started is None or found.ended is None:
        failed = f": {found.failures[-1].error}" if found.failures else ""
        raise ScalingError(
            f"measuring stage {stage.name} at {workers} workers",
            f"it {found.state} in run {board.run}{failed}",
            f"For the reason: headrace why {study} {board.run}",
        )
    done = get_json(client("s3"), bucket, done_key(board.run, stage.name)) or {}
    if stage.kind == "map":
        seconds = calls_s(client("stepfunctions"), found)
    else:
        seconds = _of_program(stage, board.run, done)
    stage_s = (found.ended - found.started).total_seconds()
    return Measured(workers, seconds, stage_s, board.run, str(done.get("checksum")), counted)


def _of_program(stage: StagePlan, run: str, done: dict[str, Any]) -> float:
    found = done.get("facts", {}).get("program_s")
    if not isinstance(found, int | float) or found <= 0:
        raise ScalingError(
            f"reading the time of stage {stage.name} in run {run}",
            f"program_s={found!r} among its facts",
            "Deploy the study again, whose image then notes it.",
        )
    return float(found)


def calls_s(states: Any, stage: Stage) -> float:
    """Seconds from the start of a Map's first call to the end of its last.

    Raises
    ------
    ScalingError
        Where it had none.
    """
    if stage.map_run is None:
        raise ScalingError(
            f"reading the time of stage {stage.name}",
            "no map run in its history",
            "Measure it again.",
        )
    told = states.get_paginator("list_executions").paginate(mapRunArn=stage.map_run)
    calls = [call for page in told for call in page["executions"]]
    if not calls:
        raise ScalingError(
            f"reading the time of stage {stage.name}",
            "no call in its map run",
            "Give it items: what has nothing to do doesn't scale.",
        )
    first = min(call["startDate"] for call in calls)
    return float((max(call["stopDate"] for call in calls) - first).total_seconds())


def timings(measured: Sequence[Measured]) -> Timings:
    """The times that count."""
    counted = [one for one in measured if one.counted]
    return Timings(
        np.array([one.workers for one in counted], dtype=float),
        np.array([one.seconds for one in counted], dtype=float),
    )


def around_s(measured: Sequence[Measured]) -> float | None:
    """Seconds of the stage beside those: its input, its start, the commit; None without runs."""
    spent = [one.stage_s - one.seconds for one in measured if one.counted]
    return float(np.median(spent)) if spent else None


def same_answer(measured: Sequence[Measured]) -> bool | None:
    """Whether all runs gave the same rows; None where there is but one number of workers."""
    if len({one.workers for one in measured}) < 2:
        return None
    return len({one.checksum for one in measured}) == 1
