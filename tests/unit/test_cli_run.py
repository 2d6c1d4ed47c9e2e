"""The verbs of runs: their words, the live board, and studies without a stream."""

import datetime
import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console

from headrace import board as boards
from headrace import cli as package
from headrace import report
from headrace.cli import plan as plan_verb
from headrace.cli import stage_board
from headrace.cli.deploy import stacks
from headrace.cli.output import Output
from headrace.cli.stage_board import LiveBoard
from headrace.follow import Progress
from headrace.last_run import LastRun, joined, sql
from headrace.place import Place
from headrace.run_history import History
from headrace.sql import Answer
from headrace.stages import Query
from tests.unit.run_events import RUN, START, Writer, a_map, study_of, two_stages

LATER = START + datetime.timedelta(seconds=100)
GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "runs"
NO_STREAM = study_of(
    a_map("pages", "s3://{lake}/files/warc/"), Query("q", "SELECT number FROM pages"), tables=False
)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No target in the environment, and no local cloud of anyone's in reach."""
    for name in ("HEADRACE_TARGET", "HEADRACE_DEBUG", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("headrace.target.STATE", tmp_path)
    monkeypatch.setattr("headrace.target.READY", tmp_path / "cloud.json")


def run(*words: str, **extra: Any) -> Result:
    return CliRunner().invoke(package.cli, list(words), **extra)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--resume", "--from", "pages"], "--from and --resume"),
        (["--again", "a", "--stop"], "--again and --stop"),
        (["--run", "a", "--again", "b"], "--run with --again"),
        (["--stage", "pages", "--stop"], "--stage with --stop"),
        (["--stage", "pages", "--run", "a"], "add --resume or --from"),
        (["--run", "No/Id"], "no run's id"),
        (["--workers", "2"], "--workers without --stage"),
        (["--stage", "pages", "--workers", "0"], "0 is not in the range x>=1"),
    ],
)
def test_words_that_contradict_each_other_are_refused(words: list[str], said: str) -> None:
    done = run("run", "crawl", *words)
    assert done.exit_code == 2
    assert said in done.stderr


@pytest.mark.parametrize("option", ["--stage", "--from"])
def test_a_stage_that_is_not_there_is_one_clear_error(option: str) -> None:
    done = run("run", "crawl", option, "no_such")
    assert done.exit_code == 1
    assert "stage 'no_such' of study crawl, found only pages" in done.stderr
    assert done.stderr.count("\n") == 1


def test_workers_that_a_stage_can_not_have_are_one_clear_error() -> None:
    done = run("run", "crawl", "--stage", "pages", "--workers", "1001")
    assert done.exit_code == 1
    assert "concurrency=1001, outside 1 to 1000" in done.stderr


def board_of(events: list[dict[str, Any]]) -> boards.Board:
    board = boards.empty(two_stages(), RUN, 1)
    History(board).read(events)
    return board


def mapping() -> Writer:
    return Writer().begin().prepared("words").unload("words").probed("words").mapping("words")


def shown(*found: tuple[boards.Board, dict[str, Progress]]) -> list[str]:
    """The lines of a board where nobody watches a terminal, each turn ten seconds later."""
    out, times = Output(), iter(START + datetime.timedelta(seconds=10 * n) for n in range(99))
    text = io.StringIO()
    out.err = Console(file=text, soft_wrap=True)
    live = LiveBoard(out, clock=lambda: next(times))
    with live:
        for board, progress in found:
            live.show(board, progress)
    return text.getvalue().splitlines()


def test_without_a_terminal_each_change_is_a_line() -> None:
    queued, running = board_of(Writer().begin().events), board_of(mapping().events)
    done = board_of(mapping().committed("words").events)
    half = {"words": Progress(60, 100, 2, 4)}
    assert shown((queued, {}), (queued, {}), (running, half), (running, half), (done, {})) == [
        "words                queued       about to begin",
        "longest              queued       waits for words",
        "words                running      map 60 of 100 items, 2 of 4 batches",
        "words                done         90 rows, 10 quarantined  (23.0 s)",
        "longest              queued       about to begin",
    ]


