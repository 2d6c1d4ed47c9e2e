"""The notes' MapReduce listings and mrjob's documented examples: inline as through the launcher."""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from typing import Any

import igraph
import pytest

from tests.unit.mapreduce_path import ROOT, inline, job_class, launched

FOLDER = ROOT / "examples" / "mapreduce"
TEXT = "\n".join(
    [
        "We hold these truths to be self-evident, that all men are created equal;",
        "that they are endowed, by their Creator, with certain unalienable Rights,",
        "that among these are Life, Liberty, and the pursuit of Happiness. 'Tis the people's",
        "Право граждан — the right of THE citizens, naïve or not: the the the",
        "",
    ]
).encode()
WORDS = re.findall(r"[\w']+", TEXT.decode())
random.seed(25)
EDGES = [(f"n{random.randrange(30)}", f"n{random.randrange(40)}") for _ in range(120)]

CASES: list[tuple[str, str, bytes, tuple[str, ...]]] = [
    ("word_count", "MRWordFreqCount", TEXT, ()),
    ("most_used_word", "MRMostUsedWord", TEXT, ()),
    ("next_word", "MRNextWordStats", TEXT, ()),
    (
        "pagerank",
        "MRPageRank",
        "".join(f"{a}\t{b}\n" for a, b in EDGES).encode(),
        ("--rounds", "3"),
    ),
]


def ran(name: str) -> dict[Any, Any]:
    """What a job gives inline, its keys as text."""
    path, kind, data, words = next(case for case in CASES if case[0] == name)
    given = inline(job_class(FOLDER / f"{path}.py", kind), data, *words)
    pairs = (line.split(b"\t") for line in given)
    return {key.decode(): json.loads(value) for key, value in pairs}


@pytest.mark.parametrize(("name", "kind", "data", "words"), CASES, ids=[c[0] for c in CASES])
def test_same_lines_inline_and_through_the_launcher(
    name: str, kind: str, data: bytes, words: tuple[str, ...]
) -> None:
    path = FOLDER / f"{name}.py"
    job = job_class(path, kind)
    assert inline(job, data, *words) == launched(path, job, data, *words) != []


def test_words_are_counted() -> None:
    expected = Counter(word.lower() for word in WORDS)
    assert {json.loads(k): v for k, v in ran("word_count").items()} == expected


def test_most_used_word() -> None:
    word, uses = Counter(word.lower() for word in WORDS).most_common(1)[0]
    assert ran("most_used_word") == {str(uses): word}


def test_next_words_shares_add_up() -> None:
    found = {tuple(json.loads(k)): v for k, v in ran("next_word").items()}
    assert found["that", "all"] == [pytest.approx(100 / 3), 1, 3]
    for word in {first for first, _ in found}:
        assert math.fsum(v[0] for k, v in found.items() if k[0] == word) == pytest.approx(100)


@pytest.mark.slow
def test_pagerank_is_igraphs() -> None:
    job = job_class(FOLDER / "pagerank.py", "MRPageRank")
    pairs = [line.split(b"\t") for line in inline(job, CASES[3][2], "--rounds", "40")]
    found = {json.loads(key): float(value) for key, value in pairs}
    graph = igraph.Graph.TupleList(EDGES, directed=True)
    assert found == pytest.approx(dict(zip(graph.vs["name"], graph.pagerank(), strict=True)), 1e-6)
