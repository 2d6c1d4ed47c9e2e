"""The block format: what is written is read, and what is damaged says why."""

from __future__ import annotations

import gzip
import hashlib
import json
import tracemalloc
from collections.abc import Callable

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from stream import block, kpl
from stream.block import Block, BlockError, Unreadable
from stream.kinesis import count_records

texts = st.binary(max_size=60).filter(lambda b: b"\n" not in b)
LINES = [b'{"a":1}', b'{"a":2}']


def aggregate(payloads: list[bytes]) -> bytes:
    """A KPL aggregate, written by hand."""

    def varint(number: int) -> bytes:
        out = b""
        while number > 127:
            out, number = out + bytes([number & 127 | 128]), number >> 7
        return out + bytes([number])

    def field(number: int, data: bytes) -> bytes:
        return bytes([number << 3 | 2]) + varint(len(data)) + data

    tag = field(4, field(1, b"tag"))
    records = [b"\x08\x00" + field(3, payload) + tag for payload in payloads]
    message = field(1, b"key") + b"".join(field(3, record) for record in records)
    return kpl.MAGIC + message + hashlib.md5(message).digest()


def reason(data: bytes, cap: int = block.CAP_BYTES) -> str:
    (part,) = block.decode(data, cap)
    assert isinstance(part, Unreadable)
    assert part.data == data
    return part.reason


@given(st.lists(texts), st.integers(0, 2**62), st.sampled_from([None, "sentences"]))
def test_a_block_is_read_as_it_was_written(
    lines: list[bytes], first: int, table: str | None
) -> None:
    (part,) = block.decode(block.encode(lines, "alice", first, table))
    assert isinstance(part, Block)
    assert part.header is not None
    assert part.lines == lines
    assert (part.header.producer, part.header.first) == ("alice", first)
    assert (part.header.count, part.header.table) == (len(lines), table)


def test_the_header_is_the_contracts() -> None:
    text = zstandard.ZstdDecompressor().decompress(block.encode(LINES, "p", 1200, "sentences"))
    assert text.splitlines()[0] == (
        b'{"headrace":1,"producer":"p","first":1200,"count":2,"table":"sentences"}'
    )


@given(st.lists(texts, min_size=1))
def test_json_lines_of_others_are_read(lines: list[bytes]) -> None:
    text = b"".join(line + b"\n" for line in lines)
    (part,) = block.decode(gzip.compress(text))
    assert isinstance(part, Block)
    assert (part.lines, part.header) == (lines, None)


def test_zstd_without_a_header_numbers_nothing() -> None:
    (part,) = block.decode(zstandard.compress(b"\n".join(LINES)))
    assert part == Block(LINES, 15, None)


def test_a_plain_document_may_have_several_lines() -> None:
    document = json.dumps({"a": 1, "b": [2]}, indent=2).encode()
    assert list(block.decode(document)) == [Block([document], len(document))]


def test_an_aggregate_of_another_library_is_read() -> None:
    # Made by ExKpl 0.2.0, from its documentation: an implementation that isn't ours.
    checksum = bytes.fromhex("d03699da5a222fa32108ad1bd955a14e")
    data = b"\xf3\x89\x9a\xc2\x0a\x0dpartition_key\x1a\x08\x08\x00\x1a\x04data" + checksum
    assert kpl.user_records(data) == [b"data"]


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_aggregates_give_their_user_records(payloads: list[bytes]) -> None:
    assert kpl.user_records(aggregate(payloads)) == payloads


def test_user_records_of_an_aggregate_are_blocks_again() -> None:
    inner = [b'{"a":1}', gzip.compress(b"{}\n{}"), block.encode(LINES, "p", 5), b"oops"]
    one, two, ours, bad = block.decode(aggregate(inner))
    assert isinstance(one, Block)
    assert one.lines == [b'{"a":1}']
    assert isinstance(two, Block)
    assert two.lines == [b"{}", b"{}"]
    assert isinstance(ours, Block)
    assert ours.header is not None
    assert ours.header.first == 5
    assert isinstance(bad, Unreadable)
    assert bad.data == b"oops"


