"""The seam between jobs and what runs their containers: what it is asked, and what it gives.

A `Runner` is `Processes` here; one of real images, by a container engine, would be another.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

#: https://docs.aws.amazon.com/batch/latest/userguide/job_timeouts.html: SIGTERM, and SIGKILL
#: where the container still runs after 30 s.
GRACE_S = 30.0

EXITED = "Essential container in task exited"
NOT_STARTED = "Task failed to start"


@dataclass(frozen=True)
class Order:
    """One container.

    Parameters
    ----------
    image : str
        As the definition names it.
    command : tuple of str
        What follows the image's entrypoint; none is the image's own.
    environment : dict
        Variables beside the image's.
    memory_mib : int
        What its processes may hold.
    folder : Path
        Its own; gone when it ended.
    """

    image: str
    command: tuple[str, ...]
    environment: dict[str, str]
    memory_mib: int
    folder: Path


@dataclass(frozen=True)
class Ended:
    """How a container ended, or an attempt.

    Parameters
    ----------
    code : int or None
        Exit code; None where it never ran.
    reason : str
        The container's, where there is more to say.
    status_reason : str
        The attempt's.
    final : bool
        That it was ended on purpose, which is never tried again.
    """

    code: int | None
    reason: str = ""
    status_reason: str = EXITED
    final: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether it did."""
        return self.code == 0 and not self.final


class Halt:
    """Tells a container to end.

    Attributes
    ----------
    asked : threading.Event
        Set when it is to end.
    grace_s : float
        Seconds between SIGTERM and SIGKILL.
    """

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.grace_s = GRACE_S

    def ask(self, grace_s: float = GRACE_S) -> None:
        """Ask it to end; the shortest time that was given counts."""
        self.grace_s = min(self.grace_s, grace_s)
        self.asked.set()


class Runner(Protocol):
    """Runs containers."""

    def run(
        self,
        order: Order,
        halt: Halt,
        started: Callable[[], None],
        say: Callable[[bytes], None],
    ) -> Ended:
        """Run one to its end; none of its processes outlives the call.

        Parameters
        ----------
        halt : Halt
            Ends it.
        started : callable
            Called when it runs.
        say : callable
            Given what it prints, as it comes.
        """
        ...
