"""Puts files into the lake's ``files/<name>/``, where a Map stage lists them.

What is there already, byte for byte, is not sent again: its ETag tells. S3 gives an object of
one part the MD5 of its bytes, one of several parts the MD5 of the parts' MD5s and their number:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.errors import HeadraceError

#: Files above this many bytes go in parts of as many, as the aws CLI's do.
PART_BYTES = 8 * 2**20
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class UploadError(HeadraceError):
    """Files can't be uploaded as they were named."""


@dataclass(frozen=True)
class Sent:
    """What became of one file."""

    file: Path
    key: str
    bytes: int
    sent: bool


def prefix(name: str) -> str:
    """The prefix of files of a name.

    Raises
    ------
    UploadError
        For a name that an S3 key or a shell would take apart.
    """
    if not _NAME.fullmatch(name):
        raise UploadError(
            "naming uploaded files",
            f"{name!r}",
            "Use up to 100 letters, digits, dots, hyphens and underscores.",
        )
    return f"files/{name}/"


def collect(paths: Iterable[Path]) -> tuple[list[Path], list[Path]]:
    """The files that paths name, folders with all that is in them.

    Returns
    -------
    tuple of list
        The files, sorted by name, and those that a folder hides behind a dot and that stay.

    Raises
    ------
    UploadError
        Where a path isn't there, none is a file, or two files have one name.
    """
    found: dict[str, Path] = {}
    hidden: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UploadError("collecting files", f"no {path}", "Name files or folders.")
        for file in _inside(path) if path.is_dir() else [path]:
            if path.is_dir() and any(p.startswith(".") for p in file.relative_to(path).parts):
                hidden.append(file)
                continue
            other = found.setdefault(file.name, file)
            if other.resolve() != file.resolve():
                raise UploadError(
                    "collecting files",
                    f"two of one name, {other} and {file}",
                    "Rename one of them, or upload them under two names.",
                )
    if not found:
        raise UploadError("collecting files", "none", "Name at least one file.")
    return [found[name] for name in sorted(found)], hidden


def _inside(folder: Path) -> Iterable[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def send(
    s3: Any,
    bucket: str,
    name: str,
    files: Sequence[Path],
    on_bytes: Callable[[int, Path], None] = lambda count, file: None,
) -> list[Sent]:
    """Upload files that aren't there yet.

    Parameters
    ----------
    s3 : boto3 S3 client
    bucket : str
        The lake's.
    name : str
        Of the files together: the folder under ``files/``.
    files : sequence of Path
        As :func:`collect` gives them: no two of one name.
    on_bytes : callable
        Told of bytes that were sent, or found to be there, and of which file.

    Returns
    -------
    list of Sent
        One a file.
    """
    there = _there(s3, bucket, prefix(name))
    done = []
    for file in files:
        key, size = prefix(name) + file.name, file.stat().st_size
        same = key in there and there[key][0] == size and there[key][1] == etag(file)
        if same:
            on_bytes(size, file)
        else:
            _send(s3, bucket, key, file, on_bytes)
        done.append(Sent(file, key, size, not same))
    return done


def _send(
    s3: Any, bucket: str, key: str, file: Path, on_bytes: Callable[[int, Path], None]
) -> None:
    from boto3.s3.transfer import TransferConfig  # here: boto3 would slow every verb down

    config = TransferConfig(multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES)
    s3.upload_file(str(file), bucket, key, Config=config, Callback=lambda n: on_bytes(n, file))


def _there(s3: Any, bucket: str, under: str) -> dict[str, tuple[int, str]]:
    """Size and ETag of the objects under a prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=under)
    return {
        found["Key"]: (found["Size"], found["ETag"].strip('"'))
        for page in pages
        for found in page.get("Contents", ())
    }


def etag(file: Path) -> str:
    """The ETag that a file would have in S3, sent in parts as :func:`send` sends it."""
    from s3transfer.utils import ChunksizeAdjuster  # type: ignore[import-untyped]

    size = file.stat().st_size
    # As boto3 does: a part grows where a file would have more than 10,000.
    part = ChunksizeAdjuster().adjust_chunksize(PART_BYTES, size)
    with file.open("rb") as body:
        if size < PART_BYTES:
            return str(_md5(body.read()).hexdigest())
        sums = [_md5(chunk).digest() for chunk in iter(lambda: body.read(part), b"")]
    return f"{_md5(b''.join(sums)).hexdigest()}-{len(sums)}"


def _md5(data: bytes) -> Any:
    return hashlib.md5(data, usedforsecurity=False)
