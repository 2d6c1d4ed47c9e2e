"""Turns Athena's expressions into DuckDB's, each with its type; what isn't known is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from localcloud.engines.athena import arithmetic, calls, casts, words
from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.scopes import Scope
from localcloud.engines.athena.type_names import of_sql
from localcloud.engines.athena.typed import Typed, together
from localcloud.engines.athena.types import Type
from localcloud.engines.athena.words import position

if TYPE_CHECKING:
    from localcloud.engines.athena.queries import Queries

_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
}
_DAYS = ("DAY", "HOUR", "MINUTE", "SECOND", "WEEK", "MILLISECOND")
_MONTHS = ("MONTH", "YEAR", "QUARTER")


class Expressions:
    """Reads the expressions of one query.

    Parameters
    ----------
    queries : Queries
        Reads subqueries.
    scope : Scope
        What names mean here.
    """

    def __init__(self, queries: Queries, scope: Scope):
        self.queries = queries
        self.scope = scope

    def read(self, node: exp.Expr) -> Typed:
        """An expression in DuckDB's SQL.

        Raises
        ------
        AthenaError
            Where Athena would fail, or the local cloud can't do as Athena does.
        """
        if type(node) in _ARITHMETIC:
            left, right = self.read(node.this), self.read(node.expression)
            return arithmetic.binary(_ARITHMETIC[type(node)], left, right, position(node))
        if type(node) in _COMPARISONS:
            return self._compare(node)
        reader = _READERS.get(type(node))
        if reader is None or (node.args.get("negate") and type(node) is not exp.Like):
            raise not_supported(f"{position(node)}{node.sql('trino')[:120]} ({node.key})")
        return reader(self, node)

    def boolean(self, node: exp.Expr, what: str) -> str:
        """A condition.

        Raises
        ------
        AthenaError
            ``TYPE_MISMATCH`` where it is no boolean.
        """
        found = self.read(node)
        if found.type not in (t.BOOLEAN, t.UNKNOWN):
            raise AthenaError(
                "TYPE_MISMATCH",
                f"{position(node)}{what} must evaluate to a boolean: actual type {found.type}",
            )
        return found.sql

    def within(self, arguments: dict[str, Typed]) -> Expressions:
        """The same, inside a lambda with these arguments."""
        return Expressions(self.queries, Scope(outer=self.scope, arguments=arguments))

    def _compare(self, node: exp.Expr) -> Typed:
        sign, at = _COMPARISONS[type(node)], position(node)
        right = node.expression
        if isinstance(right, (exp.Any, exp.All)):
            return self._quantified(node, sign)
        return arithmetic.compare(sign, self.read(node.this), self.read(right), at)

    def _quantified(self, node: exp.Expr, sign: str) -> Typed:
        word = "ANY" if isinstance(node.expression, exp.Any) else "ALL"
        inner = node.expression.this
        query = inner if isinstance(inner, exp.Query) else None
        if query is None:
            raise not_supported(f"{word} of anything but a query")
        left, (sql, kind) = self.read(node.this), self._single(query)
        arithmetic.compare(sign, left, Typed("NULL", kind), position(node))
        return Typed(f"({left.sql} {sign} {word} ({sql}))", t.BOOLEAN)

    def _single(self, query: exp.Expr) -> tuple[str, Type]:
        """A subquery of one column: its SQL and its type."""
        sql, fields = self.queries.subquery(query, self.scope)
        if len(fields) != 1:
            raise AthenaError(
                "SYNTAX_ERROR",
                f"{position(query)}Multiple columns returned by subquery are not yet supported. "
                f"Found {len(fields)}",
            )
        return sql, fields[0][1]

    def column(self, node: exp.Column) -> Typed:
        """A column of a table in FROM, or of the SELECT itself in ORDER BY."""
        name = node.name
        if not node.table:
            argument = self.scope.argument(name)
            if argument:
                return argument
            output = self.scope.output(name)
            if output:
                return output
        # sqlglot leaves columns of HAVING as they are written.
        table = node.table or self._only_table(node)
        found = self.scope.column(table, name)
        if found is None:
            raise AthenaError(
                "COLUMN_NOT_FOUND",
                f"{position(node)}Column '{table}.{name}' cannot be resolved or requester is "
                "not authorized to access requested resources",
            )
        return Typed(f"{t.quote(table)}.{t.quote(name)}", found)

    def _only_table(self, node: exp.Column) -> str:
        having = self.scope.having(node.name)
        if len(having) == 1:
            return having[0]
        if having:
            raise AthenaError(
                "AMBIGUOUS_NAME", f"{position(node)}Column '{node.name}' is ambiguous"
            )
        raise words.no_column(node.name, position(node))

    def identifier(self, node: exp.Identifier) -> Typed:
        """A lambda's argument."""
        found = self.scope.argument(node.name)
        if found is None:
            raise words.no_column(node.name, position(node))
        return found

    def dot(self, node: exp.Dot) -> Typed:
        """A row's field."""
        row = self.read(node.this)
        name = node.expression.name
        for i, (field, kind) in enumerate(row.type.of if row.type.name == "row" else ()):
            if field == name.lower():
                return Typed(f"({row.sql}).{t.quote(t.row_field(row.type, i))}", kind)
        raise AthenaError(
            "TYPE_MISMATCH",
            f"{position(node)}Expression {node.this.sql('trino')} has no field {name}",
        )

    def literal(self, node: exp.Literal) -> Typed:
        """A string or a number as it is written: 1.50 is a decimal, 1e0 a double."""
        if node.is_string:
            return Typed(t.text(node.this), t.VARCHAR, node.this)
        written = node.this.lower().replace("_", "")
        if "e" in written:
            return Typed(written, t.DOUBLE, written)
        if "." in written.lstrip("-"):
            whole, fraction = written.split(".")
            digits = max(1, len(whole.lstrip("-0") + fraction))
            if digits > 38:
                raise AthenaError(
                    "NUMERIC_VALUE_OUT_OF_RANGE", f"{position(node)}{written} has over 38 digits"
                )
            plain = (
                f"{whole or '0'}.{fraction}"
                if fraction
                else f"CAST({whole} AS DECIMAL({digits},0))"
            )
            return Typed(plain, t.decimal(digits, len(fraction)), written)
        if abs(int(written)) < 2**31:
            return Typed(written, t.INTEGER, written)
        return Typed(f"CAST({written} AS BIGINT)", t.BIGINT, written)

    def case(self, node: exp.Case) -> Typed:
        """CASE, with and without an operand."""
        operand = self.read(node.this) if node.this else None
        tests, values = [], []
        for branch in node.args["ifs"]:
            if operand is None:
                tests.append(self.boolean(branch.this, "CASE WHEN clause"))
            else:
                when = self.read(branch.this)
                tests.append(arithmetic.compare("=", operand, when, position(branch)).sql)
            values.append(self.read(branch.args["true"]))
        default = node.args.get("default")
        values.append(self.read(default) if default else Typed("NULL", t.UNKNOWN))
        values, kind = together(values, "All CASE results", position(node))
        whens = " ".join(f"WHEN {a} THEN {b.sql}" for a, b in zip(tests, values, strict=False))
        return Typed(f"CASE {whens} ELSE {values[-1].sql} END", kind)

    def choice(self, node: exp.If) -> Typed:
        """``if(condition, a, b)``."""
        test = self.boolean(node.this, "IF condition")
        otherwise = node.args.get("false")
        given = [self.read(node.args["true"])]
        given.append(self.read(otherwise) if otherwise else Typed("NULL", t.UNKNOWN))
        (a, b), kind = together(given, "Result types for IF", position(node))
        return Typed(f"CASE WHEN {test} THEN {a.sql} ELSE {b.sql} END", kind)

    def coalesce(self, node: exp.Coalesce) -> Typed:
        """COALESCE that stands for a USING column of a join."""
        given = [self.read(e) for e in [node.this, *node.expressions]]
        values, kind = together(given, "All COALESCE operands", position(node))
        return Typed(f"coalesce({', '.join(v.sql for v in values)})", kind)

    def within_list(self, node: exp.In) -> Typed:
        """``x IN (...)`` of values or of a query."""
        left, query = self.read(node.this), node.args.get("query")
        if query is not None:
            sql, kind = self._single(query)
            arithmetic.compare("=", left, Typed("NULL", kind), position(node))
            return Typed(f"({left.sql} IN ({sql}))", t.BOOLEAN)
        if node.args.get("unnest") or node.args.get("field"):
            raise not_supported(f"{position(node)}IN of a list expression")
        given = [left, *(self.read(e) for e in node.expressions)]
        values, _ = together(given, "value and list of IN", position(node))
        items = ", ".join(v.sql for v in values[1:])
        return Typed(f"({values[0].sql} IN ({items}))", t.BOOLEAN)

    def between(self, node: exp.Between) -> Typed:
        """``x BETWEEN a AND b``."""
        at, value = position(node), self.read(node.this)
        low, high = self.read(node.args["low"]), self.read(node.args["high"])
        for bound in (low, high):
            arithmetic.compare("<=", value, bound, at)
        if node.args.get("symmetric"):
            raise not_supported("BETWEEN SYMMETRIC")
        both = (
            arithmetic.compare(">=", value, low, at).sql,
            arithmetic.compare("<=", value, high, at).sql,
        )
        return Typed(f"({both[0]} AND {both[1]})", t.BOOLEAN)

    def like(self, node: exp.Expr) -> Typed:
        """LIKE, with or without ESCAPE."""
        escape = ""
        if isinstance(node, exp.Escape):
            escape, node = f" ESCAPE {self.read(node.expression).sql}", node.this
        left, right = self.read(node.this), self.read(node.expression)
        for side in (left, right):
            if side.type not in (t.VARCHAR, t.UNKNOWN):
                raise arithmetic.mismatch("LIKE", left, right, position(node))
        word = "NOT LIKE" if node.args.get("negate") else "LIKE"  # sqlglot keeps NOT in the node
        return Typed(f"({left.sql} {word} {right.sql}{escape})", t.BOOLEAN)

    def joined(self, node: exp.Expr) -> Typed:
        """AND, OR."""
        word = "AND" if isinstance(node, exp.And) else "OR"
        sides = [
            self.boolean(s, f"Logical expression term of {word}")
            for s in (node.this, node.expression)
        ]
        return Typed(f"({sides[0]} {word} {sides[1]})", t.BOOLEAN)

    def interval(self, node: exp.Interval) -> Typed:
        """``interval '1' day``."""
        unit = node.args.get("unit")
        name = unit.name.upper() if isinstance(unit, exp.Var) else ""
        amount = node.this.name if isinstance(node.this, exp.Literal) else ""
        if name not in (*_DAYS, *_MONTHS) or not amount.lstrip("-+").isdigit():
            raise not_supported(f"{position(node)}{node.sql('trino')}")
        kind = t.DAY_TIME if name in _DAYS else t.YEAR_MONTH
        return Typed(f"INTERVAL '{amount}' {name}", kind)

    def extract(self, node: exp.Extract) -> Typed:
        """``extract(year from x)``: the function of that name."""
        return calls.plain(self, node.name.lower(), [self.read(node.expression)], node)

    def cast(self, node: exp.Cast) -> Typed:
        """CAST and TRY_CAST."""
        lenient = isinstance(node, exp.TryCast)
        if node.args.get("format"):
            raise not_supported("CAST with FORMAT")
        return casts.cast(self.read(node.this), of_sql(node.to), position(node), lenient)

    def concatenated(self, node: exp.DPipe) -> Typed:
        """``a || b`` of strings or arrays."""
        return calls.concat([self.read(node.this), self.read(node.expression)], position(node))

    def subscript(self, node: exp.Bracket) -> Typed:
        """``a[1]`` of an array or a map."""
        if len(node.expressions) != 1:
            raise not_supported(node.sql("trino"))
        whole, place = self.read(node.this), self.read(node.expressions[0])
        return calls.element(whole, place, position(node), strict=True)

    def array(self, node: exp.Array) -> Typed:
        """``ARRAY[...]``."""
        values, kind = together(
            [self.read(e) for e in node.expressions], "All ARRAY elements", position(node)
        )
        return Typed(f"[{', '.join(v.sql for v in values)}]", t.array(kind))

    def zone(self, node: exp.AtTimeZone) -> Typed:
        """``x AT TIME ZONE 'zone'``: the same instant, shown in another zone."""
        return calls.at_zone(self.read(node.this), self.read(node.args["zone"]), position(node))

    def exists(self, node: exp.Exists) -> Typed:
        """EXISTS."""
        sql, _ = self.queries.subquery(node.this, self.scope)
        return Typed(f"EXISTS ({sql})", t.BOOLEAN)

    def scalar(self, node: exp.Subquery) -> Typed:
        """A subquery as a value."""
        sql, kind = self._single(node)
        return Typed(f"({sql})", kind)

    def trim(self, node: exp.Trim) -> Typed:
        """``trim(BOTH 'x' FROM s)``."""
        given = [self.read(node.this)]
        names = {"LEADING": "ltrim", "TRAILING": "rtrim"}
        name = names.get(str(node.args.get("position") or "").upper(), "trim")
        if node.expression is None:
            return calls.plain(self, name, given, node)
        chars = self.read(node.expression)
        if {given[0].type, chars.type} - {t.VARCHAR}:
            raise arithmetic.mismatch("trim", given[0], chars, position(node))
        return Typed(f"{name}({given[0].sql}, {chars.sql})", t.VARCHAR)

    def tuple(self, node: exp.Tuple) -> Typed:
        """``(a, b)``: a row."""
        return calls.row([self.read(e) for e in node.expressions])


