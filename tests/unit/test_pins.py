"""A pin stands behind each name of a table of the study, and nowhere else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.pins import pinned, reads
from headrace.stages import StudyError

TABLES = {"t", "u", "readings"}


def shown(sql: str) -> str:
    """The query with its pins as `<table>`."""
    pieces = pinned(sql, "lake", TABLES, "s")
    return "".join(p if isinstance(p, str) else f"<{p['pin']}>" for p in pieces)


@pytest.mark.parametrize(
    "expected",
    [
        "SELECT * FROM t<t>",
        'SELECT * FROM "t"<t> AS x',
        "SELECT * FROM t<t> AS u JOIN u<u> AS t ON t.a = u.a",
        "SELECT * FROM lake.t<t>, awsdatacatalog.lake.u<u>",
        'SELECT * FROM "AwsDataCatalog"."lake"."t"<t>',
        "SELECT * FROM Readings<readings> r",
        "SELECT a FROM t<t> WHERE a IN (SELECT a FROM u<u>) AND b > (SELECT max(b) FROM t<t>)",
        "SELECT 1 FROM t<t> UNION ALL (SELECT 1 FROM u<u> LIMIT 3)",
        "SELECT x FROM t<t> CROSS JOIN UNNEST(a) AS u (x)",
        "SELECT * FROM t<t> TABLESAMPLE BERNOULLI (10)",
        "SELECT /* FROM t */ 'FROM t é€😀' FROM\n\tt<t> -- FROM t\n, u<u>\nWHERE a = 1",
        # Not the study's, or not the table itself
        "SELECT * FROM other.t",
        "SELECT * FROM elsewhere.lake.t",
        'SELECT * FROM "t$snapshots"',
        "SELECT t FROM (SELECT 1 AS t)",
        # Versions that the query names itself
        "SELECT * FROM t FOR VERSION AS OF 5 JOIN u<u> ON true",
        "SELECT * FROM t FOR TIMESTAMP AS OF TIMESTAMP '2026-01-01 00:00:00 UTC' x",
        # Names that WITH gives
        "WITH x AS (SELECT * FROM t<t>) SELECT * FROM x JOIN u<u> ON true",
        "WITH t AS (SELECT 1 AS a) SELECT * FROM t JOIN lake.t<t> ON true",
        "WITH t AS (SELECT * FROM t<t>) SELECT * FROM t",
        "WITH T AS (SELECT 1 AS a) SELECT * FROM t",
        "WITH a AS (SELECT * FROM t<t>), t AS (SELECT * FROM a), u AS (SELECT * FROM t) TABLE u",
        "SELECT * FROM (WITH t AS (SELECT 1 AS a) SELECT * FROM t) JOIN t<t> ON true",
        "WITH t AS (SELECT 1 AS a) SELECT (SELECT max(a) FROM t) FROM u<u> UNION SELECT a FROM t",
        "WITH RECURSIVE u (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM u) SELECT * FROM u, t<t>",
    ],
)
def test_each_table_of_the_study_is_pinned_where_it_is_named(expected: str) -> None:
    sql = expected
    for name in TABLES:
        sql = sql.replace(f"<{name}>", "")
    assert shown(sql) == expected


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("SELECT 1 FROM", "Expected table name"),
        ("SELECT 'a", "tokenizing"),
        ("", "nothing"),
        ("SELECT 1; SELECT 2", "SELECT, SELECT"),
        ("DROP TABLE t", "DROP"),
        ("INSERT INTO t SELECT * FROM u", "INSERT"),
        ("CREATE TABLE x AS SELECT * FROM t", "CREATE"),
    ],
)
def test_what_is_not_one_query_is_refused(sql: str, found: str) -> None:
    with pytest.raises(StudyError, match=f"stage s, found.*{found}"):
        shown(sql)


def test_reads_are_the_pinned_tables_once_and_in_order() -> None:
    pieces = pinned("SELECT 1 FROM u JOIN t ON true JOIN u AS v ON true", "lake", TABLES, "s")
    assert reads(pieces) == ("t", "u")
    assert reads(pinned("SELECT 1", "lake", TABLES, "s")) == ()


spaces = st.text(" \t\n", min_size=1, max_size=3)
names = st.sampled_from(["t", "u", "other", '"readings"', "x"])


@given(st.lists(st.tuples(spaces, names, spaces), min_size=1, max_size=5))
def test_the_text_is_left_as_its_author_wrote_it(tables: list[tuple[str, str, str]]) -> None:
    sql = "SELECT 'ü'" + ",".join(
        f"{'' if i else ' FROM'}{before}{name}{after}a{i}"
        for i, (before, name, after) in enumerate(tables)
    )
    pieces = pinned(sql, "lake", TABLES, "s")
    assert "".join(p for p in pieces if isinstance(p, str)) == sql
    pins = [p["pin"] for p in pieces if not isinstance(p, str)]
    assert pins == [n.strip('"') for _, n, _ in tables if n.strip('"') in TABLES]
