"""Why a run failed: one cause, from the board, the tables' SQL, the functions' logs and rejects."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from headrace import advice, function_log, job_board, job_end, rejected, step_log
from headrace.board import Board, Failure, Stage
from headrace.causes import Cause, innermost, read_cause
from headrace.job_board import Jobs
from headrace.job_end import Ended
from headrace.plan import Plan

#: Errors that say no more than that a function ended, or that its log says the rest.
_MUTE = re.compile(
    r"Lambda\.Unknown|Runtime\.|Sandbox\.|States\.(Timeout|TaskFailed)|Extension\."
    r"|EveryProbeFailed"
)
#: An item as the function `map` names it.
_ITEM = re.compile(r"\bitem \d+: \{.*?\}")
_FUNCTIONS = {"": "run", "prepare": "run", "look": "run", "commit": "register"}


@dataclass(frozen=True)
class Why:
    """One cause.

    Parameters
    ----------
    kind : str
        What kind of cause it is, in words.
    stage, step : str
        Where; no stage where the run itself couldn't begin, or was stopped.
    error, message : str
        What was said, by its own name and in full.
    input : str
        What was worked on: items, or the SQL's line.
    frame : str
        The innermost line of the user's own code.
    function, log : str
        The function, and the first useful line of its log.
    said : sequence of str
        All lines of that log.
    reasons : sequence of (int, str)
        The most common reasons of rejected items.
    do : str
        What to do.
    others : sequence of str
        Stages that failed as well.
    """

    kind: str
    stage: str
    step: str
    error: str
    message: str
    input: str = ""
    frame: str = ""
    function: str = ""
    log: str = ""
    said: Sequence[str] = ()
    reasons: Sequence[tuple[int, str]] = ()
    do: str = ""
    others: Sequence[str] = field(default_factory=tuple)

    def document(self) -> dict[str, Any]:
        """It as JSON would have it."""
        told = asdict(self)
        del told["said"]
        told["reasons"] = [{"count": n, "reason": reason} for n, reason in self.reasons]
        return {key: value if value != "" else None for key, value in told.items()}


@dataclass(frozen=True)
class Evidence:
    """Where the rest of a cause is found.

    Parameters
    ----------
    client : callable
        Makes a boto3 client of a service.
    bucket : str
        The lake's.
    """

    client: Callable[[str], Any]
    bucket: str

    def query(self, query_id: str) -> Cause:
        """Athena's own words on a query."""
        told = self.client("athena").get_query_execution(QueryExecutionId=query_id)
        execution = told["QueryExecution"]
        reason = execution["Status"].get("StateChangeReason", "no reason given")
        return Cause(f"Athena.{execution['Status']['State']}", reason, query=query_id)

    def log(
        self, function: str, first: datetime.datetime, last: datetime.datetime, request: str
    ) -> list[str]:
        """What a function said."""
        return function_log.lines(self.client("logs"), function, first, last, request)

    def step(self, log_file: str) -> list[str]:
        """What a step of a cluster said."""
        return step_log.lines(self.client("s3"), log_file)

    def job(self, group: str, prefix: str, stage: Stage, cause: Cause, *, log: bool) -> Ended:
        """How a job ended."""
        where = (self.client("s3"), self.bucket, prefix)
        jobs, ranks = Jobs(self.client, group), stage.kind in ("mpi", "dask")
        return job_end.ended(jobs, *where, stage.job or "", cause, ranks=ranks, log=log)

    def reasons(self, prefix: str) -> list[tuple[int, str]]:
        """Why items failed in one try of a stage."""
        return rejected.reasons(self.client("s3"), self.bucket, prefix)


def why(
    plan: Plan, board: Board, evidence: Evidence, *, log: bool = False, stage: str | None = None
) -> Why | None:
    """Find the one cause of a failed run.

    Parameters
    ----------
    plan : Plan
    board : Board
    evidence : Evidence
    log : bool
        Whether the function's log is read even where its error says all.
    stage : str, optional
        Of several stages that failed, the one that is asked about; the first one if not given.

    Returns
    -------
    Why or None
        None where nothing failed (yet), or not that stage.
    """
    failed = sorted(board.failed, key=lambda one: one.name != stage)
    if stage and (not failed or failed[0].name != stage):
        return None
    if failed:
        others = tuple(stage.name for stage in failed[1:])
        return _of_stage(plan, board, failed[0], evidence, others, log=log)
    if board.failure is None or board.status == "SUCCEEDED":
        return None
    return _of_run(plan, board, board.failure, evidence, log=log)


def _of_run(plan: Plan, board: Board, failure: Failure, evidence: Evidence, *, log: bool) -> Why:
    """A run that no stage failed: stopped, out of time, or never begun."""
    at = [s for s in board.stages.values() if s.state == "stopped"]
    cause = read_cause(failure.error, failure.cause)
    if at or board.status in ("ABORTED", "TIMED_OUT"):
        case = advice.case_of(failure.error, cause.message)
        return Why(
            kind=case.name,
            stage=", ".join(stage.name for stage in at),
            step=", ".join(dict.fromkeys(stage.step for stage in at)),
            error=cause.error,
            message=cause.message or "the run was stopped",
            do=_fill(case.do, plan, board, ""),
        )
    return _told(plan, board, None, failure, cause, evidence, (), log=log)


