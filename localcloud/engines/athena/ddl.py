"""Statements about the catalog: they change Glue, or show what it holds as lines of text.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from moto.core.exceptions import JsonRESTError, ServiceException

from localcloud.engines.athena import types as t
from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.ddl_tables import create_table, partition_specs
from localcloud.engines.athena.ddl_views import create_view, view_sql
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.statements import Change, CreateTableAs, names
from localcloud.engines.athena.stored import under
from localcloud.engines.athena.type_names import hive_name
from localcloud.engines.athena.writing import Shape

Answer = tuple[Fields, list[str]]
Parts = dict[str, str | None]


def run(change: Change, catalog: GlueCatalog, database: str) -> Answer:
    """Do what a statement says.

    Raises
    ------
    AthenaError
        ``FAILED`` with Hive's words, as Athena gives for these statements.
    """
    try:
        return _DOERS[change.kind](change.parts, catalog, database)
    except LookupError as e:
        raise AthenaError("FAILED", f"SemanticException {e.args[0]}") from e
    except (JsonRESTError, ServiceException) as e:
        raise AthenaError("FAILED", f"Execution Error: {getattr(e, 'message', e)}") from e


def _where(parts: Parts, database: str, key: str = "name") -> tuple[str, str]:
    own, name = names(parts[key] or "")
    return own or database, name


def _create_database(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    name = names(parts["name"] or "")[1]
    if name in catalog.backend.databases and parts.get("maybe"):
        return [], []
    given = {
        "Name": name,
        "Description": parts.get("comment"),
        "LocationUri": parts.get("location"),
    }
    catalog.backend.create_database(name, {k: v for k, v in given.items() if v})
    return [], []


def _drop_database(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    name = names(parts["name"] or "")[1]
    if name not in catalog.backend.databases:
        if parts.get("maybe"):
            return [], []
        raise LookupError(f"Schema '{name}' does not exist")
    if catalog.tables(name) and (parts.get("how") or "").upper() != "CASCADE":
        raise AthenaError(
            "FAILED", f"InvalidOperationException(message:Database {name} is not empty)"
        )
    catalog.backend.delete_database(name)
    return [], []


def _drop(parts: Parts, catalog: GlueCatalog, database: str, view: bool) -> Answer:
    where, name = _where(parts, database)
    try:
        described = catalog.described(where, name)
    except LookupError:
        if parts.get("maybe"):
            return [], []
        raise
    if (described.get("TableType") == "VIRTUAL_VIEW") != view:
        raise AthenaError("FAILED", f"SemanticException {name} is {'no' if view else 'a'} view")
    if (described.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG":
        raise not_supported("DROP TABLE of an Iceberg table, which deletes its data,")
    catalog.backend.delete_table(where, name)
    return [], []


def _show_databases(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    return [("database_name", t.VARCHAR)], _like(catalog.databases(), parts)


def _show_tables(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    where = names(parts.get("name") or database)[1]
    return [("tab_name", t.VARCHAR)], _like(sorted(catalog.tables(where)), parts)


def _show_views(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    where = names(parts.get("name") or database)[1]
    held = [n for n, d in catalog.tables(where).items() if d.get("TableType") == "VIRTUAL_VIEW"]
    return [("views", t.VARCHAR)], _like(sorted(held), parts)


def _like(found: list[str], parts: Parts) -> list[str]:
    """Names that fit a pattern of Hive's: ``*`` is anything, ``|`` is or."""
    if parts.get("like") is None:
        return found
    pattern = (parts["like"] or "").replace("*", ".*")
    return [n for n in found if re.fullmatch(pattern, n, re.I)]


def _fields_of(parts: Parts, catalog: GlueCatalog, database: str) -> tuple[Fields, Fields]:
    """A table's own columns and its partition columns, as it is read."""
    where, name = _where(parts, database)
    if parts.get("database"):
        where = names(parts["database"] or "")[1]
    table = catalog.table(where, name)
    keys: Fields = getattr(table, "keys", [])
    return table.columns[: len(table.columns) - len(keys)], keys


