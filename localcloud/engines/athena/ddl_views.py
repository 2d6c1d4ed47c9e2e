"""CREATE VIEW: a table of Glue's whose text is the SQL, as Athena writes it."""

from __future__ import annotations

import base64
import json

from localcloud.engines.athena.catalog import GlueCatalog
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.athena.translate import translate
from localcloud.engines.athena.type_names import hive_name
from localcloud.engines.athena.types import Type


def view_sql(written: str) -> str:
    """The query of a CREATE VIEW."""
    return written.strip().rstrip(";").strip()


def create_view(
    catalog: GlueCatalog, database: str, name: str, sql: str, context: str, replace: bool
) -> None:
    """Put a view into the catalog; its query must be one that can be answered.

    Raises
    ------
    AthenaError
        Where there is a table of that name, or the query has a fault.
    """
    there = catalog.tables(database).get(name)
    if there is not None and (there.get("TableType") != "VIRTUAL_VIEW" or not replace):
        raise AthenaError(
            "TABLE_ALREADY_EXISTS", f"'awsdatacatalog.{database}.{name}' already exists"
        )
    fields = translate(sql, catalog, context).fields
    said = {
        "originalSql": sql,
        "catalog": "awsdatacatalog",
        "schema": context,
        "columns": [{"name": n, "type": str(k)} for n, k in fields],
    }
    text = base64.b64encode(json.dumps(said).encode()).decode()
    given = {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "StorageDescriptor": {
            "Columns": [{"Name": n.lower(), "Type": _glue_type(k)} for n, k in fields],
            "Location": "",
            "SerdeInfo": {},
        },
        "PartitionKeys": [],
        "ViewOriginalText": f"/* Presto View: {text} */",
        "ViewExpandedText": "/* Presto View */",
    }
    if there is not None:
        catalog.backend.delete_table(database, name)
    catalog.backend.create_table(database, name, given)


def _glue_type(kind: Type) -> str:
    """Glue has no type with a time zone: Athena keeps it in the view's own text."""
    return "timestamp" if kind.name.startswith("timestamp") else hive_name(kind)