def _is(self: Expressions, node: exp.Is) -> Typed:
    right = node.expression
    if not isinstance(right, exp.Null):
        raise not_supported(f"{position(node)}{node.sql('trino')}")
    return Typed(f"({self.read(node.this).sql} IS NULL)", t.BOOLEAN)


def _paren(self: Expressions, node: exp.Paren) -> Typed:
    inner = self.read(node.this)
    return Typed(f"({inner.sql})", inner.type, None)


def _aliased(self: Expressions, node: exp.Alias) -> Typed:
    return self.read(node.this)


_READERS: dict[type[exp.Expr], Callable[[Expressions, Any], Typed]] = {
    exp.Column: Expressions.column,
    exp.Identifier: Expressions.identifier,
    exp.Dot: Expressions.dot,
    exp.Literal: Expressions.literal,
    exp.Case: Expressions.case,
    exp.If: Expressions.choice,
    exp.Coalesce: Expressions.coalesce,
    exp.In: Expressions.within_list,
    exp.Between: Expressions.between,
    exp.Like: Expressions.like,
    exp.Escape: Expressions.like,
    exp.And: Expressions.joined,
    exp.Or: Expressions.joined,
    exp.Interval: Expressions.interval,
    exp.Extract: Expressions.extract,
    exp.Cast: Expressions.cast,
    exp.TryCast: Expressions.cast,
    exp.DPipe: Expressions.concatenated,
    exp.Bracket: Expressions.subscript,
    exp.Array: Expressions.array,
    exp.AtTimeZone: Expressions.zone,
    exp.Exists: Expressions.exists,
    exp.Subquery: Expressions.scalar,
    exp.Trim: Expressions.trim,
    exp.Tuple: Expressions.tuple,
    exp.Is: _is,
    exp.Paren: _paren,
    exp.Alias: _aliased,
    exp.Not: lambda self, e: Typed(
        f"(NOT {self.boolean(e.this, 'Value of logical NOT expression')})", t.BOOLEAN
    ),
    exp.Neg: lambda self, e: arithmetic.negative(self.read(e.this), position(e)),
    exp.Null: lambda self, e: Typed("NULL", t.UNKNOWN),
    exp.Boolean: lambda self, e: Typed("true" if e.this else "false", t.BOOLEAN),
    exp.HexString: lambda self, e: Typed(f"unhex({t.text(e.this)})", t.VARBINARY),
    exp.CurrentDate: lambda self, e: Typed("CAST(timezone('UTC', now()) AS DATE)", t.DATE),
    exp.CurrentTimestamp: lambda self, e: Typed("now()", t.zoned()),
    exp.Localtimestamp: lambda self, e: Typed("timezone('UTC', now())", t.timestamp()),
    exp.StrPosition: lambda self, e: calls.plain(
        self, "strpos", [self.read(e.this), self.read(e.args["substr"])], e
    ),
    exp.Substring: lambda self, e: calls.plain(
        self,
        "substr",
        [self.read(x) for x in (e.this, e.args.get("start"), e.args.get("length")) if x],
        e,
    ),
    exp.ParseJSON: lambda self, e: calls.plain(self, "json_parse", [self.read(e.this)], e),
    exp.Anonymous: lambda self, e: calls.call(self, e),
    exp.Window: lambda self, e: calls.windowed(self, e),
    exp.Filter: lambda self, e: calls.windowed(self, e),
    exp.IgnoreNulls: lambda self, e: calls.windowed(self, e),
    exp.RespectNulls: lambda self, e: calls.windowed(self, e),
    exp.GroupConcat: lambda self, e: calls.windowed(self, e),
    exp.WithinGroup: lambda self, e: calls.windowed(self, e),
}
