"""Reads aggregates of the Kinesis Producer Library: several user records in one Kinesis record.

An aggregate is ``F3 89 9A C2``, a protobuf message, and the MD5 of that message
(https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md)::

    AggregatedRecord { repeated string partition_key_table = 1;
                       repeated string explicit_hash_key_table = 2;
                       repeated Record records = 3; }
    Record { required uint64 partition_key_index = 1; optional uint64 explicit_hash_key_index = 2;
             required bytes data = 3; repeated Tag tags = 4; }

Four field numbers don't earn the protobuf package its place in a function's layer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

MAGIC = b"\xf3\x89\x9a\xc2"
_MD5_BYTES = 16
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5  # wire types, protobuf.dev/programming-guides


class AggregateError(ValueError):
    """An aggregate is damaged."""


def user_records(data: bytes) -> list[bytes]:
    """Take an aggregate apart.

    Parameters
    ----------
    data : bytes
        The Kinesis record's data, with magic number and checksum.

    Returns
    -------
    list of bytes
        The user records' data, in order.

    Raises
    ------
    AggregateError
        Where the checksum or the message is wrong.
    """
    message, digest = data[len(MAGIC) : -_MD5_BYTES], data[-_MD5_BYTES:]
    if len(data) < len(MAGIC) + _MD5_BYTES:
        raise AggregateError(f"KPL aggregate ends early: {len(data)} bytes hold no checksum")
    if hashlib.md5(message, usedforsecurity=False).digest() != digest:
        raise AggregateError("KPL aggregate's MD5 checksum does not match its message")
    keys, records = 0, []
    for number, value in _fields(message):
        if number == 1:
            keys += 1
        elif number == 3:
            records.append(_user_record(value))
    for place, (key, _) in enumerate(records):
        if key >= keys:
            raise AggregateError(
                f"KPL aggregate's user record {place} names partition key {key} of {keys}"
            )
    return [payload for _, payload in records]


def _user_record(message: bytes | int) -> tuple[int, bytes]:
    """The partition key's index and the data of one user record."""
    if not isinstance(message, bytes):
        raise AggregateError("KPL aggregate holds a user record that is no message")
    found = dict(_fields(message))
    key, data = found.get(1), found.get(3)
    if not isinstance(key, int) or not isinstance(data, bytes):
        raise AggregateError("KPL aggregate holds a user record without partition key or data")
    return key, data


def _fields(message: bytes) -> Iterator[tuple[int, bytes | int]]:
    """Each field of a protobuf message: its number, and its bytes or its integer."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        wire = tag & 7
        if wire == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if wire == _BYTES:
            size, at = _varint(message, at)
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
        else:
            raise AggregateError(f"KPL aggregate holds protobuf wire type {wire} at byte {at}")
        if at + size > len(message):
            raise AggregateError(f"KPL aggregate's field at byte {at} runs past the message's end")
        yield tag >> 3, message[at : at + size]
        at += size


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The integer at a place, 7 bits a byte, and the place after it."""
    value = 0
    for shift in range(0, 70, 7):  # at most 10 bytes
        if at >= len(message):
            break
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
    raise AggregateError(f"KPL aggregate holds an integer without an end at byte {at}")
