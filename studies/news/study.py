"""How far a lexicon's sentiment agrees with people's: New York Times editorials."""

from dataclasses import dataclass

from headrace.study import Kinesis, Query, Study, Table


@dataclass(frozen=True)
class Snippet:
    """One sentence of an editorial, and the mean of twenty people's ratings."""

    id: str  # article and sentence, as 17_3
    rating: float  # -4 (extremely negative) to 4
    text: str


@dataclass(frozen=True)
class ScoredSnippet(Snippet):
    """A snippet with its VADER compound score, -1 (most negative) to 1."""

    sentiment: float


study = Study(
    name="news",
    question="How far does VADER's sentiment of a sentence agree with people's ratings?",
    seed=25,
    source=Kinesis(shards=1, key="id"),
    tables=[
        Table(
            "snippets",
            schema=Snippet,
            transform="studies.news.sentiment:score",
            produces=ScoredSnippet,
        )
    ],
    stages=[
        Query(
            "agreement",
            sql="queries/agreement.sql",
            title="Correlation of VADER's score with the mean human rating",
        ),
        Query(
            "calibration",
            sql="queries/calibration.sql",
            chart="line",
            title="Mean score of the sentences that people rated alike",
            draw=["sentiment"],
            labels={
                "rating": "mean human rating (-4 to 4)",
                "sentiment": "mean VADER compound score (-1 to 1)",
            },
        ),
    ],
)