GOOD = block.encode(LINES, "p", 0)
FLIPPED = aggregate([b"{}"])[:-1] + b"\x00"
REASONS = {
    "empty: no bytes": b"",
    "begins with white space": b' {"a":1}',
    "begins with a byte order mark": b"\xef\xbb\xbf{}",
    "a JSON array": b"[1]",
    "begins with bytes 6f 6f 70 73": b"oops",
    "zstd block ends early": GOOD[:-3],
    "zstd block is damaged": GOOD[:5],
    "zstd block is followed by 4 bytes": GOOD + b"more",
    "gzip block ends early": gzip.compress(b"{}")[:-1],
    "gzip block is damaged": b"\x1f\x8b" + b"\xff" * 20,
    "gzip block is followed by 1 bytes": gzip.compress(b"{}") + b"x",
    "header says 3 records, but 1 follow": zstandard.compress(
        b'{"headrace":1,"producer":"p","first":0,"count":3}\n{}\n'
    ),
    "block is of version 2": zstandard.compress(
        b'{"headrace":2,"producer":"p","first":0,"count":1}\n{}\n'
    ),
    "header can't be read": zstandard.compress(b'{"headrace":1,"first":0,"count":1}\n{}\n'),
    "MD5 checksum": FLIPPED,
    "KPL aggregate ends early": kpl.MAGIC,
}


@pytest.mark.parametrize("words", REASONS)
def test_what_is_damaged_is_one_unreadable_with_its_reason(words: str) -> None:
    assert words in reason(REASONS[words])
    assert count_records(REASONS[words]).unreadable == 1


def test_a_damaged_message_with_a_right_checksum_is_refused() -> None:
    for message in (
        b"\x1a\xff",
        b"\x1a\x02\x08\x00",
        b"\x1b",
        b"\xff" * 11,
        b"\x1a\x04\x08\x09\x1a\x00",
    ):
        with pytest.raises(kpl.AggregateError):
            kpl.user_records(kpl.MAGIC + message + hashlib.md5(message).digest())


def test_an_aggregate_in_an_aggregate_is_refused() -> None:
    (part,) = block.decode(aggregate([aggregate([b"{}"])]))
    assert isinstance(part, Unreadable)
    assert part.reason == "KPL aggregate inside a KPL aggregate"


def streamed(size: int) -> bytes:
    """A zstd frame that doesn't say how much it holds."""
    writer = zstandard.ZstdCompressor().compressobj()
    return b"".join(writer.compress(bytes(1 << 20)) for _ in range(size >> 20)) + writer.flush()


@pytest.mark.parametrize(
    "compress",
    [lambda n: zstandard.compress(bytes(n)), streamed, lambda n: gzip.compress(bytes(n), 1)],
    ids=["zstd that says its size", "zstd that doesn't", "gzip"],
)
def test_a_bomb_costs_bounded_memory(compress: Callable[[int], bytes]) -> None:
    bomb = compress(256 << 20)
    tracemalloc.start()
    try:
        assert reason(bomb) == "block decompresses to more than the 67108864 bytes allowed"
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_the_cap_is_for_a_whole_aggregate() -> None:
    payload = gzip.compress(b"{}\n" * 100)
    first, second = block.decode(aggregate([payload, payload]), cap=400)
    assert isinstance(first, Block)
    assert isinstance(second, Unreadable)


def test_a_record_of_several_lines_makes_no_block() -> None:
    with pytest.raises(BlockError, match="several lines"):
        block.encode([b"{\n}"], "p", 0)


def test_counting_tells_numbered_from_plain() -> None:
    count = count_records(aggregate([b"{}", gzip.compress(b"{}\n{}"), GOOD, b"?"]))
    assert count.numbered == [("p", 0, 2)]
    assert (count.plain, count.unreadable, count.total) == (3, 1, 6)
