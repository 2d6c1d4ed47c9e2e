"""One site's pages of a monthly web crawl: found by index, read by byte range, searched."""

from dataclasses import dataclass

from headrace.study import External, Map, Query, Study
from studies.crawl.study import SHARE, Page


@dataclass(frozen=True)
class Capture:
    """The columns of Common Crawl's index that are read: a scan costs by column."""

    url: str
    url_host_registered_domain: str
    fetch_status: int
    content_mime_detected: str
    warc_filename: str
    warc_record_offset: int
    warc_record_length: int


study = Study(
    name="crawl-index",
    question="Which share of Wikipedia's pages, in a monthly crawl, speaks of history?",
    seed=25,
    externals=[
        External(
            "ccindex",
            schema=Capture,
            location="s3://commoncrawl/cc-index/table/cc-main/warc/crawl=CC-MAIN-2024-22/subset=warc/",
            note="One crawl's index is about 300 GB: at most 1.50 USD a scan, less by column and "
            "domain. The study stops a query at 32 GiB (0.17 USD).",
        )
    ],
    stages=[
        Map(
            "pages",
            fn="studies.crawl_index.fetch:pages",
            items="queries/captures.sql",
            produces=Page,
            params={"keyword": "history"},
            reads=["s3://commoncrawl/crawl-data/"],
        ),
        Query(
            "share",
            sql="queries/share.sql",
            chart="bar",
            title="Pages with the word, by host",
            draw=["share"],
            labels={"share": SHARE},
        ),
    ],
    scan_limit_mib=32 * 1024,
)
