"""Tells Athena's statements apart by their first words, and takes them into their parts."""

# ruff: noqa: E501 (the table of statements reads by lines)
from __future__ import annotations

import re
from dataclasses import dataclass, field

from sqlglot import exp

from localcloud.engines.athena import words
from localcloud.engines.athena.errors import AthenaError, not_supported

IDENT = r'(?:`[^`]+`|"[^"]+"|\w+)'
NAME = rf"{IDENT}(?:\.{IDENT}){{0,2}}"


@dataclass(frozen=True)
class Query:
    """SELECT, WITH, VALUES or TABLE."""

    sql: str
    type: str = "DML"
    subtype: str = "SELECT"


@dataclass(frozen=True)
class Unload:
    """``UNLOAD (query) TO 's3://...' WITH (...)``."""

    sql: str
    location: str
    properties: dict[str, str | tuple[str, ...]]
    type: str = "DML"
    subtype: str = "UNLOAD"


@dataclass(frozen=True)
class CreateTableAs:
    """CREATE TABLE AS."""

    name: tuple[str | None, str]
    sql: str
    properties: dict[str, str | tuple[str, ...]]
    if_not_exists: bool
    data: bool = True
    type: str = "DDL"
    subtype: str = "CREATE_TABLE_AS_SELECT"


