"""The result of a query stage: a CSV that Athena wrote, and how long it took."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO, Any


@dataclass(frozen=True)
class Result:
    """What became of a query.

    Parameters
    ----------
    uri : str
        Of the CSV.
    rows : int
        Without the line of names.
    checksum : str
        SHA-256 of its bytes.
    size : int
        Bytes.
    engine : str
        Its version.
    engine_s : float
        Seconds that Athena computed.
    """

    uri: str
    rows: int
    checksum: str
    size: int
    engine: str
    engine_s: float


def read(athena: Any, s3: Any, query: str) -> Result:
    """Look a finished query's result up.

    Parameters
    ----------
    athena, s3 : clients
    query : str
        Id of its execution.
    """
    found = athena.get_query_execution(QueryExecutionId=query)["QueryExecution"]
    uri = found["ResultConfiguration"]["OutputLocation"]
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    counted = _Counted()
    counted.read(s3.get_object(Bucket=bucket, Key=key)["Body"])
    return Result(
        uri,
        max(counted.rows - 1, 0),
        counted.total.hexdigest(),
        counted.size,
        str(found.get("EngineVersion", {}).get("EffectiveEngineVersion", "Athena")),
        found["Statistics"].get("EngineExecutionTimeInMillis", 0) / 1000,
    )


class _Counted:
    """A CSV's rows, hashed as they pass.

    A row ends with a line's end outside quotes, and a doubled quote leaves them and comes back:
    so rows are counted without a cell in memory, of which ``csv`` takes 131,072 characters.
    """

    def __init__(self) -> None:
        self.total = hashlib.sha256()
        self.size = self.rows = 0

    def read(self, body: IO[bytes]) -> None:
        """Read a stream to its end."""
        quoted, last = False, b"\n"
        while data := body.read(1 << 20):
            self.total.update(data)
            self.size += len(data)
            parts = data.split(b'"')
            self.rows += sum(part.count(b"\n") for part in parts[quoted::2])
            quoted ^= len(parts) % 2 == 0
            last = data[-1:]
        if last != b"\n":
            self.rows += 1
