"""An Iceberg catalog in memory, for tests: pyiceberg's own wants SQLAlchemy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyiceberg.catalog import Catalog, MetastoreCatalog
from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.table import CommitTableResponse, Table


class MemoryCatalog(MetastoreCatalog, NoopCatalog):
    """Holds tables; their files lie in a folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__("memory", warehouse=folder.as_uri())
        self.tables: dict[tuple[str, ...], Table] = {}
        self.commits = 0

    def create_table(self, identifier: Any, schema: Any, *args: Any, **words: Any) -> Table:
        table = self._create_staged_table(identifier, schema, *args, **words)
        self._write_metadata(table.metadata, table.io, table.metadata_location)
        self.tables[Catalog.identifier_to_tuple(identifier)] = table
        return self.load_table(identifier)

    def load_table(self, identifier: Any) -> Table:
        name = Catalog.identifier_to_tuple(identifier)
        if name not in self.tables:
            raise NoSuchTableError(f"no table {name}")
        held = self.tables[name]
        return Table(name, held.metadata, held.metadata_location, held.io, self)

    def commit_table(self, table: Table, requirements: Any, updates: Any) -> CommitTableResponse:
        name = table.name()
        staged = self._update_and_stage_table(self.load_table(name), name, requirements, updates)
        self._write_metadata(staged.metadata, staged.io, staged.metadata_location)
        self.tables[name] = staged
        self.commits += 1
        return CommitTableResponse.model_validate(
            {"metadata": staged.metadata, "metadata-location": staged.metadata_location}
        )
