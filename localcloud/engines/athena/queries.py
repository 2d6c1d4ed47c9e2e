"""Turns Athena's queries into DuckDB's: FROM, grouping, set operations, subqueries.

Names are resolved before (`translate.py`); here every clause is written anew, and one that
isn't known is refused.
"""

# ruff: noqa: S608 (this writes SQL: names and strings pass `types.quote` and `types.text`)
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sqlglot import exp

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.expressions import Expressions
from localcloud.engines.athena.pruning import Condition, conditions
from localcloud.engines.athena.scopes import Fields, Scope, Source
from localcloud.engines.athena.sources import unnest, values
from localcloud.engines.athena.tables import Table
from localcloud.engines.athena.typed import Typed, as_type
from localcloud.engines.athena.windows import ordering, window
from localcloud.engines.athena.words import position

_SELECT = {"kind", "hint", "distinct", "expressions", "limit", "operation_modifiers", "from_",
           "joins", "where", "group", "having", "windows", "order", "offset", "with_",
           "exclude"}  # fmt: skip
_TABLE = {"this", "db", "catalog", "alias", "version"}
#: Marks a column that has no name of its own; the result calls it by its place.
UNNAMED = "?column"


@dataclass
class Scan:
    """One reading of a table.

    Parameters
    ----------
    name : str
        The relation that DuckDB reads, made before the query runs.
    table : Table
        The catalog's table.
    source : Source
        Its fields and which of them are read.
    conditions : list
        What rows must fulfil in any case: files without such rows need not be read.
    """

    name: str
    table: Table
    source: Source
    conditions: list[Condition] = field(default_factory=list)


class Tables(Protocol):
    """What the translation asks of a catalog."""

    def find(self, node: exp.Table) -> Table:
        """The table that a name means."""

    def view(self, table: Table) -> exp.Expr:
        """A view's query, with its names resolved."""


