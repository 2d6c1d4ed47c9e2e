"""Glue's databases and tables as Athena sees them."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from moto.glue.models import glue_backends

from localcloud.engines.athena.errors import not_supported
from localcloud.engines.athena.hive import HiveTable, Partition, format_of
from localcloud.engines.athena.iceberg import IcebergTable
from localcloud.engines.athena.tables import Table, View
from localcloud.engines.athena.type_names import of_hive

_VIEW = re.compile(r"/\* Presto View: (\S+) \*/")


class GlueCatalog:
    """The Glue catalog of one account and region."""

    def __init__(self, account: str, region: str):
        self.backend = glue_backends[account][region]

    def databases(self) -> list[str]:
        """Names of all databases; ``default`` is always there."""
        return sorted({d.name for d in self.backend.get_databases()} | {"default"})

    def tables(self, database: str) -> dict[str, dict[str, Any]]:
        """All tables of a database, as Glue describes them.

        Raises
        ------
        LookupError
            Where there is no such database.
        """
        held = self.backend.databases.get(database)
        if held is None:
            if database == "default":
                return {}
            raise LookupError(f"Schema '{database}' does not exist")
        return {name: table.as_dict() for name, table in held.tables.items()}

    def described(self, database: str, name: str) -> dict[str, Any]:
        """A table as Glue describes it.

        Raises
        ------
        LookupError
            Where there is no such database or table.
        """
        found = self.tables(database).get(name)
        if found is None:
            raise LookupError(f"Table 'awsdatacatalog.{database}.{name}' does not exist")
        return found

    def table(self, database: str, name: str, version: tuple[str, Any] | None = None) -> Table:
        """A table to read.

        Raises
        ------
        LookupError
            Where there is none.
        AthenaError
            Where the local cloud can't read such a table.
        """
        described = self.described(database, name)
        parameters = described.get("Parameters") or {}
        full = f"{database}.{name}"
        if parameters.get("table_type", "").upper() == "ICEBERG":
            if "metadata_location" not in parameters:
                raise not_supported(f"Table {full} without a metadata_location")
            return IcebergTable(full, parameters["metadata_location"], version)
        if version is not None:
            raise not_supported(f"time travel of {full}, which is no Iceberg table,")
        if described.get("TableType") == "VIRTUAL_VIEW":
            return _view(database, described)
        return self._hive(full, described, parameters)

    def _hive(self, name: str, described: dict[str, Any], parameters: dict[str, str]) -> HiveTable:
        storage = described.get("StorageDescriptor") or {}
        serde = storage.get("SerdeInfo") or {}
        if any(p.startswith("projection.") and v.lower() != "false" for p, v in parameters.items()):
            raise not_supported(f"partition projection of {name}")
        keys = [
            (c["Name"].lower(), of_hive(c["Type"])) for c in described.get("PartitionKeys") or []
        ]
        own = [(c["Name"].lower(), of_hive(c["Type"])) for c in storage.get("Columns") or []]
        partitions = [Partition((), storage["Location"])]
        if keys:
            held = self.backend.databases[described["DatabaseName"]].tables[described["Name"]]
            inputs = [p.partition_input for p in held.partitions.values()]
            partitions = [
                Partition(tuple(p["Values"]), p["StorageDescriptor"]["Location"]) for p in inputs
            ]
        properties = parameters | (serde.get("Parameters") or {})
        kind = format_of(name, serde.get("SerializationLibrary", ""))
        return HiveTable(name, [*own, *keys], keys, kind, properties, partitions)


def _view(database: str, described: dict[str, Any]) -> View:
    found = _VIEW.fullmatch(described.get("ViewOriginalText", ""))
    if found is None:
        raise not_supported(f"View {database}.{described['Name']}, whose text is not Athena's,")
    said = json.loads(base64.b64decode(found[1]))
    columns = (described.get("StorageDescriptor") or {}).get("Columns") or []
    fields = [(c["Name"].lower(), of_hive(c["Type"])) for c in columns]
    return View(fields, (said["originalSql"], said.get("schema") or database))
