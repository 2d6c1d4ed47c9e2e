"""Conditions of a WHERE that a table's rows must fulfil, so that whole files can be left out."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from localcloud.engines.athena import types as t
from localcloud.engines.athena.scopes import Scope
from localcloud.engines.athena.types import Type

if TYPE_CHECKING:
    from localcloud.engines.athena.queries import Scan

_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_TURNED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True)
class Condition:
    """``column sign value``; for ``in``, `value` is a tuple."""

    column: str
    sign: str
    value: Any


def conditions(where: exp.Expr, scan: Scan, scope: Scope) -> list[Condition]:
    """The comparisons with literals that a WHERE joins by AND, of one table.

    A row that doesn't fulfil one is dropped by WHERE in any join, since NULL fulfils none.
    """
    alias = next((a for a, s in scope.tables.items() if s is scan.source), None)
    found = (
        [_condition(e, alias, scan.source.fields) for e in where.flatten() if alias]
        if isinstance(where, exp.And)
        else [_condition(where, alias, scan.source.fields)]
    )
    return [c for c in found if c is not None]


def _condition(node: exp.Expr, alias: str | None, fields: dict[str, Type]) -> Condition | None:
    node = node.unnest()
    if isinstance(node, exp.In) and not node.args.get("query") and _own(node.this, alias):
        kind = fields.get(node.this.name, t.UNKNOWN)
        values = tuple(value(e, kind) for e in node.expressions)
        return None if None in values or not values else Condition(node.this.name, "in", values)
    sign = _SIGNS.get(type(node))
    if sign is None:
        return None
    left, right = node.this, node.expression
    if _own(right, alias):
        left, right, sign = right, left, _TURNED[sign]
    if not _own(left, alias):
        return None
    literal = value(right, fields.get(left.name, t.UNKNOWN))
    return None if literal is None else Condition(left.name, sign, literal)


def _own(node: exp.Expr, alias: str | None) -> bool:
    return isinstance(node, exp.Column) and alias is not None and node.table == alias


def value(node: exp.Expr, kind: Type) -> Any:
    """A literal as Python's value of a column's type, or None where that isn't plain."""
    if isinstance(node, exp.Cast) and node.to.this is exp.DType.DATE and kind == t.DATE:
        node = node.this
        try:
            return datetime.date.fromisoformat(node.name)
        except ValueError:
            return None
    if not isinstance(node, exp.Literal):
        return None
    if node.is_string:
        return node.this if kind == t.VARCHAR else None
    if kind.name in t.INTEGERS and node.this.isdigit():
        return int(node.this)
    if kind.name == "double" and Decimal(node.this).is_finite():
        return float(node.this)
    return None
