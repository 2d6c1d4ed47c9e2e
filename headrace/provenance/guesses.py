"""What may be behind rows that differ for no recorded reason: guesses, each with its evidence.

Two kinds of evidence: how the values differ, and what the function's source or the SQL calls
(:mod:`headrace.provenance.suspects`). The source is that of this checkout, which need not be the
one that ran.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from headrace.provenance.suspects import CLOCK, ORDER, of_source, of_sql
from headrace.provenance.verdicts import Difference, Guess, Verdict


def guess(verdict: Verdict, sources: Mapping[str, str], pinned: frozenset[str]) -> list[Guess]:
    """Guess why a stage is not deterministic.

    Parameters
    ----------
    verdict : Verdict
        With its difference, where rows were looked at.
    sources : mapping
        Path to source text, of the stage's function; empty for a query.
    pinned : frozenset of str
        Tables whose snapshot is pinned.

    Returns
    -------
    list of Guess
        The likeliest first; empty where nothing speaks for anything.
    """
    a, b = verdict.a, verdict.b
    found = list(of_values(verdict.difference)) if verdict.difference else []
    if a and b and a.workers != b.workers:
        found.append(
            Guess(
                "the number of workers", f"{a.workers} in the first run, {b.workers} in the second"
            )
        )
    if a and a.quarantined != (b.quarantined if b else 0):
        found.append(
            Guess("items that fail only sometimes, as by a timeout or a service that is away",
                  f"{a.quarantined} quarantined, then {b.quarantined if b else 0}")
        )  # fmt: skip
    for path, text in sorted(sources.items()):
        found += of_source(path, text)
    if a and a.sql and (a.kind == "query" or a.input_checksum != (b.input_checksum if b else "")):
        found += of_sql(a.sql, pinned, items=a.kind != "query")
    return list(dict.fromkeys(found))


def of_values(difference: Difference) -> Iterator[Guess]:
    """What the values themselves suggest."""
    if not difference.rows:
        yield Guess(ORDER, "the same rows, in another order")
        return
    by_column: dict[str, list[tuple[str, str]]] = {}
    for sample in difference.samples:
        if sample["a"] is not None and sample["b"] is not None:
            by_column.setdefault(sample["column"], []).append((sample["a"], sample["b"]))
    for column, pairs in sorted(by_column.items()):
        shown = f"{column} is {pairs[0][0]} and {pairs[0][1]}"
        if all(_near(*pair) for pair in pairs):
            yield Guess("sums of floating-point numbers taken in another order", shown)
        elif all(map(_is_time, pairs[0])):
            yield Guess(CLOCK, shown)
        elif all(sorted(x) == sorted(y) for x, y in pairs):
            yield Guess(ORDER, f"{shown}: the same characters in another order")


def _near(a: str, b: str) -> bool:
    try:
        x, y = float(a), float(b)
    except ValueError:
        return False
    return abs(x - y) <= 1e-9 * max(abs(x), abs(y))


def _is_time(text: str) -> bool:
    try:
        datetime.datetime.fromisoformat(text.removesuffix(" UTC"))
    except ValueError:
        return False
    return "-" in text
