"""What is asked of the lake about runs, and how its answers are read."""

from __future__ import annotations

import datetime
import hashlib
import json
from typing import Any

import pytest

from headrace import plan
from headrace.provenance import counting, facts, reading
from headrace.provenance.counting import Rejects, Source
from headrace.provenance.reading import Lake, NoSuchRunError
from headrace.provenance.records import Pin, gather, read
from headrace.sql import QueryError
from tests.unit.provenance_runs import (
    NOON,
    PLAN,
    SENTENCES,
    A,
    Answers,
    B,
    Objects,
    naive,
    pin,
    query_row,
    record,
    row,
    run,
)


def lake(known: list[tuple[str, Any]], held: dict[str, bytes] | None = None) -> Lake:
    objects = Objects(held)
    return Lake(PLAN, Answers(objects, known), objects, "lake", "local")


def test_a_row_of_runs_becomes_a_record() -> None:
    told = read(naive(row()))
    assert told.started == NOON
    assert told.params == {"lexicon": "VADER_2014"}
    assert told.snapshots == {"sentences": SENTENCES}
    assert told.seconds == 42
    assert told.python == "3.13.1"
    assert record(engine="Athena engine version 3").python == ""
    document = json.loads(json.dumps(told.document()))
    assert (document["started"], document["files"]) == ("2026-11-22T12:00:00Z", list(told.files))


def test_the_table_is_asked_for_every_column_its_times_in_utc() -> None:
    sql = reading.runs_sql()
    assert all(column.name in sql for column in plan.RUNS_COLUMNS)
    assert "CAST(ended AT TIME ZONE 'UTC' AS timestamp) AS ended" in sql
    assert sql.endswith("FROM runs")


def test_runs_are_listed_newest_first_and_the_last_complete_one_is_found() -> None:
    late = {"run": B, "started": NOON + datetime.timedelta(days=1)}
    rows = [naive(row()), naive(query_row()), naive(row(**late))]
    there = lake([("FROM runs", rows)])
    assert [r.id for r in reading.runs(there)] == [B, A]
    assert reading.last_complete(there).id == A  # B did one stage of two


def test_a_run_counts_each_stage_once_and_pays_for_every_attempt() -> None:
    (told,) = gather(map(read, [row(rows_out=1), row(attempt=2), query_row(attempt=2)]))
    document = told.document()
    assert document["stages"] == ["scores", "agreement"]
    assert document["rows"] == 5178 + 1
    assert document["attempts"] == [1, 2]
    assert document["cost_usd"] == pytest.approx(0.0012 * 2 + 0.00005)
    assert document["seconds"] == 45
    assert told.missing(["scores", "later"]) == ["later"]


def test_a_run_that_is_not_there_is_said_by_name() -> None:
    there = lake([("FROM runs", [])])
    with pytest.raises(NoSuchRunError, match=r'run "x.y" of study news'):
        reading.run(there, "x'y")
    with pytest.raises(NoSuchRunError, match=r"none that did all of scores, agreement"):
        reading.last_complete(there)
    (asked, _) = there.ask.asked  # type: ignore[attr-defined]
    assert asked.endswith("WHERE run = 'x''y'")


def test_a_study_that_only_asks_has_no_runs() -> None:
    speeches = plan.load("speeches")
    with pytest.raises(NoSuchRunError, match=r"no stage that computes"):
        reading.runs(Lake(speeches, Answers(Objects(), []), Objects(), "lake"))


def test_a_pin_is_read_and_may_be_gone() -> None:
    told = {"run": A, "started": "2026-11-22T11:59:58.5+00:00", "snapshots": {"t": 1}, "again": B}
    there = lake([], {f"runs/{A}/run.json": json.dumps(told).encode()})
    found = reading.pin(there, run())
    assert isinstance(found, Pin)
    assert (found.again, found.snapshots, found.started.microsecond) == (B, {"t": 1}, 500_000)
    assert reading.pin(lake([]), run()) is None


