"""Presidents' words, and whom and what they name together: a Map, a MapReduce and two Sparks."""

from dataclasses import dataclass

from headrace.study import Map, MapReduce, Query, Spark, Study


@dataclass(frozen=True)
class Sentence:
    """One sentence of one address."""

    year: int
    president: str
    party: str
    position: int  # of the sentence in its address, from 0
    text: str


@dataclass(frozen=True)
class TopWord:
    """One of the words that a president used most."""

    president: str
    word: str
    count: int
    rank: int  # 1 the most used


@dataclass(frozen=True)
class Mentioned:
    """One name: of a person, a country, an institution."""

    name: str
    sentences: int  # that have it
    partners: int  # names that it shares a sentence with
    together: int  # sentences shared, added over the partners
    pagerank: float  # in the graph of names; sums to 1 over those with a partner


@dataclass(frozen=True)
class Score:
    """How well one model told the parties apart, in one fold."""

    features: int  # size of the hashed vocabulary
    regularization: float
    fold: int
    rows: int  # sentences that the model was asked of
    score: float  # accuracy
    baseline: float  # accuracy of always saying the commoner party
    winner: bool  # whether this model is the best on average


#: Common nouns and adjectives, which old addresses write with a capital as well.
COMMON = [
    *("American", "Americans", "Department", "Executive", "Federal", "Federal Government"),
    *("General Government", "Government", "Nation", "Nations", "President", "State", "States"),
]

study = Study(
    name="presidents",
    question="Which words did presidents use most, and who is named with whom?",
    seed=25,
    stages=[
        Map(
            "sentences",
            fn="studies.presidents.sentences:sentences",
            items="s3://{lake}/files/addresses/",
            produces=Sentence,
        ),
        MapReduce(
            "top_words",
            job="emr_steps/top_words.py",
            input="SELECT president, text FROM sentences",
            produces=TopWord,
            params={"text": "text", "by": "president", "top": 150},
        ),
        Spark(
            "co_mention",
            program="emr_steps/co_mention.py",
            input="SELECT text FROM sentences",
            produces=Mentioned,
            params={
                "least": 20,
                "alias": {"U.S.": "United States", "Soviets": "Soviet Union"},
                "stop": COMMON,
            },
        ),
        Spark(
            "party_model",
            program="emr_steps/party_model.py",
            input="queries/modern.sql",
            produces=Score,
            params={
                "label": "party",
                "group": "year",
                "classes": ["Democratic", "Republican"],
                "features": [4096],
                "regularization": [0.01, 0.1],
            },
        ),
        Query(
            "own_words",
            sql="queries/own_words.sql",
            title="Words among a president's 150 most used, and among those of no other",
        ),
        Query(
            "named",
            sql="queries/named.sql",
            chart="bar",
            title="The twenty names of the highest PageRank among names of the same sentence",
            draw=["pagerank"],
            labels={"pagerank": "PageRank (sums to 1 over all names)"},
        ),
        Query(
            "told_apart",
            sql="queries/told_apart.sql",
            chart="bar",
            title="Can a sentence's words tell the party since 1953? Accuracy by fold",
            draw=["accuracy", "baseline"],
            labels={"accuracy": "model", "baseline": "always the commoner party"},
        ),
    ],
)
