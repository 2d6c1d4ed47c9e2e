"""What a stage costs by list prices; ``headrace.cost`` has them, and where they are from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

#: Transitions of a stage: prepare, to do?, unload, probe, map, commit, done.
_STAGE_STEPS = 7
#: Of a batch's own execution: its start and its one state.
_BATCH_STEPS = 2
#: Objects that a batch writes, out and bad, and reads: facts and items.
_BATCH_PUTS, _BATCH_GETS = 2, 2


@dataclass(frozen=True)
class Size:
    """A container: on FARGATE or EC2, its vCPUs and its memory.

    Parameters
    ----------
    usd_h : float, optional
        Of its host, where that has GPUs, which are sold with all that it has.
    """

    platform: str
    vcpus: float
    memory_mib: int
    usd_h: float | None = None


def athena_usd(prices: Mapping[str, float], scanned_bytes: int) -> float:
    """A query, of which Athena bills some megabytes at the least."""
    billed = max(scanned_bytes, prices["athena_least_bytes"])
    return billed / 1e12 * prices["athena_tb"]


def map_usd(
    prices: Mapping[str, float], engine_s: float, memory_mib: int, batches: int, objects: int
) -> float:
    """A map's calls and what goes with them.

    Parameters
    ----------
    prices : mapping
    engine_s : float
        Seconds of its calls.
    memory_mib : int
        Of its function.
    batches, objects : int
        Its calls, and the objects that it read as input.
    """
    return (
        engine_s * memory_mib / 1024 * prices["lambda_gb_s"]
        + (batches + 1) * prices["lambda_request"]
        + (_STAGE_STEPS + batches * _BATCH_STEPS) * prices["state_transition"]
        + batches * _BATCH_PUTS * prices["s3_put"]
        + (batches * _BATCH_GETS + objects) * prices["s3_get"]
    )


def query_usd(prices: Mapping[str, float], scanned_bytes: int) -> float:
    """A query stage."""
    return athena_usd(prices, scanned_bytes) + _STAGE_STEPS * prices["state_transition"]


def program_usd(
    prices: Mapping[str, float], engine_s: float, core: int, node_usd_h: float, steps: int
) -> float:
    """A cluster's stage: its time on the primary node and the core nodes.

    Task nodes come and go at spot prices, and nodes start and end beside the stages: both are
    left out, and so are disks. Where stages run side by side each counts its time in full.

    Parameters
    ----------
    prices : mapping
    engine_s : float
        Seconds of the stage.
    core : int
        Core nodes.
    node_usd_h : float
        USD an hour of a node.
    steps : int
        Of the cluster's.
    """
    transitions = (_STAGE_STEPS + steps) * prices["state_transition"]
    return engine_s / 3600 * (1 + core) * node_usd_h + transitions


def job_usd(prices: Mapping[str, float], engine_s: float, containers: int, size: Size) -> float:
    """A job's containers for as long as its program ran, at the price on demand.

    An image's fetch, and what of an EC2 host without GPUs nobody asked for, are left out. The
    first of an array's copies stands for all.

    Parameters
    ----------
    prices : mapping
    engine_s : float
        Seconds of the program.
    containers : int
        Nodes, or copies.
    size : Size
        Of each of them.
    """
    of, hour = size.platform.lower(), size.usd_h
    if hour is None:
        hour = size.vcpus * prices[f"{of}_vcpu_h"] + size.memory_mib / 1024 * prices[f"{of}_gb_h"]
    billed_s = max(engine_s, prices["container_least_s"])
    return billed_s / 3600 * containers * hour + (_STAGE_STEPS + 1) * prices["state_transition"]
