"""What statements about the catalog share: their parts, and the table that a part names."""

from __future__ import annotations

from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.hive import HiveTable
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.statements import names

#: Columns, and lines of text.
Answer = tuple[Fields, list[str]]
Parts = dict[str, str | None]


def named(parts: Parts, database: str) -> tuple[str, str]:
    """Database and name of the table that a statement names."""
    own, name = names(parts["name"] or "")
    return own or database, name


def partitioned(parts: Parts, catalog: GlueCatalog, database: str) -> HiveTable:
    """The partitioned table that a statement names.

    Raises
    ------
    AthenaError
        Where it is none.
    """
    where, name = named(parts, database)
    table = catalog.table(where, name)
    if not isinstance(table, HiveTable) or not table.keys:
        raise AthenaError("FAILED", f"SemanticException Table {name} is not a partitioned table")
    return table
