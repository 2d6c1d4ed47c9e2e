"""The stages of a study: what is computed from its tables, and asked of them.

Part of the vocabulary that ``headrace.study`` gives: frozen dataclasses that know nothing of AWS.
Those that run on a cluster are in :mod:`headrace.emr_stages`, those that run in containers in
:mod:`headrace.task_stages`, :mod:`headrace.gpu_stage` and :mod:`headrace.dask_stage`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from headrace.checks import StudyError, check, check_table_stage, check_within
from headrace.dask_stage import Dask
from headrace.emr_stages import Cluster, MapReduce, Spark
from headrace.gpu_stage import Gpu
from headrace.task_stages import Batch, Mpi

__all__ = [
    "Batch",
    "Cluster",
    "Dask",
    "Function",
    "Gpu",
    "Map",
    "MapReduce",
    "Mpi",
    "Query",
    "Spark",
    "Stage",
    "StudyError",
    "Task",
]


@dataclass(frozen=True)
class Function:
    """What a deployed function may use.

    Parameters
    ----------
    memory_mib : int
        Memory in MiB, 128 to 10,240; CPU grows with it, one vCPU at 1,769 MiB [1]_.
    timeout_s : int
        Seconds after which a call is stopped, 1 to 900.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
    """

    memory_mib: int = 1024
    timeout_s: int = 300

    def __post_init__(self) -> None:
        limits = (
            ("memory_mib", self.memory_mib, 128, 10_240),
            ("timeout_s", self.timeout_s, 1, 900),
        )
        check_within("a function's settings", limits)


@dataclass(frozen=True)
class Query:
    """A question asked of the lake in Athena's SQL, shown in the report.

    Parameters
    ----------
    name : str
        Name of the query and of its chart.
    sql : str
        SQL text, or the path of a ``.sql`` file in the study's folder.
    chart : {"line", "bar", "table"}
        How the report shows it: the first column against the others. ``"bar"`` and ``"line"``
        draw every numeric column but those that ``draw`` leaves out.
    title : str
        What the chart shows, in words.
    draw : sequence of str
        The columns to draw, all numeric ones where empty.
    labels : mapping of str to str
        What a column measures and in which unit, in the words of its axis.
    """

    name: str
    sql: str
    chart: Literal["line", "bar", "table"] = "table"
    title: str = ""
    draw: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Map:
    """A Python function called once an item, over Lambda; its results are a table.

    Parameters
    ----------
    name : str
        Name of the stage and of its table: lower-case letters, digits and underscores.
    fn : str
        ``"package.module:function"``. It gets one item as a dict (and ``params`` as a second
        argument, where it takes two) and gives one row as a dict, an iterable of rows, or None.
        A row may be a ``headrace.lake.Rejected``: it is quarantined, and the item goes on.
    items : str
        SQL, the path of a ``.sql`` file in the study's folder, or an ``s3://`` prefix, in which
        ``{lake}`` stands for the lake's bucket. Each row is an item; each object is an item with
        ``uri``, ``bytes`` and ``etag``.
    produces : type
        A dataclass with the columns of the table.
    params : mapping
        What else the function gets; must be JSON.
    concurrency : int
        Batches that run at one time. Class accounts are suspended above 10 at a time.
    batch_items : int, optional
        Items of one call; chosen from a probe if not given.
    item_timeout_s : float
        Seconds after which an item is given up and quarantined.
    tolerate : float
        Share of items, 0 to 1, that may fail before the stage does. They are quarantined.
    reads : sequence of str
        ``s3://bucket/prefix/`` that the function reads beside the lake's own ``files/``.
    function : Function
        Memory and timeout of one call.
    """

    name: str
    fn: str
    items: str
    produces: type
    params: Mapping[str, Any] = field(default_factory=dict)
    concurrency: int = 8
    batch_items: int | None = None
    item_timeout_s: float = 60.0
    tolerate: float = 0.05
    reads: Sequence[str] = ()
    function: Function = Function(memory_mib=1769)

    def __post_init__(self) -> None:
        stage = f"the Map stage {self.name}"
        check_table_stage(self.name, self.produces, stage)
        check(
            re.fullmatch(r"[\w.]+:\w+", self.fn) is not None,
            stage,
            f"fn {self.fn!r}",
            'Name it as "package.module:function".',
        )
        limits = (
            ("concurrency", self.concurrency, 1, 1000),
            ("batch_items", self.batch_items or 1, 1, 1_000_000),
            ("item_timeout_s", self.item_timeout_s, 0.1, self.function.timeout_s),
            ("tolerate", self.tolerate, 0, 1),
        )
        check_within(stage, limits)


#: Those that run in containers of AWS Batch.
Task = Mpi | Batch | Gpu | Dask
#: All that a study's stages may be.
Stage = Map | MapReduce | Spark | Task | Query
