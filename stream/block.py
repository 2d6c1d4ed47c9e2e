"""The block: how records travel together in one Kinesis record or Kafka message.

The first bytes say what it is::

    {             one JSON document, one record
    28 B5 2F FD   zstd over JSON lines; ours begin with a header line that numbers the records
    1F 8B         gzip over JSON lines
    F3 89 9A C2   a KPL aggregate, whose user records are again any of the above

A header is ``{"headrace":1,"producer":"...","first":1200,"count":500,"table":"sentences"}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import msgspec
import zstandard

from stream import kpl, unpack

#: Bytes that one stream record may decompress to: about 60 times a record's usual 1 MiB limit.
CAP_BYTES = 64 << 20
#: A producer's id: it becomes part of a table's properties, which take no control characters.
PRODUCER = r"^[A-Za-z0-9._:@/-]{1,128}$"
_OURS = re.compile(rb'\s*\{\s*"headrace"\s*:')


class BlockError(ValueError):
    """A block can't be read, or can't be made."""


class Header(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The first line of a block of ours."""

    headrace: int
    producer: Annotated[str, msgspec.Meta(pattern=PRODUCER)]
    first: Annotated[int, msgspec.Meta(ge=0, le=2**62)]
    count: Annotated[int, msgspec.Meta(ge=0, le=2**32)]
    table: str | None = None


@dataclass(frozen=True)
class Block:
    """Records as they came.

    Parameters
    ----------
    lines : list of bytes
        One JSON document each, not parsed yet.
    size : int
        Bytes that they took, decompressed.
    header : Header, optional
        Numbers the records and names their table.
    """

    lines: list[bytes]
    size: int
    header: Header | None = None


@dataclass(frozen=True)
class Unreadable:
    """Bytes that hold no block, and why."""

    data: bytes
    reason: str


def encode(
    lines: Sequence[bytes], producer: str, first: int, table: str | None = None, level: int = 3
) -> bytes:
    """Make a block of ours.

    Parameters
    ----------
    lines : sequence of bytes
        One record each, without line feeds.
    producer : str
        Who numbered them.
    first : int
        Number of the first record; the others follow it without a gap.
    table : str, optional
        Their table.
    level : int
        Of zstd; 3 packs 31,000 records of 159 bytes into a shard-second, 9 little more for
        four times the CPU.

    Raises
    ------
    BlockError
        Where a record holds a line feed.
    """
    if any(b"\n" in line for line in lines):
        raise BlockError("While making a block, found a record of several lines. Write it in one.")
    header = Header(headrace=1, producer=producer, first=first, count=len(lines), table=table)
    text = b"".join(line + b"\n" for line in (msgspec.json.encode(header), *lines))
    return zstandard.ZstdCompressor(level=level).compress(text)


def decode(data: bytes, cap: int = CAP_BYTES) -> Iterator[Block | Unreadable]:
    """Read one stream record: a block, or as many as a KPL aggregate holds.

    Parameters
    ----------
    data : bytes
        The stream record's data.
    cap : int
        Bytes that all of it may decompress to.

    Yields
    ------
    Block or Unreadable
        In order. What can't be read stops nothing else.
    """
    try:
        payloads = kpl.user_records(data) if data.startswith(kpl.MAGIC) else [data]
    except kpl.AggregateError as error:
        yield Unreadable(data, str(error))
        return
    left = cap
    for payload in payloads:
        try:
            block = decode_one(payload, left)
        except BlockError as error:
            yield Unreadable(payload, str(error))
        else:
            left -= block.size
            yield block


def decode_one(data: bytes, cap: int = CAP_BYTES) -> Block:
    """Read one block, which may not be an aggregate.

    Raises
    ------
    BlockError
        With the reason, in words fit for the quarantine table.
    """
    if data.startswith(b"{"):
        return Block([data], len(data))
    try:
        if data.startswith(unpack.ZSTD):
            return _headed(unpack.unzstd(data, cap))
        if data.startswith(unpack.GZIP):
            text = unpack.gunzip(data, cap)
            return Block(_lines(text), len(text))
    except unpack.UnpackError as error:
        raise BlockError(str(error)) from error
    raise BlockError(_unknown(data))


def _lines(text: bytes) -> list[bytes]:
    lines = text.split(b"\n")
    if not lines[-1]:
        lines.pop()  # the last line's own end
    return lines


def _headed(text: bytes) -> Block:
    lines = _lines(text)
    if not lines or not _OURS.match(lines[0]):
        return Block(lines, len(text))
    try:
        header = msgspec.json.decode(lines[0], type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BlockError(f"block's header can't be read: {error}") from error
    if header.headrace != 1:
        raise BlockError(f"block is of version {header.headrace}; only version 1 is known")
    if header.count != len(lines) - 1:
        raise BlockError(f"block's header says {header.count} records, but {len(lines) - 1} follow")
    return Block(lines[1:], len(text), header)


def _unknown(data: bytes) -> str:
    """Say what the first bytes are, where they are no known format's."""
    if not data:
        return "empty: no bytes at all"
    if data.startswith(kpl.MAGIC):
        return "KPL aggregate inside a KPL aggregate"
    if data.startswith(b"\xef\xbb\xbf"):
        return "begins with a byte order mark; JSON must begin with {"
    if data.lstrip()[:1] == b"{":
        return "begins with white space; a JSON record must begin with {"
    if data.startswith(b"["):
        return "begins with [, a JSON array; send one object a record, or compressed JSON lines"
    return f"begins with bytes {data[:4].hex(' ')}: neither JSON, zstd, gzip nor a KPL aggregate"
