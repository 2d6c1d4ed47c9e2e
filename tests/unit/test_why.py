"""One cause of a failed run: where, what was said, by which input, and what to do."""

import datetime
import io
import json
from collections.abc import Iterator
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from headrace import advice, function_log, rejected
from headrace import board as boards
from headrace.causes import Cause, innermost, read_cause
from headrace.cli import why as cli
from headrace.run_history import History
from headrace.why import Evidence, Why, sql_line, why
from tests.unit.run_events import RUN, START, Writer, two_stages

PLAN = two_stages()
BUCKET = "lake"
TRACEBACK = [
    '  File "/var/task/lambdas/map/child.py", line 9, in work\n    fn(item)\n',
    '  File "/var/task/studies/t/words.py", line 12, in count\n    helper(item)\n',
    '  File "/var/task/studies/t/deep/er.py", line 3, in helper\n    raise KeyError\n',
    '  File "/opt/python/pyarrow/x.py", line 1, in y\n',
]


class Athena:
    """Athena with one query, which failed."""

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        assert QueryExecutionId == "q-1"
        return {"QueryExecution": {"Status": {"State": "FAILED", "StateChangeReason": self.reason}}}


@pytest.fixture
def aws() -> Iterator[dict[str, Any]]:
    with mock_aws():
        s3 = boto3.client("s3", "us-east-1")
        s3.create_bucket(Bucket=BUCKET)
        yield {"s3": s3, "logs": boto3.client("logs", "us-east-1"), "athena": Athena("no reason")}


def find(events: list[dict[str, Any]], clients: dict[str, Any], **words: Any) -> Why:
    board = boards.empty(PLAN, RUN, 1)
    History(board).read(events)
    found = why(PLAN, board, Evidence(clients.__getitem__, BUCKET), **words)
    assert found is not None
    return found


def failing(
    step: str, error: str, cause: str | dict[str, Any], start: datetime.datetime = START
) -> list[dict[str, Any]]:
    writer = Writer(start=start).begin().prepared("words").unload("words").probed("words")
    writer.scheduled(f"words: {step}").fails(error, cause).enter("words: failed")
    return writer.stage_failed(("words", error, "x"))


def test_a_query_that_fails_is_told_in_athenas_words_with_its_line(aws: dict[str, Any]) -> None:
    aws["athena"] = Athena("COLUMN_NOT_FOUND: line 3:3: Column 'txt' cannot be resolved")
    writer = Writer().begin().prepared("words").unload("words", ends=False)
    about = {"resourceType": "athena", "resource": "startQueryExecution.sync"}
    writer.add("TaskFailed", **about, error="States.TaskFailed", cause="{}")
    found = find(writer.enter("words: failed").stage_failed(), aws)
    assert (found.kind, found.stage, found.step) == (
        "SQL: a column that is not there",
        "words",
        "unload",
    )
    assert found.input == "txt FROM lines"
    assert "cannot be resolved" in found.message
    assert "headrace run t --run 20261122t100000-ab12 --resume" in found.do


def test_a_functions_error_names_the_users_own_line(aws: dict[str, Any]) -> None:
    cause = {"errorType": "KeyError", "errorMessage": "'text'", "stackTrace": TRACEBACK}
    found = find(failing("probe", "KeyError", cause), aws)
    assert found.frame == "studies/t/deep/er.py:3 in helper"
    assert (found.error, found.message) == ("KeyError", "'text'")
    assert found.function == "headrace-t-map-words"
    assert found.input == "100 items, s3://lake/runs/20261122t100000-ab12/words/1-0a1b2c3d/"
    assert found.log == ""  # nobody asked for it, and the error says all


#: CloudWatch refuses events that are weeks old.
LATELY = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)


def put_log(logs: Any, function: str, stream: str, lines: list[str]) -> None:
    name = function_log.group(function)
    if not logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]:
        logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName=stream)
    at = int((LATELY + datetime.timedelta(seconds=10)).timestamp() * 1000)
    events = [{"timestamp": at + n, "message": line} for n, line in enumerate(lines)]
    logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=events)


REQUEST = "11111111-2222-3333-4444-555555555555"


def test_a_killed_function_is_told_by_its_log(aws: dict[str, Any]) -> None:
    report = f"REPORT RequestId: {REQUEST}\tMemory Size: 128 MB\tMax Memory Used: 128 MB"
    other = "99999999-2222-3333-4444-555555555555"
    put_log(
        aws["logs"], "headrace-t-map-words", "b", [f"START RequestId: {other}", "Error: not me"]
    )
    put_log(
        aws["logs"],
        "headrace-t-map-words",
        "a",
        [
            f"START RequestId: {REQUEST} Version: 1",
            "reading item 7",
            f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed",
            f"END RequestId: {REQUEST}",
            report,
        ],
    )
    cause = {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {REQUEST} Error: Runtime exited with error: signal: killed",
    }
    found = find(failing("probe", "Runtime.ExitError", cause, LATELY), aws)
    assert found.kind == "out of memory"
    assert found.message == "Runtime exited with error: signal: killed"
    assert found.log.startswith("REPORT")  # it shows that all memory was used
    assert "memory_mib" in found.do
    assert [line for line in found.said if "not me" in line] == []


