"""A job as its command line says it, and its folder on this node."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

BOOT = Path(__file__).resolve().parent


@dataclass
class Job:
    """One job.

    Parameters
    ----------
    program, main : str
        URI of the archive, and the program's path in it.
    ranks : int or None
        Processes under mpiexec; None: one process without it.
    timeout_s : float
        Seconds that all may take.
    input, output, params : str
        What the program is called with.
    deadline : float
        When `timeout_s` are over, by the monotonic clock.
    folder : Path
        The job's own on this node.
    root : Path
        Where the archive is unpacked.
    """

    program: str
    main: str
    ranks: int | None
    timeout_s: float
    input: str
    output: str
    params: str
    deadline: float
    folder: Path = field(default_factory=Path)
    root: Path = field(default_factory=Path)

    @property
    def notes(self) -> Path:
        """Where ranks write how they ended."""
        return self.folder / "ranks"

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.deadline - time.monotonic())

    def prepare(self, folder: Path) -> None:
        """Take a folder for the job's own."""
        self.folder = folder
        self.notes.mkdir()

    def command(self) -> list[str]:
        """What each rank is started by; the same on every node, so without its folder."""
        words = ["--input", self.input, "--output", self.output, "--params", self.params]
        return [sys.executable, str(BOOT / "rank.py"), self.main, *words]

    def environment(self) -> dict[str, str]:
        """The environment of ranks on this node."""
        path = [str(self.root), *filter(None, [os.environ.get("PYTHONPATH")])]
        return os.environ | {
            "PYTHONPATH": os.pathsep.join(path),
            "BOOT_ROOT": str(self.root),
            "BOOT_FOLDER": str(self.folder),
            "BOOT_RANKS": str(self.notes),
            "BOOT_DUMP_S": f"{self.left_s:.3f}",
        }
