"""Events become a board: what each stage is at, why, how long, and what it gave."""

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace import board as boards
from headrace.board import Board
from headrace.run_history import History
from headrace.stages import Query
from tests.unit.run_events import MAP_RUN, RUN, START, Writer, a_map, study_of, two_stages

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "runs"
PLAN = two_stages()
LATER = START + datetime.timedelta(hours=1)


def fold(events: list[dict[str, Any]], plan: Any = PLAN) -> Board:
    board = boards.empty(plan, RUN, 1)
    History(board).read(events)
    return board


def states(board: Board) -> dict[str, str]:
    return {name: stage.state for name, stage in board.stages.items()}


def whole() -> list[dict[str, Any]]:
    writer = Writer().begin().whole_map("words")
    writer.prepared("longest").unload("longest").committed("longest", 3, 0)
    return writer.ended("Succeeded", output="{}")


def test_before_it_begins_every_stage_is_queued_and_says_for_what() -> None:
    board = fold(Writer().begin().events)
    assert states(board) == {"words": "queued", "longest": "queued"}
    assert board.why_queued(board.stages["words"]) == "about to begin"
    assert board.why_queued(board.stages["longest"]) == "waits for words"


def test_a_step_is_running_and_tells_what_to_ask() -> None:
    board = fold(Writer().begin().prepared("words").unload("words", ends=False).events)
    words = board.stages["words"]
    assert (words.state, words.step, words.query) == ("running", "unload", "q-1")
    board = fold(Writer().begin().prepared("words").unload("words").probed("words").events)
    assert board.stages["words"].gave["probe"]["items"] == 100
    board = fold(Writer().begin().prepared("words").mapping("words").events)
    assert (board.stages["words"].step, board.stages["words"].map_run) == ("map", MAP_RUN)


def test_a_whole_run_is_done() -> None:
    board = fold(whole())
    assert board.status == "SUCCEEDED"
    assert board.over
    assert states(board) == {"words": "done", "longest": "done"}
    assert (board.stages["words"].rows, board.stages["words"].quarantined) == (90, 10)
    seconds = board.stages["words"].seconds(LATER)
    assert seconds is not None
    assert 0 < seconds < 60
    assert board.failed == []


def test_a_stage_that_is_done_already_is_passed_over() -> None:
    writer = Writer().begin().prepared("words", todo=False, why="done in attempt 1")
    board = fold(writer.enter("words: passed over").events)
    words = board.stages["words"]
    assert (words.state, words.why, words.seconds(LATER)) == (
        "passed over",
        "done in attempt 1",
        None,
    )
    assert board.why_queued(board.stages["longest"]) == "about to begin"


def test_a_stage_that_fails_says_where_and_what_comes_after_is_not_begun() -> None:
    writer = Writer().begin().prepared("words").unload("words").scheduled("words: probe")
    cause = {"errorType": "DoesNotFit", "errorMessage": "While probing, found 2,000 s.\nMore."}
    writer.fails("DoesNotFit", cause).enter("words: failed")
    board = fold(writer.stage_failed(("words", "DoesNotFit", json.dumps(cause))))
    words = board.stages["words"]
    assert states(board) == {"words": "failed", "longest": "not begun"}
    assert words.failure is not None
    assert (words.failure.step, words.failure.error) == ("probe", "DoesNotFit")
    assert boards.error_line(words.failure) == "DoesNotFit: While probing, found 2,000 s."
    assert board.stages["longest"].why == "waits for words"
    assert len(words.failures) == 1  # the execution's own list says nothing new


def test_what_a_retry_mends_is_no_failure() -> None:
    writer = Writer().begin().scheduled("words: prepare").fails("Lambda.SdkClientException", "x")
    writer.add("TaskScheduled", resourceType="lambda", resource="invoke", parameters="{}")
    board = fold(writer.events)
    assert board.stages["words"].why == "again after Lambda.SdkClientException"
    assert board.failed == []
    board = fold(Writer(writer.events, writer.after).committed("words").events)
    assert (board.stages["words"].state, board.failed) == ("done", [])


def test_a_map_run_that_fails_fails_its_stage() -> None:
    writer = Writer().begin().prepared("words").mapping("words")
    writer.add("MapRunFailed", error="States.ItemReaderFailed", cause="no batches.json")
    writer.add("MapStateFailed")
    board = fold(writer.enter("words: failed").events)
    failure = board.stages["words"].failure
    assert failure is not None
    assert (failure.step, failure.error) == ("map", "States.ItemReaderFailed")


def test_a_failure_that_only_the_data_or_the_end_tell_is_taken_from_there() -> None:
    data = {"error": {"Error": "States.Timeout", "Cause": "late"}}
    board = fold(
        Writer().begin().enter("words: commit", "Task").enter("words: failed", data=data).events
    )
    failure = board.stages["words"].failure
    assert failure is not None
    assert (failure.error, failure.cause) == ("States.Timeout", "late")
    board = fold(Writer().begin().stage_failed(("words", "Gone", "away")))
    assert [s.name for s in board.failed] == ["words"]


