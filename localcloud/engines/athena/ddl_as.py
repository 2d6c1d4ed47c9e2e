"""CREATE TABLE AS: the table that a query's rows make.

https://docs.aws.amazon.com/athena/latest/ug/create-table-as.html
"""

from __future__ import annotations

from dataclasses import dataclass

from localcloud.engines.athena import ddl
from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.ddl_tables import parquet_table
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.statements import CreateTableAs
from localcloud.engines.athena.writing import Shape


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
    keys = table.shape.partitions
    own = [f for f in fields if f[0] not in keys]
    given = parquet_table(table.name, own, [f for f in fields if f[0] in keys], table.location)
    catalog.backend.create_table(table.database, table.name, given)
    if keys:
        ddl.repair({"name": f"{table.database}.{table.name}"}, catalog, table.database)
