"""Reading damaged WARC files: nothing is lost in silence, and nothing that is whole is lost."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterable
from typing import IO, Any

import pytest
from fastwarc import WarcRecord, WarcRecordType
from hypothesis import assume, given
from hypothesis import strategies as st

from studies.crawl.archive import Unread, walk
from studies.crawl.seek import CHUNK_BYTES


def record(number: int, content: bytes = b"", length: int | None = None) -> bytes:
    """A record as it is stored, of its own number of bytes."""
    content = content or b"page %d " % number * (50 + number)
    head = b"WARC/1.0\r\nWARC-Type: resource\r\nWARC-Target-URI: http://a.example/%d\r\n" % number
    size = len(content) if length is None else length
    return head + b"Content-Length: %d\r\n\r\n" % size + content + b"\r\n\r\n"


RECORDS = [record(n) for n in range(6)]


def zipped(data: bytes, level: int = 9) -> bytes:
    """Without the time of day: tests are named by it, and must be named the same everywhere."""
    return gzip.compress(data, level, mtime=0)


MEMBERS = [zipped(r) for r in RECORDS]
AT = [sum(map(len, MEMBERS[:n])) for n in range(len(MEMBERS) + 1)]
WHOLE, PLAIN = b"".join(MEMBERS), b"".join(RECORDS)


def read(data: bytes) -> tuple[list[int], list[tuple[int, int]]]:
    """The numbers of the records that were given, and the stretches that were not read."""

    def opener(at: int) -> IO[bytes]:
        assert at < len(data), "S3 refuses a range behind an object's end"
        return io.BytesIO(data[at:])

    def make(found: WarcRecord, offset: int, pieces: Iterable[bytes]) -> tuple[str | None, bytes]:
        assert data[offset:].startswith((b"\x1f\x8b", b"WARC/"))
        return found.headers.get("WARC-Target-URI"), b"".join(pieces)

    numbers, unread = [], []
    for made in walk(opener, len(data), WarcRecordType.any_type, make):
        if isinstance(made, Unread):
            assert data[made.first : made.last + 1].startswith(made.data)
            assert made.why
            unread.append((made.first, made.last))
        else:
            numbers.append(int(made[0].rsplit("/")[-1]))
            assert made[1] + b"\r\n\r\n" == record(numbers[-1]).split(b"\r\n\r\n", 1)[1]
    return numbers, unread


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        PLAIN,
        zipped(PLAIN),
        # As bgzip writes: members end anywhere.
        b"".join(zipped(PLAIN[n : n + 700]) for n in range(0, len(PLAIN), 700)),
    ],
    ids=["a member a record", "not compressed", "one member", "members of equal size"],
)
def test_a_whole_file_is_read_whole(data: bytes) -> None:
    assert read(data) == ([0, 1, 2, 3, 4, 5], [])


def damaged(at: int, put: bytes) -> bytes:
    return WHOLE[:at] + put + WHOLE[at + len(put) :]


@pytest.mark.parametrize(
    "data",
    [
        damaged(AT[2] + 20, b"\0\0\0\0"),
        damaged(AT[2], b"xx"),
        damaged(AT[3] - 8, bytes([WHOLE[AT[3] - 8] ^ 1])),
        damaged(AT[3] - 4, bytes([WHOLE[AT[3] - 4] ^ 1])),
    ],
    ids=["in its middle", "its first bytes", "its checksum", "its length"],
)
def test_a_damaged_member_costs_one_record(data: bytes) -> None:
    assert read(data) == ([0, 1, 3, 4, 5], [(AT[2], AT[3] - 1)])


@pytest.mark.parametrize(
    "between",
    [
        b"garbage between two members",
        b"\x1f\x8b\x08 what only looks like a member",
        zipped(b""),
        zipped(b"no record, and no end of a line"),
        zipped(b"HTTP/1.0 200 OK\r\n\r\n"),
        zipped(b"WARC/1.0\r\nWARC-Type: resource\r\n\r\nno length\r\n\r\n"),
        # fastwarc takes a length that it can't read for 0.
        zipped(record(9).replace(b"Content-Length", b"CONTENT-length")),
        zipped(record(9, b"shorter than it says", 400)),
        zipped(record(9, b"longer than it says", 3)),
    ],
)
@pytest.mark.parametrize("place", [0, 3, 6])
def test_what_is_no_record_costs_no_other(between: bytes, place: int) -> None:
    data = WHOLE[: AT[place]] + between + WHOLE[AT[place] :]
    assert read(data) == ([0, 1, 2, 3, 4, 5], [(AT[place], AT[place] + len(between) - 1)])


@given(st.integers(0, len(WHOLE)))
def test_a_file_that_ends_early_says_so(size: int) -> None:
    numbers, unread = read(WHOLE[:size])
    whole = sum(AT[n + 1] <= size for n in range(6))
    if numbers == [*range(whole)]:
        assert unread == ([(AT[whole], size - 1)] if AT[whole] < size else [])
    else:  # all of the next record's text is there, and only its member's last bytes are not
        assert numbers == [*range(whole + 1)]
        assert AT[whole + 1] - size <= 16
        assert unread == []


@given(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=300))
def test_damage_anywhere_costs_what_it_hits(at: int, put: bytes) -> None:
    data = damaged(at, put)[: len(WHOLE)]
    assume(not data.startswith(b"WARC/"))  # a file of another kind
    hit = {n for n in range(6) if data[AT[n] : AT[n + 1]] != MEMBERS[n]}
    numbers, unread = read(data)
    assert set(range(6)) - hit <= set(numbers)
    # What was hit is told of, unless the damage is where gzip keeps nothing of the record.
    assert all(any(a <= AT[n] <= b for a, b in unread) for n in hit - set(numbers))


def test_an_uncompressed_file_goes_on_at_the_next_record() -> None:
    at = sum(map(len, RECORDS[:2]))
    data = PLAIN[: at + 200] + b"more bytes" + PLAIN[at + 200 :]
    assert read(data) == ([0, 1, 3, 4, 5], [(at, at + len(RECORDS[2]) + 9)])


@pytest.mark.parametrize("data", [b"\0" * 1000, b"<html>" * 9, b"\x1f", b"\x1f\x8b\x08"])
def test_what_is_no_archive_is_told_whole(data: bytes) -> None:
    assert read(data) == ([], [(0, len(data) - 1)])


def test_an_empty_file_holds_nothing() -> None:
    assert read(b"") == ([], [])


@pytest.mark.parametrize("size", [CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES])
def test_a_record_of_more_than_a_chunk_is_given_whole(size: int) -> None:
    big = record(1, b"\r\n" * (size // 2) + b"x" * (size % 2))
    data = MEMBERS[0] + zipped(big, 1) + MEMBERS[2]
    got = []

    def make(found: WarcRecord, offset: int, pieces: Iterable[bytes]) -> Any:
        got.append(sum(map(len, pieces)))

    def opener(at: int) -> IO[bytes]:
        return io.BytesIO(data[at:])

    assert list(walk(opener, len(data), WarcRecordType.any_type, make)) == []
    assert got[1] == size
    cut = zipped(record(1, big, len(big) + 9), 1)
    assert read(MEMBERS[0] + cut + MEMBERS[2]) == (
        [0, 2], [(AT[1], AT[1] + len(cut) - 1)]
    )  # fmt: skip


def test_a_record_that_is_empty_is_given() -> None:
    kept = b"WARC/1.0\r\nWARC-Type: resource\r\nContent-Length: 0\r\n\r\n\r\n\r\n"
    made = walk(
        lambda at: io.BytesIO(kept[at:]),
        len(kept),
        WarcRecordType.any_type,
        lambda found, offset, pieces: b"".join(pieces),
    )
    assert list(made) == [b""]


def test_a_lost_connection_is_no_damage() -> None:
    class Lost(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() > 600:
                raise ConnectionResetError("the connection was lost")
            return super().read(min(size or 0, 300) if size and size > 0 else 300)

    def make(found: WarcRecord, offset: int, pieces: Iterable[bytes]) -> Any:
        return sum(map(len, pieces))

    with pytest.raises(ConnectionResetError):
        list(walk(lambda at: Lost(WHOLE[at:]), len(WHOLE), WarcRecordType.any_type, make))
