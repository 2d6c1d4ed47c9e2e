"""Where in a WARC file records may begin and gzip members end, when its reader has lost its way."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from contextlib import closing
from typing import IO

#: Opens the file at a byte.
Opener = Callable[[int], IO[bytes]]

#: What a file begins with: a gzip member, or a record as it is.
GZIP, PLAIN = b"\x1f\x8b", b"WARC/"
#: Where a record may begin: a gzip member (method deflate), or a blank line and a version.
_MAY_BEGIN = {GZIP: re.compile(rb"\x1f\x8b\x08"), PLAIN: re.compile(rb"\r\n\r\n(?=WARC/[01]\.)")}
CHUNK_BYTES = 1 << 20
_LOOK_BYTES = 512  # enough to see whether a gzip member begins as a record does


def next_record(opener: Opener, after: int, size: int, kind: bytes) -> int:
    """Find the first record behind a byte.

    Parameters
    ----------
    opener : callable
        Gives the file from a byte on.
    after : int
        The byte.
    size : int
        Bytes of the file.
    kind : bytes
        `GZIP` or `PLAIN`.

    Returns
    -------
    int
        Where it begins; `size` where there is none. In a file that isn't compressed a page
        may hold what looks like a record; no gzip member does by chance.
    """
    at = after + 1
    if at >= size:
        return size
    with closing(opener(at)) as stream:
        buffer, more = b"", b" "
        while more:
            more = stream.read(CHUNK_BYTES)
            buffer += more
            sure = max(len(buffer) - _LOOK_BYTES, 0) if more else len(buffer)
            for found in _MAY_BEGIN[kind].finditer(buffer, 0, sure):
                if kind == PLAIN:
                    return at + found.end()
                if _begins(buffer[found.start() : found.start() + _LOOK_BYTES]):
                    return at + found.start()
            at, buffer = at + sure, buffer[sure:]
    return size


def member_end(opener: Opener, start: int) -> int:
    """Find where the gzip member ends that begins at a byte.

    Raises
    ------
    zlib.error
        Where none begins there, or it is damaged.
    """
    inflate, at = zlib.decompressobj(31), start
    with closing(opener(start)) as stream:
        while not inflate.eof and (data := stream.read(CHUNK_BYTES)):
            at += len(data)
            while data and not inflate.eof:
                inflate.decompress(data, CHUNK_BYTES)
                data = inflate.unconsumed_tail
    return at - len(inflate.unused_data)


def _begins(data: bytes) -> bool:
    """Whether a gzip member begins as a record does."""
    try:
        return zlib.decompressobj(31).decompress(data, len(PLAIN)) == PLAIN
    except zlib.error:
        return False
