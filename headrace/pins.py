"""What a stage's SQL reads, and where in its text a snapshot can be pinned.

The text itself is never written anew: a pin is put behind a table's name, and all else stays
what its author wrote.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypedDict

import sqlglot
from sqlglot import exp

from headrace.stages import StudyError


class Pin(TypedDict):
    """The place behind a table's name where ``FOR VERSION AS OF`` goes."""

    pin: str


def pinned(sql: str, database: str, tables: Collection[str], stage: str) -> list[str | Pin]:
    """Split a query at the places where snapshots are pinned.

    Parameters
    ----------
    sql : str
        One SELECT in Athena's SQL.
    database : str
        The study's database.
    tables : collection of str
        Names of the study's Iceberg tables.
    stage : str
        Whose SQL it is, for errors.

    Returns
    -------
    list
        Pieces of the text, and a pin behind each name of one of the tables.

    Raises
    ------
    StudyError
        Where the SQL can't be read.

    Examples
    --------
    >>> pinned("SELECT a FROM t JOIN u ON b", "db", {"t"}, "s")
    ['SELECT a FROM t', {'pin': 't'}, ' JOIN u ON b']
    """
    try:
        tree = sqlglot.parse_one(sql, read="athena")
    except sqlglot.errors.SqlglotError as error:
        raise StudyError(
            f"While reading the SQL of stage {stage}, found {str(error).splitlines()[0]} "
            "Correct it."
        ) from error
    named = {cte.alias_or_name for cte in tree.find_all(exp.CTE)}
    ends = {}
    for table in tree.find_all(exp.Table):
        known = table.name in tables and table.db in ("", database)
        if known and not (table.name in named and not table.db) and not table.args.get("version"):
            ends[table.this.meta["end"] + 1] = table.name
    pieces: list[str | Pin] = []
    start = 0
    for end in sorted(ends):
        pieces += [sql[start:end], Pin(pin=ends[end])]
        start = end
    return [*pieces, sql[start:]]


def reads(pieces: list[str | Pin]) -> tuple[str, ...]:
    """The tables that pieces read, in order of their names."""
    return tuple(sorted({piece["pin"] for piece in pieces if not isinstance(piece, str)}))
