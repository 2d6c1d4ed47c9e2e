"""External tables of files: Parquet by column name, delimited text, quoted CSV, JSON lines.

https://docs.aws.amazon.com/athena/latest/ug/supported-serdes.html
"""

# ruff: noqa: S608 (this writes SQL: names and strings pass `types.quote` and `types.text`)
from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from localcloud.engines.athena import hive_text, stored
from localcloud.engines.athena import types as t
from localcloud.engines.athena.casts import cast
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.pruning import Condition
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.stored import StoredFile
from localcloud.engines.athena.tables import HIDDEN, Relation, empty
from localcloud.engines.athena.typed import Typed
from localcloud.engines.athena.types import Type

#: Parquet's physical types that hold a type of the table.
_HOLDS = {
    "boolean": ("bool",),
    "tinyint": ("int8", "int16", "int32"),
    "smallint": ("int8", "int16", "int32"),
    "integer": ("int8", "int16", "int32"),
    "bigint": ("int8", "int16", "int32", "int64", "uint32"),
    "real": ("float",),
    "double": ("float", "double"),
    "varchar": ("string", "large_string"),
    "varbinary": ("binary", "large_binary"),
    "date": ("date32[day]",),
}


@dataclass(frozen=True)
class Partition:
    """A folder of files, with the values of the partition columns as text."""

    values: tuple[str, ...]
    location: str


@dataclass
class HiveTable:
    """An external table.

    Parameters
    ----------
    name, columns, keys
        Its name, all its columns with the partition columns last, and those alone.
    format : str
        Key of `READERS`.
    properties : dict
        The SerDe's and the table's.
    partitions : list
        Its folders; the table's own location where it has no partition columns.
    """

    name: str
    columns: Fields
    keys: Fields
    format: str
    properties: dict[str, str]
    partitions: list[Partition]
    view: tuple[str, str] | None = None
    hidden: Fields = field(default_factory=lambda: HIDDEN)

    def relation(self, used: set[str], conditions: Sequence[Condition]) -> Relation:
        """The rows of the partitions that fulfil the conditions."""
        parts, scanned = [], 0
        for partition in self.partitions:
            if not self._fits(partition, conditions):
                continue
            files = stored.under(partition.location)
            if files:
                rows = READERS[self.format](self, files, used)
                parts.append(self._with_keys(partition, rows.sql))
                scanned += rows.scanned
        if not parts:
            return Relation(empty([*self.columns, *self.hidden]), 0)
        return Relation(" UNION ALL ".join(parts), scanned)

    @property
    def own(self) -> Fields:
        """The columns that the files hold."""
        return self.columns[: len(self.columns) - len(self.keys)]

    def _fits(self, partition: Partition, conditions: Sequence[Condition]) -> bool:
        for (name, kind), text in zip(self.keys, partition.values, strict=True):
            value = _key_value(text, kind)
            if value is None:
                continue
            for c in conditions:
                if c.column == name and not _TESTS[c.sign](value, c.value):
                    return False
        return True

    def _with_keys(self, partition: Partition, sql: str) -> str:
        keys = []
        for (name, kind), text in zip(self.keys, partition.values, strict=True):
            literal = Typed(t.text(text), t.VARCHAR, text)
            null = text == "__HIVE_DEFAULT_PARTITION__"
            shown = f"CAST(NULL AS {kind.duckdb()})" if null else cast(literal, kind, "").sql
            keys.append(f"{shown} AS {t.quote(name)}")
        own = ", ".join([*(t.quote(n) for n, _ in self.own), *keys, '"$path"'])
        return f"SELECT {own} FROM ({sql})"


_TESTS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "in": lambda a, b: a in b,
}


def _key_value(text: str, kind: Type) -> Any:
    """A partition's value as `pruning.value` gives literals, or None where it can't be told."""
    try:
        if kind.name in t.INTEGERS:
            return int(text)
        if kind == t.DATE:
            return datetime.date.fromisoformat(text)
    except ValueError:
        return None
    return text if kind == t.VARCHAR else None


def _parquet(table: HiveTable, files: list[StoredFile], used: set[str]) -> Relation:
    kinds: dict[str, str] = {}
    for file in files:
        for name, held in _held(table, file).items():
            kinds.setdefault(name, held)
    columns = []
    for name, kind in table.own:
        column = f"CAST(NULL AS {kind.duckdb()})"
        if name in kinds and name in used:
            column = f"CAST({t.quote(kinds[name])} AS {kind.duckdb()})"
            if kind.name == "timestamp":  # Hive's have milliseconds
                column = f"CAST(CAST({t.quote(kinds[name])} AS TIMESTAMP_MS) AS TIMESTAMP)"
        columns.append(f"{column} AS {t.quote(name)}")
    path = stored.url_of(files) if "$path" in used else "CAST(NULL AS VARCHAR)"
    source = (
        f"read_parquet({stored.listed(files)}, union_by_name = true, hive_partitioning = false)"
    )
    scanned = sum(stored.chunk_bytes(f.path, used.__contains__) for f in files)
    return Relation(f'SELECT {", ".join([*columns, path])} AS "$path" FROM {source}', scanned)


def _held(table: HiveTable, file: StoredFile) -> dict[str, str]:
    """The table's columns that a file holds, and what it calls them."""
    schema = stored.footer(file.path).schema.to_arrow_schema()
    by_name = {f.name.lower(): f for f in schema}
    found = {}
    for name, kind in table.own:
        if name not in by_name:
            continue
        held = str(by_name[name].type)
        if not _compatible(kind, held):
            raise AthenaError(
                "HIVE_BAD_DATA",
                f"Field {name}'s type {held} in parquet file {file.url} is incompatible with type "
                f"{kind} defined in table schema",
            )
        found[name] = by_name[name].name
    return found


def _compatible(kind: Type, held: str) -> bool:
    if kind.name in _HOLDS:
        return held in _HOLDS[kind.name] or held.startswith("dictionary<values=string")
    if kind.name == "decimal":
        return held == f"decimal128({kind.of[0]}, {kind.of[1]})"
    if kind.name == "timestamp":
        return held.startswith("timestamp[")
    nested = {"array": ("list<", "large_list<"), "row": ("struct<",), "map": ("map<",)}
    return held.startswith(nested.get(kind.name, ("?",)))


def _text(table: HiveTable, files: list[StoredFile], used: set[str]) -> Relation:
    return hive_text.read(table.format, table.own, table.properties, files, used)


READERS: dict[str, Callable[[HiveTable, list[StoredFile], set[str]], Relation]] = {
    "parquet": _parquet,
    "delimited": _text,
    "csv": _text,
    "json": _text,
}

_SERDES = {
    "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe": "parquet",
    "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe": "delimited",
    "org.apache.hadoop.hive.serde2.OpenCSVSerde": "csv",
    "org.openx.data.jsonserde.JsonSerDe": "json",
    "org.apache.hive.hcatalog.data.JsonSerDe": "json",
}


def format_of(name: str, serde: str) -> str:
    """The format that a SerDe's class reads.

    Raises
    ------
    AthenaError
        For a class that isn't known here.
    """
    if serde not in _SERDES:
        raise not_supported(f"Table {name} with SerDe {serde or 'none'}")
    return _SERDES[serde]
