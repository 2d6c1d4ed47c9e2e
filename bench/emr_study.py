"""The throw-away study that ``bench/emr.py`` deploys; it is copied as ``studies/bench``."""

from __future__ import annotations

from dataclasses import dataclass

from headrace.study import MapReduce, Spark, Study


@dataclass(frozen=True)
class Word:
    """A word and how often it is used."""

    word: str
    count: int


@dataclass(frozen=True)
class Group:
    """How many numbers end alike."""

    last: int
    numbers: int


@dataclass(frozen=True)
class Rank:
    """A vertex and its share of the rank."""

    vertex: int
    pagerank: float


def _words(name: str, job: str, files: str) -> MapReduce:
    return MapReduce(
        name, job=f"studies/bench/{job}.py", input=f"s3://{{lake}}/files/{files}/", produces=Word
    )


study = Study(
    name="bench",
    question="What do EMR's steps cost beside their work?",
    seed=25,
    stages=[
        _words("fast", "emr_fast", "text"),
        _words("textbook", "emr_textbook", "some"),
        Spark(
            "small",
            program="studies/bench/emr_spark.py",
            input="SELECT n FROM UNNEST(sequence(1, 10000)) AS t (n)",
            produces=Group,
        ),
        Spark(
            "ranks",
            program="emr_steps/graph.py",
            input="s3://{lake}/files/edges/",
            produces=Rank,
            params={"format": "edges", "integers": True, "measures": ["pagerank"], "rounds": 10},
        ),
    ],
)
