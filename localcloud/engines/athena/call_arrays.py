"""Functions that take a lambda: its arguments get their types from the array.

https://trino.io/docs/current/functions/lambda.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.typed import Typed, as_type
from localcloud.engines.athena.types import Type
from localcloud.engines.athena.words import position

if TYPE_CHECKING:
    from localcloud.engines.athena.calls import Special
    from localcloud.engines.athena.expressions import Expressions


def _array(self: Expressions, node: exp.Expr, given: exp.Expr) -> Typed:
    value = self.read(given)
    if value.type.name != "array":
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"{position(node)}Unexpected parameters ({value.type}) for function {node.this}",
        )
    return value


def _lambda(self: Expressions, given: exp.Expr, kinds: list[Type]) -> tuple[str, Typed]:
    """A lambda's arguments and body in DuckDB."""
    names = [e.name for e in given.expressions] if isinstance(given, exp.Lambda) else []
    if len(names) != len(kinds):
        raise not_supported(
            f"{position(given)}{given.sql('trino')} for a lambda of {len(kinds)} arguments"
        )
    known = {n: Typed(t.quote(n), k) for n, k in zip(names, kinds, strict=True)}
    return ", ".join(map(t.quote, names)), self.within(known).read(given.this)


def _condition(self: Expressions, given: exp.Expr, kind: Type) -> str:
    names, body = _lambda(self, given, [kind])
    if body.type not in (t.BOOLEAN, t.UNKNOWN):
        raise AthenaError(
            "TYPE_MISMATCH", f"{position(given)}a lambda of type {body.type}, boolean expected"
        )
    return f"lambda {names}: {body.sql}"


def _transform(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    items = _array(self, node, given[0])
    names, body = _lambda(self, given[1], [items.type.element])
    return Typed(f"list_transform({items.sql}, lambda {names}: {body.sql})", t.array(body.type))


def _filter(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    items = _array(self, node, given[0])
    return Typed(
        f"list_filter({items.sql}, {_condition(self, given[1], items.type.element)})", items.type
    )


def _reduce(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """``reduce(array, start, (state, item) -> ..., state -> ...)``."""
    items, start = _array(self, node, given[0]), self.read(given[1])
    _, first = _lambda(self, given[2], [start.type, items.type.element])
    state = t.common(start.type, first.type)
    if state is None:
        raise AthenaError(
            "TYPE_MISMATCH", f"{position(node)}reduce of {start.type} gives {first.type}"
        )
    if state != items.type.element:
        # DuckDB's reduce keeps its state as the list's own type.
        raise not_supported(f"{position(node)}reduce of {items.type} to {state}")
    names, step = _lambda(self, given[2], [state, items.type.element])
    each, first_state = as_type(step, state).sql, as_type(start, state).sql
    sql = f"list_reduce({items.sql}, lambda {names}: {each}, {first_state})"
    last, body = _lambda(self, given[3], [state])
    return Typed(f"list_transform([{sql}], lambda {last}: {body.sql})[1]", body.type)


def _match(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """Whether any, all or no element fulfils a condition, NULL where an unknown one decides."""
    items = _array(self, node, given[0])
    found = f"list_transform({items.sql}, {_condition(self, given[1], items.type.element)})"
    stop = "false" if str(node.this).lower() == "all_match" else "true"
    on_stop, otherwise = {"any_match": ("true", "false"), "all_match": ("false", "true")}.get(
        str(node.this).lower(), ("false", "true")
    )
    sql = (
        f"CASE WHEN {items.sql} IS NULL THEN NULL "
        f"WHEN list_contains({found}, {stop}) THEN {on_stop} "
        f"WHEN len(list_filter({found}, lambda e: e IS NULL)) > 0 THEN NULL ELSE {otherwise} END"
    )
    return Typed(sql, t.BOOLEAN)


SPECIAL: dict[str, Special] = {
    "transform": _transform,
    "filter": _filter,
    "reduce": _reduce,
    "any_match": _match,
    "all_match": _match,
    "none_match": _match,
}
