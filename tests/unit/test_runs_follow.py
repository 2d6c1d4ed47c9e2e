"""Following asks for what is new and no more, and knows how far a step is."""

from typing import Any

import pytest

from headrace.board import Stage
from headrace.follow import Follower, Progress, of_map
from headrace.runs import Execution
from tests.unit.run_events import MAP_RUN, RUN, START, Writer, two_stages

EXECUTION = Execution("arn:e", RUN, 1, "RUNNING", START)


class States:
    """Step Functions with a history that grows, in pages as AWS gives them."""

    def __init__(self, events: list[dict[str, Any]], page: int = 1000) -> None:
        self.events, self.page, self.asked = events, page, list[dict[str, Any]]()

    def get_execution_history(
        self,
        executionArn: str,  # noqa: N803 - AWS's word
        maxResults: int,  # noqa: N803
        reverseOrder: bool = False,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert executionArn == "arn:e"
        self.asked.append({"reverse": reverseOrder, "from": nextToken})
        events = list(reversed(self.events)) if reverseOrder else self.events
        start, size = int(nextToken), min(self.page, maxResults)
        more = {"nextToken": str(start + size)} if start + size < len(events) else {}
        return {"events": events[start : start + size], **more}

    def describe_map_run(self, mapRunArn: str) -> dict[str, Any]:  # noqa: N803
        assert mapRunArn == MAP_RUN
        self.asked.append({"map": mapRunArn})
        return {"itemCounts": {"total": 4, "succeeded": 2, "failed": 1, "running": 1}}


class Athena:
    """Athena with one query, which has read 3 MiB."""

    def get_query_execution(self, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803
        assert QueryExecutionId == "q-1"
        return {"QueryExecution": {"Statistics": {"DataScannedInBytes": 3 * 2**20}}}


def follower(states: States) -> Follower:
    return Follower(two_stages(), EXECUTION, states, Athena())


def test_only_what_is_new_is_asked_for() -> None:
    writer = Writer().begin().prepared("words").unload("words")
    states = States(list(writer.events), page=4)
    following = follower(states)
    following.turn()
    assert [call["from"] for call in states.asked] == ["0", "4", "8", "12", "16"]
    states.asked.clear()
    assert not following.turn()
    assert states.asked == [{"reverse": True, "from": "0"}]
    states.asked.clear()
    states.events = writer.probed("words").events
    assert following.turn()
    assert states.asked == [{"reverse": True, "from": "0"}, {"reverse": True, "from": "4"}]
    assert following.board.stages["words"].gave["probe"]["items"] == 100


def test_a_map_run_is_described_while_it_runs() -> None:
    writer = Writer().begin().prepared("words").unload("words").probed("words").mapping("words")
    states = States(writer.events)
    following = follower(states)
    following.turn()
    progress = following.progress["words"]
    assert progress == Progress(90, 100, 3, 4, 1)
    assert progress.words() == "90 of 100 items, 3 of 4 batches, 1 failed"
    writer.add("MapRunSucceeded")
    writer.committed("words")
    states.asked.clear()
    following.turn()
    assert not any("map" in call for call in states.asked)


def test_a_query_that_runs_says_what_it_has_read() -> None:
    writer = Writer().begin().prepared("words").unload("words", ends=False)
    following = follower(States(writer.events))
    following.turn()
    assert following.progress["words"].words() == "Athena, 3.0 MiB scanned"


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ({}, Progress(0, 100, 0, 4)),
        ({"total": 4, "succeeded": 4}, Progress(100, 100, 4, 4)),
        ({"total": 4, "succeeded": 1, "timedOut": 1, "aborted": 1}, Progress(90, 100, 3, 4, 2)),
    ],
)
def test_batches_are_counted_in_items(counts: dict[str, int], found: Progress) -> None:
    stage = Stage("words", "map")
    stage.gave["probe"] = {"items": 100, "batches": 4, "batch_items": 30}
    assert of_map(stage, counts) == found


def test_turns_go_on_to_the_end_at_two_calls_a_second() -> None:
    writer = Writer().begin().prepared("words").unload("words").probed("words").mapping("words")
    states, slept = States(writer.events), list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == 2:
            writer.ended("Aborted", error="Stopped")

    boards = list(follower(states).turns(sleep))
    assert slept == [1.0, 1.0]
    assert boards[-1].status == "ABORTED"
