"""The search of a file: what a page is, what is counted in it, and what a row says."""

from __future__ import annotations

import datetime
import gzip
import io
import zlib
from pathlib import Path
from typing import Any

import pytest
from fastwarc import WarcRecord, WarcRecordType
from fastwarc.stream_io import BrotliWriter
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake import Rejected
from headrace.plan import columns_of
from headrace.testing import run_stage
from studies.crawl.search import count, pages
from studies.crawl.study import Page, study
from studies.crawl_index import fetch

TEXT = b"The Internet, an internet; INTERNET."


DATE = "2024-05-18T01:58:10Z"


def stored(kind: WarcRecordType, content: bytes, target: str | None, date: str = DATE) -> bytes:
    record = WarcRecord()
    record.init_headers(record_type=kind)
    if target:
        record.headers["WARC-Target-URI"] = target
    record.headers["WARC-Date"] = date
    if content.startswith(b"HTTP/"):
        record.headers["Content-Type"] = "application/http; msgtype=response"
    record.set_bytes_content(content)
    to = io.BytesIO()
    record.write(to)
    return gzip.compress(to.getvalue())


def response(body: bytes, head: str = "", target: str | None = "http://a.example/b") -> bytes:
    content = f"HTTP/1.1 200 OK\r\nServer: internet/1\r\n{head}\r\n".encode() + body
    return stored(WarcRecordType.response, content, target)


def searched(data: bytes, folder: Path, keyword: str = "internet") -> list[Any]:
    file = folder / "a.warc.gz"
    file.write_bytes(data)
    return list(pages({"uri": str(file), "bytes": len(data)}, {"keyword": keyword}))


def test_a_row_says_where_the_page_is_and_how_often_it_has_the_word(tmp_path: Path) -> None:
    first = response(b"nothing here", target=None)
    rows = searched(first + response(TEXT), tmp_path)
    assert rows[1] == {
        "file": str(tmp_path / "a.warc.gz"),
        "position": len(first),
        "type": "response",
        "target": "http://a.example/b",
        "host": "a.example",
        "captured": datetime.datetime(2024, 5, 18, 1, 58, 10, tzinfo=datetime.UTC),
        "bytes": len(TEXT),
        "matches": 3,
    }
    assert [rows[0][name] for name in ("target", "host", "matches")] == [None, None, 0]
    assert set(rows[0]) == {c.name for c in columns_of(Page)}


def brotli(data: bytes) -> bytes:
    to = io.BytesIO()
    with BrotliWriter(to) as writer:
        writer.write(data)
    return to.getvalue()


CHUNKED = b"4\r\n" + TEXT[:4] + b"\r\n%x\r\n" % len(TEXT[4:]) + TEXT[4:] + b"\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("Content-Encoding: gzip\r\n", gzip.compress(TEXT, mtime=0)),
        ("content-encoding: X-GZIP\r\n", gzip.compress(TEXT, mtime=0)),
        ("Content-Encoding: br\r\n", brotli(TEXT)),
        ("Transfer-Encoding: chunked\r\n", CHUNKED),
        ("Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", None),
        # Archives that undid a coding and left its header.
        ("Content-Encoding: gzip\r\n", TEXT),
        ("Content-Encoding: br\r\n", TEXT),
        ("Transfer-Encoding: chunked\r\n", TEXT),
        ("Content-Encoding: identity\r\n", TEXT),
    ],
)
def test_a_body_is_searched_as_a_browser_would_see_it(
    head: str, body: bytes | None, tmp_path: Path
) -> None:
    packed = gzip.compress(TEXT)
    both = b"%x\r\n" % len(packed) + packed + b"\r\n0\r\n\r\n"
    (row,) = searched(response(both if body is None else body, head), tmp_path)
    assert (row["matches"], row["bytes"]) == (3, len(TEXT))


def test_pages_are_responses_resources_conversions_and_metadata(tmp_path: Path) -> None:
    kinds = [getattr(WarcRecordType, name) for name in KINDS]
    data = b"".join(stored(kind, TEXT, "http://a.example/") for kind in kinds)
    assert [row["type"] for row in searched(data, tmp_path)] == [
        "response", "resource", "metadata", "conversion"
    ]  # fmt: skip