def _show_columns(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    own, keys = _fields_of(parts, catalog, database)
    return [("field", t.VARCHAR)], [f"{name:<20}" for name, _ in [*own, *keys]]


def _describe(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    own, keys = _fields_of(parts, catalog, database)
    lines = [_described(n, k) for n, k in [*own, *keys]]
    if keys:
        lines += [
            "\t \t ",
            "# Partition Information\t \t ",
            f"{'# col_name':<20}\t{'data_type':<20}\t{'comment':<20}",
        ]
        lines += ["\t \t ", *(_described(n, k) for n, k in keys)]
    fields = [("col_name", t.VARCHAR), ("data_type", t.VARCHAR), ("comment", t.VARCHAR)]
    return fields, lines


def _described(name: str, kind: t.Type) -> str:
    return f"{name:<20}\t{hive_name(kind):<20}\t{'':<20}"


def _show_create_table(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    where, name = _where(parts, database)
    described = catalog.described(where, name)
    if described.get("TableType") == "VIRTUAL_VIEW":
        raise AthenaError("FAILED", f"SemanticException {name} is a view")
    own, keys = _fields_of(parts, catalog, database)
    iceberg = (described.get("Parameters") or {}).get("table_type", "").upper() == "ICEBERG"
    lines = [f"CREATE {'' if iceberg else 'EXTERNAL '}TABLE `{where}.{name}`("]
    lines += [
        f"  `{n}` {hive_name(k)}{',' if i < len(own) else ')'}" for i, (n, k) in enumerate(own, 1)
    ]
    if keys:
        lines.append("PARTITIONED BY ( ")
        lines += [
            f"  `{n}` {hive_name(k)}{',' if i < len(keys) else ')'}"
            for i, (n, k) in enumerate(keys, 1)
        ]
    storage = described.get("StorageDescriptor") or {}
    if not iceberg:
        lines += [
            "ROW FORMAT SERDE ",
            f"  '{(storage.get('SerdeInfo') or {}).get('SerializationLibrary', '')}' ",
        ]
    lines += ["LOCATION", f"  '{storage.get('Location', '')}'"]
    shown = {"table_type": "iceberg"} if iceberg else described.get("Parameters") or {}
    if shown:
        lines += ["TBLPROPERTIES (", *_properties(shown)]
    return [("createtab_stmt", t.VARCHAR)], lines


def _properties(given: dict[str, str]) -> list[str]:
    items = sorted(given.items())
    return [f"  '{k}'='{v}'{',' if i < len(items) else ')'}" for i, (k, v) in enumerate(items, 1)]


def _show_create_view(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    where, name = _where(parts, database)
    table = catalog.table(where, name)
    if table.view is None:
        raise AthenaError("FAILED", f"SemanticException {name} is no view")
    return [("Create View", t.VARCHAR)], [
        f"CREATE VIEW {where}.{name} AS",
        *table.view[0].splitlines(),
    ]


def _create_view(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    where, name = _where(parts, database)
    create_view(
        catalog, where, name, view_sql(parts["sql"] or ""), database, bool(parts.get("replace"))
    )
    return [], []


def _show_partitions(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    table = _hive(parts, catalog, database)
    keys = [n for n, _ in table.keys]
    found = [
        "/".join(f"{k}={v}" for k, v in zip(keys, p.values, strict=True)) for p in table.partitions
    ]
    return [("partition", t.VARCHAR)], sorted(found)


def _hive(parts: Parts, catalog: GlueCatalog, database: str) -> Any:
    where, name = _where(parts, database)
    table = catalog.table(where, name)
    if not getattr(table, "keys", None):
        raise AthenaError("FAILED", f"SemanticException Table {name} is not a partitioned table")
    return table


def _repair(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    """Add the partitions that lie under the table's location as ``key=value`` folders."""
    table, (where, name) = _hive(parts, catalog, database), _where(parts, database)
    keys = [n for n, _ in table.keys]
    root = (catalog.described(where, name)["StorageDescriptor"]["Location"]).rstrip("/") + "/"
    known, added = {p.values for p in table.partitions}, []
    for file in under(root):
        folders = file.url.removeprefix(root).split("/")[: len(keys)]
        pairs = [f.split("=", 1) for f in folders if "=" in f]
        values = tuple(p[1] for p in pairs)
        if [p[0].lower() for p in pairs] == keys and values not in known:
            known.add(values)
            _add_partition(catalog, where, name, values, root + "/".join(folders) + "/")
            added.append(f"Repair: Added partition to metastore {name}:{'/'.join(folders)}")
    return [("result", t.VARCHAR)], added


def _add_partition(
    catalog: GlueCatalog, database: str, name: str, values: tuple[str, ...], location: str
) -> None:
    storage = dict(catalog.described(database, name)["StorageDescriptor"], Location=location)
    catalog.backend.create_partition(
        database, name, {"Values": list(values), "StorageDescriptor": storage}
    )


def _add_partitions(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    table, (where, name) = _hive(parts, catalog, database), _where(parts, database)
    keys = [n for n, _ in table.keys]
    root = (catalog.described(where, name)["StorageDescriptor"]["Location"]).rstrip("/")
    for given, location in partition_specs(parts["sql"] or ""):
        if set(given) != set(keys):
            raise AthenaError(
                "FAILED",
                f"SemanticException partition spec {given} doesn't contain all partition columns",
            )
        values = tuple(given[k] for k in keys)
        if values in {p.values for p in table.partitions}:
            if parts.get("maybe"):
                continue
            raise AthenaError(
                "FAILED", f"AlreadyExistsException(message:Partition already exists: {values})"
            )
        default = f"{root}/{'/'.join(f'{k}={v}' for k, v in zip(keys, values, strict=True))}/"
        _add_partition(catalog, where, name, values, location or default)
    return [], []


def _create_table(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    where, name = _where(parts, database)
    if name in catalog.tables(where):
        if parts.get("maybe"):
            return [], []
        raise AthenaError("FAILED", f"AlreadyExistsException(message:Table {name} already exists.)")
    catalog.backend.create_table(where, name, create_table(name, parts["sql"] or ""))
    return [], []


_DOERS: dict[str, Callable[[Parts, GlueCatalog, str], Answer]] = {
    "create database": _create_database,
    "drop database": _drop_database,
    "drop table": lambda p, c, d: _drop(p, c, d, view=False),
    "drop view": lambda p, c, d: _drop(p, c, d, view=True),
    "create view": _create_view,
    "show databases": _show_databases,
    "show tables": _show_tables,
    "show views": _show_views,
    "show columns": _show_columns,
    "show create table": _show_create_table,
    "show create view": _show_create_view,
    "show partitions": _show_partitions,
    "describe": _describe,
    "repair table": _repair,
    "add partitions": _add_partitions,
    "create table": _create_table,
}


@dataclass(frozen=True)
class NewTable:
    """A table that CREATE TABLE AS makes."""

    database: str
    name: str
    location: str
    shape: Shape


def table_as(
    statement: CreateTableAs, catalog: GlueCatalog, database: str, default: str
) -> NewTable | None:
    """What CREATE TABLE AS is to make; None where it is there and may be.

    Raises
    ------
    AthenaError
    """
    given = dict(statement.properties)
    if str(given.pop("table_type", "hive")).lower() != "hive":
        raise not_supported("CREATE TABLE AS of an Iceberg table")
    own, name = statement.name
    where = own or database
    try:
        there = name in catalog.tables(where)
    except LookupError as e:
        raise AthenaError("SCHEMA_NOT_FOUND", str(e.args[0])) from e
    if there:
        if statement.if_not_exists:
            return None
        raise AthenaError(
            "TABLE_ALREADY_EXISTS", f"Table 'awsdatacatalog.{where}.{name}' already exists"
        )
    location = str(given.pop("external_location", default))
    form = str(given.pop("format", "parquet")).lower()
    compression = "gzip"
    for word in ("write_compression", f"{form}_compression"):
        compression = str(given.pop(word, compression)).lower()
    keys = given.pop("partitioned_by", ())
    if given or form != "parquet":
        raise not_supported(f"CREATE TABLE AS with {', '.join(given) or f'format {form.upper()}'}")
    return NewTable(
        where,
        name,
        location,
        Shape(form, compression, keys if isinstance(keys, tuple) else (keys,)),
    )


def register(table: NewTable, fields: Fields, catalog: GlueCatalog) -> None:
    """Put the new table, and the partitions that were written, into the catalog."""
    from localcloud.engines.athena.ddl_tables import parquet_table

    keys = table.shape.partitions
    own = [f for f in fields if f[0] not in keys]
    given = parquet_table(table.name, own, [f for f in fields if f[0] in keys], table.location)
    catalog.backend.create_table(table.database, table.name, given)
    if keys:
        _repair({"name": f"{table.database}.{table.name}"}, catalog, table.database)
