"""The Spark examples run, and say what their docstrings say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from examples.spark import count_by_age, graph_motifs, predict, rdd, word_count
from tests.unit.spark_session import session


@pytest.fixture(scope="module")
def spark() -> Iterator[SparkSession]:
    with session() as made:
        yield made


def test_a_transformation_runs_at_each_action_until_it_is_cached(spark: SparkSession) -> None:
    assert rdd.lazily(spark) == [0, 5, 10, 15, 15]


def test_transformations_and_actions(spark: SparkSession) -> None:
    made = rdd.transformed(spark)
    assert made["filter"] == [("ann", 3), ("cy", 5), ("bob", 4)]
    assert made["group_by_key"] == [("ann", [2, 3]), ("bob", [1, 4]), ("cy", [5])]
    assert made["reduce_by_key"] == [("ann", 5), ("bob", 5), ("cy", 5)]
    assert ("cy", (5, "north")) in made["join"]
    assert (made["reduce"], made["count"], len(made["join"])) == (15, 5, 5)


def test_counts_by_age(spark: SparkSession) -> None:
    people = spark.createDataFrame(count_by_age.PEOPLE, "name string, age int")
    made = [tuple(r) for r in count_by_age.counts_by_age(people).collect()]
    assert made == [(None, 1), (27, 2), (31, 2), (64, 1)]


def test_both_word_counts_are_counters(spark: SparkSession, tmp_path: Path) -> None:
    text = "The café isn't the Café;\nthe end -- isn't it_2?\n"
    (tmp_path / "text").write_text(text, encoding="utf-8")
    counted = Counter(word_count.WORD.findall(text.lower()))
    assert dict(word_count.by_rdd(spark, str(tmp_path / "text"))) == counted
    made = word_count.by_dataframe(spark, str(tmp_path / "text"))
    assert {r["word"]: r["count"] for r in made.collect()} == counted
    assert word_count.most_used(made) == (3, "the")


def test_ranks_and_suggestions(spark: SparkSession) -> None:
    edges = graph_motifs.follows(spark)
    ranks = graph_motifs.ranks(edges)
    assert sum(ranks.values()) == pytest.approx(1)
    assert max(ranks, key=ranks.__getitem__) == "cy"
    assert graph_motifs.suggestions(edges) == [
        ("ann", "cy"),
        ("bob", "ann"),
        ("bob", "dee"),
        ("cy", "bob"),
        ("eve", "ann"),
        ("eve", "dee"),
    ]


@pytest.mark.slow
def test_the_model_tells_voters(spark: SparkSession) -> None:
    assert 0.8 < predict.area_under_curve(predict.voters(spark)) < 1
