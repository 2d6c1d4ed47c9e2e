"""Files that a task reads whole: Hadoop copies them to the node, so no AWS SDK is needed."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit


@contextmanager
def fetched(uri: str) -> Iterator[Path]:
    """A file of any store that Hadoop knows, on this machine's disk while it is needed.

    Plain paths and ``file://`` are read where they are. It is not unpacked, as ``-r inline``
    doesn't (mrjob's own script on a node does).

    Raises
    ------
    OSError
        Where Hadoop can't copy it, with what it said.
    """
    parts = urlsplit(uri)
    if not parts.scheme or parts.scheme == "file":
        yield Path(unquote(parts.path) if parts.scheme else uri)
        return
    with tempfile.TemporaryDirectory(prefix="input-", dir=os.getcwd()) as folder:
        path = Path(folder) / Path(parts.path).name
        copying = ["hadoop", "fs", "-copyToLocal", uri, str(path)]
        done = subprocess.run(copying, capture_output=True, check=False)
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise OSError(f"While copying {uri} to the node, found: {said[-1] if said else '?'}")
        yield path
