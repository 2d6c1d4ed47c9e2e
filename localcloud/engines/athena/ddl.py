"""Statements about the catalog: they change Glue, or show what it holds as lines of text.

https://docs.aws.amazon.com/athena/latest/ug/ddl-reference.html
"""

from __future__ import annotations

from collections.abc import Callable

from moto.core.exceptions import JsonRESTError, ServiceException

from localcloud.engines.athena import types as t
from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.ddl_parts import Answer, Parts, named, partitioned
from localcloud.engines.athena.ddl_show import SHOWERS
from localcloud.engines.athena.ddl_tables import create_table, partition_specs
from localcloud.engines.athena.ddl_views import create_view, view_sql
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.statements import Change, names
from localcloud.engines.athena.stored import under


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
    where, name = named(parts, database)
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


def _create_view(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    where, name = named(parts, database)
    create_view(
        catalog, where, name, view_sql(parts["sql"] or ""), database, bool(parts.get("replace"))
    )
    return [], []


def repair(parts: Parts, catalog: GlueCatalog, database: str) -> Answer:
    """Add the partitions that lie under the table's location as ``key=value`` folders."""
    table, (where, name) = partitioned(parts, catalog, database), named(parts, database)
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
    table, (where, name) = partitioned(parts, catalog, database), named(parts, database)
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
    where, name = named(parts, database)
    if name in catalog.tables(where):
        if parts.get("maybe"):
            return [], []
        raise AthenaError("FAILED", f"AlreadyExistsException(message:Table {name} already exists.)")
    catalog.backend.create_table(where, name, create_table(name, parts["sql"] or ""))
    return [], []


_DOERS: dict[str, Callable[[Parts, GlueCatalog, str], Answer]] = SHOWERS | {
    "create database": _create_database,
    "drop database": _drop_database,
    "drop table": lambda p, c, d: _drop(p, c, d, view=False),
    "drop view": lambda p, c, d: _drop(p, c, d, view=True),
    "create view": _create_view,
    "repair table": repair,
    "add partitions": _add_partitions,
    "create table": _create_table,
}
