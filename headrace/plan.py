"""Turns a study into its plan: everything that will exist, as plain data, before any of it does.

``infra/`` builds what a plan says and the command line reads it; nobody else decides what
exists or what it is called.
"""

from __future__ import annotations

import dataclasses
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace import locks
from headrace.cost import NODES, PRICES, TASK_PRICES
from headrace.gpu_stage import GPU_HOSTS
from headrace.graph import Node, arrange
from headrace.pins import pinned, reads
from headrace.stage_plan import StagePlan
from headrace.stages import Map, MapReduce, Query, Spark, Stage, StudyError
from headrace.study import Study, Table
from headrace.table_plans import (
    ICEBERG_TYPES,
    ITEM,
    LINEAGE,
    QUARANTINE,
    QUARANTINE_COLUMNS,
    RUNS,
    RUNS_COLUMNS,
    Column,
    ExternalPlan,
    TablePlan,
    columns_of,
    quarantine_plan,
    runs_plan,
)
from headrace.task_stages import FARGATE

__all__ = [
    "ICEBERG_TYPES",
    "ITEM",
    "LINEAGE",
    "QUARANTINE",
    "QUARANTINE_COLUMNS",
    "ROOT",
    "RUNS",
    "RUNS_COLUMNS",
    "Column",
    "ExternalPlan",
    "Plan",
    "StagePlan",
    "TablePlan",
    "columns_of",
    "load",
    "names",
    "plan_of",
    "quarantine_plan",
    "runs_plan",
]

ROOT = Path(__file__).resolve().parent.parent


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
        return any(not isinstance(s.stage, Query) for s in self.stages)

    @property
    def maps(self) -> tuple[StagePlan, ...]:
        """The Map stages."""
        return tuple(s for s in self.stages if isinstance(s.stage, Map))

    @property
    def emr(self) -> tuple[StagePlan, ...]:
        """The stages that run on a cluster."""
        return tuple(s for s in self.stages if s.is_emr)

    @property
    def tasks(self) -> tuple[StagePlan, ...]:
        """The stages that run in containers of AWS Batch."""
        return tuple(s for s in self.stages if s.is_task)

    @property
    def images(self) -> tuple[str, ...]:
        """Folders of the images that these stages run in."""
        return tuple(sorted({s.image for s in self.tasks}))

    @property
    def queues(self) -> tuple[str, ...]:
        """Which of Batch's queues there are.

        Of `fargate`, `spot`, `nodes`, `gpu` (spot too) and `gpu-on-demand`.
        """
        return tuple(sorted({s.queue for s in self.tasks}))

    def without_gpus(self) -> Plan:
        """The same where there are no GPUs: their stages' jobs ask for none.

        What a cluster has is not among them.
        """
        return dataclasses.replace(self, stages=tuple(s.without_gpus() for s in self.stages))

    def job_definition(self, stage: str) -> str:
        """What Batch calls the job of a stage."""
        return f"{self.prefix}-{stage}"

    def job_queue(self, name: str) -> str:
        """What Batch calls one of :attr:`queues`."""
        return f"{self.prefix}-{name}"

    @property
    def job_logs(self) -> str:
        """The log group of all jobs."""
        return f"/headrace/{self.study.name}/jobs"

    def repository(self, image: str) -> str:
        """The ECR repository of an image, by its folder."""
        return f"{self.prefix}-{image.rsplit('/', 1)[-1]}"

    @property
    def cluster_name(self) -> str:
        """What EMR calls the cluster of a run."""
        return self.prefix

    @property
    def gpu(self) -> bool:
        """Whether a stage wants GPUs."""
        return any(isinstance(s.stage, Spark) and s.stage.gpu for s in self.stages)

    @property
    def cluster_instance(self) -> str:
        """The instance type of the cluster's nodes: one with GPUs where a stage wants them."""
        named = self.study.cluster.instance
        return "g4dn.xlarge" if self.gpu and not named.startswith(("g", "p")) else named

    @property
    def node_usd_h(self) -> float:
        """USD an hour of a node of the cluster.

        Raises
        ------
        StudyError
            Where nobody says.
        """
        if (told := self.study.cluster.usd_h) is not None:
            return told
        if (known := NODES.get(self.cluster_instance)) is not None:
            return sum(known)
        raise StudyError(
            f"While planning the cluster of study {self.study.name}, found no price of "
            f"{self.cluster_instance}, known are {', '.join(sorted(NODES))}. Choose one of these, "
            "or give its EC2 and EMR price an hour as Cluster(usd_h=…)."
        )

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
            ``"stages"`` (:meth:`StagePlan.deployed`) and ``"prices"``; where a cluster has
            some of them, ``"cluster"``; where containers have, Fargate's sizes as
            ``"fargate"``: ``[[vCPUs, [MiB, ...]], ...]``, and where these get GPUs,
            ``"gpu_hosts"``: ``[[name, GPUs, vCPUs, MiB, USD an hour], ...]``, by price.
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
        if self.tasks:
            told["prices"] |= TASK_PRICES
            told["fargate"] = [[vcpus, list(sizes)] for vcpus, sizes in FARGATE]
        if any(s["gpus"] for s in told.get("stages", ()) if "gpus" in s):
            told["gpu_hosts"] = [
                [h.name, h.gpus, h.vcpus, h.offered_mib, h.usd_h] for h in GPU_HOSTS
            ]
        if self.emr:
            cluster = dataclasses.asdict(self.study.cluster)
            priced = {"instance": self.cluster_instance, "usd_h": self.node_usd_h}
            priced["engine"] = locks.engine(self.study.cluster.release)
            told["cluster"] = {"name": self.cluster_name} | cluster | priced
        return told


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


def _text_of(stage: Stage) -> str:
    """What a stage reads, as the study says it: SQL, a file of it, or a prefix."""
    if isinstance(stage, Query):
        return stage.sql
    return stage.items if isinstance(stage, Map) else stage.input


def _stage_plan(study: Study, stage: Stage, tables: set[str]) -> StagePlan:
    _check_free(stage.name)
    if stage.name == "cluster":
        raise StudyError(
            "While planning stage cluster, found the name that the run's cluster has in the state "
            "machine. Choose another name."
        )
    text = _text_of(stage)
    database = study.name.replace("-", "_")
    made = None
    if not isinstance(stage, Query):
        lineage = ITEM if isinstance(stage, Map) else ()
        columns = columns_of(stage.produces)
        if isinstance(stage, MapReduce) and (
            bad := [c.name for c in columns if c.type == "binary"]
        ):
            raise StudyError(
                f"While planning stage {stage.name}, found bytes for {', '.join(bad)}, and a job "
                "prints JSON, which has none. Give them as str."
            )
        made = TablePlan(stage.name, (), columns, None, lineage=lineage)
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
    made = {s.name for s in study.stages if not isinstance(s, Query)}
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
