"""Stored objects as files: by URL, under a prefix, for pyiceberg, and their Parquet footers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from moto.s3.models import s3_backends
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile

from localcloud.cloud import ACCOUNT
from localcloud.engines.athena.errors import AthenaError
from localcloud.engines.objects import body_of
from localcloud.engines.objects_body import Body


@dataclass(frozen=True)
class StoredFile:
    """One object of a table: where it is stored, what it is called, how long it is."""

    path: Path
    url: str
    size: int


def split_url(url: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` URL.

    Raises
    ------
    AthenaError
        For any other URL.
    """
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise AthenaError("INVALID_TABLE_PROPERTY", f"{url} is no s3:// location")
    return bucket, key


def body(url: str) -> Body:
    """The bytes of an object.

    Raises
    ------
    AthenaError
        Where it is not there any more.
    """
    try:
        return body_of(*split_url(url))
    except Exception as e:
        raise AthenaError("HIVE_CANNOT_OPEN_SPLIT", f"Error opening {url}: {e}") from e


def stored(url: str) -> StoredFile:
    """An object as a file."""
    found = body(url)
    return StoredFile(found.path, url, found.size)


def under(url: str) -> list[StoredFile]:
    """The objects of a location; empty ones and names that begin with ``_`` or ``.`` are left out.

    https://docs.aws.amazon.com/athena/latest/ug/tables-location-format.html
    """
    bucket, prefix = split_url(url)
    prefix = prefix.rstrip("/") + "/" if prefix.rstrip("/") else ""
    held = s3_backends[ACCOUNT]["aws"].buckets.get(bucket)
    if held is None:
        raise AthenaError(
            "HIVE_METASTORE_ERROR",
            f"The S3 location provided to save your table does not exist: {url}",
        )
    found = []
    newest: Any
    for key, newest in held.keys.items():
        name = key.rsplit("/", 1)[-1]
        if (
            key.startswith(prefix)
            and name
            and name[0] not in "._"
            and getattr(newest, "body", None)
            and newest.size
        ):
            found.append(StoredFile(newest.body.path, f"s3://{bucket}/{key}", newest.size))
    return sorted(found, key=lambda f: f.url)


@lru_cache(maxsize=4096)
def footer(path: Path) -> pq.FileMetaData:
    """A Parquet file's footer; a stored file never changes.

    Raises
    ------
    AthenaError
        ``HIVE_CANNOT_OPEN_SPLIT`` where it is no Parquet file.
    """
    try:
        return pq.read_metadata(path)
    except Exception as e:
        raise AthenaError("HIVE_CANNOT_OPEN_SPLIT", f"not a valid Parquet file: {e}") from e


def chunk_bytes(path: Path, wanted: Callable[[str], bool]) -> int:
    """Bytes of the column chunks whose top-level column is wanted."""
    found, total = footer(path), 0
    for group in range(found.num_row_groups):
        rows = found.row_group(group)
        for i in range(rows.num_columns):
            chunk = rows.column(i)
            if wanted(chunk.path_in_schema.split(".")[0].lower()):
                total += chunk.total_compressed_size
    return total


class _Input(InputFile):
    def __len__(self) -> int:
        return body(self.location).size

    def exists(self) -> bool:
        try:
            return body(self.location).size >= 0
        except AthenaError:
            return False

    def open(self, seekable: bool = True) -> InputStream:
        return body(self.location).path.open("rb")


class StoredFiles(FileIO):
    """pyiceberg's way to a table's metadata: by path, and never to write."""

    def __init__(self, properties: dict[str, Any] | None = None):
        super().__init__(properties or {})

    def new_input(self, location: str) -> InputFile:
        """A stored object to read."""
        return _Input(location)

    def new_output(self, location: str) -> OutputFile:
        """Nothing is written here."""
        raise NotImplementedError(location)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Nothing is deleted here."""
        raise NotImplementedError(str(location))


def listed(files: Iterable[StoredFile]) -> str:
    """Paths as a list of DuckDB's."""
    from localcloud.engines.athena.types import text

    return "[" + ", ".join(text(str(f.path)) for f in files) + "]"


def url_of(files: Iterable[StoredFile]) -> str:
    """The URL of the file that a row came from, in DuckDB."""
    from localcloud.engines.athena.types import text

    pairs = ", ".join(f"{text(str(f.path))}: {text(f.url)}" for f in files)
    return f"map_extract(MAP {{{pairs}}}, filename)[1]"
