"""Holds a batch's rows until all of it is read, then writes them and tells the committer.

Names follow from the batch alone, so a batch that is delivered again writes the same objects
and sends messages that the queue knows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake import LINEAGE, Range, arrow_schema, raw_key, staged_key, union
from lambdas.land.events import Batch

#: Where one row came from: sequence number, place in its block, producer, counter.
Lineage = tuple[str, int, str | None, int | None]

_LINEAGE = arrow_schema(LINEAGE)
_RAW = pa.schema(
    [
        ("sequence", pa.string()),
        ("partition_key", pa.string()),
        ("arrived", pa.timestamp("us", tz="UTC")),
        ("data", pa.binary()),
    ]
)
#: Rows are put together into row groups of about so many.
_GROUP_ROWS = 100_000


class Staged:
    """Rows of one table from one batch, compressed as they come.

    Parameters
    ----------
    source : str
        The shard.
    schema : pyarrow.Schema
        The table's own columns.
    """

    def __init__(self, source: str, schema: pa.Schema) -> None:
        self._source = source
        self._buffer = pa.BufferOutputStream()
        schema = pa.schema([*schema, *_LINEAGE])
        self._writer = pq.ParquetWriter(self._buffer, schema, compression="zstd")
        self._held: list[pa.RecordBatch] = []
        self.rows = 0

    def add(self, rows: pa.RecordBatch, lineage: Sequence[Lineage]) -> None:
        """Add rows and where each came from."""
        if not rows.num_rows:
            return
        told = [[self._source] * len(lineage), *zip(*lineage, strict=True)]
        origin = [pa.array(v, f.type) for v, f in zip(told, _LINEAGE, strict=True)]
        self._held.append(
            pa.RecordBatch.from_arrays([*rows.columns, *origin], schema=self._writer.schema)
        )
        self.rows += rows.num_rows
        if sum(batch.num_rows for batch in self._held) >= _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        if self._held:
            self._writer.write_table(pa.Table.from_batches(self._held))
        self._held = []

    def close(self) -> bytes:
        """The rows as one Parquet file."""
        self._flush()
        self._writer.close()
        data: bytes = self._buffer.getvalue().to_pybytes()
        return data


def archive(s3: Any, bucket: str, batch: Batch) -> None:
    """Keep a batch as it came."""
    table = pa.Table.from_arrays(
        [
            pa.array([a.sequence for a in batch.arrivals]),
            pa.array([a.partition_key for a in batch.arrivals]),
            pa.array([a.arrived for a in batch.arrivals], _RAW.field("arrived").type),
            pa.array([a.data for a in batch.arrivals], pa.binary()),
        ],
        schema=_RAW,
    )
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", use_dictionary=["partition_key"])
    key = raw_key(batch.source, batch.first, batch.last)
    s3.put_object(Bucket=bucket, Key=key, Body=buffer.getvalue().to_pybytes())


def write(
    s3: Any, bucket: str, batch: Batch, staged: dict[str, Staged], covered: dict[str, list[Range]]
) -> list[dict[str, Any]]:
    """Write the rows of every table that got some.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    batch : Batch
        Names the objects.
    staged : dict
        Rows by table.
    covered : dict
        Counters that the batch's blocks hold, by producer.

    Returns
    -------
    list of dict
        The message for each of these tables.
    """
    producers = {name: union(ranges) for name, ranges in covered.items()}
    messages = []
    for table, rows in staged.items():
        if not rows.rows:
            continue
        key = staged_key(table, batch.source, batch.first, batch.last)
        s3.put_object(Bucket=bucket, Key=key, Body=rows.close())
        place = {"source": batch.source, "first": batch.first, "last": batch.last}
        messages.append(
            {"v": 1, "table": table, "key": key, "rows": rows.rows, **place, "producers": producers}
        )
    return messages


def send(sqs: Any, queue_url: str, messages: Sequence[dict[str, Any]]) -> None:
    """Tell the committer, once all rows are written."""
    for message in messages:
        sqs.send_message(
            QueueUrl=queue_url,
            MessageBody=json.dumps(message),
            MessageGroupId=message["table"],
            MessageDeduplicationId=hashlib.sha256(message["key"].encode()).hexdigest(),
        )
