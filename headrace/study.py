"""The vocabulary of a study: frozen dataclasses that say what a pipeline is, and nothing else.

A study file builds one :class:`Study` named ``study``. Nothing here knows AWS, Arrow or any
other module of the project, so a study reads as the science does.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, is_dataclass

from headrace.checks import check as _check
from headrace.checks import check_within as _check_within
from headrace.stages import (
    Batch,
    Cluster,
    Dask,
    Function,
    Gpu,
    Map,
    MapReduce,
    Mpi,
    Query,
    Spark,
    Stage,
    StudyError,
)

__all__ = [
    "Batch",
    "Cluster",
    "Dask",
    "External",
    "Function",
    "Gpu",
    "Kinesis",
    "Map",
    "MapReduce",
    "Mpi",
    "Query",
    "Spark",
    "Stage",
    "Study",
    "StudyError",
    "Table",
]


@dataclass(frozen=True)
class Kinesis:
    """A Kinesis stream as the study's source.

    Parameters
    ----------
    shards : int
        Shards of the stream; each carries 1 MiB or 1,000 records a second [1]_.
    key : str, optional
        The record's field whose value orders records: those of one value stay in order.
    retention_h : int
        Hours that the stream keeps a record, 24 to 8,760.
    batch_blocks : int
        Kinesis records that one call of the land function gets at most, 1 to 10,000.
    window_s : int
        Seconds that a batch waits to fill, 0 to 300.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/streams/latest/dev/service-sizes-and-limits.html
    """

    shards: int = 1
    key: str | None = None
    retention_h: int = 24
    batch_blocks: int = 10
    window_s: int = 1

    def __post_init__(self) -> None:
        limits = (
            ("shards", self.shards, 1, 500),
            ("retention_h", self.retention_h, 24, 8760),
            ("batch_blocks", self.batch_blocks, 1, 10_000),
            ("window_s", self.window_s, 0, 300),
        )
        _check_within("a Kinesis source", limits)


@dataclass(frozen=True)
class Table:
    """A table of the lake, and how a record becomes one of its rows.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores.
    schema : type
        A dataclass whose fields are those of a record: ``int``, ``float``, ``str``, ``bool``,
        ``bytes``, ``datetime.date`` or ``datetime.datetime``, each optional with ``| None``.
    transform : str, optional
        ``"package.module:function"``. It takes and gives a ``pyarrow.RecordBatch``, or, where
        its first parameter is annotated ``dict``, one record as a dict.
    produces : type, optional
        A dataclass with the table's columns; ``schema`` where the transform adds none.
    """

    name: str
    schema: type
    transform: str | None = None
    produces: type | None = None

    def __post_init__(self) -> None:
        _check(
            re.fullmatch(r"[a-z][a-z0-9_]{0,99}", self.name) is not None,
            "a table's name",
            f"{self.name!r}",
            "Use lower-case letters, digits and underscores, a letter first.",
        )
        for cls in (self.schema, self.produces):
            _check(
                cls is None or is_dataclass(cls),
                f"the schema of table {self.name}",
                f"{cls!r}",
                "Give a dataclass with one field a column.",
            )


@dataclass(frozen=True)
class External:
    """A table that somebody else keeps as Parquet files: read, never written.

    Parameters
    ----------
    name : str
        Lower-case letters, digits and underscores.
    schema : type
        A dataclass with the columns that are read, by name.
    location : str
        ``s3://bucket/prefix/`` of the files.
    note : str
        What a reader must know before asking it, as what a scan costs.
    """

    name: str
    schema: type
    location: str
    note: str = ""

    def __post_init__(self) -> None:
        _check(
            self.location.startswith("s3://") and self.location.endswith("/"),
            f"the external table {self.name}",
            f"location {self.location!r}",
            "Give s3://bucket/prefix/ with a slash at its end.",
        )


@dataclass(frozen=True)
class Study:
    """One question, and the pipeline that answers it.

    Parameters
    ----------
    name : str
        Up to 20 lower-case letters, digits and hyphens; names every resource.
    question : str
        The question in one sentence.
    seed : int
        Seeds everything that draws random numbers.
    source : Kinesis
        Where records come from.
    tables : sequence of Table
        The first one gets records that name no table. A study without one has no stream.
    externals : sequence of External
        Tables of others that stages read.
    stages : sequence of Map, MapReduce, Spark, Mpi, Batch or Query
        What is computed from the tables, and asked of them. Their order is derived from what
        each reads.
    cluster : Cluster
        On what MapReduce and Spark stages run; none is made where there are no such stages.
    records : str, optional
        ``"package.module:function"`` giving dicts, pushed where no file is named.
    land, commit : Function
        Memory and timeout of the two functions.
    notebook : bool
        Whether notebooks map functions over AWS Lambda by `headrace.executor`: deploys their
        role. A laptop's notebooks need none.
    scan_limit_mib : int
        Bytes that one Athena query may scan, in MiB; at least 10.
    """

    name: str
    question: str
    tables: Sequence[Table] = ()
    source: Kinesis = Kinesis()
    externals: Sequence[External] = ()
    stages: Sequence[Stage] = ()
    cluster: Cluster = field(default_factory=Cluster)
    seed: int = 0
    records: str | None = None
    land: Function = Function(memory_mib=1769)
    commit: Function = Function(memory_mib=1769, timeout_s=60)
    notebook: bool = False
    scan_limit_mib: int = 1024
    tags: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check(
            re.fullmatch(r"[a-z][a-z0-9-]{0,19}", self.name) is not None,
            "a study's name",
            f"{self.name!r}",
            "Use up to 20 lower-case letters, digits and hyphens, a letter first.",
        )
        _check(
            bool(self.tables or self.stages),
            f"study {self.name}",
            "no table and no stage",
            "Give at least one Table, or a stage.",
        )
        _check(
            self.scan_limit_mib >= 10,
            f"study {self.name}",
            f"scan_limit_mib={self.scan_limit_mib}, below Athena's least of 10",
            "Raise it to 10 or more.",
        )
        names = [named.name for named in (*self.tables, *self.externals, *self.stages)]
        twice = sorted({n for n in names if names.count(n) > 1})
        _check(not twice, f"study {self.name}", f"the name {twice} twice", "Rename one of them.")
