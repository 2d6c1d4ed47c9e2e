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

from headrace.cost import PRICES
from headrace.graph import Node, arrange
from headrace.pins import Pin, pinned, reads
from headrace.stages import Map, Query, StudyError
from headrace.study import Study, Table

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


@dataclass(frozen=True)
class StagePlan:
    """A stage of the run as it will be.

    Parameters
    ----------
    stage : Map or Query
        What the study says.
    pieces : tuple
        Its SQL, with a pin behind the name of each Iceberg table; empty for a prefix.
    prefix : str
        The ``s3://`` prefix whose objects are its items, ``{lake}`` for the bucket; empty for SQL.
    reads : tuple of str
        The Iceberg tables that it reads.
    table : TablePlan, optional
        The table that it makes.
    """

    stage: Map | Query
    pieces: tuple[str | Pin, ...]
    prefix: str
    reads: tuple[str, ...]
    table: TablePlan | None

    @property
    def name(self) -> str:
        """The stage's name."""
        return self.stage.name

    @property
    def kind(self) -> str:
        """`map` or `query`."""
        return type(self.stage).__name__.lower()

    @property
    def sql(self) -> str:
        """Its SQL as the study writes it; empty for a prefix."""
        return "".join(piece for piece in self.pieces if isinstance(piece, str))

    def deployed(self) -> dict[str, Any]:
        """The stage as the functions read it."""
        told: dict[str, Any] = {"name": self.name, "kind": self.kind, "sql": list(self.pieces)}
        if isinstance(self.stage, Map):
            told |= {
                "prefix": self.prefix,
                "columns": [dataclasses.astuple(c) for c in columns_of(self.stage.produces)],
                "fn": self.stage.fn,
                "params": dict(self.stage.params),
                "concurrency": self.stage.concurrency,
                "batch_items": self.stage.batch_items,
                "item_timeout_s": self.stage.item_timeout_s,
                "tolerate": self.stage.tolerate,
                "memory_mib": self.stage.function.memory_mib,
                "timeout_s": self.stage.function.timeout_s,
            }
        return told


@dataclass(frozen=True)
class Plan:
    """Names and settings of all that a study deploys."""

    study: Study
    tables: tuple[TablePlan, ...]
    externals: tuple[ExternalPlan, ...] = ()
    stages: tuple[StagePlan, ...] = ()

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
        """All Iceberg tables: the study's, its stages', those of runs, and last the quarantine."""
        made = tuple(s.table for s in self.stages if s.table)
        books = (runs_plan(),) if self.runs else ()
        return (*self.tables, *made, *books, quarantine_plan())

    @property
    def streams(self) -> bool:
        """Whether records come in, so that the flow stack exists."""
        return bool(self.tables)

    @property
    def runs(self) -> bool:
        """Whether an engine computes something, so that the run stack exists.

        A study that only asks queries needs no run: the report asks them.
        """
        return any(isinstance(s.stage, Map) for s in self.stages)

    @property
    def maps(self) -> tuple[StagePlan, ...]:
        """The Map stages."""
        return tuple(s for s in self.stages if isinstance(s.stage, Map))

    @property
    def order(self) -> Node:
        """In which order the stages run. Only where there are stages."""
        makers = {s.table.name: s.name for s in self.stages if s.table}
        return arrange(
            {s.name: frozenset(makers[t] for t in s.reads if t in makers) for s in self.stages}
        )

    def stage(self, name: str) -> StagePlan:
        """The stage of that name.

        Raises
        ------
        StudyError
            Where there is none.
        """
        for stage in self.stages:
            if stage.name == name:
                return stage
        known = ", ".join(s.name for s in self.stages) or "none at all"
        raise StudyError(
            f"While looking for stage {name!r} of study {self.study.name}, found only {known}. "
            "Name one of these."
        )

    @property
    def run_stack(self) -> str:
        """The stack that computes; destroyed and made again at will."""
        return f"{self.prefix}-run"

    @property
    def machine(self) -> str:
        """The state machine of the run."""
        return f"{self.prefix}-run"

    def notebook_role(self, region: str) -> str:
        """The role of a notebook's functions; with the region, since IAM's names are global.

        At most 64 characters, IAM's limit: the prefix has up to 29, ``-notebook-``, and the
        longest region's name 14.
        """
        return f"{self.function('notebook')}-{region}"

    def map_function(self, stage: str) -> str:
        """Physical name of the function that a Map stage calls."""
        return self.function(f"map-{stage}")

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
            quarantine table is the last. Where the study has runs, also ``"seed"``,
            ``"stages"`` (:meth:`StagePlan.deployed`) and ``"prices"``.
        """
        told: dict[str, Any] = {
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
        if self.runs:
            told["seed"] = self.study.seed
            told["stages"] = [s.deployed() for s in self.stages]
            told["prices"] = dict(PRICES)
        return told


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


def _table_plan(table: Table) -> TablePlan:
    _check_free(table.name)
    return TablePlan(
        name=table.name,
        record=columns_of(table.schema),
        columns=columns_of(table.produces or table.schema),
        transform=table.transform,
    )


def _check_free(name: str) -> None:
    if name in (QUARANTINE, RUNS):
        raise StudyError(
            f"While planning table {name}, found the name of a table of Headrace's own: "
            "one keeps what could not be read, one what ran. Choose another name."
        )


def _stage_plan(study: Study, stage: Map | Query, tables: set[str]) -> StagePlan:
    _check_free(stage.name)
    text = stage.items if isinstance(stage, Map) else stage.sql
    database = study.name.replace("-", "_")
    made = None
    if isinstance(stage, Map):
        made = TablePlan(stage.name, (), columns_of(stage.produces), None, lineage=ITEM)
    if text.startswith("s3://"):
        return StagePlan(stage, (), text, (), made)
    if text.endswith(".sql"):
        text = (ROOT / "studies" / database / text).read_text(encoding="utf-8")
    pieces = pinned(text.strip().rstrip(";"), database, tables, stage.name)
    return StagePlan(stage, tuple(pieces), "", reads(pieces), made)


def plan_of(study: Study) -> Plan:
    """Plan a study.

    Raises
    ------
    StudyError
        Where a schema, a name or a stage's SQL can't be built.
    """
    tables = tuple(_table_plan(t) for t in study.tables)
    made = {s.name for s in study.stages if isinstance(s, Map)}
    known = {t.name for t in tables} | made | {RUNS, QUARANTINE}
    return Plan(
        study,
        tables,
        tuple(ExternalPlan(e.name, columns_of(e.schema), e.location) for e in study.externals),
        tuple(_stage_plan(study, stage, known) for stage in study.stages),
    )


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
