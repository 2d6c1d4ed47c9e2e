"""The board of a run with jobs of Batch, how far they are, and why one of them failed."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from headrace import board as boards
from headrace.board import Board
from headrace.causes import read_cause
from headrace.cli import stage_board
from headrace.follow import Follower
from headrace.job_board import JobProgress, Jobs
from headrace.job_end import first_useful
from headrace.run_history import History
from headrace.runs import Execution
from headrace.stages import Batch, Mpi
from headrace.why import Evidence, Why, why
from tests.unit.run_events import RUN, START, Length, Writer, study_of

PLAN = study_of(
    Mpi("grid", "tasks/mpi/grid.py", "SELECT number FROM lines", Length),
    Batch("draws", "tasks/mpi/draws.py", "SELECT number FROM grid", Length, size=4),
)
GROUP = "/headrace/t/jobs"
STREAM = "headrace-t-grid/default/0a1b"
PREFIX = f"runs/{RUN}/grid/1-0a1b2c3d/"
EXECUTION = Execution("arn:e", RUN, 1, "RUNNING", START)


def at_job(stage: str = "grid", step: str = "job") -> Writer:
    """A job that was submitted."""
    writer = Writer().begin().prepared(stage).unload(stage)
    writer.task(f"{stage}: look", {"files": 2, "bytes": 3 << 20})
    writer.enter(f"{stage}: {step}", "Task")
    about = {"resourceType": "batch", "resource": "submitJob.sync"}
    writer.add("TaskScheduled", **about, parameters="{}")
    writer.add("TaskStarted", **about)
    writer.add("TaskSubmitted", **about, output=json.dumps({"JobId": "j-1", "JobName": "n"}))
    return writer


class BatchClient:
    """Batch with the jobs that a test tells of."""

    def __init__(self, *jobs: dict[str, Any]) -> None:
        self.jobs = {job["jobId"]: job for job in jobs}

    def describe_jobs(self, jobs: list[str]) -> dict[str, Any]:
        return {"jobs": [self.jobs[job] for job in jobs if job in self.jobs]}

    def list_jobs(self, arrayJobId: str, jobStatus: str) -> dict[str, Any]:  # noqa: N803
        found = [j for id_, j in self.jobs.items() if id_.startswith(f"{arrayJobId}:")]
        return {"jobSummaryList": [j for j in found if j["status"] == jobStatus]}


def job(status: str, reason: str = "", **more: Any) -> dict[str, Any]:
    told = {"jobId": "j-1", "status": status, **more}
    return told | ({"statusReason": reason} if reason else {})


@pytest.fixture
def aws() -> Iterator[dict[str, Any]]:
    words = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    with mock_aws():
        clients = {name: boto3.client(name, **words) for name in ("s3", "logs")}
        clients["s3"].create_bucket(Bucket="lake")
        clients["logs"].create_log_group(logGroupName=GROUP)
        yield clients


def say(aws: dict[str, Any], *lines: str, stream: str = STREAM) -> None:
    about = {"logGroupName": GROUP, "logStreamName": stream}
    aws["logs"].create_log_stream(**about)
    at = int(datetime.datetime.now(datetime.UTC).timestamp() * 1000)
    events = [{"timestamp": at + n, "message": line} for n, line in enumerate(lines)]
    aws["logs"].put_log_events(**about, logEvents=events)


def jobs(aws: dict[str, Any], *told: dict[str, Any]) -> Jobs:
    return Jobs((aws | {"batch": BatchClient(*told)}).__getitem__, GROUP)


class States:
    """Step Functions with one history."""

    def __init__(self, writer: Writer) -> None:
        self.writer = writer

    def get_execution_history(self, **_: Any) -> dict[str, Any]:
        return {"events": self.writer.events}


WAITS = "asks 8,192 MB, the largest host offers 7,680"


def test_a_job_that_waits_is_queued_and_says_why(aws: dict[str, Any]) -> None:
    waiting = jobs(aws, job("RUNNABLE", WAITS))
    follower = Follower(PLAN, EXECUTION, States(at_job()), None, waiting)
    assert follower.turn()
    board, grid = follower.board, follower.board.stages["grid"]
    assert (grid.state, grid.step, grid.job) == ("running", "job", "j-1")
    said = stage_board.words(board, grid, follower.progress["grid"])
    assert said == f"job queued by Batch, RUNNABLE: {WAITS}"
    assert board.document(START)["stages"][0]["why"] == f"RUNNABLE: {WAITS}"
    assert board.why_queued(board.stages["draws"]) == "waits for grid"


def test_without_anyone_to_ask_a_job_just_runs() -> None:
    follower = Follower(PLAN, EXECUTION, States(at_job()), None)
    follower.turn()
    assert follower.progress == {}


def running(**more: Any) -> dict[str, Any]:
    return job("RUNNING", container={"logStreamName": STREAM}, **more)


def test_a_job_that_runs_is_as_far_as_its_program_says(aws: dict[str, Any]) -> None:
    assert jobs(aws, running()).progress("j-1") == JobProgress("RUNNING")  # no line as yet
    assert jobs(aws, running()).progress("j-1").words() == "RUNNING"
    say(aws, "[0] progress 2/10", "[0] progress 3/10", "[1] tried 4/5")
    found = jobs(aws, running()).progress("j-1")
    assert (found.words(), found.why) == ("3 of 10", "")


def test_of_many_nodes_the_main_one_speaks(aws: dict[str, Any]) -> None:
    say(aws, "progress 1/2", stream="main")
    parent = job("RUNNING", nodeProperties={"mainNode": 1, "numNodes": 2})
    main = {"jobId": "j-1#1", "status": "RUNNING", "container": {"logStreamName": "main"}}
    assert jobs(aws, parent, main).progress("j-1").words() == "1 of 2"


def an_array(**counts: int) -> dict[str, Any]:
    return job("PENDING", arrayProperties={"size": 4, "statusSummary": counts})


def test_copies_are_counted(aws: dict[str, Any]) -> None:
    found = jobs(aws, an_array(RUNNING=1, SUCCEEDED=2, FAILED=1)).progress("j-1")
    assert (found.words(), found.why) == ("3 of 4 copies, 1 failed", "")
    child = {"jobId": "j-1:0", "status": "RUNNABLE", "statusReason": WAITS}
    found = jobs(aws, an_array(RUNNABLE=4), child).progress("j-1")
    assert (found.words(), found.why) == ("queued by Batch", f"RUNNABLE: {WAITS}")
    assert jobs(aws, an_array()).progress("j-1").why == "PENDING"


def test_a_job_that_batch_has_forgotten_is_unknown(aws: dict[str, Any]) -> None:
    assert jobs(aws).progress("j-1").words() == "unknown"


def test_a_job_that_ended_gives_way_to_the_next_step(aws: dict[str, Any]) -> None:
    writer = at_job("draws", "array")
    follower = Follower(PLAN, EXECUTION, States(writer), None, jobs(aws, an_array(RUNNABLE=4)))
    follower.turn()
    draws = follower.board.stages["draws"]
    assert (draws.step, draws.why) == ("array", "RUNNABLE")
    about = {"resourceType": "batch", "resource": "submitJob.sync"}
    writer.add("TaskSucceeded", **about, output='{"JobId": "j-1"}')
    writer.committed("draws", 5, 0)
    follower.turn()
    assert (draws.state, draws.rows, draws.why) == ("done", 5, "")


def cause(reason: str, code: int | None = 1, container: str = "", **more: Any) -> str:
    """What Step Functions keeps of a job that failed: DescribeJobs' answer, in capitals."""
    told = {"LogStreamName": STREAM, **({} if code is None else {"ExitCode": code})}
    told |= {"Reason": container} if container else {}
    held = {"JobId": "j-1", "Status": "FAILED", "StatusReason": reason, "Container": told}
    return json.dumps({**held, "Attempts": [{"Container": told, "StatusReason": reason}], **more})


