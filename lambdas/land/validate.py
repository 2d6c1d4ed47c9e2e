"""Checks records against a table's schema, by name and strictly; nothing is converted in silence.

A value must be of the column's own type: no number in quotes, no 1.5 and no ``true`` for a
whole number, no NaN. Dates and times are ISO 8601, times with an offset; bytes are base64.
"""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
import pyarrow as pa

from headrace.lake import Column, arrow_schema

PYTHON_TYPES: dict[str, Any] = {
    "boolean": bool,
    "long": Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)],
    "double": float,
    "string": str,
    "binary": bytes,
    "date": datetime.date,
    "timestamptz": Annotated[datetime.datetime, msgspec.Meta(tz=True)],
}
#: Every key is followed by this; a string may hold it too, so a count is never too low.
_AFTER_KEY = re.compile(rb'"\s*:')
_LOOSE = re.compile(rb'"\s+:')
_AT = re.compile(r"(?P<what>.*) - at `\$\.(?P<field>[^`]+)`", re.DOTALL)
_ERRORS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True)
class Checked:
    """Lines, sorted into good and bad.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        The good ones, one row each, in order.
    places : list of int
        Where each row stood among the lines.
    bad : list of (int, str)
        Place and reason of the others.
    """

    batch: pa.RecordBatch
    places: list[int]
    bad: list[tuple[int, str]]


class Validator:
    """Reads records of one table.

    Parameters
    ----------
    columns : sequence of (name, Iceberg type, required)
        The fields of a record.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self.schema = arrow_schema(columns)
        fields: list[Any] = [
            (name, PYTHON_TYPES[kind]) if must else (name, PYTHON_TYPES[kind] | None, None)
            for name, kind, must in columns
        ]
        shape = msgspec.defstruct("Record", fields, forbid_unknown_fields=True, kw_only=True)
        self._decode = msgspec.json.Decoder(shape).decode
        self._optional = [name for name, _, must in columns if not must]
        self._required = len(columns) - len(self._optional)

    def check(self, lines: Sequence[bytes]) -> Checked:
        """Check lines, all at once where all are good, else one by one."""
        places: Sequence[int] = range(len(lines))
        bad: list[tuple[int, str]] = []
        try:
            rows = [self._decode(line) for line in lines]
        except _ERRORS:
            rows, places, bad = self._one_by_one(lines)
        if twice := self._repeats(lines, rows, places):
            rows = [row for p, row in zip(places, rows, strict=True) if p not in twice]
            places = [p for p in places if p not in twice]
            bad += [(p, f"field `{key}` is there twice") for p, key in twice.items()]
        return Checked(self._arrow(rows), list(places), sorted(bad))

    def _one_by_one(
        self, lines: Sequence[bytes]
    ) -> tuple[list[Any], list[int], list[tuple[int, str]]]:
        rows, places, bad = [], [], []
        for place, line in enumerate(lines):
            try:
                rows.append(self._decode(line))
            except _ERRORS as error:
                bad.append((place, reason(line, error)))
            else:
                places.append(place)
        return rows, places, bad

    def _repeats(
        self, lines: Sequence[bytes], rows: list[Any], places: Sequence[int]
    ) -> dict[int, str]:
        """Good lines that hold a key twice, of which the decoder kept the last: place and key."""
        if not self._optional and len(rows) == len(lines):
            text = b"\n".join(lines)
            # Cheap and enough for most chunks: no line has fewer keys than it must.
            if not _LOOSE.search(text) and text.count(b'":') == self._required * len(rows):
                return {}
        found = ((p, self._repeated(lines[p], r)) for p, r in zip(places, rows, strict=True))
        return {place: key for place, key in found if key is not None}

    def _repeated(self, line: bytes, row: Any) -> str | None:
        known = self._required + sum(getattr(row, name) is not None for name in self._optional)
        # A line has at least as many colons as keys, and at least as many keys as values known.
        if line.count(b":") <= known or len(_AFTER_KEY.findall(line)) <= known:
            return None
        keys = [key for key, _ in json.loads(line, object_pairs_hook=list)]
        return next((key for key in keys if keys.count(key) > 1), None)

    def _arrow(self, rows: list[Any]) -> pa.RecordBatch:
        values = zip(*map(msgspec.structs.astuple, rows), strict=True)
        columns = list(values) if rows else [()] * len(self.schema)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)


def reason(line: bytes, error: Exception) -> str:
    """Say in plain words why a line is no record.

    Parameters
    ----------
    line : bytes
        The line.
    error : Exception
        What the decoder raised on it.
    """
    if not line.strip():
        return "blank line"
    if isinstance(error, msgspec.ValidationError):
        return _broken_rule(str(error))
    try:
        text = line.decode()
    except UnicodeDecodeError as found:
        return f"not UTF-8 text: byte {line[found.start]:#04x} at place {found.start}"
    return _not_json(text, str(error))


def _broken_rule(message: str) -> str:
    """A rule of the schema that a JSON document breaks, as msgspec words it."""
    if found := re.match(r"Object missing required field `(.+)`", message):
        return f"field `{found[1]}` is missing"
    if found := re.match(r"Object contains unknown field `(.+)`", message):
        return f"field `{found[1]}` is not in the schema"
    if found := _AT.match(message):
        what = found["what"].replace("`", "")
        if what.startswith("Expected int ") and "got" not in what:
            what = "whole number beyond 64 bits"
        return f"field `{found['field']}`: {what[0].lower()}{what[1:]}"
    return "record is no JSON object: " + message.replace("`", "")


def _not_json(text: str, message: str) -> str:
    """Why a text is no JSON; Python's own reader takes what JSON forbids and knows its name."""
    odd: list[str] = []
    try:
        json.loads(text, parse_constant=odd.append)
    except json.JSONDecodeError as error:
        if not odd:
            return f"not JSON: {error.msg} (place {error.pos})"
    except RecursionError:
        return "not JSON that can be read: nested too deeply"
    if odd:
        return f"not JSON: {odd[0]} is no JSON number"
    return f"not JSON: {message.removeprefix('JSON is malformed: ')}"
