"""Two runs side by side: what is the same, what differs because of what, what is by chance."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import sqlglot

from headrace.plan import Column
from headrace.provenance import differences, explain, guesses, sources, suspects
from headrace.provenance.compare import compare, unpinned
from headrace.provenance.reading import Lake
from headrace.provenance.records import Run
from headrace.provenance.verdicts import (
    DIFFERS,
    NOT_DETERMINISTIC,
    ONLY_A,
    ONLY_B,
    SAME,
    Comparison,
    Difference,
    Verdict,
)
from tests.unit.provenance_runs import PLAN, SCORES, SENTENCES, query_row, row, run, second

GOLDEN = Path(__file__).resolve().parents[1] / "golden" / "provenance"
OTHER = {"output_checksum": "bb" * 32}


def verdicts(told: Comparison) -> dict[str, str]:
    return {v.stage: v.verdict for v in told.verdicts}


def test_the_same_run_again_is_the_same_whatever_its_snapshots_are_called() -> None:
    told = compare(run(), second())
    assert verdicts(told) == {"scores": SAME, "agreement": SAME}
    assert [v.sentence() for v in told.verdicts] == ["same", "same"]
    assert told.equal
    assert told.deterministic


CHANGES: list[tuple[dict[str, Any], str, str]] = [
    ({"code": "d1" * 32}, "code", "its code is another (c0dec0dec0de, then d1d1d1d1d1d1)"),
    (
        {"libraries": json.dumps({"pyarrow": "26.0.0", "vadersentiment": "3.3.3"})},
        "libraries",
        "libraries are others (requests 2.32.5, then absent, vadersentiment 3.3.2, then 3.3.3)",
    ),
    ({"seed": 26}, "seed", "its seed is another (25, then 26)"),
    (
        {"params": "{}"},
        "parameters",
        "its parameters are others (lexicon: 'VADER_2014', then None)",
    ),
    (
        {"engine": "AWS Lambda, Python 3.13.2, arm64"},
        "engine",
        "the engine is another (AWS Lambda, Python 3.13.1, arm64, then AWS Lambda, Python 3.13.2,"
        " arm64)",
    ),
    (
        {"input_checksum": "2f" * 32, "snapshots": json.dumps({"sentences": 5})},
        "input tables",
        f"it read sentences at another snapshot ({SENTENCES}, then 5)",
    ),
    (
        {"input_checksum": "2f" * 32, "sql": "SELECT text FROM sentences WHERE text <> ''"},
        "SQL",
        "its SQL is another",
    ),
]


@pytest.mark.parametrize(("changed", "what", "words"), CHANGES, ids=[c[1] for c in CHANGES])
def test_a_difference_has_its_reason(changed: dict[str, Any], what: str, words: str) -> None:
    told = compare(run(), second({**changed, **OTHER}))
    first, then = told.verdicts
    assert (first.verdict, [c.what for c in first.because]) == (DIFFERS, [what])
    assert first.sentence() == f"differs, because {words}"
    assert then.sentence() == "same rows, though stage scores, which it reads, gave other rows"
    assert told.deterministic
    assert not told.equal


@pytest.mark.parametrize("changed", [c[0] for c in CHANGES], ids=[c[1] for c in CHANGES])
def test_what_changed_is_told_though_the_rows_are_the_same(changed: dict[str, Any]) -> None:
    first, _ = compare(run(), second(changed)).verdicts
    assert first.verdict == SAME
    assert first.sentence().startswith("same rows, though")


def test_other_rows_for_no_reason_are_not_deterministic_and_others_follow_from_them() -> None:
    told = compare(run(), second(OTHER, output_checksum="cc" * 32))
    assert verdicts(told) == {"scores": NOT_DETERMINISTIC, "agreement": DIFFERS}
    assert "NOT DETERMINISTIC: same code" in told.verdicts[0].sentence()
    assert "stage scores, which it reads, gave other rows" in told.verdicts[1].sentence()
    assert not told.deterministic


def test_more_in_quarantine_for_no_reason_is_not_deterministic_either() -> None:
    assert not compare(run(), second({"quarantined": 13})).deterministic


def test_other_items_from_the_same_snapshots_are_the_sqls_own_chance() -> None:
    told = compare(run(), second({"input_checksum": "2f" * 32, **OTHER})).verdicts[0]
    assert told.verdict == NOT_DETERMINISTIC
    assert told.sentence().endswith("its SQL gave other items from the same snapshots")


def test_files_are_compared_by_name_only_where_no_sql_made_them() -> None:
    def over(*files: str) -> Run:
        return run(row(sql=None, files=json.dumps(files), snapshots="{}"))

    def told(a: Run, b: Run) -> str:
        changed = {"input_checksum": "77" * 32, **OTHER, "sql": None, "snapshots": "{}"}
        return (
            compare(a, run(row(files=json.dumps(list(b.stages[0].files)), **changed)))
            .verdicts[0]
            .sentence()
        )

    a = over("files/x/1.csv", "files/x/2.csv")
    assert told(a, over("files/x/1.csv")).endswith("1 input files are gone, as files/x/2.csv")
    assert "1 input files are new, as files/x/3.csv" in told(a, over("files/x/3.csv"))
    assert told(a, a).endswith("the input files have the same names and other content")


def test_stages_that_one_run_lacks_are_named() -> None:
    assert verdicts(compare(run(), run(row()))) == {"scores": SAME, "agreement": ONLY_A}
    assert verdicts(compare(run(query_row()), run(query_row(), row()))) == {
        "agreement": SAME,
        "scores": ONLY_B,
    }


def test_the_last_attempt_of_a_stage_counts() -> None:
    redone = run(row(output_checksum="bb" * 32), row(attempt=2), query_row(attempt=2))
    assert compare(run(), redone).equal


def test_sql_is_compared_without_its_pins() -> None:
    assert unpinned("SELECT a\nFROM t FOR VERSION AS OF 12  x") == "SELECT a FROM t x"


COLUMNS = (Column("text", "string"), Column("score", "double"), Column("blob", "binary"))


def lake(*answers: list[dict[str, Any]]) -> tuple[Lake, list[str]]:
    """A lake that gives these answers, one a question, and the questions it was asked."""
    asked: list[str] = []

    def ask(sql: str) -> pa.Table:
        sqlglot.parse_one(sql, read="athena")
        asked.append(sql)
        return pa.Table.from_pylist(answers[len(asked) - 1])

    return Lake(PLAN, ask, None, "lake", "local"), asked


def test_rows_are_joined_on_their_item_the_columns_that_agree_first() -> None:
    sample = {"item": 7, "column": "score", "a": "0.25", "b": "0.5"}
    there, asked = lake(
        [{"c0": 0, "c1": 3, "c2": 1}],
        [{"n": 4, "only_a": 1, "only_b": 0}],
        [sample],
        [{"item": 9, "column": "blob", "a": "6162", "b": None}],
    )
    found = differences.find(there.ask, "scores", COLUMNS, SCORES, SCORES + 1)
    assert "\n;\n".join(asked) + "\n" == (GOLDEN / "differences.sql").read_text(encoding="utf-8")
    assert (found.rows, found.only_a, found.columns) == (4, 1, {"score": 3, "blob": 1})
    assert found.lines() == [
        "4 rows differ, in score (3 items), blob (1 items)",
        "only in the first 1, only in the second 0",
        "item 7, score: 0.25, then 0.5",
        "item 9, blob: 6162, then None",
    ]


def test_only_what_is_not_deterministic_is_looked_at(tmp_path: Path) -> None:
    there, asked = lake()
    assert explain.explained(there, run(), second({**OTHER, "seed": 2}), tmp_path).deterministic
    assert asked == []


def test_the_rows_and_a_guess_are_part_of_the_verdict(tmp_path: Path) -> None:
    module = tmp_path / "studies" / "news" / "sentiment.py"
    module.parent.mkdir(parents=True)
    module.write_text("import time\n\ndef score(item):\n    return {'score': time.time()}\n")
    there, _ = lake(
        [{"c0": 0, "c1": 1, "c2": 0, "c3": 0}], [{"n": 1, "only_a": 0, "only_b": 0}], []
    )
    told = explain.explained(there, run(), second(OTHER), tmp_path)
    (first, _) = told.verdicts
    assert first.details() == [
        "1 rows differ, in score (1 items)",
        "a guess: the clock (studies/news/sentiment.py, line 4: time.time)",
    ]
    document = json.loads(json.dumps(told.document()))
    assert document["deterministic"] is False
    assert document["stages"][0]["guesses"][0]["words"] == "the clock"
    assert document["stages"][0]["difference"]["columns"] == {"score": 1}


def difference(*pairs: tuple[str, str | None], rows: int = 1) -> Difference:
    samples = tuple({"item": 0, "column": "c", "a": a, "b": b} for a, b in pairs)
    return Difference(rows, 0, 0, {"c": 1}, samples)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (difference(("0.1", "0.10000000000000002")), "floating-point"),
        (difference(("2024-01-01 00:00:00.000000 UTC", "2024-01-02 00:00:00.000000 UTC")), "clock"),
        (difference(("b a", "a b"), ("x y", "y x")), "order of a set"),
        (difference(rows=0), "the same rows, in another order"),
    ],
)
def test_values_suggest_a_cause(found: Difference, words: str) -> None:
    (guess,) = guesses.of_values(found)
    assert words in f"{guess.words} {guess.evidence}"


@pytest.mark.parametrize(
    "found", [difference(("0.1", "0.2")), difference(("a", "b")), difference(("a", None))]
)
def test_values_that_suggest_nothing_give_no_guess(found: Difference) -> None:
    assert list(guesses.of_values(found)) == []


SOURCE = """
import numpy as np
import random, uuid as u
import concurrent.futures
from datetime import datetime
from time import time as now

