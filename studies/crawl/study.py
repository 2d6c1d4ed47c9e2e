"""How much of a web crawl speaks of something: a keyword in WARC, WET and WAT files."""

from dataclasses import dataclass
from datetime import datetime

from headrace.study import Function, Map, Query, Study


@dataclass(frozen=True)
class Page:
    """One page that was searched, whether or not the word is in it."""

    file: str
    position: int  # byte of its gzip member in the file
    type: str  # response, resource (WARC), conversion (WET), metadata (WAT)
    target: str | None  # the page's address
    host: str | None
    captured: datetime | None
    bytes: int  # of the payload, decoded
    matches: int  # how often the word is in the payload


SHARE = "share of pages with the word"

study = Study(
    name="crawl",
    question="Which share of the pages of a web crawl speaks of the internet, where and when?",
    seed=25,
    stages=[
        Map(
            "pages",
            fn="studies.crawl.search:pages",
            items="s3://{lake}/files/warc/",
            produces=Page,
            params={"keyword": "internet"},
            item_timeout_s=600,
            function=Function(memory_mib=1769, timeout_s=900),
        ),
        Query(
            "share",
            sql="queries/share.sql",
            title="Pages with the word, by kind of record",
        ),
        Query(
            "hosts",
            sql="queries/hosts.sql",
            chart="bar",
            title="Pages with the word, by host",
            draw=["share"],
            labels={"share": SHARE},
        ),
        Query(
            "days",
            sql="queries/days.sql",
            chart="line",
            title="Pages with the word, by day of capture",
            draw=["share"],
            labels={"share": SHARE},
        ),
        Query(
            "unread",
            sql="queries/unread.sql",
            title="What of the files could not be read",
        ),
    ],
)
