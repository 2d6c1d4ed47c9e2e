"""Tells new rows from those that are in the table already.

Two kinds of marks are kept in the table's properties. A source's mark is the newest sequence
number that was committed: a batch that begins after it is new, any other is compared with the
rows that the table holds between its first and last number. A producer's mark is the ranges
of counters that were committed: a row within them was sent a second time. ::

    batch  first > mark(source)  ──▶ all rows ──────────────┐
           else ─▶ minus (sequence, index) in the table ────┴─▶ minus (producer, counter) marked
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from headrace.lake import (
    PRODUCERS_MARK,
    SOURCE_MARK,
    Range,
    format_ranges,
    parse_ranges,
    union,
)

#: Producers that are remembered. Marks lie in every metadata file and in a Glue parameter of
#: 512,000 characters at most (https://docs.aws.amazon.com/glue/latest/webapi/API_Table.html), so
#: they can't grow for ever; what the oldest of more producers sends again lands again.
PRODUCERS_KEPT = 1000
PRODUCERS_CHARACTERS = 400_000

#: Gives the (sequence, index) of a source's rows between two sequence numbers.
Landed = Callable[[str, str, str], set[tuple[str, int]]]


class MessageError(ValueError):
    """A message is not what land sends."""


@dataclass(frozen=True)
class Message:
    """What land says of one staged file."""

    table: str
    key: str
    rows: int
    source: str
    first: str
    last: str
    producers: dict[str, list[Range]]


def parse(body: str) -> Message:
    """Read a message.

    Raises
    ------
    MessageError
        Where it is of another shape or version.
    """
    try:
        told = json.loads(body)
        if told.pop("v") != 1:
            raise ValueError("another version")
        ranges = {
            name: [(int(low), int(high)) for low, high in pairs]
            for name, pairs in told.pop("producers").items()
        }
        return Message(**told, producers=ranges)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MessageError(
            f"While reading a message, found {body[:200]!r} ({error}). "
            "Only the land function of the same version sends to this queue."
        ) from error


@dataclass
class Marks:
    """What is known to be in a table.

    Parameters
    ----------
    sources : dict
        Newest committed sequence number by source.
    producers : dict
        Committed counters by producer, the one that committed last at the end.
    """

    sources: dict[str, str] = field(default_factory=dict)
    producers: dict[str, list[Range]] = field(default_factory=dict)

    @classmethod
    def of(cls, properties: Mapping[str, str]) -> Marks:
        """Read the marks among a table's properties."""
        producers = json.loads(properties.get(PRODUCERS_MARK, "{}"))
        return cls(
            {k[len(SOURCE_MARK) :]: v for k, v in properties.items() if k.startswith(SOURCE_MARK)},
            {name: parse_ranges(text) for name, text in producers.items()},
        )

    def note(self, message: Message) -> None:
        """Add what a message covers."""
        self.sources[message.source] = max(self.sources.get(message.source, ""), message.last)
        for name, ranges in message.producers.items():
            self.producers[name] = union(self.producers.pop(name, []), ranges)

    def properties(self) -> dict[str, str]:
        """The table properties that say so, of the newest producers."""
        newest: list[tuple[str, str]] = []
        room = PRODUCERS_CHARACTERS
        for name, ranges in reversed(self.producers.items()):
            text = format_ranges(ranges)
            room -= len(name) + len(text) + len('"": "", ')
            if newest and (room < 0 or len(newest) == PRODUCERS_KEPT):
                break
            newest.append((name, text))
        return {
            **{SOURCE_MARK + source: last for source, last in self.sources.items()},
            PRODUCERS_MARK: json.dumps(dict(reversed(newest))),
        }


def new_rows(rows: pa.Table, message: Message, marks: Marks, landed: Landed) -> pa.Table:
    """Drop the rows that are in the table already.

    Parameters
    ----------
    rows : pyarrow.Table
        A staged file, with lineage.
    message : Message
        What was said of it.
    marks : Marks
        As they were before this message; not changed.
    landed : callable
        Looks into the table; asked only where the source's mark doesn't tell.

    Returns
    -------
    pyarrow.Table
        The rest, in order.
    """
    keep = [True] * rows.num_rows
    if message.first <= marks.sources.get(message.source, ""):
        present = landed(message.source, message.first, message.last)
        places = _pairs(rows, "_sequence", "_index")
        keep = [place not in present for place in places]
    return rows.filter(pa.array(_numbered_once(rows, keep, marks), pa.bool_()))


def _numbered_once(rows: pa.Table, keep: list[bool], marks: Marks) -> list[bool]:
    """Keep of the numbered rows only those whose number comes for the first time."""
    seen: set[tuple[str, int]] = set()
    kept = []
    for wanted, name in zip(keep, _pairs(rows, "_producer", "_counter"), strict=True):
        good = wanted
        if good and name[0] is not None:
            good = name not in seen and not _within(marks.producers.get(name[0], []), name[1])
            seen.add(name)
        kept.append(good)
    return kept


def _pairs(rows: pa.Table, *columns: str) -> list[tuple[Any, Any]]:
    one, two = (rows.column(name).to_pylist() for name in columns)
    return list(zip(one, two, strict=True))


def _within(ranges: list[Range], number: int) -> bool:
    at = bisect_right(ranges, (number, 1 << 63)) - 1
    return at >= 0 and number <= ranges[at][1]
