"""What a name can mean at a place in a query: tables in FROM, lambda arguments, outer queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from localcloud.engines.athena.typed import Typed
from localcloud.engines.athena.types import Type

Fields = list[tuple[str, Type]]


@dataclass
class Source:
    """A table or subquery in FROM: its fields, and those that the query reads."""

    fields: dict[str, Type]
    used: set[str] = field(default_factory=set)


@dataclass
class Scope:
    """Names of one query, within those of the queries around it.

    Parameters
    ----------
    outer : Scope or None
        The query around, whose columns a subquery may use.
    tables : dict
        Sources by their alias in FROM.
    queries : dict
        Fields by the name of a WITH query.
    arguments : dict
        Arguments of the lambda that is being read.
    outputs : dict
        The SELECT's own columns, for ORDER BY.
    """

    outer: Scope | None = None
    tables: dict[str, Source] = field(default_factory=dict)
    queries: dict[str, Fields] = field(default_factory=dict)
    arguments: dict[str, Typed] = field(default_factory=dict)
    outputs: dict[str, Typed] = field(default_factory=dict)

    def column(self, table: str, name: str) -> Type | None:
        """The type of a table's column, here or in a query around; it counts as read."""
        if table in self.tables:
            source = self.tables[table]
            source.used.add(name)
            return source.fields.get(name)
        return self.outer.column(table, name) if self.outer else None

    def having(self, name: str) -> list[str]:
        """The tables with a column of that name: of this query, or else of the one around it."""
        found = [table for table, source in self.tables.items() if name in source.fields]
        return found or (self.outer.having(name) if self.outer else [])

    def query(self, name: str) -> Fields | None:
        """The fields of a WITH query."""
        if name in self.queries:
            return self.queries[name]
        return self.outer.query(name) if self.outer else None

    def argument(self, name: str) -> Typed | None:
        """A lambda's argument."""
        if name in self.arguments:
            return self.arguments[name]
        return self.outer.argument(name) if self.outer else None

    def output(self, name: str) -> Typed | None:
        """A column of the SELECT itself."""
        if name in self.outputs:
            return self.outputs[name]
        inside = self.outer is not None and bool(self.arguments)
        return self.outer.output(name) if self.outer and inside else None

    def add(self, table: str, fields: Sequence[tuple[str, Type]]) -> Source:
        """Put a table of FROM in reach."""
        self.tables[table] = Source(dict(fields))
        return self.tables[table]
