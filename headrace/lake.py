"""What the deployed functions share about the lake: types, keys of objects, lineage, marks.

It is deployed with them, so it imports nothing else of ours. pyiceberg is imported where it is
used: the function that lands records runs without it.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import pyarrow as pa

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

#: A column as ``plan.json`` writes it: name, Iceberg type, required.
Column = tuple[str, str, bool]

ARROW_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "long": pa.int64(),
    "double": pa.float64(),
    "string": pa.string(),
    "binary": pa.binary(),
    "date": pa.date32(),
    "timestamptz": pa.timestamp("us", tz="UTC"),
}

#: Where a row came from: ``headrace.plan.LINEAGE``, which a test holds equal to this.
LINEAGE: tuple[Column, ...] = (
    ("_source", "string", True),
    ("_sequence", "string", True),
    ("_index", "long", True),
    ("_producer", "string", False),
    ("_counter", "long", False),
)
QUARANTINE = "quarantine"

SOURCE_MARK = "headrace.mark.source."
#: A JSON object, producer to closed ranges, the one that committed last at the end. One property
#: for all: pyiceberg copies a table's properties to Glue's parameters and never takes one away.
PRODUCERS_MARK = "headrace.mark.producers"

#: Of every table. Only the newest metadata files are kept, since each append writes one; and
#: pyiceberg's own retries are off, because its rebased commit would skip the look at the marks.
TABLE_PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "20",
    "commit.retry.num-retries": "0",
}

Range = tuple[int, int]


def deployed_plan() -> dict[str, Any]:
    """The plan that lies at the root of a function's zip."""
    plan: dict[str, Any] = json.loads(Path(os.environ["LAMBDA_TASK_ROOT"], "plan.json").read_text())
    return plan


def arrow_schema(columns: Iterable[Sequence[Any]]) -> pa.Schema:
    """The Arrow schema of columns.

    Raises
    ------
    KeyError
        For a type that the lake doesn't use.
    """
    return pa.schema(
        [pa.field(name, ARROW_TYPES[kind], nullable=not must) for name, kind, must in columns]
    )


def raw_key(source: str, first: str, last: str) -> str:
    """Key of the object that keeps a batch as it came."""
    return f"raw/{source}/{first}-{last}.parquet"


def staged_key(table: str, source: str, first: str, last: str) -> str:
    """Key of the object with a batch's rows for one table."""
    return f"staged/{table}/{source}/{first}-{last}.parquet"


def parse_ranges(text: str) -> list[Range]:
    """Read ``0-4999,5500-5999`` as closed ranges."""
    pairs = (part.split("-") for part in text.split(",") if part)
    return [(int(low), int(high)) for low, high in pairs]


def format_ranges(ranges: Iterable[Range]) -> str:
    """Write closed ranges as ``0-4999,5500-5999``."""
    return ",".join(f"{low}-{high}" for low, high in ranges)


def union(*several: Iterable[Range]) -> list[Range]:
    """All numbers of several lists of closed ranges, sorted, with neighbours joined."""
    joined: list[Range] = []
    for low, high in sorted((a, b) for ranges in several for a, b in ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return joined


def glue_catalog(region: str | None = None, endpoint: str | None = None) -> Catalog:
    """The Glue catalog of the account that the credentials of the environment belong to.

    Parameters
    ----------
    region : str, optional
        ``AWS_REGION`` where absent.
    endpoint : str, optional
        ``AWS_ENDPOINT_URL`` where absent. The SDKs follow that variable by themselves; pyiceberg's
        Glue and pyarrow's S3 clients want it told.
    """
    from pyiceberg.catalog.glue import GlueCatalog

    region = region or os.environ["AWS_REGION"]
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    told = {"glue.endpoint": endpoint, "s3.endpoint": endpoint} if endpoint else {}
    return GlueCatalog("lake", **{"glue.region": region, "s3.region": region, **told})


@dataclass(frozen=True)
class Rejected:
    """What a Map's function gives among its rows for a part of its item that can't be read.

    Parameters
    ----------
    reason : str
        Why, in words.
    data : bytes
        The part itself, or its beginning.
    """

    reason: str
    data: bytes = b""


def open_uri(uri: str, first: int | None = None, last: int | None = None) -> IO[bytes]:
    """Open an object or a file to be read from its beginning to its end.

    Parameters
    ----------
    uri : str
        ``s3://bucket/key``, ``file:///path``, or a path.
    first, last : int, optional
        Bytes of a range, both included, from 0.

    Raises
    ------
    FileNotFoundError, botocore.exceptions.ClientError
        Where it isn't there.
    """
    parts = urlsplit(uri)
    if parts.scheme == "s3":
        import boto3  # here: land reads no object

        told = {} if first is None else {"Range": f"bytes={first}-{'' if last is None else last}"}
        key = uri.removeprefix(f"s3://{parts.netloc}/")
        body: IO[bytes] = boto3.client("s3").get_object(Bucket=parts.netloc, Key=key, **told)[
            "Body"
        ]
        return body
    path = unquote(parts.path) if parts.scheme == "file" else uri
    if first is None:
        return Path(path).open("rb")
    with Path(path).open("rb") as file:
        file.seek(first)
        return io.BytesIO(file.read() if last is None else file.read(last - first + 1))