ENDED = "Essential container in task exited"


def failing(text: str, error: str = "States.TaskFailed", **where: str) -> Board:
    writer = at_job(**where)
    about = {"resourceType": "batch", "resource": "submitJob.sync"}
    writer.add("TaskFailed", **about, error=error, cause=text)
    stage = where.get("stage", "grid")
    writer.enter(f"{stage}: failed").stage_failed((stage, error, text))
    board = boards.empty(PLAN, RUN, 1)
    History(board).read(writer.events)
    return board


def find(aws: dict[str, Any], board: Board, *told: dict[str, Any], log: bool = False) -> Why:
    clients = aws | {"batch": BatchClient(*told)}
    found = why(PLAN, board, Evidence(clients.__getitem__, "lake"), log=log)
    assert found
    return found


def left(aws: dict[str, Any], **told: Any) -> None:
    aws["s3"].put_object(Bucket="lake", Key=f"{PREFIX}failed.json", Body=json.dumps(told).encode())


def test_a_rank_that_raises_is_named_with_its_line(aws: dict[str, Any]) -> None:
    left(aws, rank=2, reason="ValueError: a NaN in row 3", where="tasks/mpi/grid.py:41")
    found = find(aws, failing(cause(ENDED)))
    assert (found.stage, found.step, found.error) == ("grid", "job", "Batch.FAILED")
    assert found.message == "rank 2: ValueError: a NaN in row 3"
    assert found.frame == "tasks/mpi/grid.py:41"
    assert found.kind == "the program failed in its container"
    assert found.input.startswith("2 files, 3.0 MiB, s3://lake/runs/")
    assert found.said == []  # nobody asked for it, and the reason is known
    assert "--resume" in found.do


