r"""Regular expressions: Java's are run by RE2, which refuses what it hasn't (lookaround).

https://trino.io/docs/current/functions/regexp.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sqlglot import exp

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.typed import Typed, as_type
from localcloud.engines.athena.words import position

if TYPE_CHECKING:
    from localcloud.engines.athena.calls import Special
    from localcloud.engines.athena.expressions import Expressions


def _given(self: Expressions, node: exp.Expr, given: list[exp.Expr], most: int) -> list[Typed]:
    values = [self.read(g) for g in given]
    listed, name = ", ".join(str(v.type) for v in values), str(node.this).lower()
    good = 2 <= len(values) <= most and all(v.type in (t.VARCHAR, t.UNKNOWN) for v in values[:2])
    if not good:
        raise AthenaError(
            "FUNCTION_NOT_FOUND",
            f"{position(node)}Unexpected parameters ({listed}) for function {name}",
        )
    return [as_type(v, t.VARCHAR) for v in values[:2]] + values[2:]


def _like(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    value, pattern = _given(self, node, given, 2)
    return Typed(f"regexp_matches({value.sql}, {pattern.sql})", t.BOOLEAN)


def _extract(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """NULL where nothing matches; DuckDB gives an empty string."""
    value, pattern, *group = _given(self, node, given, 3)
    found = f"regexp_extract({value.sql}, {pattern.sql}{''.join(f', {g.sql}' for g in group)})"
    return Typed(
        f"CASE WHEN regexp_matches({value.sql}, {pattern.sql}) THEN {found} END", t.VARCHAR
    )


def _extract_all(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    value, pattern, *group = _given(self, node, given, 3)
    more = "".join(f", {g.sql}" for g in group)
    return Typed(f"regexp_extract_all({value.sql}, {pattern.sql}{more})", t.array(t.VARCHAR))


def _count(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    value, pattern = _given(self, node, given, 2)
    return Typed(f"len(regexp_extract_all({value.sql}, {pattern.sql}))", t.BIGINT)


def _replace(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    """All matches; ``$1`` is a group."""
    value, pattern, *rest = _given(self, node, given, 3)
    new = rest[0].literal if rest else ""
    if new is None or (rest and rest[0].type != t.VARCHAR):
        raise not_supported(f"{position(node)}regexp_replace with a replacement that is no literal")
    if re.search(r"\$\{|\$\d\d", new):
        raise not_supported(f"{position(node)}group {new} in regexp_replace")
    parts = re.findall(r"\\.|\$\d|[^\\$]+", new, re.S)
    duckdb = "".join(
        f"\\{p[1]}" if p[0] == "$" else (p[1] if p[0] == "\\" else p).replace("\\", "\\\\")
        for p in parts
    )
    return Typed(f"regexp_replace({value.sql}, {pattern.sql}, {t.text(duckdb)}, 'g')", t.VARCHAR)


def _split(self: Expressions, node: exp.Expr, given: list[exp.Expr]) -> Typed:
    value, pattern = _given(self, node, given, 2)
    return Typed(f"string_split_regex({value.sql}, {pattern.sql})", t.array(t.VARCHAR))


SPECIAL: dict[str, Special] = {
    "regexp_like": _like,
    "regexp_extract": _extract,
    "regexp_extract_all": _extract_all,
    "regexp_count": _count,
    "regexp_replace": _replace,
    "regexp_split": _split,
}
