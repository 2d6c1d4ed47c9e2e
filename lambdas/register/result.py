"""The result of a query stage: a CSV that Athena wrote, and how long it took."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator
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
    counted = _Counted(s3.get_object(Bucket=bucket, Key=key)["Body"])
    rows = sum(1 for _ in csv.reader(counted.lines()))
    return Result(
        uri,
        max(rows - 1, 0),
        counted.total.hexdigest(),
        counted.size,
        str(found.get("EngineVersion", {}).get("EffectiveEngineVersion", "Athena")),
        found["Statistics"].get("EngineExecutionTimeInMillis", 0) / 1000,
    )


class _Counted:
    """Lines of a stream, hashed as they pass."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body
        self.total = hashlib.sha256()
        self.size = 0

    def lines(self) -> Iterator[str]:
        # By hand: TextIOWrapper wants more of a stream than botocore's has.
        rest = b""
        while data := self._body.read(1 << 20):
            self.total.update(data)
            self.size += len(data)
            *whole, rest = (rest + data).split(b"\n")
            yield from (line.decode() + "\n" for line in whole)
        if rest:
            yield rest.decode()