def test_the_item_that_a_probe_names_is_the_input(aws: dict[str, Any]) -> None:
    said = 'found that all failed, the first (item 0: {"number": 0}) with: KeyError: 1. Correct it.'
    cause = {"errorType": "EveryProbeFailed", "errorMessage": said}
    assert find(failing("probe", "EveryProbeFailed", cause), aws).input == 'item 0: {"number": 0}'


def test_a_function_that_never_ran_has_no_log(aws: dict[str, Any]) -> None:
    found = find(failing("commit", "Sandbox.Timedout", "Task timed out after 900.00 s"), aws)
    assert (found.kind, found.said, found.log) == ("out of time", [], "")
    assert found.function == "headrace-t-register"


def put_bad(s3: Any, key: str, reasons: list[str]) -> None:
    body = io.BytesIO()
    pq.write_table(pa.table({"reason": reasons, "bytes": [b""] * len(reasons)}), body)
    s3.put_object(Bucket=BUCKET, Key=key, Body=body.getvalue())


def test_too_many_failures_are_told_by_their_reasons(aws: dict[str, Any]) -> None:
    prefix = f"runs/{RUN}/words/1-0a1b2c3d/"
    threes = [f"item {n}: ValueError: a three, {n}" for n in (3, 13, 23)]
    put_bad(
        aws["s3"], f"{prefix}bad/000000000000-0a1b2c3d.parquet", [*threes, "item 4: KeyError: 'x'"]
    )
    ended = [
        {
            "Input": json.dumps({"first": 30, "last": 59}),
            "Error": "Sandbox.Timedout",
            "Cause": "Task timed out after 3.00 seconds\nmore",
            "Status": "FAILED",
        }
    ]
    aws["s3"].put_object(
        Bucket=BUCKET, Key=f"{prefix}results/x/FAILED_0.json", Body=json.dumps(ended)
    )
    aws["s3"].put_object(Bucket=BUCKET, Key=f"{prefix}results/x/SUCCEEDED_0.json", Body="[]")
    cause = {"errorType": "TooManyFailed", "errorMessage": "While committing, found 34 of 100."}
    found = find(failing("commit", "TooManyFailed", cause), aws)
    assert found.reasons == [
        (30, "Sandbox.Timedout: Task timed out after 3.00 seconds"),
        (3, "ValueError: a three, 3"),
        (1, "KeyError: 'x'"),
    ]
    assert found.kind == "too many items failed"
    assert "--from words" in found.do
    assert rejected.reasons(aws["s3"], BUCKET, "runs/nowhere/") == []


def test_several_failures_are_one_cause_and_the_names_of_the_others(aws: dict[str, Any]) -> None:
    events = failing("commit", "CommitFailedException", "twice")
    writer = Writer(events[:-1], len(events) - 1)
    writer.scheduled("longest: commit").fails("Late", "x").enter("longest: failed")
    found = find(writer.stage_failed(), aws)
    assert (found.stage, found.others) == ("words", ("longest",))
    assert found.kind == "one table, two writers"
    asked = find(writer.events, aws, stage="longest")
    assert (asked.stage, asked.error, asked.others) == ("longest", "Late", ("words",))
    board = boards.empty(PLAN, RUN, 1)
    History(board).read(events)
    assert why(PLAN, board, Evidence(aws.__getitem__, BUCKET), stage="longest") is None


def test_a_stopped_run_is_told_as_stopped(aws: dict[str, Any]) -> None:
    writer = Writer().begin().prepared("words").unload("words", ends=False)
    found = find(writer.ended("Aborted", error="Stopped", cause="headrace run --stop"), aws)
    assert (found.kind, found.stage, found.step) == ("stopped by you", "words", "unload")
    assert "--resume" in found.do


def test_a_run_that_could_not_begin_is_told(aws: dict[str, Any]) -> None:
    writer = Writer()
    writer.add("ExecutionStarted", input="{}")
    writer.scheduled("begin").fails("AccessDeniedException", "no glue:GetTable")
    found = find(writer.ended("Failed", error="AccessDeniedException", cause="x"), aws)
    assert (found.stage, found.step, found.kind) == ("", "begin", "not allowed")
    assert found.function == "headrace-t-run"


