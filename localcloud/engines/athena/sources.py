"""VALUES and UNNEST in FROM."""

# ruff: noqa: S608 (this writes SQL: names and strings pass `types.quote` and `types.text`)
from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.typed import Typed, together
from localcloud.engines.athena.words import position

if TYPE_CHECKING:
    from localcloud.engines.athena.expressions import Expressions


def values(reads: Expressions, node: exp.Values) -> tuple[str, Fields]:
    """Rows that the query itself holds, each column of one type."""
    rows = [
        [reads.read(v) for v in (row.expressions if isinstance(row, exp.Tuple) else [row])]
        for row in node.expressions
    ]
    if len({len(r) for r in rows}) != 1:
        raise AthenaError("TYPE_MISMATCH", f"{position(node)}Values rows have mismatched sizes")
    columns = [together(list(c), "Values columns", position(node)) for c in zip(*rows, strict=True)]
    listed = ", ".join(f"({', '.join(c[0][i].sql for c in columns)})" for i in range(len(rows)))
    alias = node.args.get("alias")
    names = [c.name for c in alias.columns] if alias else []
    names = names or [f"?column{i}" for i in range(len(columns))]
    fields = [(n, kind) for n, (_, kind) in zip(names, columns, strict=True)]
    return f"VALUES {listed}", fields


def unnest(reads: Expressions, node: exp.Unnest) -> tuple[str, Fields]:
    """A row for each element: an array gives a column, a map two, an array of rows their fields.

    Shorter arrays are filled with NULLs. ``WITH ORDINALITY`` counts from 1.
    """
    inner, outer, kinds, sizes = [], [], [], []
    for i, given in enumerate(node.expressions):
        value, name = reads.read(given), f"u{i}"
        if value.type.name == "map":
            inner += [
                f"unnest(map_keys({value.sql})) AS {name}k",
                f"unnest(map_values({value.sql})) AS {name}v",
            ]
            outer += [f"{name}k", f"{name}v"]
            kinds += list(value.type.of)
            sizes.append(f"coalesce(cardinality({value.sql}), 0)")
            continue
        if value.type.name != "array":
            raise AthenaError("TYPE_MISMATCH", f"{position(node)}Cannot unnest type: {value.type}")
        inner.append(f"unnest({value.sql}) AS {name}")
        sizes.append(f"coalesce(len({value.sql}), 0)")
        fields = _fields(name, value.type.element)
        outer += [f.sql for f in fields]
        kinds += [f.type for f in fields]
    if node.args.get("offset"):
        longest = sizes[0] if len(sizes) == 1 else f"greatest({', '.join(sizes)})"
        inner.append(f"unnest(generate_series(1, CAST({longest} AS BIGINT))) AS ordinality")
        outer.append("ordinality")
        kinds.append(t.BIGINT)
    names = _names(node, len(kinds))
    sql = f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)})"
    return sql, list(zip(names, kinds, strict=True))


def _fields(name: str, element: t.Type) -> list[Typed]:
    if element.name != "row":
        return [Typed(name, element)]
    return [
        Typed(f"({name}).{t.quote(t.row_field(element, i))}", kind)
        for i, (_, kind) in enumerate(element.of)
    ]


def _names(node: exp.Unnest, count: int) -> list[str]:
    alias, offset = node.args.get("alias"), node.args.get("offset")
    names = [c.name for c in alias.columns] if alias else []
    if isinstance(offset, exp.Identifier):
        names.append(offset.name)
    if not names:
        return [f"?column{i}" for i in range(count)]
    if len(names) != count:
        raise AthenaError(
            "MISMATCHED_COLUMN_ALIASES",
            f"{position(node)}Column alias list has {len(names)} entries but '{node.alias}' has "
            f"{count} columns available",
        )
    return names