def test_a_stopped_run_leaves_nothing_running() -> None:
    writer = Writer().begin().prepared("words").mapping("words")
    board = fold(writer.ended("Aborted", error="Stopped", cause="headrace run --stop"))
    assert board.status == "ABORTED"
    assert states(board) == {"words": "stopped", "longest": "not begun"}
    assert board.failure is not None
    assert board.failure.error == "Stopped"
    assert board.failed == []


def test_a_run_that_cannot_begin_fails_as_a_whole() -> None:
    writer = Writer()
    writer.add("ExecutionStarted", input="{}")
    writer.scheduled("begin").fails("NoSuchRun", {"errorType": "NoSuchRun", "errorMessage": "no"})
    board = fold(writer.ended("Failed", error="NoSuchRun", cause="no"))
    assert board.failure is not None
    assert (board.status, board.failure.step) == ("FAILED", "begin")
    assert states(board) == {"words": "not begun", "longest": "not begun"}


def branches() -> list[dict[str, Any]]:
    """Two stages side by side whose events alternate."""
    writer = Writer().begin().enter("1: side by side", "Parallel")
    fork = writer.add("ParallelStateStarted")
    writer.scheduled("a: prepare")
    of_a = writer.after
    writer.after = fork
    writer.scheduled("b: prepare").fails("Broken", "b broke")
    of_b = writer.after
    writer.after = of_a
    writer.add("TaskSucceeded", output=json.dumps({"Payload": {"todo": False, "why": "done"}}))
    writer.enter("a: passed over")
    writer.after = of_b
    writer.enter("b: failed")
    return writer.events


def test_branches_are_told_apart_by_what_came_before() -> None:
    plan = study_of(a_map("a", "SELECT number FROM lines"), a_map("b", "SELECT text FROM lines"))
    board = fold(branches(), plan)
    assert states(board) == {"a": "passed over", "b": "failed"}
    assert board.stages["a"].failures == []
    assert [s.name for s in board.failed] == ["b"]


def test_the_first_of_several_failures_comes_first() -> None:
    plan = study_of(a_map("a", "SELECT number FROM lines"), a_map("b", "SELECT text FROM lines"))
    writer = Writer(branches())
    writer.after = 1
    writer.scheduled("a: commit").fails("Late", "later").enter("a: failed")
    assert [s.name for s in fold(writer.events, plan).failed] == ["b", "a"]


@given(st.lists(st.integers(1, 40), max_size=8), st.randoms())
def test_however_events_arrive_the_board_is_the_same(cuts: list[int], random: Any) -> None:
    """In pages, in reverse, some of them twice: as polling gets them."""
    events = whole()
    board = boards.empty(PLAN, RUN, 1)
    history = History(board)
    for cut in [*sorted(cuts), len(events)]:
        page = events[max(0, history.last - 3) : cut]
        random.shuffle(page)
        history.read(page)
    assert board.document(LATER) == fold(events).document(LATER)


def test_the_document_is_the_golden_one() -> None:
    found = json.dumps(fold(whole()).document(LATER), indent=2) + "\n"
    assert found == (GOLDEN / "board.json").read_text()


def test_what_the_machine_has_behind_it() -> None:
    plan = study_of(
        a_map("a", "SELECT number FROM lines"),
        a_map("b", "SELECT number FROM lines"),
        Query("c", "SELECT number FROM a JOIN b USING (number)"),
        Query("d", "SELECT number FROM b"),
        Query("e", "SELECT number FROM lines"),
    )
    assert boards.before(plan.order) == {
        "a": (),
        "b": (),
        "c": ("a", "b"),
        "d": ("a", "b"),  # it reads b alone, but the machine joins before it
        "e": (),
    }
    assert boards.followers(plan, "b") == ["b", "c", "d"]
    assert boards.followers(plan, "e") == ["e"]
    with pytest.raises(ValueError, match="no_such"):
        boards.followers(plan, "no_such")


def test_a_history_of_a_real_machine_is_read() -> None:
    """As the local cloud gave it for the machine that `infra/` writes: one of two stages fails."""
    events = json.loads((GOLDEN / "history.json").read_text())
    for event in events:
        event["timestamp"] = datetime.datetime.fromisoformat(event["timestamp"])
    plan = study_of(
        a_map("words", "s3://{lake}/files/x/"), a_map("other", "s3://{lake}/files/y/"), tables=False
    )
    board = fold(events, plan)
    assert (board.status, states(board)) == ("FAILED", {"words": "done", "other": "failed"})
    assert board.stages["words"].gave["probe"]["batches"] == 4
    assert (board.stages["words"].rows, board.stages["words"].quarantined) == (10, 1)
    assert [(s.name, s.failures[-1].step) for s in board.failed] == [("other", "probe")]
    failure = board.stages["other"].failure
    assert failure is not None
    assert boards.error_line(failure) == "KeyError: 'no such thing'"


def test_lambda_arns_without_a_wrapper_are_read_too() -> None:
    writer = Writer().begin().enter("words: commit", "Task")
    writer.add("LambdaFunctionScheduled", resource="arn:aws:lambda:f", input="{}")
    writer.add("LambdaFunctionSucceeded", output=json.dumps({"rows": 5, "quarantined": 0}))
    assert fold(writer.events).stages["words"].rows == 5
