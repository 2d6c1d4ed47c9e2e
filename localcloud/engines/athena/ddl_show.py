"""SHOW and DESCRIBE: what the catalog holds, as Hive's lines of text."""

from __future__ import annotations

import re
from collections.abc import Callable

from localcloud.engines.athena import types as t
from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.ddl_parts import Answer, Parts, named, partitioned
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.statements import names
from localcloud.engines.athena.type_names import hive_name


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
    where, name = named(parts, database)
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
    where, name = named(parts, database)
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
    where, name = named(parts, database)
    table = catalog.table(where, name)
    if table.view is None:
        raise AthenaError("FAILED", f"SemanticException {name} is no view")
    return [("Create View", t.VARCHAR)], [
        f"CREATE VIEW {where}.{name} AS",
        *table.view[0].splitlines(),
    ]


def _show_partitions(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    table = partitioned(parts, catalog, database)
    keys = [n for n, _ in table.keys]
    found = [
        "/".join(f"{k}={v}" for k, v in zip(keys, p.values, strict=True)) for p in table.partitions
    ]
    return [("partition", t.VARCHAR)], sorted(found)


SHOWERS: dict[str, Callable[[Parts, GlueCatalog, str], Answer]] = {
    "show databases": _show_databases,
    "show tables": _show_tables,
    "show views": _show_views,
    "show columns": _show_columns,
    "show create table": _show_create_table,
    "show create view": _show_create_view,
    "show partitions": _show_partitions,
    "describe": _describe,
}