def test_on_a_terminal_there_is_a_table_that_lives() -> None:
    out = Output()
    text = io.StringIO()
    out.err = Console(file=text, force_terminal=True, width=100)
    with LiveBoard(out, clock=lambda: LATER) as live:
        live.show(board_of(mapping().events), {"words": Progress(60, 100, 2, 4)})
    assert "60 of 100 items" in text.getvalue()
    assert "waits for words" in text.getvalue()


def test_every_state_has_words() -> None:
    writer = mapping()
    writer.add("MapRunFailed", error="States.ItemReaderFailed", cause="no batches.json")
    failed = board_of(writer.enter("words: failed").stage_failed())
    words, longest = failed.stages["words"], failed.stages["longest"]
    assert stage_board.words(failed, words) == "map: States.ItemReaderFailed: no batches.json"
    assert stage_board.words(failed, longest) == "waits for words"
    assert stage_board.spent(words, LATER) == "19.0 s"
    words.ended = START + datetime.timedelta(minutes=61)
    assert stage_board.spent(words, LATER).endswith(" min 53 s")
    rows = stage_board.final_rows(failed, LATER)
    assert [row[:2] for row in rows] == [["words", "failed"], ["longest", "not begun"]]


def test_the_plan_of_a_study_without_a_stream_has_none() -> None:
    document = plan_verb.planned(NO_STREAM)
    assert document["stacks"] == {"data": "headrace-t-data", "run": "headrace-t-run"}
    assert "stream" not in document
    assert stacks(NO_STREAM) == ["headrace-t-data", "headrace-t-run"]
    text = "\n".join(plan_verb.lines(NO_STREAM, document)) + "\n"
    assert text == (GOLDEN / "plan.txt").read_text()


def test_the_plan_of_queries_only_has_no_run() -> None:
    only = study_of(Query("q", "SELECT number FROM lines"))
    assert set(plan_verb.planned(only)["stacks"]) == {"data", "flow"}
    assert stacks(only) == ["headrace-t-data", "headrace-t-flow"]
    assert "asks        q" in list(plan_verb.lines(only, plan_verb.planned(only)))


def test_there_is_nothing_to_push_into_without_a_stream() -> None:
    done = run("push", "crawl", "-", input="{}")
    assert done.exit_code == 1
    assert "headrace upload crawl NAME FILE" in done.stderr


def test_the_books_of_a_study_without_a_stream_are_said_to_be_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://localhost:1")
    done = run("ledger", "crawl", "--check")
    assert (done.exit_code, done.stdout.count("no stream")) == (0, 1)
    assert json.loads(run("ledger", "crawl", "--json").stdout)["stream"] is None


def last_run() -> LastRun:
    answer = Answer("q", _rows(), 1, 1)
    return LastRun(RUN, "SUCCEEDED", joined(board_of(mapping().committed("words").events), answer))


def _rows() -> Any:
    import pyarrow as pa

    return pa.table(
        {
            "stage": ["words"],
            "rows_out": [90],
            "quarantined": [10],
            "cost_usd": [0.00125],
            "seconds": [4.5],
        }
    )


def test_the_report_shows_the_last_run() -> None:
    found = last_run()
    assert found.stages.to_pylist()[0] == {
        "stage": "words",
        "state": "done",
        "rows": 90,
        "quarantined": 10,
        "seconds": 4.5,
        "cost in USD": 0.00125,
    }
    assert found.stages.to_pylist()[1]["state"] == "queued"
    place = Place("local", "123456789012", "us-east-1")
    text = report.page(NO_STREAM, place, None, [], START, found)
    assert "Stages of the last run" in text
    assert "0.0013 USD" in text
    assert 'id="ledger"' not in text
    assert "FROM runs" in sql(RUN)
