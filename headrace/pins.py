"""What a stage's SQL reads, and where in its text a snapshot can be pinned.

The text itself is never written anew: a pin is put behind a table's name, and all else stays
what its author wrote.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import TypedDict

import sqlglot
from sqlglot import exp

from headrace.stages import StudyError

#: Athena's name of the account's Glue catalog, and no name.
OURS = ("", "awsdatacatalog")


class Pin(TypedDict):
    """The place behind a table's name where ``FOR VERSION AS OF`` goes."""

    pin: str


def pinned(sql: str, database: str, tables: Collection[str], stage: str) -> list[str | Pin]:
    """Split a query at the places where snapshots are pinned.

    A table whose version the query itself names is left as it is, and so is a name that a WITH
    gives: unless it stands inside the very query that WITH gives the name to.

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
        Where the SQL can't be read, or is more or other than one query.

    Examples
    --------
    >>> pinned("SELECT a FROM t JOIN u ON b", "db", {"t"}, "s")
    ['SELECT a FROM t', {'pin': 't'}, ' JOIN u ON b']
    """
    ends = {}
    for table in _query(sql, stage).find_all(exp.Table):
        # Athena's names don't differ by case, quoted or not:
        # https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html
        name, within = table.name.lower(), table.db.lower()
        known = name in tables and (within == database or not (within or _given(table, name)))
        if known and table.catalog.lower() in OURS and not table.args.get("version"):
            ends[table.this.meta["end"] + 1] = name
    pieces: list[str | Pin] = []
    start = 0
    for end in sorted(ends):
        pieces += [sql[start:end], Pin(pin=ends[end])]
        start = end
    return [*pieces, sql[start:]]


def _query(sql: str, stage: str) -> exp.Query:
    try:
        found = [tree for tree in sqlglot.parse(sql, read="athena") if tree]
    except sqlglot.errors.SqlglotError as error:
        raise StudyError(
            f"While reading the SQL of stage {stage}, found {str(error).splitlines()[0]} "
            "Correct it."
        ) from error
    if len(found) != 1 or not isinstance(found[0], exp.Query):
        kinds = ", ".join(type(tree).__name__.upper() for tree in found) or "nothing"
        raise StudyError(
            f"While reading the SQL of stage {stage}, found {kinds} and not one query. "
            "Give one SELECT, with or without WITH."
        )
    return found[0]


def _given(table: exp.Table, name: str) -> bool:
    """Whether a name without a database is one that a WITH around it gives."""
    path: list[exp.Expr] = [table]
    while path[-1].parent:
        path.append(path[-1].parent)
    known: list[exp.Expr] = []
    for inner, node in itertools.pairwise(path):
        if isinstance(node, exp.With):
            # In a query of this WITH those before it are known, and itself if it is recursive.
            place = next(i for i, query in enumerate(node.expressions) if query is inner)
            known += node.expressions[: place + bool(node.recursive)]
        elif isinstance(node, exp.Query) and not isinstance(inner, exp.With):
            known += node.ctes
    return name in {query.alias.lower() for query in known}


def reads(pieces: list[str | Pin]) -> tuple[str, ...]:
    """The tables that pieces read, in order of their names."""
    return tuple(sorted({piece["pin"] for piece in pieces if not isinstance(piece, str)}))
