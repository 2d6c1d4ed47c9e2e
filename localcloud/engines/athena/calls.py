"""Calls of functions: from the table, or by code where types alone don't say what is meant."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from sqlglot import exp

from localcloud.engines.athena import arithmetic, functions, windows
from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.typed import Typed, as_type, together, wall
from localcloud.engines.athena.types import Type
from localcloud.engines.athena.words import position
from localcloud.engines.athena.zones import time_zone

if TYPE_CHECKING:
    from localcloud.engines.athena.expressions import Expressions

Special = Callable[["Expressions", exp.Expr, list[exp.Expr]], Typed]
_PATH = re.compile(r"""\$(\.[A-Za-z_]\w*|\[\d+\]|\[(["'])[^"'\\]+\2\])*""")


def call(self: Expressions, node: exp.Expr, over: str = "", nulls: str = "") -> Typed:
    """A call as it is written."""
    from localcloud.engines.athena import call_arrays, call_text, call_times

    if isinstance(node, exp.GroupConcat):
        separator = node.args.get("separator")
        given = [node.this] + ([separator] if separator else [])
        return plain_aggregate(self, "listagg", given, node, over, nulls)
    name = str(node.this).lower()
    special = (call_times.SPECIAL | call_text.SPECIAL | call_arrays.SPECIAL | SPECIAL).get(name)
    if special is not None:
        low, high = _COUNTS.get(name, (1, 1))
        if not low <= len(node.expressions) <= high:
            raise AthenaError(
                "FUNCTION_NOT_FOUND",
                f"{position(node)}Unexpected number of parameters for function {name}: "
                f"{len(node.expressions)}",
            )
        if over or nulls:
            raise AthenaError(
                "SYNTAX_ERROR", f"{position(node)}{name} is no window or aggregate function"
            )
        return special(self, node, node.expressions)
    return plain_aggregate(self, name, node.expressions, node, over, nulls)


def plain_aggregate(
    self: Expressions,
    name: str,
    given: list[exp.Expr],
    node: exp.Expr,
    over: str,
    nulls: str,
) -> Typed:
    """A function of the table, with DISTINCT, ORDER BY, FILTER and OVER."""
    order, distinct, given = "", "", list(given)
    if given and isinstance(given[-1 if name != "listagg" else 0], exp.Order):
        at = -1 if name != "listagg" else 0
        order = f" ORDER BY {windows.ordering(self, given[at])}"
        given[at] = given[at].this
    if given and isinstance(given[0], exp.Distinct):
        distinct, given = "DISTINCT ", [*given[0].expressions, *given[1:]]
    if name == "count" and not distinct and (not given or isinstance(given[0], exp.Star)):
        return Typed(f"count(*){over}", t.BIGINT)
    values = [self.read(g) for g in given]
    return plain(self, name, values, node, over=over, nulls=nulls, order=order, distinct=distinct)


def plain(
    self: Expressions, name: str, given: list[Typed], node: exp.Expr,
    over: str = "", nulls: str = "", order: str = "", distinct: str = "",
) -> Typed:  # fmt: skip
    """A function of the table.

    Raises
    ------
    AthenaError
        ``FUNCTION_NOT_FOUND`` where no overload takes these types, or the table has no such
        function: then Athena may know it, and it is refused.
    """
    at = position(node)
    match = functions.find(name, [g.type for g in given])
    if match is None:
        if name not in functions.table():
            raise not_supported(f"{at}Function '{name}'")
        listed = ", ".join(str(g.type) for g in given)
        raise AthenaError(
            "FUNCTION_NOT_FOUND", f"{at}Unexpected parameters ({listed}) for function {name}"
        )
    function = match.function
    if (over or distinct or order) and function.kind == "scalar":
        raise AthenaError("SYNTAX_ERROR", f"{at}{name} is no window or aggregate function")
    if function.kind == "window" and not over:
        raise AthenaError("MISSING_OVER", f"{at}Window function {name} requires an OVER clause")
    if (order and "{order}" not in function.duckdb) or (nulls and "{nulls}" not in function.duckdb):
        raise not_supported(f"{at}ORDER BY or IGNORE NULLS in {name}()")
    if name == "typeof":
        return Typed(t.text(str(given[0].type)), t.VARCHAR)
    sqls = [
        _argument(w, g, k, at)
        for w, g, k in zip(function.arguments(len(given)) or (), given, match.takes, strict=True)
    ]
    if sqls:
        sqls[0] = distinct + sqls[0]
    gives = match.gives
    scale = gives.of[1] if gives.name == "decimal" else 0
    words = {"all": ", ".join(sqls), "over": over, "nulls": nulls, "order": order, "scale": scale}
    sql = function.duckdb.replace("MAP {}", "MAP {{}}").format(*sqls, type=gives.duckdb(), **words)
    return Typed(f"({sql})" if sql[0] == "~" or " / " in sql else sql, gives)


def _argument(written: str, given: Typed, kind: Type, at: str) -> str:
    if written in ("wall", "clock"):
        return wall(given).sql
    if written == "path":
        return _path(given, at)
    return as_type(given, kind).sql


def _path(given: Typed, at: str) -> str:
    if given.literal is None or not _PATH.fullmatch(given.literal):
        raise not_supported(f"{at}JSON path {given.literal or given.sql}")
    return t.text(re.sub(r"\[([\"'])(.+?)\1\]", r'."\2"', given.literal))


def windowed(self: Expressions, node: exp.Expr) -> Typed:
    """A call with FILTER, IGNORE NULLS or OVER around it."""
    over = nulls = where = ""
    inner = node
    while isinstance(inner, (exp.Window, exp.Filter, exp.IgnoreNulls, exp.RespectNulls)):
        if isinstance(inner, exp.Window):
            over = windows.over(self, inner)
        elif isinstance(inner, exp.Filter):
            where = f" FILTER (WHERE {self.boolean(inner.expression.this, 'FILTER')})"
        elif isinstance(inner, exp.IgnoreNulls):
            nulls = " IGNORE NULLS"
        inner = inner.this
    if not isinstance(inner, (exp.Anonymous, exp.GroupConcat)):
        raise not_supported(f"{position(node)}{node.sql('trino')[:120]}")
    return call(self, inner, over=where + over, nulls=nulls)


def concat(given: list[Typed], at: str) -> Typed:
    """``||`` and concat(): NULL where any operand is NULL."""
    kinds = {g.type.name for g in given} - {"unknown"}
    if kinds == {"array"}:
        values, kind = together(given, "concat operands", at)
        nulls = " OR ".join(f"{v.sql} IS NULL" for v in values)
        return Typed(
            f"CASE WHEN {nulls} THEN NULL ELSE list_concat({', '.join(v.sql for v in values)}) END",
            kind,
        )
    if kinds not in ({"varchar"}, {"varbinary"}, set()):
        listed = ", ".join(str(g.type) for g in given)
        raise AthenaError(
            "FUNCTION_NOT_FOUND", f"{at}Unexpected parameters ({listed}) for function concat"
        )
    kind = t.VARBINARY if kinds == {"varbinary"} else t.VARCHAR
    values = [as_type(g, kind) for g in given]
    return Typed(f"({' || '.join(v.sql for v in values)})", kind)


def element(whole: Typed, place: Typed, at: str, strict: bool) -> Typed:
    """``a[i]``, which fails beyond the end, or element_at(), which gives NULL."""
    if whole.type.name == "array" and place.type.name in t.INTEGERS:
        macro = "athena_subscript" if strict else "athena_at"
        return Typed(f"{macro}({whole.sql}, {place.sql})", whole.type.element)
    if whole.type.name == "map" and t.common(place.type, whole.type.of[0]) == whole.type.of[0]:
        key = as_type(place, whole.type.of[0]).sql
        found = (
            f"athena_map_subscript({whole.sql}, {key})"
            if strict
            else f"map_extract({whole.sql}, {key})[1]"
        )
        return Typed(found, whole.type.element)
    raise arithmetic.mismatch("[]", whole, place, at)


def row(given: list[Typed]) -> Typed:
    """``ROW(a, b)``: fields without names."""
    kind = Type("row", tuple(("", g.type) for g in given))
    fields = ", ".join(f"{t.quote(t.row_field(kind, i))}: {g.sql}" for i, g in enumerate(given))
    return Typed(f"{{{fields}}}", kind)


def at_zone(value: Typed, zone: Typed, at: str) -> Typed:
    """The same instant in another zone; a timestamp without one is UTC's."""
    if zone.literal is None:
        raise not_supported(f"{at}a time zone that is no literal")
    if value.type.name not in ("timestamp", "timestamp with time zone"):
        raise arithmetic.mismatch("AT TIME ZONE", value, zone, at)
    instant = as_type(value, t.zoned("UTC", value.type.of[-1]))
    return Typed(instant.sql, t.zoned(time_zone(zone.literal, at), value.type.of[-1]))


def _read(self: Expressions, given: list[exp.Expr]) -> list[Typed]:
    return [self.read(g) for g in given]


def _coalesce(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    values, kind = together(_read(self, given), "All COALESCE operands", position(node))
    return Typed(f"coalesce({', '.join(v.sql for v in values)})", kind)


def _nullif(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    left, right = _read(self, given)
    arithmetic.compare("=", left, right, position(node))
    return Typed(f"nullif({left.sql}, {right.sql})", left.type)


def _extreme(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """Greatest and least: NULL where any argument is, which DuckDB leaves out."""
    values, kind = together(_read(self, given), "All operands", position(node))
    nulls = " OR ".join(f"{v.sql} IS NULL" for v in values)
    listed = ", ".join(v.sql for v in values)
    return Typed(f"CASE WHEN {nulls} THEN NULL ELSE {str(node.this).lower()}({listed}) END", kind)


def _try(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    value = self.read(given[0])
    return Typed(f"TRY({value.sql})", value.type)


def _grouping(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    return Typed(f"grouping({', '.join(v.sql for v in _read(self, given))})", t.BIGINT)


def _mod(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    left, right = _read(self, given)
    return arithmetic.binary("%", left, right, position(node))


def _element_at(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    whole, place = _read(self, given)
    return element(whole, place, position(node), strict=False)


#: Least and most arguments of functions that are no lines of the table; one where not said.
_COUNTS = {
    "coalesce": (1, 999), "nullif": (2, 2), "greatest": (1, 127), "least": (1, 127),
    "grouping": (1, 30), "concat": (2, 127), "mod": (2, 2), "element_at": (2, 2), "row": (1, 254),
    "date_trunc": (2, 2), "date_add": (3, 3), "date_diff": (3, 3), "date_format": (2, 2),
    "format_datetime": (2, 2), "date_parse": (2, 2), "from_unixtime": (1, 2),
    "at_timezone": (2, 2), "with_timezone": (2, 2), "now": (0, 0), "regexp_like": (2, 2),
    "regexp_extract": (2, 3), "regexp_extract_all": (2, 3), "regexp_count": (2, 2),
    "regexp_replace": (2, 3), "regexp_split": (2, 2), "transform": (2, 2), "filter": (2, 2),
    "reduce": (4, 4), "any_match": (2, 2), "all_match": (2, 2), "none_match": (2, 2),
}  # fmt: skip

SPECIAL: dict[str, Special] = {
    "coalesce": _coalesce,
    "nullif": _nullif,
    "greatest": _extreme,
    "least": _extreme,
    "try": _try,
    "grouping": _grouping,
    "concat": lambda self, node, given: concat(_read(self, given), position(node)),
    "mod": _mod,
    "element_at": _element_at,
    "row": lambda self, node, given: row(_read(self, given)),
}
