"""What the stages of the last run gave, for the report: their states and their books."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from headrace.board import Board
from headrace.follow import Follower
from headrace.plan import RUNS, Plan
from headrace.runs import Machine, RunError
from headrace.sql import Answer

_SCHEMA = pa.schema(
    [
        pa.field("stage", pa.string()),
        pa.field("state", pa.string()),
        pa.field("rows", pa.int64()),
        pa.field("quarantined", pa.int64()),
        pa.field("seconds", pa.float64()),
        pa.field("cost in USD", pa.float64()),
    ]
)
_ENDS = {
    "SUCCEEDED": "succeeded",
    "RUNNING": "is still running",
    "ABORTED": "was stopped",
    "TIMED_OUT": "ran out of time",
}


@dataclass(frozen=True)
class LastRun:
    """A run, how it ended, and its stages as a table."""

    run: str
    status: str
    stages: pa.Table

    def words(self) -> str:
        """The run in a sentence."""
        how = _ENDS.get(self.status, "failed")
        cost = sum(value or 0.0 for value in self.stages["cost in USD"].to_pylist())
        return f"Run {self.run} {how}. At AWS's list prices its stages come to {cost:.4f} USD."


def take(
    plan: Plan, client: Callable[[str], Any], account: str, ask: Callable[[str], Answer]
) -> LastRun | None:
    """Look at the last run of a study.

    Parameters
    ----------
    plan : Plan
    client : callable
        Makes a boto3 client of a service.
    account : str
    ask : callable
        Runs SQL.

    Returns
    -------
    LastRun or None
        None where it has never run, or Step Functions has forgotten it.
    """
    states = client("stepfunctions")
    machine = Machine(plan, states, account)
    try:
        execution = machine.last()
    except RunError:
        return None
    follower = Follower(plan, execution, states, client("athena"))
    follower.turn()
    return LastRun(execution.run, execution.status, joined(follower.board, ask(sql(execution.run))))


def sql(run: str) -> str:
    """What the lake keeps of a run's stages, each by its newest attempt."""
    newest = f"SELECT stage, max(attempt) AS attempt FROM {RUNS}"  # noqa: S608 - an id, checked
    newest += f" WHERE run = '{run}' GROUP BY stage"
    return (  # the names and the id are ours
        "SELECT r.stage, r.rows_out, r.quarantined, r.cost_usd,"
        " date_diff('millisecond', r.started, r.ended) / 1e3 AS seconds\n"
        f"FROM {RUNS} AS r JOIN ({newest}) AS n ON n.stage = r.stage AND n.attempt = r.attempt\n"
        f"WHERE r.run = '{run}'"
    )


def joined(board: Board, answer: Answer) -> pa.Table:
    """The states of a board beside what the lake keeps."""
    kept = {row["stage"]: row for row in answer.rows.to_pylist()}
    rows = []
    for stage in board.stages.values():
        row = kept.get(stage.name, {})
        values = [row.get(name) for name in ("rows_out", "quarantined", "seconds", "cost_usd")]
        rows.append(dict(zip(_SCHEMA.names, [stage.name, stage.state, *values], strict=True)))
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
