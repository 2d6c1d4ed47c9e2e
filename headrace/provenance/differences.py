"""Where the rows of a table differ between two snapshots: SQL for Athena, and its answer read.

The snapshots are joined on ``_item``, the number of the item that a row came from. First each
column is compared by itself, item by item, as a bag of values, so that one column that differs
doesn't put the others out of step. Then rows are paired within their item, the columns that
agree first, and counted.
"""

# ruff: noqa: S608 (this writes SQL: names pass `quoted`, strings `_text`)

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from headrace.plan import Column
from headrace.provenance.verdicts import Difference

ITEM = "_item"
#: Differing values that are shown, of each column.
SAMPLES = 3

Ask = Callable[[str], pa.Table]


def find(ask: Ask, table: str, made: Sequence[Column], a: int, b: int) -> Difference:
    """Find the rows that differ.

    Parameters
    ----------
    ask : callable
        Runs SQL in Athena and gives the rows.
    table : str
    made : sequence of Column
        The table's own, without ``_item``.
    a, b : int
        The snapshots.
    """
    columns, kinds = [c.name for c in made], {c.name: c.type for c in made}
    (counts,) = ask(columns_sql(table, columns, a, b)).to_pylist()
    differing = {name: counts[f"c{n}"] for n, name in enumerate(columns) if counts[f"c{n}"]}
    order = [*(c for c in columns if c not in differing), *differing]
    (rows,) = ask(rows_sql(table, order, a, b)).to_pylist()
    samples: list[Mapping[str, Any]] = []
    for name in differing:
        samples += ask(samples_sql(table, order, (name, kinds[name]), a, b)).to_pylist()
    return Difference(rows["n"], rows["only_a"], rows["only_b"], differing, tuple(samples))


def columns_sql(table: str, columns: Sequence[str], a: int, b: int) -> str:
    """Items of both in which a column's values are not the same, for each column (``c0``, ...)."""

    def bags(snapshot: int) -> str:
        told = ", ".join(f"array_agg({q} ORDER BY {q}) AS {q}" for q in map(quoted, columns))
        return (
            f"SELECT {quoted(ITEM)}, {told} FROM {quoted(table)}"
            f" FOR VERSION AS OF {snapshot} GROUP BY {quoted(ITEM)}"
        )

    counts = ",\n  ".join(
        f"count_if(a.{quoted(c)} IS DISTINCT FROM b.{quoted(c)}) AS c{n}"
        for n, c in enumerate(columns)
    )
    return (
        f"WITH a AS ({bags(a)}),\n  b AS ({bags(b)})\nSELECT {counts}\n"
        f"FROM a INNER JOIN b ON a.{quoted(ITEM)} = b.{quoted(ITEM)}"
    )


def rows_sql(table: str, order: Sequence[str], a: int, b: int) -> str:
    """Rows that are not the same (``n``), and those that only one snapshot has."""
    other = " OR ".join(f"a.{quoted(c)} IS DISTINCT FROM b.{quoted(c)}" for c in order)
    only_a, only_b = f"b.{quoted(ITEM)} IS NULL", f"a.{quoted(ITEM)} IS NULL"
    return (
        f"{_paired(table, order, a, b)}"
        f"SELECT count(*) AS n, count_if({only_a}) AS only_a, count_if({only_b}) AS only_b\n"
        f"{_JOIN}\nWHERE {only_a} OR {only_b} OR {other}"
    )


def samples_sql(table: str, order: Sequence[str], column: tuple[str, str], a: int, b: int) -> str:
    """A few values of a column (its name and Iceberg type) that are not the same, as text."""
    name, kind = column
    q = quoted(name)
    shown = "to_hex({})" if kind == "binary" else "CAST({} AS varchar)"
    return (
        f"{_paired(table, order, a, b)}"
        f'SELECT a.{quoted(ITEM)} AS item, {_text(name)} AS "column",'
        f" {shown.format(f'a.{q}')} AS a, {shown.format(f'b.{q}')} AS b\n"
        f"{_JOIN.replace('FULL OUTER', 'INNER')}\nWHERE a.{q} IS DISTINCT FROM b.{q}\n"
        f"ORDER BY 1, 3, 4 LIMIT {SAMPLES}"
    )


_JOIN = f'FROM a FULL OUTER JOIN b ON a."{ITEM}" = b."{ITEM}" AND a."_pair" = b."_pair"'


def _paired(table: str, order: Sequence[str], a: int, b: int) -> str:
    def numbered(snapshot: int) -> str:
        by = ", ".join(map(quoted, order))
        return (
            f"SELECT *, row_number() OVER (PARTITION BY {quoted(ITEM)} ORDER BY {by})"
            f' AS "_pair" FROM {quoted(table)} FOR VERSION AS OF {snapshot}'
        )

    return f"WITH a AS ({numbered(a)}),\n  b AS ({numbered(b)})\n"


def of_csv(a: bytes, b: bytes) -> Difference:
    """How two answers of one query differ, as Athena wrote them: CSV with a line of names.

    Rows are compared as bags. The rows that only one has are put side by side in their order,
    and columns counted that differ, where there are as many of each; an item is such a pair.
    """
    (names, *old), (_, *new) = (list(csv.reader(io.StringIO(x.decode()))) for x in (a, b))
    only_a = list((Counter(map(tuple, old)) - Counter(map(tuple, new))).elements())
    only_b = list((Counter(map(tuple, new)) - Counter(map(tuple, old))).elements())
    pairs = list(zip(only_a, only_b, strict=True)) if len(only_a) == len(only_b) else []
    columns: dict[str, int] = {}
    samples: list[Mapping[str, Any]] = []
    for number, pair in enumerate(pairs):
        for name, x, y in zip(names, *pair, strict=True):
            if x != y:
                columns[name] = columns.get(name, 0) + 1
                if columns[name] <= SAMPLES:
                    samples.append({"item": number, "column": name, "a": x, "b": y})
    least = (0, 0) if pairs else (len(only_a), len(only_b))
    return Difference(max(len(only_a), len(only_b)), *least, columns, tuple(samples))


def quoted(name: str) -> str:
    """A name as SQL's identifier."""
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
