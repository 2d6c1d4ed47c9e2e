"""The tables of the lake as they will be: their columns, and those that every table has."""

from __future__ import annotations

import dataclasses
import datetime
import types
import typing
from dataclasses import dataclass
from typing import Any

from headrace.checks import StudyError

#: Iceberg's name for each Python type that a schema may use.
ICEBERG_TYPES: dict[type, str] = {
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    bytes: "binary",
    datetime.date: "date",
    datetime.datetime: "timestamptz",
}


@dataclass(frozen=True)
class Column:
    """One column: its name, Iceberg type, and whether a record must have it."""

    name: str
    type: str
    required: bool = True


#: Where a row came from; every table has these beside its own columns.
LINEAGE = (
    Column("_source", "string"),  # shard id, or topic and partition
    Column("_sequence", "string"),  # sequence number or zero-padded offset: sorts as text
    Column("_index", "long"),  # place of the record in its block, from 0
    Column("_producer", "string", required=False),  # null for records that nobody numbered
    Column("_counter", "long", required=False),  # the producer's own number of the record
)

#: What a Map stage's rows have beside their own columns.
ITEM = (Column("_item", "long"),)  # number of the item in the stage's input, from 0

#: One row for each stage of each run that was done; ``docs/contracts.md`` says what each is.
RUNS = "runs"
RUNS_COLUMNS = (
    Column("run", "string"),
    Column("stage", "string"),
    Column("attempt", "long"),
    Column("kind", "string"),
    Column("table", "string", required=False),
    Column("code", "string"),
    Column("seed", "long"),
    Column("params", "string"),
    Column("engine", "string"),
    Column("libraries", "string"),
    Column("workers", "long"),
    Column("sql", "string", required=False),
    Column("snapshots", "string"),
    Column("files", "string"),
    Column("items", "long"),
    Column("rows_out", "long"),
    Column("quarantined", "long"),
    Column("bytes_in", "long"),
    Column("bytes_out", "long"),
    Column("input_checksum", "string"),
    Column("output_checksum", "string"),
    Column("snapshot", "long", required=False),
    Column("scanned_bytes", "long"),
    Column("engine_s", "double"),
    Column("cost_usd", "double"),
    Column("started", "timestamptz"),
    Column("ended", "timestamptz"),
)

QUARANTINE = "quarantine"
QUARANTINE_COLUMNS = (
    Column("bytes", "binary"),
    Column("reason", "string"),
    Column("intended", "string", required=False),  # the table that it was meant for
)


@dataclass(frozen=True)
class TablePlan:
    """A table of the lake as it will be.

    ``record`` are the fields of a pushed record, ``columns`` the table's own, both without
    ``lineage``, which says where a row came from.
    """

    name: str
    record: tuple[Column, ...]
    columns: tuple[Column, ...]
    transform: str | None
    lineage: tuple[Column, ...] = LINEAGE


@dataclass(frozen=True)
class ExternalPlan:
    """A table of others as Glue will know it."""

    name: str
    columns: tuple[Column, ...]
    location: str


def quarantine_plan() -> TablePlan:
    """The table that keeps what could not be read."""
    return TablePlan(QUARANTINE, (), QUARANTINE_COLUMNS, None)


def runs_plan() -> TablePlan:
    """The table that says of each stage of each run what went in and came out."""
    return TablePlan(RUNS, (), RUNS_COLUMNS, None, lineage=())


def columns_of(cls: type) -> tuple[Column, ...]:
    """The columns that a dataclass describes.

    Raises
    ------
    StudyError
        For a field of a type that no column can hold, or a name that begins with ``_``.
    """
    hints = typing.get_type_hints(cls)
    return tuple(_column(cls, f.name, hints[f.name]) for f in dataclasses.fields(cls))


def _column(cls: type, name: str, hint: Any) -> Column:
    required = True
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [a for a in typing.get_args(hint) if a is not type(None)]
        required = len(inner) == len(typing.get_args(hint))
        hint = inner[0] if len(inner) == 1 else hint
    if hint not in ICEBERG_TYPES or name.startswith("_") or name != name.lower():
        known = ", ".join(t.__name__ for t in ICEBERG_TYPES)
        raise StudyError(
            f"While reading the schema {cls.__name__}, found {name}: {hint}. "
            f"Use a lower-case name without a leading underscore and one of {known}, or | None."
        )
    return Column(name, ICEBERG_TYPES[hint], required)
