"""An object of S3 as a file that is read where it is asked for: large ones are never held."""

from __future__ import annotations

import io
from typing import Any

#: Bytes that one request brings at least.
BLOCK = 4 << 20


class Ranges(io.RawIOBase):
    """A seekable file over an object.

    Parameters
    ----------
    s3 : S3 client
    bucket, key, etag : str
        Of the object, as it was listed: S3 refuses another one.
    size : int
        Bytes.
    """

    def __init__(self, s3: Any, bucket: str, key: str, etag: str, size: int) -> None:
        self._s3, self._size, self._place = s3, size, 0
        self._told = {"Bucket": bucket, "Key": key, "IfMatch": etag}

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """Any place of it can be read."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = start + offset
        return self._place

    def tell(self) -> int:
        """Where it is."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """Read what fits, by one request."""
        end = min(self._place + len(buffer), self._size)
        if end <= self._place:
            return 0
        told = f"bytes={self._place}-{end - 1}"
        body = self._s3.get_object(**self._told, Range=told)["Body"].read()
        buffer[: len(body)] = body
        self._place += len(body)
        return len(body)


def opened(s3: Any, bucket: str, key: str, etag: str, size: int) -> io.BufferedReader:
    """Open an object as a file."""
    return io.BufferedReader(Ranges(s3, bucket, key, etag, size), BLOCK)
