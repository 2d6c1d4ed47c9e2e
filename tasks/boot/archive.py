"""The program's archive, fetched and unpacked.

It is unpacked once on a machine, into a folder that its content names: there compiled code, of
Python and of numba, is found again by the next job, and numba takes a second or two for a loop.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import stat
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

from . import store
from .failure import Failure, TryAgainError


def unpack(uri: str, main: str, folder: Path) -> Path:
    """Unpack the archive at `uri`, in which `main` must be; gives where it lies.

    Where this user has no cache of its own, that is in `folder`.

    Raises
    ------
    TryAgainError
        Where it can't be fetched: another try may.
    Failure
        Where it is no archive, or lacks `main`: no try will mend that.
    """
    try:
        packed = store.read(uri)
    except store.StoreError as error:
        raise TryAgainError(
            f"While fetching the program {uri}, found {error}. Look whether it is there, and "
            "whether the job's role may read it."
        ) from error
    try:
        root = _unpacked(packed, _cache() or folder)
    except zipfile.BadZipFile as error:
        raise Failure(
            None, f"While unpacking {uri}, found no zip ({error}). Deploy again."
        ) from error
    if not (root / main).is_file():
        raise Failure(None, f"While unpacking {uri}, found no {main} in it. Deploy again.")
    return root


def _unpacked(packed: bytes, folder: Path) -> Path:
    root = folder / hashlib.sha256(packed).hexdigest()[:16]
    if root.is_dir():
        return root
    part = Path(tempfile.mkdtemp(dir=folder))
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        archive.extractall(part)  # which leaves no name outside of it
    for path in part.rglob("*"):
        if path.is_file():  # the next job runs what was deployed, whatever this one does
            path.chmod(0o444)
    try:
        part.rename(root)
    except OSError:  # another job was quicker
        shutil.rmtree(part)
    return root


def _cache() -> Path | None:
    """A folder that is this user's alone, since what lies there is run; None without one."""
    with suppress(OSError, RuntimeError):  # no home, or one that can't be written
        cache = Path.home() / ".cache" / "headrace" / "programs"
        cache.mkdir(parents=True, exist_ok=True, mode=0o700)
        told = cache.stat()
        ours = told.st_uid == os.getuid() and not told.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        return cache if ours and os.access(cache, os.W_OK) else None
    return None
