"""Records as lines of JSON on their way into a stream, and the partition key of each."""

from __future__ import annotations

import base64
import datetime
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

#: A Kinesis partition key has 1 to 256 characters:
#: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecordsRequestEntry.html
KEY_CHARACTERS = 256
NO_KEY = "-"

Record = dict[str, Any] | bytes | str


class PackError(ValueError):
    """A record can't be sent."""


@dataclass(frozen=True)
class Item:
    """A record on its way: one line of JSON, its partition key, and the hash that places it."""

    line: bytes
    key: str
    hash: int


@functools.lru_cache(maxsize=100_000)
def hash_key(key: str) -> int:
    """Kinesis's hash of a partition key: its MD5 as a number of 128 bits."""
    return int.from_bytes(hashlib.md5(key.encode(), usedforsecurity=False).digest(), "big")


def items(records: Iterable[Record], key: str | None, start: int = 0) -> Iterator[Item]:
    """Encode records and find their partition keys.

    Parameters
    ----------
    records : iterable of dict, bytes or str
        Dicts, or JSON documents of one line each.
    key : str, optional
        The field that orders records; where absent they are spread by their place.
    start : int
        Place of the first record.

    Raises
    ------
    PackError
        For a record that is no JSON document of one line, naming its place.
    """
    key_of = _key_reader(key) if key is not None else None
    for place, record in enumerate(records, start):
        try:
            line = encode(record)
        except (TypeError, ValueError, RecursionError) as error:
            raise PackError(
                f"While packing record {place}, found {error}. "
                "Give a dict of JSON values, or one line of JSON."
            ) from error
        text = key_of(line) if key_of else str(place)
        yield Item(line, text, hash_key(text))


def encode(record: Record) -> bytes:
    """Write a record as one line of JSON; a line that is given stays as it is, even if wrong.

    Raises
    ------
    TypeError, ValueError
        Where that can't be done.
    """
    if isinstance(record, dict):
        return _encode_dict(record)
    line = (record.encode() if isinstance(record, str) else bytes(record)).rstrip(b"\r\n")
    if b"\n" not in line:
        return line
    try:
        return msgspec.json.format(line, indent=-1)
    except msgspec.DecodeError as error:
        raise ValueError("text of several lines that is not JSON") from error


def _encode_dict(record: dict[str, Any]) -> bytes:
    try:
        line = msgspec.json.encode(record)
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can only escape
        return json.dumps(record, default=_plain).encode()
    # msgspec writes NaN and infinity as null, which may be a good value: say what it was, so
    # that the record is refused with its reason.
    if b"null" in line:
        return json.dumps(record, default=_plain, separators=(",", ":")).encode()
    return line


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date):  # and its subclass datetime
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return msgspec.to_builtins(value)


def _key_reader(field: str) -> Callable[[bytes], str]:
    """Make a function that reads a line's partition key and skips the rest of the line."""
    shape = msgspec.defstruct("Key", [("key", Any, None)], rename={"key": field})
    decode = msgspec.json.Decoder(shape).decode

    def read(line: bytes) -> str:
        try:
            value = decode(line).key  # type: ignore[attr-defined]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return NO_KEY  # not the producer's to judge: it lands in quarantine, with a reason
        text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        return text[:KEY_CHARACTERS] or NO_KEY

    return read