KINDS = ("warcinfo", "response", "resource", "request", "metadata", "revisit", "conversion")


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("HTTPS://User@WWW.Example.ORG:8080/a?b", "www.example.org"),
        ("http://[2001:db8::1]:80/", "[2001:db8::1]"),
        ("<http://a.example/>", "a.example"),
        ("http://a.example", "a.example"),
        ("http://a.example?q=http://b.example/", "a.example"),
        ("dns:www.archive.org", None),
        ("http://[", None),
        ("", None),
    ],
)
def test_the_host_is_the_addresss(target: str, host: str | None, tmp_path: Path) -> None:
    (row,) = searched(response(TEXT, target=target), tmp_path)
    assert row["host"] == host


@pytest.mark.parametrize(
    ("date", "captured"),
    [
        ("2024-05-18T03:58:10.25+02:00", datetime.datetime(2024, 5, 18, 1, 58, 10, 250000)),
        ("2024-05-18T01:58:10", None),
        ("0000-01-01T00:00:00Z", None),
        ("9999-12-31T23:59:59-01:00", None),
        ("yesterday", None),
    ],
)
def test_a_date_that_is_none_costs_no_page(
    date: str, captured: datetime.datetime | None, tmp_path: Path
) -> None:
    (row,) = searched(stored(WarcRecordType.resource, TEXT, None, date), tmp_path)
    assert row["captured"] == (captured and captured.replace(tzinfo=datetime.UTC))
    assert row["matches"] == 3


def test_the_stage_gives_rows_of_its_table(tmp_path: Path) -> None:
    data = response(TEXT) + b"garbage"
    (tmp_path / "a.warc.gz").write_bytes(data)
    item = {"uri": str(tmp_path / "a.warc.gz"), "bytes": len(data), "etag": "e"}
    rows = run_stage(study, "pages", [item])
    assert [(row["type"], row["matches"]) for row in rows] == [("response", 3)]
    (told,) = rows.quarantined
    assert told["bytes"] == b"garbage"
    assert run_stage(study, "pages", [item], params={"keyword": "absent"})[0]["matches"] == 0


def test_what_cannot_be_read_is_rejected_with_its_place(tmp_path: Path) -> None:
    good = response(TEXT)
    rows = searched(good + b"garbage" + good, tmp_path)
    assert [type(row) for row in rows] == [dict, Rejected, dict]
    assert rows[1].data == b"garbage"
    place = f"bytes {len(good)} to {len(good) + 6} of {tmp_path}/a.warc.gz"
    assert rows[1].reason.endswith(place)


def test_a_word_of_no_letters_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="empty keyword"):
        searched(response(TEXT), tmp_path, keyword="")


def test_a_word_beyond_ascii_is_sought_as_utf8(tmp_path: Path) -> None:
    (row,) = searched(response("Elección, elección".encode()), tmp_path, keyword="Elección")
    assert row["matches"] == 2


def test_a_range_is_searched_as_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = response(b"nothing"), response(TEXT)
    (tmp_path / "c.warc.gz").write_bytes(first + second + first)
    monkeypatch.setattr(fetch, "BUCKET", f"{tmp_path}/")
    item = {
        "warc_filename": "c.warc.gz",
        "warc_record_offset": len(first),
        "warc_record_length": len(second),
    }
    (row,) = fetch.pages(item, {"keyword": "internet"})
    assert isinstance(row, dict)
    assert (row["position"], row["matches"]) == (len(first), 3)
    short = item | {"warc_record_length": len(second) - 30}
    (rejected,) = fetch.pages(short, {"keyword": "internet"})
    assert isinstance(rejected, Rejected)
    assert f"bytes {len(first)} to {len(first) + len(second) - 31} of" in rejected.reason


@given(
    st.lists(st.sampled_from([b"a", b"A", b"b", b"ab", b"aB", b"c"])),
    st.sampled_from([b"ab", b"aba", b"aa", b"c"]),
    st.integers(1, 5),
)
def test_pieces_count_as_the_whole_does(letters: list[bytes], word: bytes, size: int) -> None:
    text = b"".join(letters)
    pieces = [text[n : n + size] for n in range(0, len(text), size)]
    assert count(pieces, word) == (text.lower().count(word), len(text))


def test_a_body_that_says_deflate_is_searched_as_it_is_stored(tmp_path: Path) -> None:
    (row,) = searched(response(zlib.compress(TEXT), "Content-Encoding: deflate\r\n"), tmp_path)
    assert row["bytes"] == len(zlib.compress(TEXT))
