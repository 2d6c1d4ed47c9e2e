"""Keyword search in a web crawl: 137 of 299 responses, by files and by index."""

from __future__ import annotations

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from warcio.archiveiterator import ArchiveIterator

from tests.acceptance.conftest import PROJECT, House

WARC = PROJECT.parent / "shared" / "data" / "warc"
pytestmark = pytest.mark.skipif(not WARC.is_dir(), reason="the course's data are not here")

FILES = (
    "aut_example.warc.gz",
    "whirlwind.warc.gz",
    "whirlwind.warc.wet.gz",
    "whirlwind.warc.wat.gz",
    "warcio_example.warc.gz",
)


@pytest.fixture(scope="module")
def crawl(house: House) -> House:
    """The study deployed and run over the course's files and a damaged copy of one."""
    data = (WARC / "aut_example.warc.gz").read_bytes()
    damaged = house.root / "damaged.warc.gz"
    damaged.write_bytes(data[:1_000_000] + b"damage" + data[1_000_006:-500_000])
    house.headrace("deploy", "crawl")
    house.headrace("upload", "crawl", "warc", *(str(WARC / name) for name in FILES))
    house.headrace("upload", "crawl", "warc", str(damaged))
    house.headrace("run", "crawl")
    return house


def rows(house: House, study: str, sql: str) -> list[dict[str, Any]]:
    # Behind `--`: the study's own queries begin with a comment.
    done = house.headrace("query", study, "--json", "--", sql)
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def test_137_of_299_responses_speak_of_the_internet(crawl: House) -> None:
    sql = "SELECT count(*) AS pages, count_if(matches > 0) AS found FROM pages"
    sql += " WHERE type = 'response' AND file LIKE '%/aut_example.warc.gz'"
    assert rows(crawl, "crawl", sql) == [{"pages": 299, "found": 137}]


def test_warc_wet_and_wat_are_all_read(crawl: House) -> None:
    sql = "SELECT regexp_extract(file, '[^/]+$') AS file, type, count(*) AS pages FROM pages"
    sql += " WHERE NOT (file LIKE '%damaged%') GROUP BY 1, 2 ORDER BY 1, 2"
    assert [(r["file"], r["type"], r["pages"]) for r in rows(crawl, "crawl", sql)] == [
        ("aut_example.warc.gz", "metadata", 261),
        ("aut_example.warc.gz", "response", 299),
        ("warcio_example.warc.gz", "response", 1),
        ("whirlwind.warc.gz", "metadata", 1),
        ("whirlwind.warc.gz", "response", 1),
        ("whirlwind.warc.wat.gz", "metadata", 1),
        ("whirlwind.warc.wet.gz", "conversion", 1),
    ]


def test_what_does_not_parse_is_told_and_the_rest_is_read(crawl: House) -> None:
    sql = "SELECT reason, bytes FROM quarantine ORDER BY reason"
    told = rows(crawl, "crawl", sql)
    assert len(told) == 2
    assert all("damaged.warc.gz" in row["reason"] for row in told)
    # By offset, every page of the damaged copy but the two that the damage hit is there.
    sql = "SELECT file LIKE '%damaged%' AS damaged, position FROM pages"
    sql += " WHERE file LIKE '%damaged%' OR file LIKE '%aut_example%'"
    found = rows(crawl, "crawl", sql)
    sound = {r["position"] for r in found if not r["damaged"]}
    copy = {r["position"] for r in found if r["damaged"]}
    end = 2_496_731 - 500_000
    hit = {max(p for p in sound if p < 1_000_000), max(p for p in sound if p < end)}
    assert {p for p in sound if p < end} - copy <= hit
    assert copy < sound


def test_the_queries_answer(crawl: House) -> None:
    queries = PROJECT / "studies" / "crawl" / "queries"
    share = rows(crawl, "crawl", (queries / "share.sql").read_text())
    assert [row["type"] for row in share] == ["conversion", "metadata", "response"]
    hosts = rows(crawl, "crawl", (queries / "hosts.sql").read_text())
    assert hosts[0]["host"] == "www.archive.org"
    days = rows(crawl, "crawl", (queries / "days.sql").read_text())
    assert days[0]["day"] == "2008-04-30"
    unread = rows(crawl, "crawl", (queries / "unread.sql").read_text())
    assert len(unread) == 2


