"""What the deployed functions share about the lake: types, keys of objects, lineage, marks.

It is deployed with them, so it imports nothing else of ours. pyarrow and pyiceberg are imported
where they are used: the function that lands records runs without pyiceberg, and the one that
prepares a run, as a study's own function in its child process, without both.
"""

from __future__ import annotations

import functools
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    import pyarrow as pa
    from pyiceberg.catalog import Catalog

    ARROW_TYPES: dict[str, pa.DataType]

#: A column as ``plan.json`` writes it: name, Iceberg type, required.
Column = tuple[str, str, bool]

#: Where a row came from: ``headrace.plan.LINEAGE``, which a test holds equal to this.
LINEAGE: tuple[Column, ...] = (
    ("_source", "string", True),
    ("_sequence", "string", True),
    ("_index", "long", True),
    ("_producer", "string", False),
    ("_counter", "long", False),
)
#: Beside a Map stage's own columns: ``headrace.plan.ITEM``, which a test holds equal to this.
ITEM: tuple[Column, ...] = (("_item", "long", True),)
QUARANTINE = "quarantine"
RUNS = "runs"

SOURCE_MARK = "headrace.mark.source."
#: A JSON object, producer to closed ranges, the one that committed last at the end. One property
#: for all: pyiceberg copies a table's properties to Glue's parameters and never takes one away.
PRODUCERS_MARK = "headrace.mark.producers"

#: Of a stage's table: which try of which run its rows are from.
RUN_MARK = "headrace.mark.run"
#: Of a stage's table: when that try was prepared, in ISO 8601. An earlier try doesn't replace it.
STARTED_MARK = "headrace.mark.started"

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


@functools.cache
def _arrow_types() -> dict[str, pa.DataType]:
    import pyarrow as pa

    return {
        "boolean": pa.bool_(),
        "long": pa.int64(),
        "double": pa.float64(),
        "string": pa.string(),
        "binary": pa.binary(),
        "date": pa.date32(),
        "timestamptz": pa.timestamp("us", tz="UTC"),
    }


def __getattr__(name: str) -> Any:
    """``ARROW_TYPES``, Iceberg's types as Arrow has them, once somebody asks (PEP 562)."""
    if name == "ARROW_TYPES":
        return _arrow_types()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def arrow_schema(columns: Iterable[Sequence[Any]]) -> pa.Schema:
    """The Arrow schema of columns.

    Raises
    ------
    KeyError
        For a type that the lake doesn't use.
    """
    import pyarrow as pa

    types = _arrow_types()
    return pa.schema(
        [pa.field(name, types[kind], nullable=not must) for name, kind, must in columns]
    )


def raw_key(source: str, first: str, last: str) -> str:
    """Key of the object that keeps a batch as it came."""
    return f"raw/{source}/{first}-{last}.parquet"


def staged_key(table: str, source: str, first: str, last: str) -> str:
    """Key of the object with a batch's rows for one table."""
    return f"staged/{table}/{source}/{first}-{last}.parquet"


def run_key(run: str) -> str:
    """Key of the object that says what a run reads."""
    return f"runs/{run}/run.json"


def done_key(run: str, stage: str) -> str:
    """Key of the object that says what a stage gave."""
    return f"runs/{run}/{stage}/done.json"


def item_text(item: int) -> str:
    """An item's number as text that sorts, in keys and as the quarantine's ``_sequence``."""
    return f"{item:012d}"


def stage_of(plan: dict[str, Any], name: str) -> dict[str, Any]:
    """A stage of the deployed plan.

    Raises
    ------
    KeyError
        Where there is none.
    """
    for stage in plan["stages"]:
        if stage["name"] == name:
            found: dict[str, Any] = stage
            return found
    raise KeyError(
        f"While looking for stage {name!r}, found only {[s['name'] for s in plan['stages']]} "
        "deployed. Deploy the study, or name one of these."
    )


def get_json(s3: Any, bucket: str, key: str) -> Any:
    """Read an object that holds JSON; None where there is none."""
    try:
        return json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    except s3.exceptions.NoSuchKey:
        return None


def json_body(told: Any) -> bytes:
    """What an object of JSON holds: the same for the same."""
    return json.dumps(told, sort_keys=True).encode()


def put_json(s3: Any, bucket: str, key: str, told: Any) -> None:
    """Write an object that holds JSON."""
    s3.put_object(Bucket=bucket, Key=key, Body=json_body(told), ContentType="application/json")


def listed(s3: Any, bucket: str, prefix: str) -> Iterator[dict[str, Any]]:
    """All objects under a prefix, by key, however many."""
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        yield from page.get("Contents", [])


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


@functools.cache
def _lake_catalog() -> Any:
    from pyiceberg.catalog.glue import GlueCatalog
    from pyiceberg.exceptions import CommitFailedException

    class LakeCatalog(GlueCatalog):
        """Glue's catalog, which doesn't take a commit of its own for another's.

        Where Glue makes an update and its answer is lost, boto3 sends it again, and Glue refuses
        what it has done already. pyiceberg would believe that nothing was committed and delete
        the manifests that the table now has.
        """

        def _update_glue_table(
            self, database_name: str, table_name: str, table_input: Any, version_id: str
        ) -> None:
            try:
                super()._update_glue_table(database_name, table_name, table_input, version_id)
            except CommitFailedException:
                ours = table_input["Parameters"]["metadata_location"]
                # By what the table was too: another may have committed on top of ours.
                there = self.load_table((database_name, table_name))
                was = {entry.metadata_file for entry in there.metadata.metadata_log}
                if ours != there.metadata_location and ours not in was:
                    raise

    return LakeCatalog


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
    region = region or os.environ["AWS_REGION"]
    endpoint = endpoint or os.environ.get("AWS_ENDPOINT_URL")
    told = {"glue.endpoint": endpoint, "s3.endpoint": endpoint} if endpoint else {}
    made: Catalog = _lake_catalog()("lake", **{"glue.region": region, "s3.region": region, **told})
    return made


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


@functools.cache
def _s3(endpoint: str | None) -> Any:
    import boto3  # here: land reads no object

    return boto3.client("s3", endpoint_url=endpoint)  # kept: making one takes some 50 ms


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
        told = {} if first is None else {"Range": f"bytes={first}-{'' if last is None else last}"}
        key = uri.removeprefix(f"s3://{parts.netloc}/")
        client = _s3(os.environ.get("AWS_ENDPOINT_URL"))
        body: IO[bytes] = client.get_object(Bucket=parts.netloc, Key=key, **told)["Body"]
        return body
    path = unquote(parts.path) if parts.scheme == "file" else uri
    if first is None:
        return Path(path).open("rb")
    with Path(path).open("rb") as file:
        file.seek(first)
        return io.BytesIO(file.read() if last is None else file.read(last - first + 1))
