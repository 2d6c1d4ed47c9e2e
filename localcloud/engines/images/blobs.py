"""Blobs by their SHA-256, as registries keep them, and a folder's files as one such blob."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from pathlib import Path

ALGORITHM = "sha256:"


def digest(data: bytes) -> str:
    """Give a blob's name, ``sha256:…``."""
    return ALGORITHM + hashlib.sha256(data).hexdigest()


class Blobs:
    """A folder of blobs.

    Parameters
    ----------
    folder : Path
        Made with the first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes) -> str:
        """Keep a blob; give its name."""
        name = digest(data)
        path = self._path(name)
        if not path.is_file():
            self.folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.folder, delete=False) as part:
                part.write(data)
            os.replace(part.name, path)
        return name

    def get(self, name: str) -> bytes:
        """Read a blob.

        Raises
        ------
        FileNotFoundError
        """
        return self._path(name).read_bytes()

    def __contains__(self, name: str) -> bool:
        return self._path(name).is_file()

    def _path(self, name: str) -> Path:
        return self.folder / name.removeprefix(ALGORITHM)


def pack(root: Path) -> bytes:
    """Give a folder as a tar that is the same bytes for the same files.

    Owners and times are left out; of modes only whether a file may be run is kept.
    """
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            info = archive.gettarinfo(path, path.relative_to(root).as_posix())
            if info.islnk():  # a hard link of this machine's is a file of the image's
                info.type, info.size = tarfile.REGTYPE, path.stat().st_size
            info.uid = info.gid = 0
            info.uname = info.gname = "root"
            info.mtime = 0
            info.mode = 0o755 if info.isdir() or info.mode & 0o100 else 0o644
            if info.isreg():
                with path.open("rb") as file:
                    archive.addfile(info, file)
            else:
                archive.addfile(info)
    return out.getvalue()


def unpack(data: bytes, root: Path) -> None:
    """Put such a tar's files into a folder, none outside of it."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        archive.extractall(root, filter="data")
