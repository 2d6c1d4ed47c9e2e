"""Reads WARC files that may be damaged: what can't be read is told, what follows it is read.

fastwarc stops at the first damage, and stops without a word where a file ends within a record
or an empty gzip member lies between two. So a record is given only once the reader has reached
the next one (by then its member's checksum is verified), and after each stop reading begins
anew at the next record that can be found: ::

    record │ record │ ▒▒ damage ▒▒ │ record │ record │ end
                    └── Unread ───┘ └ opened anew from here
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing  # a StreamingBody's own `with` skips its check of the length
from dataclasses import dataclass
from typing import IO, Any, cast

from fastwarc import ArchiveIterator, GzipReader, WarcHeader, WarcRecord, WarcRecordType

from studies.crawl.seek import CHUNK_BYTES, GZIP, PLAIN, Opener, member_end, next_record

#: Makes something of a record, its offset and its content in pieces.
Maker = Callable[[WarcRecord, int, Iterable[bytes]], Any]

_KEPT_BYTES = 4096  # of what can't be read


@dataclass(frozen=True)
class Unread:
    """A stretch of a file without a record that could be read.

    Parameters
    ----------
    first, last : int
        Its bytes in the file, both included.
    why : str
        What the reader found.
    data : bytes
        Its beginning, at most 4,096 bytes.
    """

    first: int
    last: int
    why: str
    data: bytes


@dataclass(slots=True)
class _Held:
    """What was made of a record, while the reader has not reached the next one.

    `offset` is where its gzip member begins, `ended_in` the member in which its content ended,
    `whole` whether the content was as long as its header says.
    """

    offset: int
    ended_in: int = -1
    whole: bool = False
    made: Any = None


class _Rest:
    """A stream from its beginning, though some of it was read to see its kind.

    It is read in large pieces, of which fastwarc takes 64 KiB at a time: a read from S3 has a
    price of its own. `failed` is what reading raised: a lost connection is no damage of the file.
    """

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream, self._piece, self._at = stream, stream.read(len(PLAIN)), 0
        self._before = 0  # bytes of the pieces before this one
        self.kind = next((kind for kind in (GZIP, PLAIN) if self._piece.startswith(kind)), b"")
        self.failed: Exception | None = None

    def read(self, size: int) -> bytes:
        """Read on, at most `size` bytes; none at the end."""
        if self._at >= len(self._piece):
            try:
                piece = self._stream.read(CHUNK_BYTES)
            except Exception as error:
                self.failed = error
                raise
            self._before, self._piece, self._at = self.tell(), piece, 0
        data = self._piece[self._at : self._at + size]
        self._at += len(data)
        return data

    def tell(self) -> int:
        """Bytes given so far."""
        return self._before + self._at


def walk(opener: Opener, size: int, types: WarcRecordType, make: Maker) -> Iterator[Any]:
    """Give what is made of each record of a file, and what of the file can't be read.

    Parameters
    ----------
    opener : callable
        Gives the file from a byte on. Called once, and twice or three times more for each damage.
    size : int
        Bytes of the file.
    types : fastwarc.WarcRecordType
        Which records are given.
    make : callable
        Called with a record whose HTTP header, if it has one, is parsed; the offset of its gzip
        member (of itself, in a file that isn't compressed); and the rest of its content.

    Yields
    ------
    object or Unread
        In the order of the file.
    """
    start, kind = 0, b""
    while start < size:
        with closing(opener(start)) as stream:
            rest = _Rest(stream)
            kind = kind or rest.kind
            part = _Part(opener, rest, start, kind)
            yield from part.records(types, make)
        if part.bad is None or part.bad >= size:
            return
        start = next_record(opener, part.bad, size, kind or GZIP)
        with closing(opener(part.bad)) as stream:
            data = stream.read(min(_KEPT_BYTES, start - part.bad))
        yield Unread(part.bad, start - 1, part.why, data)


class _Part:
    """A file from one byte to its end or to the first damage, `bad`, which `why` explains."""

    def __init__(self, opener: Opener, rest: _Rest, start: int, kind: bytes) -> None:
        self._opener, self._start, self._rest = opener, start, rest
        # fastwarc's types ask for more methods than it calls.
        self._gzip = GzipReader(cast(Any, rest)) if kind == GZIP else None
        self._held: _Held | None = None
        self.bad: int | None = None if kind else start
        self.why = "neither gzip nor WARC at its beginning"

    def records(self, types: WarcRecordType, make: Maker) -> Iterator[Any]:
        """Give what is made of each record before the damage."""
        if self.bad is not None:
            return
        try:
            stream = self._gzip or cast(Any, self._rest)
            for record in ArchiveIterator(stream, parse_http=False, stream_detect=False):
                if self._held and self._held.made is not None:
                    yield self._held.made
                self._hold(record, types, make)
        except OSError as error:
            if self._rest.failed:
                raise
            self.why = str(error)
            self.bad = self._damage()
        else:
            self.why = "a record that ends too early, or an empty gzip member"
            self.bad = self._break()
        held = self._held
        if held and held.made is not None and self.bad != held.offset:
            yield held.made

    def _hold(self, record: WarcRecord, types: WarcRecordType, make: Maker) -> None:
        """Read a record, and keep what was made of it."""
        held = self._held = _Held(self._member(record))
        # A header that the file's end cuts is given as if it were whole, its length as 0.
        if not record.content_length and not _is_empty(record):
            raise OSError("a record without a length")
        if record.record_type & types:
            record.parse_http(quirks_mode=True)
            expected = record.content_length
            piece = record.reader.read(CHUNK_BYTES)
            if len(piece) == expected:  # nearly all: most of the time would go into more
                held.made, held.whole = make(record, held.offset, (piece,)), True
            else:
                content = _Content(record, piece)
                held.made = make(record, held.offset, content.pieces())
                held.whole = content.drained() >= expected
        else:
            expected = record.content_length
            held.whole = record.consume() >= expected
        held.ended_in = self._member(record)

    def _member(self, record: WarcRecord) -> int:
        """Where the gzip member that is being read begins in the file; a record without one."""
        if self._gzip is None:
            return self._start + record.stream_pos
        return self._start + (self._gzip.frame_start_position() or 0)

    def _damage(self) -> int:
        """Where the damage begins that the reader raised for.

        Behind the record that is held, or in that record itself: its checksum is wrong, or its
        length, so that what follows is no record. Not where the reader is: it seeks the end of
        a header's line across members.
        """
        held = self._held
        if held is None:
            return self._start
        if held.ended_in == held.offset and self._is_behind(held):
            return member_end(self._opener, held.ended_in)
        return held.offset

    def _break(self) -> int | None:
        """Where what is no whole record begins, if the reader stopped without a word."""
        held = self._held
        if held is None:
            return self._start
        if not held.whole:
            return held.offset
        return member_end(self._opener, held.ended_in) if self._is_behind(held) else None

    def _is_behind(self, held: _Held) -> bool:
        """Whether the reader has left the gzip member of the record that is held."""
        if self._gzip is None:
            return False
        return self._start + (self._gzip.frame_start_position() or 0) > held.ended_in


class _Content:
    """The content of a record in pieces, of which one was read, and how much of it was there."""

    def __init__(self, record: WarcRecord, first: bytes) -> None:
        self._record, self._first, self._bytes = record, first, len(first)

    def pieces(self) -> Iterator[bytes]:
        expected = self._record.content_length
        yield self._first
        while self._bytes < expected and (piece := self._record.reader.read(CHUNK_BYTES)):
            self._bytes += len(piece)
            yield piece

    def drained(self) -> int:
        """Read what is left; the bytes that were there in all."""
        return self._bytes + self._record.consume()


def _is_empty(record: WarcRecord) -> bool:
    """Whether a record's header says so, and not only its reader, which reads no odd length."""
    said = record.headers.get(WarcHeader.CONTENT_LENGTH) or ""
    return said.isdecimal() and not int(said)
