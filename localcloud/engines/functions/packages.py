"""Unpacks deployment packages and layers, once per content."""

from __future__ import annotations

import hashlib
import io
import shutil
import stat
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Function and layers unzipped, together:
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNZIPPED_BYTES = 262_144_000


class PackageError(ValueError):
    """A zip that Lambda would not take."""


def check(code: bytes) -> int:
    """Look a zip through.

    Returns
    -------
    int
        Its size unzipped, in bytes.

    Raises
    ------
    PackageError
        Where it is no zip, holds a link, or is over the limit.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(code)) as archive:
            entries = archive.infolist()
    except zipfile.BadZipFile:
        raise PackageError(
            "Could not unzip uploaded file. Please check your file, then try to upload again."
        ) from None
    for entry in entries:
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise PackageError(
                f"While reading the deployment package, found the symbolic link "
                f"{entry.filename}. The local cloud unpacks files only. Put the file itself in."
            )
    size = sum(entry.file_size for entry in entries)
    if size > UNZIPPED_BYTES:
        raise PackageError(f"Unzipped size must be smaller than {UNZIPPED_BYTES} bytes")
    return size


@dataclass(frozen=True)
class Package:
    """One zip as it lies on disk."""

    path: Path
    digest: str
    unzipped_bytes: int


class Packages:
    """Zips, and the folders of unpacked code: each named by its content's hash."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def keep(self, code: bytes) -> Package:
        """Write a zip to disk.

        Raises
        ------
        PackageError
        """
        size, digest = check(code), hashlib.sha256(code).hexdigest()
        path = self._folder / "zips" / f"{digest[:32]}.zip"
        with self._lock:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.with_suffix(".part").write_bytes(code)
                path.with_suffix(".part").rename(path)
        return Package(path, digest, size)

    def unpack(self, packages: Sequence[Package]) -> Path:
        """Unpack packages over one another, later ones last, and give the folder.

        A function's code is one; its layers are merged, in their order, as under ``/opt``
        (https://docs.aws.amazon.com/lambda/latest/dg/chapter-layers.html).
        """
        digest = hashlib.sha256("".join(p.digest for p in packages).encode()).hexdigest()
        folder = self._folder / "code" / digest[:32]
        with self._lock:
            if not folder.exists():
                part = folder.with_suffix(".part")
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir(parents=True)
                for package in packages:
                    _extract(package.path, part)
                part.rename(folder)
        return folder


def _extract(zip_path: Path, folder: Path) -> None:
    with zipfile.ZipFile(zip_path) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            if not entry.is_dir() and (entry.external_attr >> 16) & stat.S_IXUSR:
                path.chmod(0o755)