COUNTED = [{"source": "shardId-000000000000", "n": 60}, {"source": "shardId-000000000001", "n": 40}]


def test_a_source_is_counted_at_its_snapshot_and_the_quarantine_at_the_runs_begin() -> None:
    bad = [{"reason": "not JSON", "n": 3}, {"reason": "no text", "n": 1}]
    there = lake([('FROM "quarantine"', bad), ('FROM "sentences"', COUNTED)])
    (found,) = counting.sources(there, run(), pin())
    shards = ("shardId-000000000000", "shardId-000000000001")
    reasons = (("not JSON", 3), ("no text", 1))
    assert found == Source("sentences", SENTENCES, 100, shards, 4, reasons)
    first, then = there.ask.asked  # type: ignore[attr-defined]
    assert f'FROM "sentences" FOR VERSION AS OF {SENTENCES}' in first
    assert "FOR TIMESTAMP AS OF TIMESTAMP '2026-11-22 11:59:58.000000 UTC'" in then
    assert "intended = 'sentences' OR intended IS NULL" in then


def test_no_quarantine_by_then_is_none_quarantined_and_other_errors_stay() -> None:
    gone = QueryError("asking", "No version history table found at or before 5", "Mend it.")
    (found,) = counting.sources(lake([("quarantine", gone), ("sentences", COUNTED)]), run(), pin())
    assert found.quarantined == 0
    other = QueryError("asking", "COLUMN_NOT_FOUND", "Mend it.")
    with pytest.raises(QueryError):
        counting.sources(lake([("quarantine", other), ("sentences", COUNTED)]), run(), pin())


def test_without_a_pin_the_quarantine_is_not_asked() -> None:
    there = lake([("sentences", COUNTED)])
    (found,) = counting.sources(there, run(), None)
    assert (found.rows, found.quarantined) == (100, 0)


def test_an_empty_source_has_no_snapshot_to_count() -> None:
    of = run(row(snapshots=json.dumps({"sentences": None})))
    assert counting.sources(lake([]), of, pin()) == [Source("sentences", None, 0)]


def test_what_stages_quarantined_is_counted_by_reason_and_by_item() -> None:
    reasons = [{"reason": "TimedOut", "n": 9}, {"reason": "ValueError", "n": 3}]
    there = lake([("count\\(DISTINCT", [{"items": 10}]), ("GROUP BY reason", reasons)])
    found = counting.rejects(there, run())
    assert found == {"scores": Rejects(12, 10, (("TimedOut", 9), ("ValueError", 3)))}
    assert f"\"_source\" = 'run/{A}/scores'" in there.ask.asked[0]  # type: ignore[attr-defined]


def test_an_answer_is_the_stored_one_only_if_its_checksum_is() -> None:
    body = b'"mean"\n"0.5"\n'
    done = json.dumps({"results": "s3://lake/athena/x.csv"}).encode()
    key = f"runs/{A}/agreement/done.json"
    good = read(query_row(output_checksum=hashlib.sha256(body).hexdigest()))
    there = lake([], {key: done, "athena/x.csv": body})
    assert reading.stored_answer(there, good) == body
    assert reading.stored_answer(there, read(query_row())) is None  # of a later attempt
    assert reading.stored_answer(lake([], {key: done}), good) is None  # expired
    assert reading.stored_answer(lake([]), good) is None


def test_facts_are_gathered(tmp_path: Any) -> None:
    locked = tmp_path / "studies" / "news" / "requirements.in"
    locked.parent.mkdir(parents=True)
    locked.write_text("vaderSentiment==3.3.2\n")
    there = lake(
        [("DISTINCT", [{"items": 12}]), ("quarantine", [{"reason": "x", "n": 12}]), ("", COUNTED)]
    )
    told = facts.of(there, run(), tmp_path)
    assert told.direct == {"vadersentiment"}
    assert told.stages == ("scores", "agreement")
    assert told.sources[0].rows == 100
    assert told.stand_in
