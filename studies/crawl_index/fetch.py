"""The Map's function: reads the few bytes of one record, and looks for a word in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from headrace.lake import Rejected
from studies.crawl.search import search

BUCKET = "s3://commoncrawl/"


def pages(item: dict[str, Any], params: dict[str, Any]) -> Iterator[dict[str, Any] | Rejected]:
    """Search one record of a WARC file, as the search of whole files does.

    Parameters
    ----------
    item : dict
        ``warc_filename``, ``warc_record_offset`` and ``warc_record_length`` of the index.
    params : dict
        ``keyword``.

    Yields
    ------
    dict or headrace.lake.Rejected
        One row of ``studies.crawl.study.Page``; what of the range can't be read.
    """
    offset, size = item["warc_record_offset"], item["warc_record_length"]
    yield from search(BUCKET + item["warc_filename"], offset, size, params["keyword"])
