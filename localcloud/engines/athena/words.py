"""Reads Athena's queries: sqlglot's parser of Athena, with every function kept by its name.

sqlglot turns functions into its own classes, dialects merged; here a function stays what was
written, since `functions.py` says what each one means.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import sqlglot
from sqlglot import Token, TokenType, exp
from sqlglot.dialects.trino import Trino
from sqlglot.errors import ParseError, TokenError
from sqlglot.parsers.athena import AthenaTrinoParser

from localcloud.engines.athena import strict
from localcloud.engines.athena.errors import AthenaError

_SYNTAX = ("CAST", "TRY_CAST", "EXTRACT", "TRIM", "POSITION", "SUBSTRING", "LISTAGG")


class _Parser(AthenaTrinoParser):
    FUNCTIONS = {}
    FUNCTION_PARSERS = {k: v for k, v in AthenaTrinoParser.FUNCTION_PARSERS.items() if k in _SYNTAX}
    TYPE_LITERAL_PARSERS = {
        **AthenaTrinoParser.TYPE_LITERAL_PARSERS,
        # DECIMAL '1.00' has the digits that are written; CAST('1.00' AS DECIMAL) has none.
        exp.DType.DECIMAL: lambda self, this, _: exp.Literal.number(this.name),
    }


class Words(Trino):
    """Athena's SQL as it is written; subscripts count from 1."""

    INDEX_OFFSET = 0
    Parser = _Parser


def parse(sql: str) -> exp.Expr:
    """Parse one query.

    Raises
    ------
    AthenaError
        ``SYNTAX_ERROR`` with line and column, where it can't be read.
    """
    strict.check(tokens(sql))
    try:
        found = sqlglot.parse(sql, read=Words)
    except (ParseError, TokenError) as e:
        raise _syntax_error(e) from e
    if len(found) != 1 or found[0] is None:
        raise AthenaError("SYNTAX_ERROR", "Only one sql statement is allowed")
    return found[0]


def _syntax_error(error: Exception) -> AthenaError:
    first = error.errors[0] if isinstance(error, ParseError) and error.errors else {}
    if not first:
        return AthenaError("SYNTAX_ERROR", str(error))
    line, column = first["line"], max(1, first["col"] - len(first["highlight"] or "") + 1)
    near = first["highlight"] or "the end"
    return AthenaError("SYNTAX_ERROR", f"line {line}:{column}: mismatched input '{near}'")


def tokens(sql: str) -> list[Token]:
    """The words of a statement, comments left out.

    Raises
    ------
    AthenaError
        Where a quote or a comment isn't closed.
    """
    try:
        return sqlglot.tokenize(sql, read="athena")
    except TokenError as e:
        raise AthenaError("SYNTAX_ERROR", str(e)) from e


def with_parameters(sql: str, values: Sequence[str]) -> str:
    """A query with each `?` replaced by a parameter's value, itself written as SQL.

    Raises
    ------
    AthenaError
        Where their numbers differ, or a value is no literal.
    """
    marks = [m for m in tokens(sql) if m.token_type is TokenType.PLACEHOLDER]
    if len(marks) != len(values):
        raise AthenaError(
            "INVALID_PARAMETER_USAGE",
            f"Incorrect number of parameters: expected {len(marks)} but found {len(values)}",
        )
    for mark, value in zip(reversed(marks), reversed(values), strict=True):
        _check_literal(value)
        sql = f"{sql[: mark.start]}{value}{sql[mark.end + 1 :]}"
    return sql


def _check_literal(value: str) -> None:
    parsed = parse(f"SELECT {value}")
    columns = parsed.selects if isinstance(parsed, exp.Select) else []
    found = columns[0] if len(columns) == 1 else None
    if found is None or found.find(exp.Column, exp.Query, exp.Star) or isinstance(found, exp.Alias):
        raise AthenaError("INVALID_PARAMETER_USAGE", f"{value} is not a literal")


def position(node: exp.Expr) -> str:
    """Where a name stands, as ``line 1:8: ``, or nothing where that isn't known."""
    named = (
        node if "line" in node.meta else next((n for n in node.walk() if "line" in n.meta), None)
    )
    if named is None:
        return ""
    meta = named.meta
    return f"line {meta['line']}:{meta['col'] - (meta['end'] - meta['start'])}: "


def no_column(name: str, at: str) -> AthenaError:
    """The error for a name that means no column."""
    return AthenaError(
        "COLUMN_NOT_FOUND",
        f"{at}Column '{name}' cannot be resolved or requester is not authorized to access "
        "requested resources",
    )


def unresolved(message: str, tree: exp.Expr, tables_with: Callable[[str], int]) -> AthenaError:
    """What sqlglot says of a name that it can't resolve, as Athena says it.

    Parameters
    ----------
    message : str
        sqlglot's.
    tree : Expr
        The query.
    tables_with : callable
        How many of the query's tables have a column of a name.
    """
    found = re.search(r"Column '(.*?)' could not be resolved(?: for table: '(.*?)')?", message)
    where = re.search(r"Line: (\d+), Col: (\d+)", message)
    if unknown := re.fullmatch(r"Unknown column: (.*)", message):
        columns = (c for c in tree.find_all(exp.Column) if c.name == unknown[1])
        column = next(columns, exp.column(unknown[1]))
        return no_column(column.sql(Words), position(column))
    if not found:
        return AthenaError("SYNTAX_ERROR", message)
    name = f"{found[2]}.{found[1]}" if found[2] else found[1]
    at = f"line {where[1]}:{max(1, int(where[2]) - len(name) + 1)}: " if where else ""
    if not found[2] and tables_with(name) > 1:
        return AthenaError("AMBIGUOUS_NAME", f"{at}Column '{name}' is ambiguous")
    return no_column(name, at)
