"""Whether a run wants a cluster, and how much disk its nodes get."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from headrace.lake import done_key, get_json, listed
from lambdas.run.prepare import judge, reads, source_of

#: Bytes of disk for each byte that is read: what is sorted is written twice, and unpacked.
TIMES = 4
#: GiB of a node's disk. EMR's own default for the least: https://docs.aws.amazon.com/emr/latest/
#: ManagementGuide/emr-plan-storage.html
LEAST_GIB, MOST_GIB = 32, 1000
#: Steps that a cluster runs side by side, where stages wait for each other not.
MOST_PARALLEL = 8


def wanted(
    s3: Any,
    bucket: str,
    plan: Mapping[str, Any],
    run: Mapping[str, Any],
    stages: Collection[str],
    size: Callable[[str, int], int],
) -> dict[str, Any]:
    """Look at what is to do for a cluster.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    plan : mapping
        As deployed.
    run : mapping
        What ``begin`` gave.
    stages : collection of str
        The stages that are the cluster's.
    size : callable
        Gives the bytes of a table's snapshot.

    Returns
    -------
    dict
        ``todo``, ``why``, ``name``, ``ebs_gib`` (GiB of each node) and ``parallel``.

    Raises
    ------
    PrepareError
        Where the run was never begun.
    """
    doing = todo(s3, bucket, plan, run)
    ours = [s for s in plan["stages"] if s["name"] in stages and s["name"] in doing]
    names = ", ".join(s["name"] for s in ours)
    read = sum(_bytes(s3, bucket, plan, run["run"], stage, size) for stage in ours)
    nodes = plan["cluster"]["core"]
    gib = -(-read * TIMES // nodes // 2**30)
    return {
        "todo": bool(ours),
        "why": f"for {names}" if ours else "no stage is to do on it",
        "name": plan["cluster"]["name"],
        "ebs_gib": min(max(gib, LEAST_GIB), MOST_GIB),
        "parallel": min(max(len(ours), 1), MOST_PARALLEL),
    }


def todo(s3: Any, bucket: str, plan: Mapping[str, Any], run: Mapping[str, Any]) -> set[str]:
    """The stages that are to do, as far as can be told before they are prepared.

    One that was done is to do anew where a stage is whose table it reads.
    """
    found: set[str] = set()
    passed = set()
    for stage in plan["stages"]:
        snapshots = reads(s3, bucket, plan, run["run"], stage)
        done = get_json(s3, bucket, done_key(run["run"], stage["name"]))
        if judge(run, stage["name"], snapshots, done)[0]:
            found.add(stage["name"])
        if run["only"] is not None and stage["name"] not in run["only"]:
            passed.add(stage["name"])
    while more := {
        stage["name"]
        for stage in plan["stages"]
        if stage["name"] not in found | passed
        and any(not isinstance(p, str) and p["pin"] in found for p in stage["sql"])
    }:
        found |= more
    return found


def _bytes(
    s3: Any,
    bucket: str,
    plan: Mapping[str, Any],
    run: str,
    stage: Mapping[str, Any],
    size: Callable[[str, int], int],
) -> int:
    """Bytes that a stage reads; 0 for a table that this run has still to make."""
    if stage["prefix"]:
        source, _, prefix = source_of(stage, bucket).removeprefix("s3://").partition("/")
        return sum(told["Size"] for told in listed(s3, source, prefix))
    snapshots = reads(s3, bucket, plan, run, stage)
    return sum(size(table, number) for table, number in snapshots.items() if number is not None)