def f(item):
    random.random()              # seeded for each item
    np.random.rand()             # so is this
    np.random.default_rng(7)
    np.random.default_rng()
    u.uuid4(), now(), datetime.now()
    for word in {"a", "b"}:
        pass
    concurrent.futures.ThreadPoolExecutor()
"""


def test_source_is_searched_by_the_full_names_of_its_calls() -> None:
    found = [guess.evidence for guess in suspects.of_source("s.py", SOURCE)]
    assert sorted(re.sub(r"^s.py, line \d+: ", "", evidence) for evidence in found) == [
        "a set",
        "concurrent.futures.ThreadPoolExecutor",
        "datetime.datetime.now",
        "numpy.random.default_rng without a seed",
        "time.time",
        "uuid.uuid4",
    ]


def test_sql_is_searched_for_what_is_free() -> None:
    sql = (
        "WITH x AS (SELECT array_agg(a) AS l, max(now()) AS m FROM t FOR VERSION AS OF 3)"
        " SELECT rand(), approx_distinct(l) FROM x JOIN others ON true LIMIT 5"
    )
    found = {guess.evidence for guess in suspects.of_sql(sql, frozenset({"t"}))}
    assert found == {
        "array_agg without ORDER BY",
        "its SQL calls current_timestamp",
        "its SQL calls rand",
        "its SQL calls approx_distinct",
        "it reads others, of which no snapshot is pinned",
        "LIMIT without ORDER BY",
        "no ORDER BY at its end",
    }
    assert list(suspects.of_sql("SELECT a FROM t ORDER BY a", frozenset({"t"}))) == []
    assert list(suspects.of_sql("SELECT a FROM t", frozenset({"t"}), items=True)) == []


def test_workers_and_failures_that_differ_are_guessed_at() -> None:
    a, b = run().stages[0], second({"workers": 4, "quarantined": 1}).stages[0]
    told = guesses.guess(Verdict("scores", NOT_DETERMINISTIC, (), a, b), {}, frozenset())
    assert [guess.evidence for guess in told] == [
        "8 in the first run, 4 in the second",
        "12 quarantined, then 1",
    ]


def test_answers_are_compared_as_bags_of_rows() -> None:
    a, b = b'"k","v"\n"x","1"\n"y","2"\n', b'"k","v"\n"y","3"\n"x","1"\n'
    found = differences.of_csv(a, b)
    assert (found.rows, found.only_a, found.only_b, found.columns) == (1, 0, 0, {"v": 1})
    assert found.samples == ({"item": 0, "column": "v", "a": "2", "b": "3"},)
    assert differences.of_csv(a, b'"k","v"\n"y","2"\n"x","1"\n').rows == 0
    short = differences.of_csv(a, b'"k","v"\n"x","1"\n')
    assert (short.rows, short.only_a, short.only_b, short.columns) == (1, 1, 0, {})


def test_a_functions_sources_are_followed_inside_its_study(tmp_path: Path) -> None:
    study = tmp_path / "studies" / "news"
    study.mkdir(parents=True)
    (study / "a.py").write_text("import os\nfrom studies.news import b\nfrom . import c\n")
    (study / "b.py").write_text("import studies.news.a\n")
    (study / "c.py").write_text("from headrace import plan\n")
    found = sources.of(tmp_path, "studies.news.a")
    assert sorted(found) == [f"studies/news/{name}.py" for name in "abc"]
    assert sources.of(tmp_path, "studies.news.gone") == {}
    assert sources.of(tmp_path, "") == {}