def _of_stage(
    plan: Plan,
    board: Board,
    stage: Stage,
    evidence: Evidence,
    others: tuple[str, ...],
    *,
    log: bool,
) -> Why:
    failure = stage.failures[-1]
    cause = read_cause(failure.error, failure.cause)
    if failure.step == "unload" and (query := cause.query or stage.query):
        cause = evidence.query(query)
    return _told(plan, board, stage, failure, cause, evidence, others, log=log)


def _told(
    plan: Plan,
    board: Board,
    stage: Stage | None,
    failure: Failure,
    cause: Cause,
    evidence: Evidence,
    others: tuple[str, ...],
    *,
    log: bool,
) -> Why:
    step = failure.step if stage else "begin"
    function = _function(plan, stage, failure.step)
    mute = _MUTE.search(cause.error) is not None and step != "unload"
    said: list[str] = []
    if function and (mute or log):
        began = (stage.started if stage else board.started) or failure.at
        said = evidence.log(function, began, failure.at, cause.request)
    line = function_log.first_useful(said)
    if cause.log:
        said = evidence.step(cause.log)
        late = f"none yet: EMR copies {cause.log} in five minutes"
        line = step_log.first_useful(said) if said else late
    prefix = stage.gave.get("prepare", {}).get("prefix", "") if stage else ""
    if stage and step in job_board.STEPS:
        ended = evidence.job(plan.job_logs, prefix, stage, cause, log=log)
        cause, line, said = ended.cause, ended.line, list(ended.said)
    full = "\nout of memory" if function_log.full_memory(said) else ""
    case = advice.case_of(cause.error, f"{cause.message}\n{line}{full}")
    wants = step == "map" or "TooManyFailed" in cause.error
    return Why(
        kind=case.name,
        stage=stage.name if stage else "",
        step=step,
        error=cause.error,
        message=cause.message,
        input=_input(plan, stage, step, cause, evidence.bucket),
        frame=cause.frame or innermost(_named(plan, stage, said)),
        function=function,
        log=line,
        said=said,
        reasons=evidence.reasons(prefix) if prefix and wants else (),
        do=_fill(case.do, plan, board, stage.name if stage else ""),
        others=others,
    )


def _named(plan: Plan, stage: Stage | None, said: Sequence[str]) -> str:
    """What was said, with a Spark program by its path: nodes have it by its asset's name."""
    text = "\n".join(said)
    if stage is None:
        return text
    asked = stage.asked.get("look", {}).get("Payload", {})
    file = asked.get("program", {}).get("file", "").rpartition("/")[2]
    return text.replace(f"/{file}", f"/{plan.stage(stage.name).program}") if file else text


def _function(plan: Plan, stage: Stage | None, step: str) -> str:
    if stage is None:
        return plan.function("run")
    if step in ("probe", "map"):
        return plan.map_function(stage.name)
    return plan.function(_FUNCTIONS[step]) if step in _FUNCTIONS else ""


def _input(plan: Plan, stage: Stage | None, step: str, cause: Cause, bucket: str) -> str:
    """What was worked on, in a line."""
    if stage is None:
        return ""
    prepared = stage.gave.get("prepare", {})
    if looked := stage.gave.get("look"):
        place = plan.stage(stage.name).prefix.replace("{lake}", bucket)
        place = place or f"s3://{bucket}/{prepared.get('prefix', '')}in/"
        return f"{looked['files']:,} files, {looked['bytes'] / 2**20:,.1f} MiB, {place}"
    sql = str(prepared.get("sql") or plan.stage(stage.name).sql)
    if step == "unload":
        return sql_line(sql, cause.message)
    if item := _ITEM.search(cause.message):
        return item[0]
    payload = stage.asked.get(step, {}).get("Payload", {})
    if "first" in payload:
        return f"items {payload['first']:,} to {payload['last']:,}"
    if items := stage.gave.get("probe", {}).get("items"):
        return f"{items:,} items, s3://{bucket}/{prepared.get('prefix', '')}"
    if prefix := plan.stage(stage.name).prefix:
        return f"the objects under {prefix.replace('{lake}', bucket)}"
    return f"the items of {sql_line(plan.stage(stage.name).sql, '')}"


def sql_line(sql: str, message: str) -> str:
    """The line of the SQL that an error of Athena names (``line 3:14``), else its first ones."""
    lines = sql.splitlines()
    place = re.search(r"\bline (\d+):(\d+)", message)
    if place and 0 < int(place[1]) <= len(lines):
        return lines[int(place[1]) - 1].strip()
    return " ".join(sql.split())[:200]


def _fill(text: str, plan: Plan, board: Board, stage: str) -> str:
    return text.format(
        study=plan.study.name, package=plan.package, run=board.run, stage=stage or "STAGE"
    )
