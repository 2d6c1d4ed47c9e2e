"""Writes a folder as a zip that depends on nothing but its files: sorted, times fixed."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

SUMS = "SHA256SUMS"
#: The earliest time that a zip can hold.
_TIME = (1980, 1, 1, 0, 0, 0)
_REGULAR_FILE = 0o100644 << 16
#: What is compressed already, and only loses time.
_STORED = (".parquet", ".zip", ".gz", ".png")


def files_of(folder: Path) -> list[str]:
    """The paths of the files in a folder, relative and sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def sha256(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path) -> Path:
    """Write ``SHA256SUMS`` as ``sha256sum`` does, of all files but itself."""
    names = [name for name in files_of(folder) if name != SUMS]
    lines = [f"{sha256(folder / name)}  {name}\n" for name in names]
    path = folder / SUMS
    path.write_text("".join(lines), encoding="utf-8")
    return path


def pack(
    folder: Path, to: Path, on_file: Callable[[int, int, str], None] = lambda *_: None
) -> Path:
    """Write all files of a folder as a zip.

    Parameters
    ----------
    folder : Path
    to : Path
        Appears only when it is whole.
    on_file : callable
        Told how many files are in, of how many, and which is next.
    """
    to.parent.mkdir(parents=True, exist_ok=True)
    part = to.with_name(f"{to.name}.part")
    names = files_of(folder)
    try:
        with zipfile.ZipFile(part, "w") as archive:
            for place, name in enumerate(names):
                on_file(place, len(names), name)
                _add(archive, folder / name, name)
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)
    return to


def _add(archive: zipfile.ZipFile, path: Path, name: str) -> None:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.create_system, entry.external_attr = 3, _REGULAR_FILE
    stored = name.endswith(_STORED)
    entry.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    entry.file_size = path.stat().st_size
    with path.open("rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)