def test_nothing_is_the_cause_of_success() -> None:
    board = boards.empty(PLAN, RUN, 1)
    History(board).read(Writer().begin().ended("Succeeded", output="{}"))
    assert why(PLAN, board, Evidence(lambda service: None, BUCKET)) is None


@pytest.mark.parametrize(
    ("error", "cause", "found"),
    [
        ("E", "a text", Cause("E", "a text")),
        ("E", "[1]", Cause("E", "[1]")),
        (
            "States.TaskFailed",
            json.dumps(
                {
                    "QueryExecution": {
                        "QueryExecutionId": "q",
                        "Status": {"State": "FAILED", "StateChangeReason": "SYNTAX_ERROR: line 1"},
                    }
                }
            ),
            Cause("Athena.FAILED", "SYNTAX_ERROR: line 1", query="q"),
        ),
        (
            "Lambda.Unknown",
            json.dumps({"errorMessage": f"RequestId: {REQUEST} Error: Task timed out"}),
            Cause("Lambda.Unknown", "Task timed out", request=REQUEST),
        ),
    ],
)
def test_causes_are_read(error: str, cause: str, found: Cause) -> None:
    assert read_cause(error, cause) == found


def test_the_innermost_frame_of_a_study_is_found() -> None:
    assert innermost("".join(TRACEBACK)) == "studies/t/deep/er.py:3 in helper"
    assert innermost("no frame") == ""


@pytest.mark.parametrize(
    ("error", "message", "kind"),
    [
        ("Athena.FAILED", "SYNTAX_ERROR: line 1:8: mismatched input", "SQL: can't be read"),
        ("Athena.FAILED", "TABLE_NOT_FOUND: line 1:8: x", "SQL: a table that is not there"),
        ("Athena.CANCELLED", "Bytes scanned limit was exceeded", "SQL: more is read"),
        ("Athena.FAILED", "GENERIC_INTERNAL_ERROR", "a query failed"),
        ("Athena.FAILED", "DIVISION_BY_ZERO: x", "SQL: a value that does not fit"),
        (
            "Runtime.ExitError",
            "Runtime exited with error: signal: killed",
            "the function's process",
        ),
        ("Runtime.OutOfMemory", "signal: killed", "out of memory"),
        ("DoesNotFit", "", "does not fit"),
        ("EveryProbeFailed", "", "every probed item failed"),
        ("Lambda.TooManyRequestsException", "Rate Exceeded.", "too many calls at a time"),
        ("Lambda.Unknown", "The process ran out of memory", "out of memory"),
        ("Lambda.Unknown", "Task timed out after 3 s", "out of time"),
        ("States.Timeout", "", "out of time"),
        ("Runtime.ImportModuleError", "No module named 'x'", "a package or a module"),
        ("NothingThere", "found no bytes under s3://b/x/. C", "an input that is not there"),
        ("NothingThere", "found that nothing was in t when run R began", "nothing to read yet"),
        ("OutputsError", "found no _SUCCESS in out/: x", "the program did not write to its end"),
        ("OutputsError", "Correct the program or `produces`", "what the program wrote is not"),
        ("ValueError", "no", "an error of the function"),
        ("Stopped", "headrace run --stop", "stopped by you"),
    ],
)
def test_there_is_advice_for_each_kind(error: str, message: str, kind: str) -> None:
    case = advice.case_of(error, message)
    assert case.name.startswith(kind)
    filled = case.do.format(study="S", stage="T", run="R", package="P")
    assert "{" not in filled


def test_the_sql_line_that_athena_names() -> None:
    sql = "SELECT a,\n  b\nFROM t"
    assert sql_line(sql, "x line 2:3: y") == "b"
    assert sql_line(sql, "line 9:1") == "SELECT a, b FROM t"


def test_the_useful_line_of_a_log() -> None:
    useful = function_log.first_useful
    assert useful(["START RequestId: x", "hello", "ValueError: no"]) == "ValueError: no"
    assert useful(["START RequestId: x", "REPORT RequestId: x"]) == ""
    full = "REPORT RequestId: x\tMemory Size: 128 MB\tMax Memory Used: 128 MB"
    assert useful(["START RequestId: x", "hello", full]).startswith("REPORT")
    assert useful(["first", "last"]) == "last"


def test_no_traceback_is_printed() -> None:
    message = (
        "While trying, found:\nTraceback (most recent call last):\n"
        '  File "a.py", line 1, in f\n    x()\nKeyError: 1\nitem {"a": 1}'
    )
    told = Why("kind", "words", "probe", "E", message, frame="studies/t/a.py:1", do="Mend.")
    shown = "\n".join(cli.full(told))
    assert 'File "' not in shown
    assert "KeyError: 1" in shown
    assert "studies/t/a.py:1" in shown
    assert shown.splitlines()[-1] == "do       Mend."
    assert cli.short(told)[-1] == "Mend."