class Queries:
    """Reads one statement's query and its subqueries.

    Parameters
    ----------
    tables : Tables
        The catalog.
    """

    def __init__(self, tables: Tables):
        self.tables = tables
        self.scans: list[Scan] = []

    def read(self, node: exp.Expr, outer: Scope | None = None) -> tuple[str, Fields]:
        """A query in DuckDB's SQL, and its columns.

        Raises
        ------
        AthenaError
            Where Athena would fail, or the local cloud can't do as Athena does.
        """
        if isinstance(node, exp.Subquery) and not node.alias and isinstance(node.this, exp.Query):
            inner, fields = self.read(node.this, outer)
            rest = {k for k, v in node.args.items() if v} - {"this"}
            if rest:
                raise not_supported(f"{', '.join(rest)} after a query in brackets")
            return f"({inner})", fields
        if isinstance(node, exp.Select):
            return self._select(node, outer)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, outer)
        if isinstance(node, exp.Values):
            sql, fields = values(Expressions(self, Scope(outer)), node)
            return sql, fields
        raise not_supported(f"{position(node)}{node.sql('trino')[:120]} ({node.key})")

    def subquery(self, node: exp.Expr, outer: Scope) -> tuple[str, Fields]:
        """A query inside an expression, which sees the columns around it."""
        while isinstance(node, exp.Subquery) and isinstance(node.this, exp.Query):
            node = node.this
        return self.read(node, outer)

    def _with(self, node: exp.Expr, scope: Scope) -> str:
        clause = node.args.get("with_")
        if clause is None:
            return ""
        if clause.args.get("recursive"):
            raise not_supported("WITH RECURSIVE")
        parts = []
        for query in clause.expressions:
            sql, fields = self.read(query.this, scope)
            names = [c.name for c in query.args["alias"].columns] or [n for n, _ in fields]
            _no_twins(names)
            scope.queries[query.alias] = [(n, k) for n, (_, k) in zip(names, fields, strict=True)]
            listed = ", ".join(map(t.quote, names))
            parts.append(f"{t.quote(query.alias)}({listed}) AS ({sql})")
        return f"WITH {', '.join(parts)} "

    def _select(self, node: exp.Select, outer: Scope | None) -> tuple[str, Fields]:
        odd = {k for k, v in node.args.items() if v} - _SELECT
        odd |= {k for k in ("kind", "hint", "operation_modifiers", "exclude") if node.args.get(k)}
        if odd:
            raise not_supported(f"{', '.join(sorted(odd))} in a SELECT")
        scope = Scope(outer)
        start = self._with(node, scope)
        reads = Expressions(self, scope)
        first = len(self.scans)
        source = self._from(node, reads)
        where = node.args.get("where")
        if where is not None:
            for scan in self.scans[first:]:
                scan.conditions += conditions(where.this, scan, scope)
            source += f" WHERE {reads.boolean(where.this, 'WHERE clause')}"
        columns = [(e.alias_or_name, reads.read(e)) for e in node.expressions]
        fields = [(name, value.type) for name, value in columns]
        listed = ", ".join(f"{value.sql} AS {t.quote(name)}" for name, value in columns)
        sql = f"{start}SELECT {self._distinct(node)}{listed}{source}{_group(reads, node)}"
        if having := node.args.get("having"):
            sql += f" HAVING {reads.boolean(having.this, 'HAVING clause')}"
        if windows := node.args.get("windows"):
            sql += " WINDOW " + ", ".join(
                f"{t.quote(w.name)} AS ({window(reads, w)})" for w in windows
            )
        # DuckDB would take a name inside an ORDER BY's expression for the table's column.
        outputs = {name: Typed(f"({value.sql})", value.type) for name, value in columns}
        return sql + self._tail(node, reads, outputs), fields

    def _distinct(self, node: exp.Select) -> str:
        distinct = node.args.get("distinct")
        if distinct is not None and distinct.args.get("on"):
            raise not_supported("DISTINCT ON")
        return "DISTINCT " if distinct else ""

    def _tail(self, node: exp.Expr, reads: Expressions, outputs: dict[str, Typed]) -> str:
        """ORDER BY, OFFSET and LIMIT."""
        sql = ""
        if order := node.args.get("order"):
            reads.scope.outputs = outputs
            sql += f" ORDER BY {ordering(reads, order)}"
        for word in ("limit", "offset"):
            if (clause := node.args.get(word)) is not None:
                sql += _count(word, clause)
        return sql

    def _from(self, node: exp.Select, reads: Expressions) -> str:
        clause = node.args.get("from_")
        if clause is None:
            return ""
        sql = f" FROM {self._source(clause.this, reads)}"
        for join in node.args.get("joins") or []:
            sql += self._join(join, reads)
        return sql

    def _join(self, join: exp.Join, reads: Expressions) -> str:
        odd = {k for k, v in join.args.items() if v} - {"this", "side", "kind", "on", "method"}
        if odd or join.method:
            raise not_supported(
                f"{position(join)}{', '.join(sorted(odd)) or join.method} in a join"
            )
        words = [w for w in (join.side.upper(), join.kind.upper()) if w and w != "OUTER"]
        if set(words) - {"LEFT", "RIGHT", "FULL", "INNER", "CROSS"}:
            raise not_supported(f"{' '.join(words)} JOIN")
        source, on = self._source(join.this, reads), join.args.get("on")
        if on is None:
            if set(words) - {"CROSS"}:
                raise AthenaError("SYNTAX_ERROR", f"{position(join)}a join without ON")
            return f" CROSS JOIN {source}"
        return f" {' '.join([*words, 'JOIN'])} {source} ON {reads.boolean(on, 'JOIN ON clause')}"

    def _source(self, node: exp.Expr, reads: Expressions) -> str:
        """A table, subquery, VALUES or UNNEST in FROM."""
        scope = reads.scope
        if isinstance(node, exp.Table):
            return self._table(node, scope)
        alias = node.args.get("alias")
        name = node.alias
        if isinstance(node, exp.Unnest):
            sql, fields = unnest(reads, node)
        elif isinstance(node, exp.Values):
            sql, fields = values(reads, node)
        elif isinstance(node, exp.Subquery) and not _odd(node, {"this", "alias"}):
            # It sees the WITH queries beside it, and not the tables.
            sql, fields = self.read(node.this, Scope(scope.outer, queries=scope.queries))
            names = [c.name for c in alias.columns] if alias else []
            names = names or [n for n, _ in fields]
            fields = [(n, k) for n, (_, k) in zip(names, fields, strict=True)]
        else:
            raise not_supported(f"{position(node)}{node.sql('trino')[:120]} in FROM")
        _no_twins([n for n, _ in fields])
        scope.add(name, fields)
        lateral = "LATERAL " if isinstance(node, exp.Unnest) else ""
        return f"{lateral}({sql}) AS {t.quote(name)}({', '.join(t.quote(n) for n, _ in fields)})"

    def _table(self, node: exp.Table, scope: Scope) -> str:
        if odd := _odd(node, _TABLE):
            raise not_supported(f"{position(node)}{odd} of table {node.name}")
        known = None if node.db else scope.query(node.name)
        alias = node.args.get("alias")
        renamed = [c.name for c in alias.columns] if alias else []
        if known is not None:
            names = renamed or [n for n, _ in known]
            scope.add(node.alias_or_name, [(n, k) for n, (_, k) in zip(names, known, strict=True)])
            listed = f"({', '.join(map(t.quote, names))})" if renamed else ""
            return f"{t.quote(node.name)} AS {t.quote(node.alias_or_name)}{listed}"
        table = self.tables.find(node)
        if table.view:
            if node.args.get("version"):
                raise not_supported(f"{position(node)}time travel of a view")
            sql, fields = self.read(self.tables.view(table))
            fields = [(n, k) for (n, _), (_, k) in zip(table.columns, fields, strict=True)]
            inner = ", ".join(t.quote(n) for n, _ in fields)
            return f"(SELECT * FROM ({sql}) AS v({inner})){self._as(node, fields, renamed, scope)}"
        name = f"scan_{len(self.scans)}"
        columns = [*table.columns, *table.hidden]
        text = self._as(node, columns, renamed, scope)
        self.scans.append(Scan(name, table, scope.tables[node.alias_or_name]))
        return f"{t.quote(name)}{text}"

    def _as(self, node: exp.Table, fields: Fields, renamed: list[str], scope: Scope) -> str:
        if renamed:
            raise not_supported(f"{position(node)}column names for table {node.alias_or_name}")
        scope.add(node.alias_or_name, fields)
        return f" AS {t.quote(node.alias_or_name)}"

    def _set_operation(self, node: exp.SetOperation, outer: Scope | None) -> tuple[str, Fields]:
        scope = Scope(outer)
        start = self._with(node, scope)
        if odd := _odd(
            node, {"this", "expression", "distinct", "with_", "order", "limit", "offset"}
        ):
            raise not_supported(f"{odd} of {node.key.upper()}")
        sides = [self.read(s, scope) for s in (node.this, node.expression)]
        (left, right) = (fields for _, fields in sides)
        word = node.key.upper()
        if len(left) != len(right):
            raise AthenaError(
                "TYPE_MISMATCH",
                f"{position(node)}{word} query has different number of fields: "
                f"{len(left)}, {len(right)}",
            )
        kinds = [t.common(a, b) for (_, a), (_, b) in zip(left, right, strict=True)]
        for i, kind in enumerate(kinds):
            if kind is None:
                raise AthenaError(
                    "TYPE_MISMATCH",
                    f"{position(node)}column {i + 1} in {word} query has incompatible types: "
                    f"{left[i][1]}, {right[i][1]}",
                )
        fields = [(n, k) for (n, _), k in zip(left, kinds, strict=True) if k is not None]
        texts = [_converted(sql, own, fields) for sql, own in sides]
        every = "" if node.args.get("distinct") else " ALL"
        sql = f"{start}{texts[0]} {word}{every} {texts[1]}"
        outputs = {name: Typed(t.quote(name), kind) for name, kind in fields}
        return sql + self._tail(node, Expressions(self, scope), outputs), fields


