"""The nodes of a job: here the one that most jobs have, and what many have to offer too.

See `boot.main_node` and `boot.other_node` for many.
"""

from __future__ import annotations

import ipaddress
import os

from .blame import Told


class Nodes:
    """One node: mpiexec starts all ranks by itself."""

    def words(self) -> list[str]:
        """What mpiexec is told of nodes."""
        return []

    def launch(self, line: str) -> None:
        """Take a line that mpiexec prints for a launcher."""

    def told(self, wait: bool = False) -> dict[int, Told]:
        """What ranks elsewhere told; with `wait` once they have ended."""
        return {}

    def end(self) -> None:
        """End the ranks elsewhere."""


def index() -> int | None:
    """Give the node's number in a multi-node job; None in any other."""
    told = os.environ.get("AWS_BATCH_JOB_NODE_INDEX")
    return int(told) if told else None


def main_index() -> int:
    """The main node's number."""
    return int(os.environ.get("AWS_BATCH_JOB_MAIN_NODE_INDEX", "0"))


def is_main() -> bool:
    """Whether this node says how the job went: of one that has no nodes the only one."""
    return index() in (None, main_index())


def count() -> int:
    """How many nodes the job has."""
    return int(os.environ.get("AWS_BATCH_JOB_NUM_NODES", "1"))


def port() -> int:
    """The port at which the main node listens for the others."""
    return int(os.environ.get("BOOT_PORT", "9111"))


def own_address() -> str:
    """Where the main node listens: at the address that it is called by, else at all that it has.

    Nodes that share a machine, each with an address of its own, then keep out of each other's way.
    """
    name = os.environ.get("HOSTNAME", "")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return ""


def key() -> bytes:
    """What proves that a node is one of this job's: the job's id, as Batch told it.

    Of node 1 it is ``<id>#1``.
    """
    return os.environ["AWS_BATCH_JOB_ID"].partition("#")[0].encode()
