"""Parquet files of the lake, read side by side: S3 takes some 20 ms for each."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pyarrow.parquet as pq
from botocore.exceptions import ClientError

#: Objects that are read at a time; a client of S3 has to have as many connections.
READERS = 16
#: Of the objects that are kept for the next look at them.
_HELD_BYTES = 128 << 20
#: Of the objects that are read before their turn, and how many.
_AHEAD_BYTES = 128 << 20
_AHEAD = 2 * READERS

#: Key, ETag, bytes: the last two where they are known.
Wanted = tuple[str, str | None, int]


class ChangedError(RuntimeError):
    """An object isn't what it was."""


class Objects:
    """Reads Parquet files.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
    stage : str
        Whose they are.
    """

    def __init__(self, s3: Any, bucket: str, stage: str) -> None:
        self._s3, self._bucket, self._stage = s3, bucket, stage
        self._bodies: dict[str, bytes] = {}
        self._held = 0

    def open(self, key: str, etag: str | None = None) -> pq.ParquetFile:
        """Read a file.

        Parameters
        ----------
        key : str
        etag : str, optional
            Of what is expected.

        Raises
        ------
        ChangedError
            Where something else is there by now.
        """
        return pq.ParquetFile(io.BytesIO(self._body(key, etag)))

    def _body(self, key: str, etag: str | None) -> bytes:
        if (kept := self._bodies.get(key)) is not None:
            return kept
        told = {"IfMatch": etag} if etag else {}
        try:
            found = self._s3.get_object(Bucket=self._bucket, Key=key, **told)
        except ClientError as error:
            # https://docs.aws.amazon.com/AmazonS3/latest/API/API_GetObject.html
            if error.response["Error"]["Code"] not in ("PreconditionFailed", "412"):
                raise
            raise ChangedError(
                f"While registering stage {self._stage}, found {key} written anew since it was "
                "listed. A call of the function was still at it: redo the stage."
            ) from error
        body: bytes = found["Body"].read()
        if self._held + len(body) <= _HELD_BYTES:
            self._bodies[key] = body
            self._held += len(body)
        return body

    def ahead(self, wanted: Iterable[Wanted]) -> Iterator[pq.ParquetFile]:
        """Read files in order, some before their turn."""
        waiting: deque[tuple[Future[bytes], int]] = deque()
        size = 0
        with ThreadPoolExecutor(READERS) as pool:
            for key, etag, more in wanted:
                while waiting and (len(waiting) >= _AHEAD or size + more > _AHEAD_BYTES):
                    read, less = waiting.popleft()
                    size -= less
                    yield pq.ParquetFile(io.BytesIO(read.result()))
                waiting.append((pool.submit(self._body, key, etag), more))
                size += more
            while waiting:
                yield pq.ParquetFile(io.BytesIO(waiting.popleft()[0].result()))
