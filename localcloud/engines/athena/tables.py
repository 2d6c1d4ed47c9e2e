"""A table as a query sees it, and what reading it takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from localcloud.engines.athena import types as t
from localcloud.engines.athena.pruning import Condition
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.types import Type


@dataclass(frozen=True)
class Relation:
    """A table's rows in DuckDB, and the bytes that reading them takes.

    Parameters
    ----------
    sql : str
        A query with all the table's columns, those that nobody reads as NULL.
    scanned : int
        Bytes, as Athena bills them: column chunks of Parquet, whole files of text.
    """

    sql: str
    scanned: int


class Table(Protocol):
    """A table of the catalog.

    `columns` are its fields, `hidden` those that a star leaves out, `view` its SQL and database
    where it is a view.
    """

    columns: Fields
    hidden: Fields
    view: tuple[str, str] | None

    def relation(self, used: set[str], conditions: Sequence[Condition]) -> Relation:
        """The rows, at least those that fulfil the conditions."""


#: What every table of files has beside its own columns.
HIDDEN: Fields = [("$path", t.VARCHAR)]


@dataclass
class View:
    """A view of Athena's: SQL in the catalog."""

    columns: Fields
    view: tuple[str, str] | None
    hidden: Fields = field(default_factory=list)

    def relation(self, used: set[str], conditions: Sequence[Condition]) -> Relation:
        """A view is read by its SQL."""
        raise NotImplementedError(self.view)


def empty(fields: Sequence[tuple[str, Type]]) -> str:
    """No rows, of the right types."""
    listed = ", ".join(f"CAST(NULL AS {kind.duckdb()}) AS {t.quote(name)}" for name, kind in fields)
    return f"SELECT {listed} WHERE false"
