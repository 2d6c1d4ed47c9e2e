"""The flagship: 230 years of State of the Union addresses, scored sentence by sentence."""

from dataclasses import dataclass

from headrace.study import Kinesis, Query, Study, Table


@dataclass(frozen=True)
class Sentence:
    """One sentence of one address."""

    year: int
    president: str
    party: str
    position: int  # of the sentence in its address, from 0
    text: str


@dataclass(frozen=True)
class ScoredSentence(Sentence):
    """A sentence with its VADER compound score, -1 (most negative) to 1."""

    sentiment: float


LABELS = {"mood": "mean VADER compound score (-1 to 1)"}

study = Study(
    name="speeches",
    question="How has the mood of the State of the Union moved since 1790?",
    seed=25,
    source=Kinesis(shards=1, key="year"),
    tables=[
        Table(
            "sentences",
            schema=Sentence,
            transform="studies.speeches.mood:score",
            produces=ScoredSentence,
        )
    ],
    stages=[
        Query(
            "mood_by_decade",
            sql="queries/mood_by_decade.sql",
            chart="line",
            title="Mean sentiment of a sentence, by decade",
            draw=["mood"],
            labels=LABELS,
        ),
        Query(
            "mood_by_party",
            sql="queries/mood_by_party.sql",
            chart="bar",
            title="Mean sentiment of a sentence, by party of the president",
            draw=["mood"],
            labels=LABELS,
        ),
    ],
    records="studies.speeches.records:sentences",
)