def test_the_whole_log_is_there_for_who_asks(aws: dict[str, Any]) -> None:
    left(aws, rank=None, reason="mpiexec ended with 1", where=None)
    say(aws, "[0] reading", "headrace: mpiexec ended with 1")
    found = find(aws, failing(cause(ENDED)), log=True)
    assert found.said == ["[0] reading", "headrace: mpiexec ended with 1"]
    assert (found.message, found.frame) == ("mpiexec ended with 1", "")


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (
            cause(ENDED, 137, "OutOfMemoryError: Container killed due to memory usage"),
            "out of memory in the container",
            f"{ENDED}: OutOfMemoryError: Container killed due to memory usage (exit 137)",
        ),
        (
            cause("Job attempt duration exceeded timeout", 143),
            "out of time in the container",
            "Job attempt duration exceeded timeout (exit 143)",
        ),
        (
            cause("Host EC2 (instance i-1) terminated.", None),
            "a host that was taken away",
            "Host EC2 (instance i-1) terminated",
        ),
        (
            cause("Task failed to start", None, "CannotPullContainerError: not found"),
            "an image that is not there",
            "Task failed to start: CannotPullContainerError: not found",
        ),
    ],
)
def test_what_batch_knows_better_is_told_by_it(
    aws: dict[str, Any], text: str, kind: str, said: str
) -> None:
    left(aws, rank=None, reason="stopped from outside, by SIGTERM", where=None)
    found = find(aws, failing(text))
    assert (found.kind, found.message) == (kind, said)


def test_a_job_that_left_nothing_is_told_by_its_log(aws: dict[str, Any]) -> None:
    say(aws, "[1] Traceback (most recent call last):", "[1]   File x", "[1] KeyError: 'rho'", "end")
    found = find(aws, failing(cause(ENDED, 3)))
    assert (found.message, found.log) == (f"{ENDED} (exit 3)", "KeyError: 'rho'")


def test_a_rank_that_hangs_is_out_of_time(aws: dict[str, Any]) -> None:
    left(aws, rank=1, reason="no end after 60 s: rank 1 elsewhere", where="tasks/mpi/grid.py:9")
    assert find(aws, failing(cause(ENDED))).kind == "out of time in the container"


def test_of_an_array_a_copy_that_failed_is_asked(aws: dict[str, Any]) -> None:
    say(aws, "MemoryError", stream="copy-2")
    text = json.dumps(
        {"JobId": "j-1", "Status": "FAILED", "StatusReason": "Array Child Job failed"}
    )
    parent = job("FAILED", arrayProperties={"size": 4, "statusSummary": {"FAILED": 1}})
    child = {"jobId": "j-1:2", "status": "FAILED", "container": {"logStreamName": "copy-2"}}
    found = find(aws, failing(text, stage="draws", step="array"), parent, child)
    assert (found.step, found.message, found.log) == (
        "array",
        "Array Child Job failed",
        "MemoryError",
    )
    assert found.kind == "out of memory in the container"


def test_a_copy_has_no_rank(aws: dict[str, Any]) -> None:
    key = PREFIX.replace("grid", "draws")
    told = json.dumps({"rank": 0, "reason": "ValueError: bad", "where": "tasks/mpi/draws.py:3"})
    aws["s3"].put_object(Bucket="lake", Key=f"{key}failed.json", Body=told.encode())
    text = json.dumps(
        {"JobId": "j-1", "Status": "FAILED", "StatusReason": "Array Child Job failed"}
    )
    found = find(aws, failing(text, stage="draws", step="array"))
    assert (found.message, found.frame) == ("ValueError: bad", "tasks/mpi/draws.py:3")


def test_a_job_that_was_never_taken_has_no_log(aws: dict[str, Any]) -> None:
    board = failing("no such job queue", "Batch.ClientException")
    board.stages["grid"].job = None
    found = find(aws, board)
    assert (found.kind, found.error, found.message, found.log) == (
        "a job that Batch does not take",
        "Batch.ClientException",
        "no such job queue",
        "",
    )


def test_a_state_that_waited_too_long_is_told_by_its_job(aws: dict[str, Any]) -> None:
    say(aws, "last words")
    told = running()
    assert find(aws, failing("", "States.Timeout"), told).log == "last words"


def test_the_lines_of_boot_say_most() -> None:
    said = ["headrace: rank 0: KeyError: 1", "ValueError: no", "[0] headrace: rank 2: x", "bye"]
    assert first_useful(said) == "headrace: rank 2: x"
    assert first_useful(["[0] KeyError: 1", "bye"]) == "KeyError: 1"
    assert first_useful([]) == ""


def test_batch_s_own_small_letters_are_read_too() -> None:
    found = read_cause("e", '{"jobId": "j", "status": "FAILED", "attempts": []}')
    assert (found.error, found.message, found.exit) == ("Batch.FAILED", "no reason given", None)
