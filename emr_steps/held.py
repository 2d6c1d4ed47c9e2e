"""Combining in the mapper: pairs are held in memory, combined there, and written at the end.

Hadoop may call a combiner any number of times on any part of a key's values, so calling it on
what one task holds gives the same answer, and most pairs are never encoded, sorted or read back.

- :class:`HeldPairs` for JSON: values are grouped as objects. What a dict would take for one key
  and JSON would not (1, 1.0, True) is grouped by its encoded form, and the combiner sees values
  as they would come back from JSON.
- :class:`HeldLines` for every other protocol, and for combiners with an ``_init`` or ``_final``
  or sorted values: encoded lines are sorted and given to mrjob's own loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from emr_steps.json_pairs import Codec

#: Values that are held before they are combined, and keys that are kept rather than written.
#: Half a million keys with a number each take about 100 MiB.
VALUES, KEPT = 1_000_000, 500_000
#: Bytes of encoded lines that are held before they are combined.
LINES_BYTES = 64 << 20
#: Bytes of text that weigh as much as one number.
WEIGHT_BYTES = 64

_SAME = frozenset((int, float, bool, type(None)))

Pairs = Iterable[tuple[Any, Any]]
Combiner = Callable[[Any, Iterator[Any]], Pairs | None]


class HeldPairs:
    """Pairs of JSON on their way through a combiner.

    Parameters
    ----------
    combiner : callable
        As mrjob calls it: a key and an iterator of its values.
    codec : Codec
        Of the mapper's output.
    write : callable
        Gets lines.
    values, kept : int
        Limits; after combining, the next limit is twice what was left, so that a text of many
        different words is not combined again and again in vain.
    """

    def __init__(
        self,
        combiner: Combiner,
        codec: Codec,
        write: Callable[[bytes], None],
        values: int = VALUES,
        kept: int = KEPT,
    ) -> None:
        self._combiner, self._codec, self._write = combiner, codec, write
        self._values, self._kept = values, kept
        self._texts: defaultdict[str, list[Any]] = defaultdict(list)
        self._others: defaultdict[str, list[Any]] = defaultdict(list)

    def take(self, outputs: Iterable[Pairs]) -> None:
        """Take all that a mapper gives, and write what the combiner makes of it."""
        texts, get, limit, held = self._texts, self._texts.get, self._values, 0
        for output in outputs:
            for key, value in output:
                if type(value) is int and type(key) is str:  # most pairs, so the loop is short
                    values = get(key)
                    if values is None:
                        texts[key] = [value]
                    else:
                        values.append(value)
                    held += 1
                else:
                    held += self._add(key, value)
                if held >= limit:
                    held = self._again()
                    limit = max(self._values, 2 * held)
        self._flush()

    def _add(self, key: Any, value: Any) -> int:
        """Hold one pair; gives its weight."""
        weight = 1
        kind = type(value)
        if kind not in _SAME and not (kind is str and value.isascii()):
            told = self._codec.dumps(value)  # now: the mapper may change it behind the yield
            value = self._codec.parse(told)
            weight += len(told) // (WEIGHT_BYTES // 4)  # objects weigh more than their text
        elif kind is str:
            weight += len(value) // WEIGHT_BYTES
        if type(key) is str:
            self._texts[key].append(value)
        else:
            self._others[self._codec.dumps(key)].append(value)
        return weight

    def _combined(self) -> Iterator[tuple[Any, Any]]:
        """Give the combiner's pairs, and forget what it was given."""
        for table, keyed in ((self._texts, self._as_read), (self._others, self._codec.parse)):
            old = dict(table)
            table.clear()
            for key in list(old):
                yield from self._combiner(keyed(key), iter(old.pop(key))) or ()

    def _again(self) -> int:
        """Combine what is held, and hold that; gives its weight, 0 if it was written."""
        combined = list(self._combined())
        if len(combined) > self._kept:
            self._write_all(combined)
            return 0
        return sum(self._add(key, value) for key, value in combined)

    def _flush(self) -> None:
        self._write_all(self._combined())

    def _write_all(self, found: Pairs) -> None:
        line, write = self._codec.line, self._write
        for key, value in found:
            write(line(key, value))

    def _as_read(self, key: str) -> str:
        # JSON reads two escaped surrogates side by side as the one character they stand for.
        return key if key.isascii() else str(self._codec.parse(self._codec.dumps(key)))


class HeldLines:
    """Encoded lines on their way through mrjob's own combining loop.

    Parameters
    ----------
    combine : callable
        mrjob's `combine_pairs` for the step.
    read_line, write_line : callable
        The protocol's.
    write : callable
        Gets lines.
    sort_values : bool
        Whether the whole line is sorted by, not only its key.
    """

    def __init__(
        self,
        combine: Callable[[Pairs], Pairs],
        read_line: Callable[[bytes], tuple[Any, Any]],
        write_line: Callable[[Any, Any], bytes],
        write: Callable[[bytes], None],
        sort_values: bool = False,
        limit_bytes: int = LINES_BYTES,
    ) -> None:
        self._combine, self._read, self._encode, self._write = combine, read_line, write_line, write
        self._by = None if sort_values else _key
        self._limit = limit_bytes

    def take(self, outputs: Iterable[Pairs]) -> None:
        """Take all that a mapper gives, and write what the combiner makes of it."""
        held: list[bytes] = []
        weight = flushed = 0
        for output in outputs:
            for key, value in output:
                line = self._encode(key, value)
                held += line.split(b"\n")  # as a pipe would, where a protocol leaves an end in
                weight += len(line)
                if weight >= self._limit:
                    self._flush(held)
                    held, weight, flushed = [], 0, 1
        if held or not flushed:  # mrjob calls a combiner's hooks also where there is nothing
            self._flush(held)

    def _flush(self, held: list[bytes]) -> None:
        held.sort(key=self._by)
        for key, value in self._combine(self._read(line.rstrip(b"\r")) for line in held):
            self._write(self._encode(key, value) + b"\n")


def _key(line: bytes) -> bytes:
    return line.split(b"\t", 1)[0]
