"""ORDER BY, and the windows of OVER."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.typed import Typed
from localcloud.engines.athena.words import position

if TYPE_CHECKING:
    from localcloud.engines.athena.expressions import Expressions


def ordering(self: Expressions, order: exp.Expr) -> str:
    """The terms of an ORDER BY; NULLs last where nothing is said, up or down."""
    terms = []
    for term in order.expressions:
        if not isinstance(term, exp.Ordered) or term.args.get("with_fill"):
            raise not_supported(term.sql("trino"))
        way = "DESC" if term.args.get("desc") else "ASC"
        nulls = "FIRST" if term.args.get("nulls_first") else "LAST"
        value = self.read(term.this)
        bare = isinstance(term.this, exp.Column) and not term.this.table
        if bare and self.scope.output(term.this.name) is value:  # by its name in the SELECT
            value = Typed(t.quote(term.this.name), value.type)
        if value.type.name in ("json", "map"):
            raise AthenaError(
                "TYPE_MISMATCH", f"{position(term)}Type {value.type} is not orderable"
            )
        terms.append(f"{value.sql} {way} NULLS {nulls}")
    return ", ".join(terms)


def over(self: Expressions, node: exp.Window) -> str:
    """OVER, with a window's name or what it is."""
    named = node.args.get("alias")
    if named is not None and not node.args.get("partition_by") and not node.args.get("order"):
        return f" OVER {t.quote(named.name)}"
    return f" OVER ({window(self, node)})"


def window(self: Expressions, node: exp.Window) -> str:
    """What stands in the brackets of OVER."""
    if node.args.get("first") is False or node.args.get("exclude"):
        raise not_supported(node.sql("trino")[:120])
    parts = []
    if partitions := node.args.get("partition_by"):
        parts.append("PARTITION BY " + ", ".join(self.read(p).sql for p in partitions))
    if order := node.args.get("order"):
        parts.append("ORDER BY " + ordering(self, order))
    if spec := node.args.get("spec"):
        if spec.args.get("exclude"):
            raise not_supported("EXCLUDE in a window")
        begin, end = _bound(self, spec, "start"), _bound(self, spec, "end")
        kind = str(spec.args["kind"]).upper()
        parts.append(f"{kind} BETWEEN {begin} AND {end or 'CURRENT ROW'}")
    return " ".join(parts)


def _bound(self: Expressions, spec: exp.Expr, side: str) -> str:
    value, way = spec.args.get(side), str(spec.args.get(f"{side}_side") or "").upper()
    if value is None:
        return ""
    written = self.read(value).sql if isinstance(value, exp.Expr) else str(value).upper()
    return f"{written} {way}".strip()
