"""`headrace.executor`: PyWren's way of working, from a notebook, on a laptop or on AWS."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from headrace import executor_home, plan
from headrace import target as targets
from headrace.errors import HeadraceError
from headrace.place import place_of
from headrace.plan import Plan
from headrace.target import Target

if TYPE_CHECKING:
    from headrace.executor_lithops import Executor


#: What the target and the study decide; another value would be another executor.
OWN = frozenset({"backend", "config", "config_file", "mode", "runtime", "storage", "version"})


class ExecutorError(HeadraceError):
    """The executor can't be opened."""


def executor(
    study: str | Plan,
    target: str | None = None,
    workers: int | None = None,
    **lithops_options: Any,
) -> Executor:
    """Open an executor that maps Python functions over items.

    Parameters
    ----------
    study : str or Plan
        A deployed study; what the executor stores lies in its lake under ``lithops/``.
    target : {"local", "aws"}, optional
        Where the functions run; ``HEADRACE_TARGET``, or else the laptop.
    workers : int, optional
        Functions that run at one time: on a laptop one a core, on AWS 8.
    **lithops_options
        Further words of lithops' FunctionExecutor, or of the backend's section of its
        configuration, as ``runtime_memory=3008``.

    Returns
    -------
    lithops.FunctionExecutor
        With ``map``, ``map_reduce``, ``call_async``, ``get_result``, ``wait`` and ``plot``. As
        a context manager it deletes what it stored.

    Raises
    ------
    StudyError
        Where there is no such study.
    NotUpError
        Where no local cloud runs.
    ExecutorError
        Where the study is not deployed, or an option is Headrace's own to set.

    Examples
    --------
    >>> import headrace
    >>> with headrace.executor("speeches") as pwex:
    ...     pwex.get_result(pwex.map(lambda x: x + 1, range(10)))
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    """
    if taken := sorted(OWN & lithops_options.keys()):
        raise ExecutorError(
            "opening an executor",
            f"the option {', '.join(taken)}, which the target decides",
            "Leave it out; lithops.FunctionExecutor takes it where you want another backend.",
        )
    planned = plan.load(study) if isinstance(study, str) else study
    reached = targets.named(target or os.environ.get("HEADRACE_TARGET", "local"))
    if (
        reached.functions.needs_role
        and not planned.study.notebook
        and "execution_role" not in lithops_options
    ):
        raise ExecutorError(
            f"opening an executor for study {planned.study.name}",
            "no role for a notebook's functions",
            "Set notebook=True in its study.py and deploy it again, or give execution_role.",
        )
    config = configuration(planned, reached, workers)
    executor_home.settle(targets.STATE / "lithops")
    from headrace.executor_lithops import Executor

    return Executor(config=config, **lithops_options)


def configuration(planned: Plan, reached: Target, workers: int | None) -> dict[str, Any]:
    """Configure lithops for a study at a target."""
    where = place_of(reached)
    bucket = planned.bucket(where.account, where.region)
    try:
        reached.client("s3").head_bucket(Bucket=bucket)
    except ClientError as error:
        raise ExecutorError(
            f"opening an executor for study {planned.study.name}",
            f"no bucket {bucket} at target {reached.name} ({error.response['Error']['Code']})",
            f"Deploy it with `headrace deploy {planned.study.name}`.",
        ) from error
    how = reached.functions
    return {
        "lithops": {
            "backend": how.backend,
            "storage": "lake",
            "monitoring_interval": how.poll_s,
            "log_level": "warning",
        },
        how.backend: {
            **how.settings,
            how.workers_word: workers or how.workers,
            "execution_role": (
                f"arn:aws:iam::{where.account}:role/{planned.notebook_role(where.region)}"
            ),
            "home": str(targets.STATE / "lithops"),
            "environment": reached.environment,
        },
        "lake": {"storage_bucket": bucket, **how.storage},
    }
