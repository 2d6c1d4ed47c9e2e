"""The State of the Union asked of every engine there is, and whether they agree."""

from dataclasses import dataclass

from headrace.study import Dask, Gpu, Kinesis, Map, MapReduce, Mpi, Query, Spark, Study, Table
from studies.speeches.study import LABELS, ScoredSentence, Sentence


@dataclass(frozen=True)
class Address:
    """One address, measured."""

    year: int
    president: str
    party: str
    sentences: int
    words: int
    distinct: int  # different words
    length: float  # mean words of a sentence
    sentiment: float  # mean VADER compound score of a sentence
    word: int  # uses of WORD
    named: int  # sentences that name NAME


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
class Setting:
    """How well one setting of a model tells the parties apart, cross-validated."""

    features: int  # size of the hashed vocabulary
    regularization: float
    asked: int  # sentences
    right: int  # of these classed right, each by a model that has not seen its address
    accuracy: float
    baseline: float  # accuracy of always saying the commoner party
    winner: bool


@dataclass(frozen=True)
class Shuffled:
    """A difference in means of two groups, and what it is where labels are dealt at random."""

    first: str
    second: str
    n_first: int
    n_second: int
    mean_first: float
    mean_second: float
    difference: float  # first - second
    p: float  # two-sided
    p_greater: float
    sd: float  # of the differences of random labels
    low: float  # 2.5 % of them are below
    middle: float
    high: float  # 2.5 % of them are above
    permutations: int


@dataclass(frozen=True)
class Trend:
    """The mean sentiment of a decade, with a bootstrap interval over addresses."""

    year: int  # in which the decade begins
    rows: int
    units: int  # addresses
    mean: float
    low: float | None  # no interval of a single address
    high: float | None
    slope: float  # a year, over all addresses
    slope_low: float
    slope_high: float


#: What the Map counts too, so that it can be held against mrjob's and Spark's count.
WORD, NAME = "the", "Mexico"
#: Common nouns and adjectives, which old addresses write with a capital as well.
COMMON = [
    *("American", "Americans", "Department", "Executive", "Federal", "Federal Government"),
    *("General Government", "Government", "Nation", "Nations", "President", "State", "States"),
]
PARTIES = ["Democratic", "Republican"]

study = Study(
    name="union",
    question="What have presidents told Congress since 1790, and do all engines read it alike?",
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
        Map(
            "addresses",
            fn="studies.union.addresses:measure",
            items="queries/addresses.sql",
            produces=Address,
            params={"word": WORD, "name": NAME},
            concurrency=2,
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
            # Planning anew after each of so small stages takes longer than they do.
            conf={"spark.driver.memory": "1g", "spark.sql.adaptive.enabled": "false"},
        ),
        Mpi(
            "party_model",
            program="tasks/mpi/grid_search.py",
            input="queries/modern.sql",
            produces=Setting,
            ranks=2,
            params={
                "label": "party",
                "group": "year",
                "classes": PARTIES,
                "features": [4096, 16384],
                "regularization": [1e-4, 1e-3],
            },
        ),
        Gpu(
            "shuffle_test",
            program="tasks/gpu/permutation.py",
            input="SELECT party AS label, sentiment AS value FROM sentences WHERE year >= 1953",
            produces=Shuffled,
            params={"groups": PARTIES, "permutations": 10_000},
            memory_mib=2048,
        ),
        Gpu(
            "shuffle_addresses",
            program="tasks/gpu/permutation.py",
            input="SELECT party AS label, sentiment AS value FROM addresses WHERE year >= 1953",
            produces=Shuffled,
            params={"groups": PARTIES, "permutations": 10_000},
            memory_mib=2048,
        ),
        Dask(
            "trend",
            program="tasks/dask/trend.py",
            input="queries/by_address.sql",
            produces=Trend,
            workers=2,
            params={"time": "year", "value": "sentiment", "unit": "address", "bin": 10},
        ),
        Query(
            "engines",
            sql="queries/engines.sql",
            title="Do engines agree? The same numbers side by side",
        ),
        Query(
            "mood_by_decade",
            sql="queries/mood_by_decade.sql",
            chart="line",
            title="Mean sentiment of a sentence by decade, with bootstrap intervals (Dask)",
            draw=["mood"],
            labels=LABELS,
        ),
        Query(
            "lengths",
            sql="queries/lengths.sql",
            chart="line",
            title="Words of a sentence, by decade (Lambda)",
            draw=["length"],
            labels={"length": "mean words of a sentence"},
        ),
        Query(
            "own_words",
            sql="queries/own_words.sql",
            chart="bar",
            title="Words that one president alone has among his top 150 (mrjob)",
            draw=["uses"],
            labels={"uses": "uses in his addresses"},
        ),
        Query(
            "named",
            sql="queries/named.sql",
            chart="bar",
            title="Names by PageRank in the graph of sentences that they share (Spark)",
            draw=["pagerank"],
            labels={"pagerank": "PageRank (sums to 1 over all names)"},
        ),
        Query(
            "told_apart",
            sql="queries/told_apart.sql",
            chart="bar",
            title="Do a sentence's words tell the party since 1953? (MPI)",
            draw=["accuracy"],
            labels={"accuracy": "share of sentences that are classed right"},
        ),
        Query(
            "parties",
            sql="queries/parties.sql",
            chart="bar",
            title="Sentiment since 1953: Democrats less Republicans, and shuffled (OpenCL)",
            draw=["difference", "shuffled"],
            labels={"difference": "found", "shuffled": "shuffled"},
        ),
    ],
    records="studies.speeches.records:sentences",
)
