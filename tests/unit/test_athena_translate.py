"""Athena's SQL becomes DuckDB's: the pairs in tests/golden/athena/translate.sql."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.pruning import Condition
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.tables import HIDDEN, Relation
from localcloud.engines.athena.translate import Translation, translate
from localcloud.engines.athena.type_names import of_hive

GOLDEN = Path(__file__).parents[1] / "golden" / "athena" / "translate.sql"


@dataclass
class Known:
    """A table that is only its columns."""

    columns: Fields
    view: tuple[str, str] | None = None
    hidden: Fields = field(default_factory=lambda: HIDDEN)

    def relation(self, used: set[str], conditions: Sequence[Condition]) -> Relation:
        raise AssertionError("nothing is read here")


def columns(**written: str) -> Fields:
    return [(name, of_hive(kind)) for name, kind in written.items()]


TABLES = {
    "speech": Known(
        columns(
            year="bigint", who="string", day="date", at="timestamp", mood="double",
            words="array<string>", counts="map<string,int>", price="decimal(10,2)",
            place="struct<city:string,zip:int>",
        )
    ),
    "person": Known(columns(who="string", born="int")),
    "by_year": Known(
        columns(year="bigint", n="bigint"),
        ("SELECT year, count(*) FROM speech GROUP BY year", "db"),
    ),
}  # fmt: skip


class Catalog:
    """One database, `db`."""

    def table(self, database: str, name: str, version: tuple[str, Any] | None = None) -> Known:
        if database != "db":
            raise LookupError(f"Schema '{database}' does not exist")
        if name not in TABLES:
            raise LookupError(f"Table 'awsdatacatalog.{database}.{name}' does not exist")
        return TABLES[name]


def told(sql: str) -> str:
    """The DuckDB SQL, or the error."""
    try:
        return translate(sql, Catalog(), "db").sql
    except AthenaError as e:
        return f"! {e}"


def pairs() -> list[tuple[str, str]]:
    blocks = GOLDEN.read_text().split("\n\n")
    plain = ["\n".join(x for x in b.splitlines() if not x.startswith("--")) for b in blocks]
    return [(a.strip(), b.strip()) for a, b in (p.split("\n=> ", 1) for p in plain if "\n=> " in p)]


@pytest.mark.parametrize(("athena", "duckdb"), pairs())
def test_translates(athena: str, duckdb: str) -> None:
    assert told(athena) == duckdb


def translated(sql: str) -> Translation:
    return translate(sql, Catalog(), "db")


def test_only_columns_that_are_read_count() -> None:
    (scan,) = translated("SELECT who FROM speech WHERE year > 1900 ORDER BY mood").scans
    assert scan.source.used == {"who", "year", "mood"}


def test_conditions_that_leave_files_out() -> None:
    sql = (
        "SELECT 1 FROM speech s LEFT JOIN person p ON s.who = p.who WHERE 1900 <= s.year "
        "AND s.day < DATE '1950-01-01' AND p.who IN ('a', 'b') AND (s.mood > 0 OR s.year = 1) "
        "AND s.who <> 'x' AND s.year + 1 = 2"
    )
    speech, person = translated(sql).scans
    assert [(c.column, c.sign, str(c.value)) for c in speech.conditions] == [
        ("year", ">=", "1900"),
        ("day", "<", "1950-01-01"),
    ]
    assert person.conditions == [Condition("who", "in", ("a", "b"))]


def test_hidden_columns_show_only_where_asked_for() -> None:
    assert "$path" not in [n for n, _ in translated("SELECT * FROM person").fields]
    names = [n for n, _ in translated('SELECT "$path", * FROM person').fields]
    assert names == ["$path", "who", "born"]


def test_a_result_has_athenas_types() -> None:
    sql = (
        "SELECT count(*), sum(born), avg(born), max(person.who), sum(price), price / 3, at "
        "FROM speech, person GROUP BY price, at"
    )
    kinds = [str(k) for _, k in translated(sql).fields]
    assert kinds[:4] == ["bigint", "bigint", "double", "varchar"]
    assert kinds[4:] == ["decimal(38,2)", "decimal(10,2)", "timestamp"]


def test_types_of_glue_and_back() -> None:
    from localcloud.engines.athena.type_names import hive_name

    for written in ("bigint", "array<struct<a:int,b:string>>", "map<string,decimal(5,2)>", "float"):
        assert hive_name(of_hive(written)) == written


def test_what_two_types_have_in_common() -> None:
    assert t.common(t.INTEGER, t.decimal(5, 2)) == t.decimal(12, 2)
    assert t.common(t.BIGINT, t.REAL) == t.REAL
    assert t.common(t.DATE, t.timestamp(6)) == t.timestamp(6)
    assert t.common(t.array(t.INTEGER), t.array(t.UNKNOWN)) == t.array(t.INTEGER)
    assert t.common(t.VARCHAR, t.INTEGER) is None
