"""Queries and the rows that Athena gives for them: tests/golden/athena/*.rows.

A block is a query, then ``>`` with names and types and a line for each row, or ``!`` with the
reason why it fails. Rows stand in any order where the query gives them none.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from localcloud.engines.athena import engine, java
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.tables import Table
from localcloud.engines.athena.translate import translate

GOLDEN = Path(__file__).parents[1] / "golden" / "athena"


class NoTables:
    """A catalog with an empty database `db`."""

    def table(self, database: str, name: str, version: object = None) -> Table:
        raise LookupError(f"Table 'awsdatacatalog.{database}.{name}' does not exist")


@dataclass(frozen=True)
class Case:
    sql: str
    expected: tuple[str, ...]


def cases() -> list[object]:
    found: list[object] = []
    for path in sorted(GOLDEN.glob("*.rows")):
        for block in path.read_text().split("\n\n"):
            lines = [x for x in block.splitlines() if x and not x.startswith("#")]
            if lines:
                case = Case(lines[0], tuple(x.rstrip() for x in lines[1:]))
                found.append(pytest.param(case, id=f"{path.stem}: {case.sql[:40]}"))
    return found


def answer(sql: str, scratch: Path) -> tuple[str, ...]:
    try:
        query = translate(sql, NoTables(), "db")
        with engine.connection([], scratch) as con:
            printers = [java.printer(kind) for _, kind in query.fields]
            rows = con.execute(query.sql).fetchall()
    except AthenaError as e:
        return (f"! {e}",)
    except duckdb.Error as e:
        return (f"! {engine.failure(e)}",)
    shown = []
    for row in rows:
        values = ["NULL" if v is None else p(v) for p, v in zip(printers, row, strict=True)]
        shown.append("  " + " | ".join(values))
    return ("> " + " | ".join(f"{n} {k}" for n, k in query.fields), *(x.rstrip() for x in shown))


@pytest.mark.parametrize("case", cases())
def test_rows(case: Case, tmp_path: Path) -> None:
    found, expected = answer(case.sql, tmp_path / "scratch"), case.expected
    if " order by " not in case.sql.lower():
        found, expected = tuple(sorted(found)), tuple(sorted(expected))
    assert found == expected


def test_a_connection_reads_nothing_but_its_folders(tmp_path: Path) -> None:
    secret, stored = tmp_path / "secret.csv", tmp_path / "stored"
    secret.write_text("a\n1\n")
    stored.mkdir()
    (stored / "a.csv").write_text("a\n1\n")
    with engine.connection([stored], tmp_path / "scratch") as con:
        assert con.execute(f"SELECT * FROM read_csv('{stored / 'a.csv'}')").fetchall() == [(1,)]
        for sql in (
            f"SELECT * FROM read_csv('{secret}')",
            f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
            f"ATTACH '{tmp_path / 'other.db'}'",
            "SET enable_external_access = true",
            "SET threads = 8",
        ):
            with pytest.raises(duckdb.Error):
                con.execute(sql)
