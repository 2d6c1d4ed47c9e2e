"""A DuckDB for one query: capped, and confined to the objects and its own folder.

Its SQL comes from `translate`, never from a user, and it can open nothing but stored objects:
`allowed_directories` with `enable_external_access` off, locked.
"""

# ruff: noqa: E501 (the table of errors reads by lines)
from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Decimal, localcontext
from pathlib import Path

import duckdb

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.java import double_text, json_text
from localcloud.engines.athena.macros import MACROS

MEMORY, THREADS = "1GB", 2
#: DuckDB's errors as Trino's: a pattern of the message, Trino's name and text.
_REASONS = (
    (r"'#(\w+): (.*)' to INT32", r"\1", r"\2"),
    (r"Cannot convert value to JSON: '(.*)'", "INVALID_FUNCTION_ARGUMENT", r"Cannot convert value to JSON: '\1'"),
    (r"[Dd]ivision by zero", "DIVISION_BY_ZERO", "Division by zero"),
    (r"Casting value \"(.*?)\" to type (.*?) failed: value is out of range", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to \2"),
    (r"Overflow in (\w+) of", "NUMERIC_VALUE_OUT_OF_RANGE", r"overflow in \1"),
    (r"out of range for the destination type (\w+)", "NUMERIC_VALUE_OUT_OF_RANGE", r"value out of range of \1"),
    (r"[Cc]ould not parse string \"(.*?)\"", "INVALID_FUNCTION_ARGUMENT", r'Invalid format: "\1"'),
    (r"Could not convert string ['\"](.*?)['\"] to (\w+)", "INVALID_CAST_ARGUMENT", r"Cannot cast '\1' to \2"),
    (r"More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS", "Scalar sub-query has returned multiple rows"),
    (r'column "(.*?)" must appear in the GROUP BY', "EXPRESSION_NOT_AGGREGATE", r"'\1' must be an aggregate expression or appear in GROUP BY clause"),
    (r"WHERE clause cannot contain aggregates", "EXPRESSION_NOT_SCALAR", "WHERE clause cannot contain aggregations, window functions or grouping operations"),
    (r"Unknown TimeZone '(.*?)'", "INVALID_LITERAL", r"'\1' is not a valid time zone"),
    (r"Out of Memory Error", "EXCEEDED_LOCAL_MEMORY_LIMIT", f"Query exceeded the local cloud's memory of {MEMORY}"),
    (r"invalid (perl operator|escape sequence).*: (.*)", "NOT_SUPPORTED", r"regular expression with \2, which RE2 has not"),
)  # fmt: skip


@contextmanager
def connection(readable: list[Path], scratch: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads only under `readable` and writes only under `scratch`."""
    scratch.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(config={"threads": THREADS, "memory_limit": MEMORY})
    try:
        for macro in MACROS:
            con.execute(f"CREATE OR REPLACE MACRO {macro}")
        con.create_function("athena_java_text", double_text, ["DOUBLE"], "VARCHAR")
        con.create_function("athena_json_parse", json_text, ["VARCHAR"], "VARCHAR")
        con.create_function("athena_divide", _divide, ["VARCHAR", "VARCHAR", "INTEGER"], "VARCHAR")
        folders = ", ".join(t.text(str(p)) for p in [*readable, scratch])
        for setting in (
            f"temp_directory = {t.text(str(scratch))}",
            "TimeZone = 'UTC'",
            "autoinstall_known_extensions = false",
            "autoload_known_extensions = false",
            "python_enable_replacements = false",
            f"allowed_directories = [{folders}]",
            "enable_external_access = false",
            "lock_configuration = true",
        ):
            con.execute(f"SET {setting}")
        yield con
    finally:
        con.close()


def _divide(a: str, b: str, scale: int) -> str:
    if Decimal(b) == 0:
        raise ZeroDivisionError("Division by zero")
    with localcontext() as exact:
        exact.prec = 80
        return str((Decimal(a) / Decimal(b)).quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP))


def failure(error: Exception) -> AthenaError:
    """A DuckDB error as the one that Athena would give, or as what it is."""
    message = str(error)
    for pattern, name, text in _REASONS:
        if found := re.search(pattern, message):
            return AthenaError(found.expand(name), found.expand(text).replace("\\'", "'"))
    first = re.sub(r"\s+", " ", message.split("\n\nLINE")[0])
    return AthenaError("GENERIC_INTERNAL_ERROR", f"{type(error).__name__}: {first}")
