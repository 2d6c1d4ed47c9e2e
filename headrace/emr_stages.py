"""The stages that run as programs on a cluster of Amazon EMR, and the cluster itself.

Part of the vocabulary that ``headrace.study`` gives: frozen dataclasses that know nothing of AWS.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from headrace.checks import (
    check,
    check_json,
    check_program,
    check_table_stage,
    check_within,
)

#: Seconds that a stage may be given: a week.
MOST_S = 604_800


@dataclass(frozen=True)
class Cluster:
    """The cluster of a run, which ends with the stages that it is for.

    Parameters
    ----------
    instance : str
        EC2 instance type of its nodes.
    core : int
        Core nodes, on demand. They hold what tasks have written, so none is taken away.
    most_task : int
        Task nodes at most, on the spot market; EMR adds and takes them as work comes [1]_.
    idle_s : int
        Seconds without a step after which EMR itself ends the cluster, whatever became of the
        run; 60 to 604,800 [2]_.
    release : str
        EMR's release, which says the versions of Hadoop and Spark.
    usd_h : float, optional
        USD an hour of a node, EC2's and EMR's price together; needed only for an instance type
        whose price ``headrace.cost`` doesn't know.

    References
    ----------
    .. [1] https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-managed-scaling.html
    .. [2] https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-auto-termination-policy.html
    """

    instance: str = "m6i.xlarge"
    core: int = 1
    most_task: int = 4
    idle_s: int = 900
    release: str = "emr-7.13.0"
    usd_h: float | None = None

    def __post_init__(self) -> None:
        doing = "the study's cluster"
        for name, pattern, example in (
            ("instance", r"[a-z][a-z0-9-]*\.[a-z0-9-]+", "m6i.xlarge"),
            ("release", r"emr-\d+\.\d+\.\d+", "emr-7.13.0"),
        ):
            value = getattr(self, name)
            good = re.fullmatch(pattern, value) is not None
            check(good, doing, f"{name} {value!r}", f"Name it as {example}.")
        limits = (
            ("core", self.core, 1, 1000),
            ("most_task", self.most_task, 0, 1000),
            ("idle_s", self.idle_s, 60, 604_800),
        )
        check_within(doing, limits)


@dataclass(frozen=True)
class MapReduce:
    """A job written with mrjob, run by Hadoop streaming; what it prints is a table.

    Parameters
    ----------
    name : str
        Name of the stage and of its table: lower-case letters, digits and underscores.
    job : str
        Path of a Python file with one ``MRJob`` class, as ``"emr_steps/top_words.py"``.
    input : str
        SQL, the path of a ``.sql`` file in the study's folder, or an ``s3://`` prefix, in which
        ``{lake}`` stands for the lake's bucket. Of SQL the job gets a JSON object a line.
    produces : type
        A dataclass with the columns of the table.
    params : mapping
        The job's own arguments: ``{"min_count": 3}`` is ``--min-count 3``, True the flag alone,
        a list the flag once for each.
    reducers : int
        Reduce tasks of each of its steps that has a reducer.
    tolerate : float
        Share of what it prints, 0 to 1, that may be no row before the stage fails. It is
        quarantined.
    timeout_s : int
        Seconds after which a step is given up.
    """

    name: str
    job: str
    input: str
    produces: type
    params: Mapping[str, Any] = field(default_factory=dict)
    reducers: int = 2
    tolerate: float = 0.0
    timeout_s: int = 3600

    def __post_init__(self) -> None:
        stage = f"the MapReduce stage {self.name}"
        check_table_stage(self.name, self.produces, stage)
        check_program(self.job, "job", stage, "emr_steps")
        for name, value in self.params.items():
            good = re.fullmatch(r"[A-Za-z][\w-]*", name) is not None and _is_argument(value)
            do = "Give texts without both kinds of quotes, numbers, True, False, or lists of them."
            check(good, stage, f"the parameter {name}={value!r}", do)
        limits = (
            ("reducers", self.reducers, 1, 10_000),
            ("tolerate", self.tolerate, 0, 1),
            ("timeout_s", self.timeout_s, 60, MOST_S),
        )
        check_within(stage, limits)


@dataclass(frozen=True)
class Spark:
    """A PySpark program; the Parquet that it writes is a table.

    Parameters
    ----------
    name : str
        Name of the stage and of its table: lower-case letters, digits and underscores.
    program : str
        Path of a Python file, as ``"emr_steps/graph.py"``, which is called with
        ``--input URI --output URI --params JSON``.
    input : str
        SQL, the path of a ``.sql`` file in the study's folder, or an ``s3://`` prefix, in which
        ``{lake}`` stands for the lake's bucket. Of SQL the program gets Parquet.
    produces : type
        A dataclass with the columns of the table.
    params : mapping
        What else the program gets; must be JSON.
    conf : mapping
        Spark's own settings.
    jars : sequence of str
        Maven coordinates of what it needs of Java, each pinned in ``emr_steps/jars.json``.
    tolerate : float
        Share of rows, 0 to 1, that may lack what they must have before the stage fails.
    timeout_s : int
        Seconds after which it is given up.
    gpu : bool
        Whether the cluster has GPUs, and Spark's DataFrames are computed on them by RAPIDS.
    """

    name: str
    program: str
    input: str
    produces: type
    params: Mapping[str, Any] = field(default_factory=dict)
    conf: Mapping[str, str] = field(default_factory=dict)
    jars: Sequence[str] = ()
    tolerate: float = 0.0
    timeout_s: int = 3600
    gpu: bool = False

    def __post_init__(self) -> None:
        stage = f"the Spark stage {self.name}"
        check_table_stage(self.name, self.produces, stage)
        check_program(self.program, "program", stage, "emr_steps")
        check_json(self.params, stage)
        for name, value in self.conf.items():
            good = re.fullmatch(r"spark\.[\w.-]+", name) is not None and isinstance(value, str)
            check(good, stage, f"conf {name}={value!r}", 'Write it as {"spark.name": "value"}.')
        for jar in self.jars:
            good = re.fullmatch(r"[\w.-]+:[\w.-]+:[\w.-]+", jar) is not None
            check(good, stage, f"the jar {jar!r}", 'Name it as "group:artifact:version".')
        limits = (("tolerate", self.tolerate, 0, 1), ("timeout_s", self.timeout_s, 60, MOST_S))
        check_within(stage, limits)


def _is_argument(value: object) -> bool:
    """Whether a value can be a word of the command that Hadoop streaming takes to pieces."""
    if isinstance(value, (list, tuple)):
        return all(not isinstance(v, (bool, list, tuple)) and _is_argument(v) for v in value)
    if isinstance(value, str):
        return not ({"'", '"'} <= set(value) or "\n" in value)
    return isinstance(value, (int, float))
