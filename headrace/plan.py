"""Turns a study into its plan: everything that will exist, as plain data, before any of it does.

``infra/`` builds what a plan says and the command line reads it; nobody else decides what
exists or what it is called.
"""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.study import Study, StudyError, Table

ROOT = Path(__file__).resolve().parent.parent

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
    lineage.
    """

    name: str
    record: tuple[Column, ...]
    columns: tuple[Column, ...]
    transform: str | None


@dataclass(frozen=True)
class Plan:
    """Names and settings of all that a study deploys."""

    study: Study
    tables: tuple[TablePlan, ...]

    @property
    def prefix(self) -> str:
        """What every physical name of the study begins with."""
        return f"headrace-{self.study.name}"

    @property
    def data_stack(self) -> str:
        """The stack that holds data; retained."""
        return f"{self.prefix}-data"

    @property
    def flow_stack(self) -> str:
        """The stack that moves records; destroyed and made again at will."""
        return f"{self.prefix}-flow"

    @property
    def database(self) -> str:
        """The Glue database: Athena wants no hyphens unquoted."""
        return self.study.name.replace("-", "_")

    @property
    def workgroup(self) -> str:
        """The Athena workgroup."""
        return self.prefix

    @property
    def stream(self) -> str:
        """The Kinesis stream."""
        return self.prefix

    @property
    def package(self) -> str:
        """The study's folder under ``studies/``."""
        return self.study.name.replace("-", "_")

    @property
    def every_table(self) -> tuple[TablePlan, ...]:
        """The study's tables and the quarantine, which is the last."""
        return (*self.tables, quarantine_plan())

    def bucket(self, account: str, region: str) -> str:
        """Name of the lake's bucket: unique in the world by account and region.

        At most 63 characters, S3's limit: the prefix has up to 29, an account 12, the longest
        region's name 14 (ap-southeast-1), and two hyphens.
        """
        return f"{self.prefix}-{account}-{region}"

    def function(self, name: str) -> str:
        """Physical name of the function in ``lambdas/NAME``."""
        return f"{self.prefix}-{name}"

    @property
    def commit_queue(self) -> str:
        """The FIFO queue from land to commit."""
        return f"{self.prefix}-commit.fifo"

    @property
    def commit_dead_letters(self) -> str:
        """Where messages end that commit failed on again and again."""
        return f"{self.prefix}-commit-dead.fifo"

    def deployed(self) -> dict[str, Any]:
        """The plan as the functions read it: ``plan.json`` at the root of their zip.

        Returns
        -------
        dict
            ``{"study", "tables": [{"name", "record": [[name, type, required]], "columns":
            same, "transform"}]}``; the first table gets records that name none, and the
            quarantine table is the last.
        """
        return {
            "study": self.study.name,
            "tables": [
                {
                    "name": t.name,
                    "record": [dataclasses.astuple(c) for c in t.record],
                    "columns": [dataclasses.astuple(c) for c in t.columns],
                    "transform": t.transform,
                }
                for t in self.every_table
            ],
        }


def quarantine_plan() -> TablePlan:
    """The table that keeps what could not be read."""
    return TablePlan(QUARANTINE, (), QUARANTINE_COLUMNS, None)


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


def _table_plan(table: Table) -> TablePlan:
    if table.name == QUARANTINE:
        raise StudyError(
            f"While planning table {table.name}, found the name of the table that keeps "
            "unreadable records. Choose another name."
        )
    return TablePlan(
        name=table.name,
        record=columns_of(table.schema),
        columns=columns_of(table.produces or table.schema),
        transform=table.transform,
    )


def plan_of(study: Study) -> Plan:
    """Plan a study.

    Raises
    ------
    StudyError
        Where a schema or a name can't be built.
    """
    return Plan(study, tuple(_table_plan(t) for t in study.tables))


def names() -> list[str]:
    """The studies that the folder ``studies/`` holds."""
    return sorted(p.parent.name for p in (ROOT / "studies").glob("*/study.py"))


def load(name: str) -> Plan:
    """Plan the study in ``studies/NAME``.

    Raises
    ------
    StudyError
        Where no such study is there, or its file defines no ``study``.
    """
    package = name.replace("-", "_")
    if not (ROOT / "studies" / package / "study.py").is_file():
        raise StudyError(
            f"While loading study {name!r}, found no studies/{package}/study.py. "
            f"Choose one of {', '.join(names())}, or write that file."
        )
    study = getattr(importlib.import_module(f"studies.{package}.study"), "study", None)
    if not isinstance(study, Study):
        raise StudyError(
            f"While loading study {name!r}, found no Study named `study` in its study.py. "
            "Define one."
        )
    return plan_of(study)
