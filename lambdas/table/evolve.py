"""Makes an Iceberg table, or brings one to new columns without touching a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import NoSuchTableError, ValidationError
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.types import NestedField

from headrace.lake import TABLE_PROPERTIES

#: Name and Iceberg type.
Column = tuple[str, str]


class EvolveError(ValueError):
    """A table can't become what is asked."""


@dataclass(frozen=True)
class Change:
    """What was done.

    Parameters
    ----------
    created : bool
    added, widened : list of str
        Columns.
    kept : list of str
        Columns of the table that were not asked for: they stay, null in new rows. Dropping
        them would lose data, and refusing would jam CloudFormation's rollback of an added one.
    """

    created: bool
    added: list[str]
    widened: list[str]
    kept: list[str]


def ensure(
    catalog: Catalog, database: str, name: str, location: str, columns: Sequence[Column]
) -> Change:
    """Make a table, or evolve it by name.

    Parameters
    ----------
    catalog : Catalog
    database, name : str
    location : str
        Where a new table's files go: an S3 URI.
    columns : sequence of (name, Iceberg type)
        All optional: land holds records to what is required.

    Raises
    ------
    EvolveError
        For a type that Iceberg doesn't know, or can't widen to, or another location.
    """
    fields = [_field(number, column) for number, column in enumerate(columns, 1)]
    try:
        table = catalog.load_table((database, name))
    except NoSuchTableError:
        catalog.create_table(
            (database, name), Schema(*fields), location=location, properties=TABLE_PROPERTIES
        )
        return Change(True, [field.name for field in fields], [], [])
    if table.location().rstrip("/") != location.rstrip("/"):
        raise EvolveError(
            f"While evolving table {database}.{name}, found it at {table.location()}, not at "
            f"{location}. Move its files by a query, or keep the location."
        )
    return _evolve(table, fields)


def _field(number: int, column: Column) -> NestedField:
    name, kind = column
    try:
        told = {"id": number, "name": name, "type": kind, "required": False}
        return NestedField.model_validate(told)
    except ValueError as error:
        raise EvolveError(
            f"While reading column {name}, found the type {kind!r}, which Iceberg doesn't know. "
            "Use one of its primitive types."
        ) from error


def _evolve(table: Table, fields: Sequence[NestedField]) -> Change:
    have = {field.name: field for field in table.schema().fields}
    added = [field for field in fields if field.name not in have]
    widened = [f for f in fields if f.name in have and f.field_type != have[f.name].field_type]
    settings = {k: v for k, v in TABLE_PROPERTIES.items() if k != "format-version"}
    with table.transaction() as transaction:
        with transaction.update_schema() as update:
            for field in added:
                update.add_column(field.name, field.field_type)
            for field in widened:
                try:
                    update.update_column(field.name, field_type=field.field_type)
                except ValidationError as error:
                    raise EvolveError(
                        f"While evolving table {table.name()[-1]}, found column {field.name} of "
                        f"type {have[field.name].field_type}, which can't become "
                        f"{field.field_type} without loss. Give the new column another name."
                    ) from error
        changed = {k: v for k, v in settings.items() if table.properties.get(k) != v}
        if changed:
            transaction.set_properties(changed)
    wanted = {field.name for field in fields}
    kept = [name for name in have if name not in wanted]
    return Change(False, [f.name for f in added], [f.name for f in widened], kept)