def test_the_same_search_by_index_and_byte_range(house: House) -> None:
    """Common Crawl's own layout in the local cloud; the study is the one that runs on AWS."""
    s3 = house.client("s3")
    s3.create_bucket(Bucket="commoncrawl")
    index: list[dict[str, Any]] = []
    for name, domain in (("aut_example", "archive.org"), ("whirlwind", "wikipedia.org")):
        key = f"crawl-data/CC-MAIN-2024-22/segments/1/warc/{name}.warc.gz"
        body = (WARC / f"{name}.warc.gz").read_bytes()
        s3.put_object(Bucket="commoncrawl", Key=key, Body=body)
        index += indexed(key, body, domain)
    # Wikipedia's page twice more: not fetched, and no page.
    page = next(row for row in index if row["url_host_registered_domain"] == "wikipedia.org")
    index += [page | {"fetch_status": 404}, page | {"content_mime_detected": "image/png"}]
    to = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(index, schema=INDEX), to, compression="gzip")
    s3.put_object(Bucket="commoncrawl", Key=f"{TABLE}part-00000.gz.parquet", Body=to.getvalue())
    house.headrace("deploy", "crawl-index")
    house.headrace("run", "crawl-index")
    (found,) = rows(house, "crawl-index", "SELECT target, type, bytes, matches FROM pages")
    content = whirlwind()
    assert found == {
        "target": "https://an.wikipedia.org/wiki/Escopete",
        "type": "response",
        "bytes": len(content),
        "matches": content.lower().count(b"history"),
    }
    assert found["matches"] > 0
    (told,) = rows(house, "crawl-index", "SELECT items, rows_out FROM runs WHERE stage = 'pages'")
    assert told == {"items": 1, "rows_out": 1}


@pytest.mark.slow
def test_mrjob_counts_what_the_map_counts(house: House) -> None:
    house.headrace("deploy", "crawl-words")
    house.headrace("upload", "crawl-words", "warc", *(str(WARC / name) for name in FILES))
    house.headrace("run", "crawl-words")
    (found,) = rows(house, "crawl-words", "SELECT * FROM words WHERE type = 'response'")
    # The other two files of responses have one page each, and none has the word.
    assert (found["word"], found["pages"], found["found"]) == ("internet", 299 + 2, 137)
    sql = (PROJECT / "studies" / "crawl_words" / "queries" / "both.sql").read_text()
    both = rows(house, "crawl-words", sql)
    assert [row["type"] for row in both] == ["conversion", "metadata", "response"]
    assert [row["differ"] for row in both] == [0, 0, 0]
    assert both[2]["matches_map"] == both[2]["matches_job"] > 137


def whirlwind() -> bytes:
    """The payload of Wikipedia's page, by another parser than the study's."""
    with (WARC / "whirlwind.warc.gz").open("rb") as file:
        for record in ArchiveIterator(file):
            if record.rec_type == "response":
                content: bytes = record.content_stream().read()
                return content
    raise AssertionError("no response in whirlwind.warc.gz")


TABLE = "cc-index/table/cc-main/warc/crawl=CC-MAIN-2024-22/subset=warc/"
#: Common Crawl's own types, of which the study reads seven columns by name.
INDEX = pa.schema(
    [
        ("url_surtkey", pa.string()),
        ("url", pa.string()),
        ("url_host_registered_domain", pa.string()),
        ("fetch_status", pa.int16()),
        ("content_mime_detected", pa.string()),
        ("warc_filename", pa.string()),
        ("warc_record_offset", pa.int32()),
        ("warc_record_length", pa.int32()),
    ]
)


def indexed(key: str, body: bytes, domain: str) -> list[dict[str, Any]]:
    """The index of a file's responses, made by another parser than the study's."""
    found = []
    records = ArchiveIterator(io.BytesIO(body))
    for record in records:
        kind, url = record.rec_type, record.rec_headers.get_header("WARC-Target-URI")
        at = records.get_record_offset()
        records.read_to_end()
        if kind == "response":
            size = records.get_record_length()
            assert gzip.decompress(body[at : at + size]).startswith(b"WARC/")
            found.append(
                {
                    "url": url,
                    "url_host_registered_domain": domain,
                    "fetch_status": 200,
                    "content_mime_detected": "text/html",
                    "warc_filename": key,
                    "warc_record_offset": at,
                    "warc_record_length": size,
                }
            )
    return found
