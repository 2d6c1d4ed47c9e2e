"""Runs one command of a build under a guard, until it ends or must.

The guard is that of EMR's nodes: none of the command's processes outlives it, nor this process.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from localcloud.engines.images.layers import interpreter

GUARD = Path(__file__).parents[2] / "emr_node"
LOOK_S = 0.05
END_S = 20


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    say: Callable[[str], None],
    ended: Callable[[], bool],
) -> int | None:
    """Run a command.

    Parameters
    ----------
    say : callable
        Told each line that it prints, on either stream.
    ended : callable
        Asked whether it must end.

    Returns
    -------
    int or None
        Its exit; None where it was ended.
    """
    guard = [interpreter(), "-I", "-S", str(GUARD), "guard", "0", "/dev/null"]
    process = subprocess.Popen(
        [*guard, *words],
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.PIPE,  # the guard ends with it
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101
    assert process.stdout is not None  # noqa: S101
    reader = threading.Thread(target=_read, args=(process.stdout, say), daemon=True)
    reader.start()
    was_ended = False
    try:
        while process.poll() is None:
            if ended():
                was_ended = True
                break
            try:
                process.wait(LOOK_S)
            except subprocess.TimeoutExpired:
                continue
    finally:
        process.stdin.close()
        process.wait(END_S)
        reader.join(END_S)
    return None if was_ended else process.returncode


def _read(stream: IO[bytes], say: Callable[[str], None]) -> None:
    with stream:
        for line in stream:
            say(line.rstrip(b"\n").decode("utf-8", "replace"))
