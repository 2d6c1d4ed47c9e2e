"""Iceberg tables: pyiceberg plans which files to read, DuckDB reads them by field id.

Fields are found by id, so a renamed or added column is what the table says it is, whatever an
old file calls it. Files with deletes beside them are refused: reading them without would bring
deleted rows back.
"""

# ruff: noqa: S608 (this writes SQL: names and strings pass `types.quote` and `types.text`)
from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

from pyiceberg.catalog.noop import NoopCatalog
from pyiceberg.expressions import (
    AlwaysTrue,
    And,
    BooleanExpression,
    EqualTo,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
    Or,
)
from pyiceberg.schema import Schema
from pyiceberg.serializers import FromInputFile
from pyiceberg.table import DataScan, FileScanTask, StaticTable

from localcloud.engines.athena import types as t
from localcloud.engines.athena.errors import AthenaError, not_supported
from localcloud.engines.athena.pruning import Condition
from localcloud.engines.athena.scopes import Fields
from localcloud.engines.athena.stored import (
    StoredFile,
    StoredFiles,
    chunk_bytes,
    footer,
    listed,
    stored,
    url_of,
)
from localcloud.engines.athena.tables import HIDDEN, Relation, empty
from localcloud.engines.athena.type_names import of_iceberg

_SIGNS = {
    "=": EqualTo,
    "<": LessThan,
    "<=": LessThanOrEqual,
    ">": GreaterThan,
    ">=": GreaterThanOrEqual,
}


class IcebergTable:
    """One snapshot of an Iceberg table.

    Parameters
    ----------
    name : str
        For errors.
    metadata_location : str
        URL of the table's metadata file.
    version : tuple or None
        ``("version", id)``, or ``("timestamp", milliseconds since 1970)``: the snapshot then.

    Raises
    ------
    AthenaError
        Where there is no such snapshot, or a column's type is not known here.
    """

    view: tuple[str, str] | None = None
    hidden = HIDDEN

    def __init__(self, name: str, metadata_location: str, version: tuple[str, Any] | None = None):
        files = StoredFiles()
        metadata = FromInputFile.table_metadata(files.new_input(metadata_location))
        self.name = name
        self.table = StaticTable(
            ("table",), metadata, metadata_location, files, NoopCatalog("stored")
        )
        self.snapshot_id = _snapshot(self.table, version) if version else None
        self.schema: Schema = self._scan(AlwaysTrue()).projection()
        self.columns: Fields = [
            (f.name.lower(), of_iceberg(f.field_type)) for f in self.schema.fields
        ]

    def _scan(self, rows: BooleanExpression) -> DataScan:
        return self.table.scan(row_filter=rows, snapshot_id=self.snapshot_id)

    def relation(self, used: set[str], conditions: Sequence[Condition]) -> Relation:
        """The rows of the files that can hold rows which fulfil the conditions."""
        self._check_nested()
        rows: BooleanExpression = AlwaysTrue()
        names = {f.name.lower(): f.name for f in self.schema.fields}
        for c in conditions:
            if c.column in names:
                column = names[c.column]
                values = c.value if c.sign == "in" else (c.value,)
                sign = _SIGNS.get(c.sign, EqualTo)
                own: BooleanExpression = reduce(Or, (sign(column, v) for v in values))
                rows = And(rows, own)
        tasks = list(self._scan(rows).plan_files())
        if not tasks:
            return Relation(empty([*self.columns, *self.hidden]), 0)
        files = [self._file(task) for task in tasks]
        path = url_of(files) if "$path" in used else "CAST(NULL AS VARCHAR)"
        columns = ", ".join(t.quote(name) for name, _ in self.columns)
        source = f"read_parquet({listed(files)}, schema = {self._fields()})"
        scanned = sum(
            self._bytes(task, file, used) for task, file in zip(tasks, files, strict=True)
        )
        return Relation(f'SELECT {columns}, {path} AS "$path" FROM {source}', scanned)

    def _file(self, task: FileScanTask) -> StoredFile:
        if task.delete_files:
            raise not_supported(f"Table {self.name} with row-level deletes (merge-on-read)")
        if str(task.file.file_format).upper().rsplit(".", 1)[-1] != "PARQUET":
            raise not_supported(f"Table {self.name} with {task.file.file_format} files")
        file = stored(task.file.file_path)
        schema = footer(file.path).schema.to_arrow_schema()
        if any(b"PARQUET:field_id" not in (f.metadata or {}) for f in schema):
            raise not_supported(f"Table {self.name} with a file that has no field ids: {file.url}")
        return file

    def _fields(self) -> str:
        """The table's columns by field id, as read_parquet wants them."""
        fields = []
        for f, (name, kind) in zip(self.schema.fields, self.columns, strict=True):
            if f.initial_default is not None:
                raise not_supported(f"Table {self.name} with a default for column {name}")
            fields.append(
                f"{f.field_id}: {{name: {t.text(name)}, type: {t.text(kind.duckdb())}, "
                "default_value: NULL}"
            )
        return f"MAP {{{', '.join(fields)}}}"

    def _check_nested(self) -> None:
        """DuckDB finds fields inside a row by name: refuse where those ever changed."""
        for field in self.schema.fields:
            if field.field_type.is_primitive:
                continue
            for old in self.table.metadata.schemas:
                was = next((f for f in old.fields if f.field_id == field.field_id), field)
                if was.field_type != field.field_type:
                    raise not_supported(
                        f"Table {self.name} whose nested column {field.name} has changed"
                    )

    def _bytes(self, task: FileScanTask, file: StoredFile, used: set[str]) -> int:
        ids = {f.field_id for f in self.schema.fields if f.name.lower() in used}
        sizes = task.file.column_sizes
        nested = any(not f.field_type.is_primitive for f in self.schema.fields if f.field_id in ids)
        if sizes and not nested:
            return sum(sizes.get(i, 0) for i in ids)
        schema = footer(file.path).schema.to_arrow_schema()
        names = {f.name.lower() for f in schema if int(f.metadata[b"PARQUET:field_id"]) in ids}
        return chunk_bytes(file.path, names.__contains__)


def _snapshot(table: StaticTable, version: tuple[str, Any]) -> int:
    kind, value = version
    if kind == "timestamp":
        found = table.snapshot_as_of_timestamp(value)
        if found is None:
            raise AthenaError(
                "INVALID_ARGUMENTS", f"No version history table found at or before {value}"
            )
        return found.snapshot_id
    by_name = isinstance(value, str)
    found = table.snapshot_by_name(value) if by_name else table.snapshot_by_id(value)
    if found is None:
        raise AthenaError("INVALID_ARGUMENTS", f"Iceberg snapshot ID does not exists: {value}")
    return found.snapshot_id
