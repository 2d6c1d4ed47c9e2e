"""The study of the whole house: an address measured, as the other engines measure it."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from headrace.plan import load, plan_of
from headrace.study import Query
from headrace.testing import run_stage
from studies.speeches.study import study as speeches
from studies.union.addresses import measure
from studies.union.study import NAME, WORD, study

PARAMS = {"word": WORD, "name": NAME}
SAID = [
    "The war with Mexico is over.",
    "Don't the New Mexico and Mexico differ?",
    "Mexico, Mexico: the end of the war; 1848 \u00e9t\u00e9.",
]
ITEM = {
    "year": 1848,
    "president": "James Polk",
    "party": "Democratic",
    "texts": SAID,
    "sentiments": [-0.5, 0.0, 0.25],
}


def test_an_address_is_measured() -> None:
    assert run_stage(study, "addresses", [ITEM]) == [
        {
            **{name: ITEM[name] for name in ("year", "president", "party")},
            "sentences": 3,
            "words": 22,
            "distinct": 14,
            "length": 22 / 3,
            "sentiment": -0.25 / 3,
            "word": 4,
            "named": 3,
        }
    ]


def test_a_name_within_another_is_not_that_name() -> None:
    item = ITEM | {"texts": ["He went to New Mexico."], "sentiments": [0.0]}
    assert measure(item, PARAMS)["named"] == 0


@given(st.lists(st.text(alphabet="theTHE'é1_ -.\n"), min_size=1, max_size=5))
def test_words_are_those_of_the_mrjob_job(texts: list[str]) -> None:
    item = ITEM | {"texts": texts, "sentiments": [0.0] * len(texts)}
    rows = [{"president": "one", "text": text} for text in texts]
    told = run_stage(study, "top_words", rows, params=study_params("top_words") | {"top": 1000})
    counts = Counter({row["word"]: row["count"] for row in told})
    mine = measure(item, PARAMS)
    assert (mine["words"], mine["distinct"]) == (counts.total(), len(counts))
    assert mine["word"] == counts[WORD]


def study_params(name: str) -> dict[str, Any]:
    """Params of a stage, as the study has them."""
    return dict(plan_of(study).stage(name).deployed()["params"])


def test_its_sentences_are_those_of_the_spine() -> None:
    (mine,), (theirs,) = study.tables, speeches.tables
    assert mine == theirs
    assert (study.source, study.records) == (speeches.source, speeches.records)


def test_every_engine_has_a_stage() -> None:
    kinds = {stage.kind for stage in load("union").stages}
    assert kinds == {"map", "mapreduce", "spark", "mpi", "gpu", "dask", "query"}


def test_all_that_is_computed_is_charted() -> None:
    plan = load("union")
    charted = {
        table
        for stage in plan.stages
        if isinstance(stage.stage, Query) and stage.stage.chart != "table"
        for table in stage.reads
    }
    assert {stage.name for stage in plan.stages if stage.kind != "query"} <= charted
