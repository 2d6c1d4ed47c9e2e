"""An object's bytes as a stretch of a file on disk: written once, read by path, never held."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

BLOCK = 1 << 20


@dataclass(frozen=True)
class Body:
    """Bytes of an object or of a part of one.

    Parameters
    ----------
    path : Path
        The file that holds them.
    size : int
        How many bytes.
    md5 : str
        Their MD5 in hex, which is the ETag of an object put in one piece.
    checksums : dict
        Base64 checksums by algorithm, as S3 names them (``CRC32``, ``SHA256``).
    offset : int
        Where they begin: a part of a completed upload is a stretch of the whole.
    owner : bool
        Whether the file goes when the object goes.
    """

    path: Path
    size: int
    md5: str
    checksums: dict[str, str] = field(default_factory=dict)
    offset: int = 0
    owner: bool = True

    def __len__(self) -> int:
        return self.size

    def __bool__(self) -> bool:
        return True

    def read(self) -> bytes:
        """All the bytes at once: for small objects that another service wants whole."""
        with self.path.open("rb") as f:
            f.seek(self.offset)
            return f.read(self.size)

    def blocks(self, begin: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes from `begin` up to `end`, a block at a time."""
        with self.path.open("rb") as f:
            yield from _blocks(f, self.offset + begin, (self.size if end is None else end) - begin)

    def discard(self) -> None:
        """Remove the file, where it is this body's own."""
        if self.owner:
            self.path.unlink(missing_ok=True)


def _blocks(f: BinaryIO, start: int, left: int) -> Iterator[bytes]:
    f.seek(start)
    while left > 0 and (block := f.read(min(BLOCK, left))):
        left -= len(block)
        yield block


class Response:
    """A body on its way to a client: opened at once, so that a delete can't cut it short."""

    def __init__(self, body: Body, file: BinaryIO | None = None, span: tuple[int, int] = (0, 0)):
        self.body = body
        self.file = file or body.path.open("rb")
        self.begin, self.end = span if file else (0, body.size)

    def __len__(self) -> int:
        return self.end - self.begin

    def __getitem__(self, part: slice) -> Response:
        begin, end, _ = part.indices(len(self))
        return Response(self.body, self.file, (self.begin + begin, self.begin + max(begin, end)))

    def __iter__(self) -> Iterator[bytes]:
        return _blocks(self.file, self.body.offset + self.begin, len(self))

    def close(self) -> None:
        """Close the file; the server calls it after the last block."""
        self.file.close()


class Folder:
    """Where the files of all objects lie: one a version, under its bucket."""

    def __init__(self, root: Path):
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    def new(self, key: str = "") -> Path:
        """A path nobody uses; it keeps a plain suffix of the key, for people who look."""
        suffix = Path(key).suffix
        plain = suffix[1:].isalnum() and suffix.isascii() and len(suffix) < 12
        return self.root / f"{uuid.uuid4().hex}{suffix if plain else ''}"

    def adopt(self, file: Path, key: str) -> Body:
        """Take over a file that lies on the same disk."""
        md5, path = hashlib.md5(usedforsecurity=False), self.new(key)
        file.rename(path)
        with path.open("rb") as f:
            for block in _blocks(f, 0, path.stat().st_size):
                md5.update(block)
        return Body(path, path.stat().st_size, md5.hexdigest())

    def write(self, blocks: Iterator[bytes] | list[bytes], key: str = "") -> Body:
        """Write blocks to a new file."""
        path, size, md5 = self.new(key), 0, hashlib.md5(usedforsecurity=False)
        with path.open("wb") as f:
            for block in blocks:
                f.write(block)
                md5.update(block)
                size += len(block)
        return Body(path, size, md5.hexdigest())
