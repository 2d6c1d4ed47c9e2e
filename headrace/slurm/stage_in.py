"""The input of a stage as files, and the list that says what they must be."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from headrace.errors import HeadraceError

HEADER = "sha256\tbytes\tfile\turi\n"
_CHUNK_BYTES = 1 << 20
#: Names that need no quotes in a list of lines and tabs, nor in sha256sum's.
_NAME = re.compile(r"[^\\\t\r\n]+")


class StageInError(HeadraceError):
    """The input can't be staged in."""


@dataclass(frozen=True)
class Staged:
    """One file of the input.

    Parameters
    ----------
    sha256 : str
        Of its bytes, in hex.
    bytes : int
    file : str
        Its path below ``input/``.
    uri : str
        Where it lies in the lake.
    """

    sha256: str
    bytes: int
    file: str
    uri: str


def fetch(
    s3: Any,
    uris: Sequence[str],
    source: str,
    folder: Path,
    on_bytes: Callable[[int, str], None] = lambda count, file: None,
) -> list[Staged]:
    """Download the objects under a prefix, and sum them up while they come.

    Parameters
    ----------
    s3 : boto3 S3 client
    uris : sequence of str
        The objects, ``s3://``.
    source : str
        The prefix that the stage reads: what comes after it is a file's name.
    folder : Path
        Where they go.
    on_bytes : callable
        Told of bytes that came, and of which file.

    Returns
    -------
    list of Staged
        In order of the names.

    Raises
    ------
    StageInError
        Where an object's name is no file's.
    """
    staged = []
    for uri in sorted(uris):
        name = uri.removeprefix(source)
        _check(name, uri)
        to = folder / name
        to.parent.mkdir(parents=True, exist_ok=True)
        staged.append(_fetch(s3, uri, name, to, on_bytes))
    return staged


def listing(staged: Sequence[Staged]) -> str:
    """The stage-in list: a header, and a line a file, in tabs."""
    return HEADER + "".join(f"{s.sha256}\t{s.bytes}\t{s.file}\t{s.uri}\n" for s in staged)


def _check(name: str, uri: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not _NAME.fullmatch(name):
        raise StageInError(
            "listing the input",
            f"{uri!r}, whose name can't be a file's in a list of lines",
            "Give the object another name.",
        )


def _fetch(s3: Any, uri: str, name: str, to: Path, on_bytes: Callable[[int, str], None]) -> Staged:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    total, size = hashlib.sha256(), 0
    body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    with to.open("wb") as file:
        for chunk in body.iter_chunks(_CHUNK_BYTES):
            file.write(chunk)
            total.update(chunk)
            size += len(chunk)
            on_bytes(len(chunk), name)
    return Staged(total.hexdigest(), size, name, uri)
