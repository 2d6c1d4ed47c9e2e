"""Athena's SQL to DuckDB's: names resolved by sqlglot with the catalog, then written anew.

text ─ words.parse ─▶ tree ─ sqlglot qualify ─▶ names ─ queries.Queries ─▶ DuckDB SQL
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from sqlglot import exp
from sqlglot.errors import OptimizeError
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.qualify_tables import qualify_tables

from localcloud.engines.athena import words
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.queries import UNNAMED, Queries, Scan
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.tables import Table
from localcloud.engines.athena.travel import time_travel

CATALOG = "awsdatacatalog"


class Catalog(Protocol):
    """Where tables are known."""

    def table(self, database: str, name: str, version: tuple[str, Any] | None = None) -> Table:
        """A table, as it is or as it was.

        Raises
        ------
        LookupError
            Where there is none; its text says whether table or database is missing.
        """


@dataclass(frozen=True)
class Translation:
    """A query for DuckDB.

    Parameters
    ----------
    sql : str
        Reads the relations of `scans`.
    fields : list
        Names and Athena types of the result's columns.
    scans : list of Scan
        What has to be there before it runs.
    """

    sql: str
    fields: Fields
    scans: list[Scan]


def translate(sql: str, catalog: Catalog, database: str) -> Translation:
    """Translate one query.

    Raises
    ------
    AthenaError
        Where Athena would fail, or the local cloud can't do as Athena does.
    """
    tables = _Tables(catalog, database)
    tree = resolve(words.parse(sql), tables, database)
    queries = Queries(tables)
    text, fields = queries.read(tree)
    names = _written_names(tree, [n for n, _ in fields])
    return Translation(
        text, [(n, k) for n, (_, k) in zip(names, fields, strict=True)], queries.scans
    )


class _Tables:
    """The catalog's tables, each looked up once a query."""

    def __init__(self, catalog: Catalog, database: str):
        self.catalog, self.database = catalog, database
        self.known: dict[tuple[str, str, str], Table] = {}

    def find(self, node: exp.Table) -> Table:
        """The table that a qualified name means.

        Raises
        ------
        AthenaError
            ``TABLE_NOT_FOUND``, ``SCHEMA_NOT_FOUND`` or, for another catalog, refused.
        """
        if node.catalog and node.catalog.lower() != CATALOG:
            raise not_supported(f"{words.position(node)}Catalog '{node.catalog}'")
        if not isinstance(node.this, exp.Identifier):
            raise not_supported(
                f"{words.position(node)}table function {node.this.sql('trino')[:80]}"
            )
        version = node.args.get("version")
        key = (node.db.lower(), node.name.lower(), version.sql() if version else "")
        if key[0] == "information_schema" or "$" in key[1]:
            raise not_supported(f"{words.position(node)}Table '{key[0]}.{key[1]}'")
        if key not in self.known:
            when = time_travel(version) if version else None
            try:
                self.known[key] = self.catalog.table(key[0], key[1], when)
            except LookupError as e:
                kind = "SCHEMA" if "Schema" in str(e) else "TABLE"
                raise AthenaError(f"{kind}_NOT_FOUND", f"{words.position(node)}{e.args[0]}") from e
        return self.known[key]

    def view(self, table: Table) -> exp.Expr:
        """A view's query; names in it are those of the database it was made in."""
        sql, database = table.view or ("", "")
        return resolve(words.parse(sql), self, database)


def resolve(tree: exp.Expr, tables: _Tables, database: str) -> exp.Expr:
    """Resolve all names of a query: tables, columns, stars.

    Raises
    ------
    AthenaError
        ``COLUMN_NOT_FOUND`` and its kin, with line and column.
    """
    if isinstance(tree, exp.Values):
        return tree
    if not isinstance(tree, exp.Query):
        raise not_supported(f"{tree.key.upper()} as a query")
    for join in tree.find_all(exp.Join):
        if join.method:
            raise not_supported(f"{join.method} JOIN")
    for star in tree.find_all(exp.Star):
        if any(star.args.values()):
            raise AthenaError("SYNTAX_ERROR", f"mismatched input '{star.sql(words.Words)}'")
    _name_all(tree)
    tree = qualify_tables(tree, db=database, catalog=CATALOG, dialect=words.Words)
    schema: dict[str, Any] = {}
    for node in list(tree.find_all(exp.Table)):
        if node.db:
            found = tables.find(node)
            columns = {n: "varchar" for n, _ in found.columns}
            columns |= {n: "varchar" for n, _ in found.hidden if _asked(tree, n)}
            schema.setdefault(CATALOG, {}).setdefault(node.db.lower(), {})[node.name.lower()] = (
                columns
            )
    try:
        tree = qualify(
            tree, schema=schema, dialect=words.Words, db=database, catalog=CATALOG,
            expand_alias_refs=False, quote_identifiers=False,
        )  # fmt: skip
    except OptimizeError as e:

        def count(name: str) -> int:
            return sum(
                name in columns for d in schema.get(CATALOG, {}).values() for columns in d.values()
            )

        raise words.unresolved(str(e), tree, count) from e
    _drop_hidden(tree)
    return tree


def _name_all(tree: exp.Expr) -> None:
    """Give columns without a name one that nobody can write, and note names as written."""
    count = 0
    for select in tree.find_all(exp.Select):
        for place, column in enumerate(select.expressions):
            if isinstance(column, exp.Alias):
                column.args["alias"].meta["written"] = column.alias
            elif not isinstance(column, (exp.Column, exp.Star, exp.Dot)):
                select.expressions[place] = exp.alias_(column, f"{UNNAMED}{count}", quoted=True)
                select.set("expressions", list(select.expressions))
                count += 1
    for column in tree.find_all(exp.Column):
        if column.name.startswith("$"):
            column.meta["hidden"] = True


def _asked(tree: exp.Expr, name: str) -> bool:
    return any(c.name.lower() == name for c in tree.find_all(exp.Column))


def _drop_hidden(tree: exp.Expr) -> None:
    """Take hidden columns out of what a star was expanded to: a star doesn't show them."""
    for select in tree.find_all(exp.Select):
        kept = [
            e for e in select.expressions
            if not (e.unalias().name.startswith("$") and isinstance(e.unalias(), exp.Column)
                    and not e.unalias().meta.get("hidden"))
        ]  # fmt: skip
        if len(kept) != len(select.expressions):
            select.set("expressions", kept)


def _written_names(tree: exp.Expr, names: list[str]) -> list[str]:
    """Names of the result: as they are written, and ``_col`` with its place where there is none."""
    first = tree
    while isinstance(first, (exp.SetOperation, exp.Subquery)):
        first = first.this
    written = [
        e.args["alias"].meta.get("written", n) if isinstance(e, exp.Alias) else n
        for e, n in zip(first.selects, names, strict=True)
    ] if isinstance(first, exp.Select) else names  # fmt: skip
    return [f"_col{i}" if n.startswith(UNNAMED) else n for i, n in enumerate(written)]
