"""Names in sentences, the graph of names, the party model, and the frame of a program."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from emr_steps import co_mention, party_model
from emr_steps.mentions import names
from emr_steps.spark_program import Program, ProgramError, arguments, beside
from tests.unit.spark_session import PROJECT, environment, session

SENTENCES = [
    "The Congress met Spain in Cuba.",
    "Then Spain left Cuba to Mexico.",
    "We saw Spain and Mexico.",
    "Although Spain agreed, Cuba did not.",
    "Nobody was there.",
]


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with session() as made:
        yield made


def given(spark: SparkSession, told: list[Any], columns: str, **params: Any) -> Program:
    program = Program(spark, "", "", params, seed=25)
    program.read = lambda: spark.createDataFrame(told, columns)  # type: ignore[method-assign]
    return program


@pytest.mark.parametrize(
    ("sentence", "found"),
    [
        ("We thank the House of Representatives.", ["House of Representatives"]),
        ("Then the Secretary of the Treasury spoke.", ["Secretary of the Treasury"]),
        ("In May, Mr. Lincoln's son met John F. Kennedy.", ["Lincoln", "John F. Kennedy"]),
        ("The U.S. Army left St. Louis, Missouri.", ["U.S. Army", "St Louis", "Missouri"]),
        ("I've seen it of The.", []),
        ("LET US PRAY FOR PEACE.", []),
        ("", []),
    ],
)
def test_names_in_a_sentence(sentence: str, found: list[str]) -> None:
    assert [n.name for n in names(sentence)] == found


def test_a_lone_first_word_is_uncertain_unless_it_comes_again() -> None:
    assert [n.uncertain for n in names("Mexico fell.")] == [True]
    assert [n.uncertain for n in names("Mexico fell, and Mexico rose.")] == [False]
    assert [n.uncertain for n in names("New York fell.")] == [False]


def test_names_by_their_company(spark: SparkSession) -> None:
    program = given(spark, [(s,) for s in SENTENCES], "text string", least=2)
    rows = {r["name"]: r.asDict() for r in co_mention.co_mention(program).collect()}
    told = {n: (r["sentences"], r["partners"], r["together"]) for n, r in rows.items()}
    assert told == {"Spain": (4, 2, 5), "Cuba": (3, 2, 4), "Mexico": (2, 2, 3)}
    assert sum(r["pagerank"] for r in rows.values()) == pytest.approx(1)
    assert rows["Spain"]["pagerank"] > rows["Cuba"]["pagerank"] > rows["Mexico"]["pagerank"]
    assert (program.facts["names"], program.facts["pairs"]) == (3, 3)


def test_pairs_with_an_alias(spark: SparkSession) -> None:
    params: dict[str, Any] = {"rows": "pairs", "least": 1, "alias": {"Cuba": "Mexico"}}
    program = given(spark, [(s,) for s in SENTENCES], "text string", **params, stop=["Congress"])
    assert sorted(map(tuple, co_mention.co_mention(program).collect())) == [("Mexico", "Spain", 4)]


@pytest.mark.slow
def test_the_model_is_told_from_chance_in_every_fold(spark: SparkSession) -> None:
    speeches = [
        (f"{words} {year % 7}", party, year)
        for year in range(12)
        for words, party in (("taxes and trade", "R"), ("jobs and schools", "D"), ("sea", "W"))
    ]
    params = {"label": "party", "group": "year", "classes": ["D", "R"], "folds": 2}
    grid = {"features": [256], "regularization": [0.01, 0.1]}
    program = given(spark, speeches, "text string, party string, year int", **params, **grid)
    rows = party_model.party_model(program).collect()
    assert [(r["fold"], r["regularization"]) for r in rows] == [
        *((0, 0.01), (0, 0.1), (1, 0.01), (1, 0.1)),
    ]
    assert all(r["score"] == 1.0 and r["baseline"] == 0.5 for r in rows)
    assert [r["winner"] for r in rows] == [True, False, True, False]
    assert sum(r["rows"] for r in rows) == 2 * 24
    assert program.facts == {"rows": 24, "rows_of_other_labels": 12}


def test_too_few_groups_for_the_folds_are_refused(spark: SparkSession) -> None:
    rows = [("a", "D", 1), ("b", "R", 1)]
    program = given(spark, rows, "text string, label string, g int", group="g", folds=2)
    with pytest.raises(ProgramError, match="found 1 folds with rows and 2 labels"):
        party_model.party_model(program)


@pytest.mark.slow
def test_a_program_runs_as_a_step_does(tmp_path: Path) -> None:
    """By spark-submit, with the sources in PYTHONPATH and nothing else told."""
    edges = pa.table({"src": ["a", "b", None], "dst": ["b", "c", "c"]})
    (tmp_path / "in").mkdir()
    pq.write_table(edges, tmp_path / "in" / "0.parquet")
    command = [
        *(str(Path(sys.executable).parent / "spark-submit"), "--master", "local[1]"),
        *("--conf", "spark.ui.enabled=false", "--conf", "spark.driver.host=127.0.0.1"),
        *("--conf", "spark.sql.shuffle.partitions=1"),
        *(str(PROJECT / "emr_steps" / "graph.py"), "--input", str(tmp_path / "in")),
        *("--output", str(tmp_path / "out"), "--params", '{"measures": ["degrees"]}'),
    ]
    told = os.environ | environment() | {"PYTHONPATH": str(PROJECT), "HEADRACE_SEED": "25"}
    done = subprocess.run(command, env=told, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    made = pq.read_table(tmp_path / "out").to_pylist()
    assert {r["vertex"]: (r["in_degree"], r["out_degree"]) for r in made} == {
        "a": (0, 1),
        "b": (1, 1),
        "c": (1, 0),
    }
    assert (tmp_path / "out" / "_SUCCESS").is_file()
    facts = json.loads((tmp_path / "facts" / "graph.json").read_text())
    assert (facts["edges"], facts["edges_without_an_end"]) == (2, 1)
    # spark-submit joins a program's standard error to its standard output.
    assert "WARNING: 1 of 3 rows have no source or no target" in done.stdout
    again = subprocess.run(command, env=told, text=True, capture_output=True, check=False)
    assert again.returncode != 0  # an output that exists is never replaced
    assert "already exists" in again.stderr + again.stdout


def test_the_words_of_a_step() -> None:
    told = arguments(["--input", "s3://l/in/", "--output", "s3://l/out/", "--params", '{"a": 1}'])
    assert (told.input, told.output, told.params) == ("s3://l/in/", "s3://l/out/", {"a": 1})
    assert beside("s3://l/try/out/", "facts/x.json") == "s3://l/try/facts/x.json"
    with pytest.raises(SystemExit):
        arguments(["--input", "a", "--output", "b", "--params", "[1]"])
