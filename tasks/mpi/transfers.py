"""How fast bytes come from a disk and from S3: a file and an object, written and read again."""

from __future__ import annotations

import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

#: Bytes of one read, and of one GET of a range: S3's own advice is 8 to 16 MB.
#: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
PIECE = 8 << 20
TRIES = 3


@dataclass(frozen=True)
class Moved:
    """What was reached: bytes a second, of how many, and what a reader should know."""

    name: str
    per_s: float
    bytes: int
    note: str = ""


def disk(mib: int, folder: str | None = None) -> list[Moved]:
    """Write a file to the disk, and read it back past the system's cache where that goes."""
    size, piece = mib << 20, os.urandom(PIECE)
    with tempfile.TemporaryFile(dir=folder) as file:
        began = time.perf_counter()
        for _ in range(size // PIECE):
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        wrote = time.perf_counter() - began
        cached = _drop(file.fileno(), size)
        began = time.perf_counter()
        for at in range(0, size, PIECE):
            os.pread(file.fileno(), PIECE, at)
        read = time.perf_counter() - began
    note = "from the system's cache, which this file system keeps" if cached else ""
    return [
        Moved("disk, write", size / wrote, size, "with fsync"),
        Moved("disk, read", size / read, size, note),
    ]


def _drop(number: int, size: int) -> bool:
    """Ask the system to forget a file; whether it still has it."""
    if not hasattr(os, "posix_fadvise"):
        return True
    os.posix_fadvise(number, 0, size, os.POSIX_FADV_DONTNEED)
    for at in range(0, size, size // 8):
        try:
            # Gives what the cache has, and fails where it would have to read.
            if os.preadv(number, [bytearray(4096)], at, os.RWF_NOWAIT):
                return True
        except BlockingIOError:
            continue
        except OSError:
            return True  # it can't be told, so nothing better is claimed
    return False


def store(files: Any, path: str, mib: int) -> list[Moved]:
    """PUT an object, GET it by one request after the other, and by eight at a time.

    Parameters
    ----------
    files : pyarrow.fs.FileSystem
        Of the bucket.
    path : str
        Of the object, which is deleted by whoever asked: a job's role may not.
    mib : int
    """
    size = mib << 20
    began = time.perf_counter()
    with files.open_output_stream(path) as out:
        out.write(os.urandom(size))
    put = time.perf_counter() - began
    return [
        Moved("S3, PUT", size / put, size),
        Moved("S3, GET", _got(files, path, size, 1), size, "one request at a time"),
        Moved("S3, GET by 8", _got(files, path, size, 8), size, "eight requests at a time"),
    ]


def _got(files: Any, path: str, size: int, together: int) -> float:
    def get(at: int) -> int:
        with files.open_input_file(path) as file:
            return len(file.read_at(min(PIECE, size - at), at))

    took = []
    with ThreadPoolExecutor(together) as pool:
        for _ in range(TRIES):
            began = time.perf_counter()
            got = sum(pool.map(get, range(0, size, PIECE)))
            took.append(time.perf_counter() - began)
            if got != size:
                raise OSError(f"While reading {path}, found {got} of {size} bytes. Try again.")
    return size / min(took)