@dataclass(frozen=True)
class Execute:
    """``EXECUTE name USING a, b``."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """A statement about the catalog: its kind, and the parts that `ddl.py` wants."""

    kind: str
    parts: dict[str, str | None] = field(default_factory=dict)
    type: str = "DDL"

    @property
    def subtype(self) -> str:
        """As GetQueryExecution shows it."""
        return self.kind.upper().replace(" ", "_")


_CHANGES = (
    ("create database", rf"CREATE\s+(?:DATABASE|SCHEMA)\s+(?P<maybe>IF\s+NOT\s+EXISTS\s+)?(?P<name>{IDENT})"
                        r"(?:\s+COMMENT\s+'(?P<comment>[^']*)')?(?:\s+LOCATION\s+'(?P<location>[^']*)')?"),
    ("drop database", rf"DROP\s+(?:DATABASE|SCHEMA)\s+(?P<maybe>IF\s+EXISTS\s+)?(?P<name>{IDENT})(?:\s+(?P<how>CASCADE|RESTRICT))?"),
    ("drop table", rf"DROP\s+TABLE\s+(?P<maybe>IF\s+EXISTS\s+)?(?P<name>{NAME})"),
    ("create view", rf"CREATE\s+(?P<replace>OR\s+REPLACE\s+)?VIEW\s+(?P<name>{NAME})\s+AS\s+(?P<sql>.+)"),
    ("drop view", rf"DROP\s+VIEW\s+(?P<maybe>IF\s+EXISTS\s+)?(?P<name>{NAME})"),
    ("show databases", r"SHOW\s+(?:DATABASES|SCHEMAS)(?:\s+LIKE\s+'(?P<like>[^']*)')?"),
    ("show tables", rf"SHOW\s+TABLES(?:\s+(?:IN|FROM)\s+(?P<name>{IDENT}))?(?:\s+(?:LIKE\s+)?'(?P<like>[^']*)')?"),
    ("show views", rf"SHOW\s+VIEWS(?:\s+(?:IN|FROM)\s+(?P<name>{IDENT}))?(?:\s+LIKE\s+'(?P<like>[^']*)')?"),
    ("show columns", rf"SHOW\s+COLUMNS\s+(?:IN|FROM)\s+(?P<name>{NAME})(?:\s+(?:IN|FROM)\s+(?P<database>{IDENT}))?"),
    ("show create table", rf"SHOW\s+CREATE\s+TABLE\s+(?P<name>{NAME})"),
    ("show create view", rf"SHOW\s+CREATE\s+VIEW\s+(?P<name>{NAME})"),
    ("show partitions", rf"SHOW\s+PARTITIONS\s+(?P<name>{NAME})"),
    ("describe", rf"(?:DESCRIBE|DESC)\s+(?P<name>{NAME})"),
    ("repair table", rf"MSCK\s+REPAIR\s+TABLE\s+(?P<name>{NAME})"),
    ("add partitions", rf"ALTER\s+TABLE\s+(?P<name>{NAME})\s+ADD\s+(?P<maybe>IF\s+NOT\s+EXISTS\s+)?(?P<sql>PARTITION.+)"),
    ("create table", rf"(?P<sql>CREATE\s+(?:EXTERNAL\s+)?TABLE\s+(?P<maybe>IF\s+NOT\s+EXISTS\s+)?(?P<name>{NAME})\s*\(.+)"),
)  # fmt: skip
_UTILITY = ("show", "describe")


def read(sql: str) -> Query | Unload | CreateTableAs | Execute | Change:
    """Tell what a statement is.

    Raises
    ------
    AthenaError
        ``NOT_SUPPORTED`` for one that isn't honoured, ``SYNTAX_ERROR`` where it can't be read.
    """
    text = _bare(sql)
    first = text.lstrip("( \t\r\n").split(None, 1)[0].upper() if text.strip("( \t\r\n") else ""
    first = re.match(r"\w*", first)[0] if first else ""  # type: ignore[index]
    if first in ("SELECT", "WITH", "VALUES", "TABLE"):
        return Query(text)
    if first == "UNLOAD":
        return _unload(text)
    if first == "EXECUTE":
        return _execute(text)
    if re.match(r"CREATE\s+TABLE\s+", text, re.I) and (created := _create_table_as(text)):
        return created
    for kind, pattern in _CHANGES:
        if found := re.fullmatch(pattern, text, re.I | re.S):
            parts = {k: v for k, v in found.groupdict().items() if v is not None}
            return Change(kind, dict(parts), "UTILITY" if kind.split()[0] in _UTILITY else "DDL")
    shown = " ".join(text.split()[:3])
    if first in _KNOWN:
        raise not_supported(f"Statement {shown}")
    raise AthenaError("SYNTAX_ERROR", f"line 1:1: mismatched input '{first or text[:20]}'")


#: What Athena knows and the local cloud does not, or only in part.
_KNOWN = ("INSERT", "DELETE", "UPDATE", "MERGE", "OPTIMIZE", "VACUUM", "EXPLAIN", "PREPARE", "DEALLOCATE",
          "CREATE", "DROP", "SHOW", "DESCRIBE", "DESC", "ALTER", "MSCK", "USING", "ANALYZE", "USE", "SET")  # fmt: skip


def _bare(sql: str) -> str:
    """A statement without comments before it or the semicolon after it."""
    found = words.tokens(sql) if not re.match(r"\s*(SHOW|MSCK|ALTER|DESC)", sql, re.I) else []
    text = sql[found[0].start :] if found else sql
    return re.sub(r"[\s;]+\Z", "", text).strip()


def names(written: str) -> tuple[str | None, str]:
    """Database, or None, and name."""
    parts = [p.strip('`"').lower() for p in re.findall(IDENT, written)]
    if len(parts) == 3 and parts[0] != "awsdatacatalog":
        raise not_supported(f"Catalog '{parts[0]}'")
    return (parts[-2] if len(parts) > 1 else None), parts[-1]


def _unload(text: str) -> Unload:
    found = re.fullmatch(r"UNLOAD\s*\((.+)\)\s*TO\s*'([^']+)'\s*WITH\s*\((.+)\)", text, re.I | re.S)
    if found is None:
        raise AthenaError(
            "SYNTAX_ERROR", "line 1:1: UNLOAD (query) TO 's3://...' WITH (format = '...') expected"
        )
    return Unload(found[1].strip(), found[2], properties(found[3]))


def properties(written: str) -> dict[str, str | tuple[str, ...]]:
    """``name = 'value', name = ARRAY['a', 'b']``.

    Raises
    ------
    AthenaError
    """
    found: dict[str, str | tuple[str, ...]] = {}
    item = r"(\w+)\s*=\s*(?:'([^']*)'|ARRAY\s*\[([^\]]*)\]|([\w.]+))\s*(?:,|\Z)\s*"
    at = 0
    written = written.strip()
    while at < len(written):
        match = re.compile(item, re.I).match(written, at)
        if match is None:
            raise AthenaError(
                "SYNTAX_ERROR", f"properties expected, found {written[at : at + 40]!r}"
            )
        listed = match[3]
        value = (
            tuple(re.findall(r"'([^']*)'", listed))
            if listed is not None
            else match[2] or match[4] or ""
        )
        found[match[1].lower()] = value
        at = match.end()
    return found


def _create_table_as(text: str) -> CreateTableAs | None:
    head = re.match(
        rf"CREATE\s+TABLE\s+(IF\s+NOT\s+EXISTS\s+)?({NAME})\s*(?:WITH\s*\((.+?)\)\s*)?AS\s+(?=SELECT|WITH|VALUES|TABLE|\()",
        text, re.I | re.S,
    )  # fmt: skip
    if head is None:
        return None
    sql = text[head.end() :]
    tail = re.search(r"\s+WITH\s+(NO\s+)?DATA\Z", sql, re.I)
    sql = sql[: tail.start()] if tail else sql
    given = properties(head[3]) if head[3] else {}
    return CreateTableAs(names(head[2]), sql, given, bool(head[1]), not (tail and tail[1]))


def _execute(text: str) -> Execute:
    found = re.fullmatch(rf"EXECUTE\s+({IDENT})(?:\s+USING\s+(.+))?", text, re.I | re.S)
    if found is None:
        raise AthenaError("SYNTAX_ERROR", "line 1:1: EXECUTE name USING values expected")
    values: tuple[str, ...] = ()
    if found[2]:
        query = words.parse(f"SELECT {found[2]}")
        values = (
            tuple(e.sql(words.Words) for e in query.selects)
            if isinstance(query, exp.Select)
            else ()
        )
    return Execute(found[1].strip('`"'), values)
