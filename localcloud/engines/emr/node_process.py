"""Runs one command on a node under a guard, until it ends or is stopped."""

from __future__ import annotations

import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from localcloud.engines.emr.node import ON_NODE, interpreter

LOOK_S = 0.05
END_S = 20


@dataclass(frozen=True)
class Exit:
    """How a command ended; `killed` says why the node ended it, where it did."""

    code: int
    killed: str = ""


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    out: IO[bytes],
    err: IO[bytes],
    stopped: threading.Event,
    limit_mib: int = 0,
) -> Exit:
    """Run a command; none of its processes outlives the call, nor this process.

    Parameters
    ----------
    limit_mib : int
        What it and all it starts may hold in memory; 0 is no limit.
    """
    with tempfile.TemporaryDirectory(prefix="localcloud-") as scratch:
        report = Path(scratch) / "killed"
        guard = [interpreter(), "-I", "-S", str(ON_NODE), "guard", str(limit_mib), str(report)]
        process = subprocess.Popen(
            [*guard, *words],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,  # the guard ends with it
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        assert process.stdin is not None  # noqa: S101
        try:
            while process.poll() is None and not stopped.wait(LOOK_S):
                pass
        finally:
            process.stdin.close()
            process.wait(END_S)
        return Exit(process.returncode, report.read_text() if report.exists() else "")