def _odd(node: exp.Expr, known: set[str]) -> str:
    return ", ".join(sorted({k for k, v in node.args.items() if v} - known))


def _no_twins(names: list[str]) -> None:
    twins = {n for n in names if names.count(n) > 1}
    if twins:
        raise not_supported(f"a subquery with two columns named {', '.join(sorted(twins))}")


def _converted(sql: str, own: Fields, wanted: Fields) -> str:
    """A side of a set operation with the columns' common types."""
    if all(a == b for (_, a), (_, b) in zip(own, wanted, strict=True)):
        return f"({sql})"
    names = [f"c{i}" for i in range(len(own))]
    listed = ", ".join(
        f"{as_type(Typed(n, a), b).sql} AS {t.quote(name)}"
        for n, (_, a), (name, b) in zip(names, own, wanted, strict=True)
    )
    return f"(SELECT {listed} FROM ({sql}) AS side({', '.join(names)}))"


def _group(reads: Expressions, node: exp.Select) -> str:
    group = node.args.get("group")
    if group is None:
        return ""
    if odd := _odd(group, {"expressions", "rollup", "cube", "grouping_sets"}):
        raise not_supported(f"GROUP BY {odd}")
    parts = [*group.expressions, *(p for w in _GROUPS.values() for p in group.args.get(w) or [])]
    return f" GROUP BY {', '.join(_term(reads, p) for p in parts)}"


_GROUPS: dict[type[exp.Expr], str] = {
    exp.Rollup: "rollup",
    exp.Cube: "cube",
    exp.GroupingSets: "grouping_sets",
}


def _term(reads: Expressions, node: exp.Expr) -> str:
    word = _GROUPS.get(type(node))
    if word is None:
        return reads.read(node).sql
    listed = ", ".join(_grouped(reads, e) for e in node.expressions)
    return f"{word.replace('_', ' ').upper()} ({listed})"


def _grouped(reads: Expressions, node: exp.Expr) -> str:
    if isinstance(node, (exp.Tuple, exp.Paren)):
        inner = node.expressions if isinstance(node, exp.Tuple) else [node.this]
        return f"({', '.join(reads.read(e).sql for e in inner)})"
    return reads.read(node).sql


def _count(word: str, clause: exp.Expr) -> str:
    if isinstance(clause, exp.Fetch):
        options = clause.args.get("limit_options")
        if options is not None and (options.args.get("percent") or options.args.get("with_ties")):
            raise not_supported(clause.sql("trino"))
        value = clause.args.get("count")
    else:
        value = clause.expression
        if clause.args.get("limit_options") or clause.expressions:
            raise not_supported(clause.sql("trino"))
    if isinstance(value, exp.Var) and value.name.upper() == "ALL":
        return ""
    if not (isinstance(value, exp.Literal) and value.name.isdigit()):
        raise AthenaError("SYNTAX_ERROR", f"{word.upper()} must be a whole number")
    return f" {word.upper()} {value.name}"
