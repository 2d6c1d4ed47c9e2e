"""A keyword search counted twice: by a Map over Lambda, and by an mrjob job on a cluster."""

from dataclasses import dataclass

from headrace.study import Function, Map, MapReduce, Query, Study
from studies.crawl.study import Page

KEYWORD = "internet"


@dataclass(frozen=True)
class Found:
    """What the job counted of one word in the records of one type."""

    word: str
    type: str  # response, resource (WARC), conversion (WET), metadata (WAT)
    pages: int  # that were searched
    found: int  # that have the word
    matches: int  # how often it is in them


study = Study(
    name="crawl-words",
    question="Do two ways of searching a web crawl find the same?",
    seed=25,
    stages=[
        Map(
            "pages",
            fn="studies.crawl.search:pages",
            items="s3://{lake}/files/warc/",
            produces=Page,
            params={"keyword": KEYWORD},
            item_timeout_s=600,
            function=Function(memory_mib=1769, timeout_s=900),
        ),
        MapReduce(
            "words",
            job="emr_steps/crawl_words.py",
            input="SELECT DISTINCT file FROM pages",
            produces=Found,
            params={"words": KEYWORD},
        ),
        Query(
            "both",
            sql="queries/both.sql",
            title="Pages with the word, as the Map and as the job counted them",
        ),
    ],
)
