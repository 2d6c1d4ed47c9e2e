"""What the batches of a Map stage left: rows, what failed, and batches that left nothing."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake import get_json, item_text, listed

Batch = tuple[int, int]

#: Objects that are read side by side: S3 takes some 20 ms for each.
_READERS = 8
#: Of the objects that are kept for the next look at them.
_HELD_BYTES = 128 << 20
_GIVEN_UP = "its batch was given up; the log of its function says why"


@dataclass
class Totals:
    """Sums over batches."""

    items: int = 0
    failed: int = 0
    ms: float = 0.0
    bytes_out: int = 0


@dataclass
class Outputs:
    """One try of a Map stage, as it lies in the lake.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    prefix : str
        Of the try.
    stage : str
    """

    s3: Any
    bucket: str
    prefix: str
    stage: str
    _keys: dict[int, str] = field(init=False)
    _sizes: dict[int, int] = field(init=False)
    _bad: dict[int, int] = field(default_factory=dict)
    _bodies: dict[str, bytes] = field(default_factory=dict)
    _held: int = 0

    def __post_init__(self) -> None:
        found = list(listed(self.s3, self.bucket, f"{self.prefix}out/"))
        self._keys = {_first(o["Key"]): o["Key"] for o in found}
        self._sizes = {_first(o["Key"]): o["Size"] for o in found}

    def facts(self) -> dict[str, Any]:
        """What the probe wrote."""
        return dict(self._json("facts.json"))

    def batches(self) -> list[Batch]:
        """First and last item of each batch."""
        return [(told["first"], told["last"]) for told in self._json("batches.json")]

    def _json(self, name: str) -> Any:
        told = get_json(self.s3, self.bucket, self.prefix + name)
        if told is None:
            raise FileNotFoundError(
                f"While registering stage {self.stage}, found no {self.prefix}{name}. "
                "Run the stage again."
            )
        return told

    def totals(self) -> Totals:
        """Items, and those that failed: all of a batch that left nothing."""
        total = Totals()
        batches = self.batches()
        with ThreadPoolExecutor(_READERS) as pool:
            figures = pool.map(self._figures, [first for first, _ in batches])
            for (first, last), told in zip(batches, figures, strict=True):
                if told is None:
                    total.items += last - first + 1
                    total.failed += last - first + 1
                    continue
                self._bad[first] = told["bad"]
                total.items += told["items"]
                total.failed += told["failed"]
                total.ms += told["ms"]
                total.bytes_out += self._sizes[first]
        return total

    def _figures(self, first: int) -> dict[str, Any] | None:
        if first not in self._keys:
            return None
        metadata = self._open(self._keys[first]).schema_arrow.metadata
        told: dict[str, Any] = json.loads(metadata[b"headrace"])
        return told

    def _open(self, key: str) -> pq.ParquetFile:
        body = self._bodies.get(key)
        if body is None:
            body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            if self._held + len(body) <= _HELD_BYTES:
                self._bodies[key] = body
                self._held += len(body)
        return pq.ParquetFile(io.BytesIO(body))

    def rows(self) -> Iterator[pa.RecordBatch]:
        """All rows, in the order of items; a file at a time is in memory."""
        for first, _ in self.batches():
            if first in self._keys:
                for batch in self._open(self._keys[first]).iter_batches():
                    yield batch.replace_schema_metadata(None)

    def bad(self) -> Iterator[pa.Table]:
        """What failed, in the order of items, as the columns of the quarantine."""
        for first, last in self.batches():
            if first in self._keys:
                if not self._bad.get(first, 1):
                    continue
                key = self._keys[first].replace(f"{self.prefix}out/", f"{self.prefix}bad/")
                yield self._open(key).read().replace_schema_metadata(None)
            else:
                yield self._lost(first, last)

    def _lost(self, first: int, last: int) -> pa.Table:
        """The items of a batch that left nothing."""
        items = self._open(f"{self.prefix}items.parquet").read().slice(first, last - first + 1)
        numbers = range(first, last + 1)
        reasons = [f"item {n}: {_GIVEN_UP}" for n in numbers]
        return pa.table(
            {
                "bytes": pa.array([_as_json(i) for i in items.to_pylist()], pa.binary()),
                "reason": reasons,
                "intended": [self.stage] * len(numbers),
                "_sequence": [item_text(n) for n in numbers],
                "_index": pa.array([0] * len(numbers), pa.int64()),
            }
        )


def _first(key: str) -> int:
    return int(key.rsplit("/", 1)[1].removesuffix(".parquet"))


def _as_json(value: Any) -> bytes:
    """An item as the map function writes one that failed."""

    def plain(v: Any) -> str:
        return base64.b64encode(v).decode() if isinstance(v, bytes) else str(v)

    return json.dumps(value, default=plain, ensure_ascii=False).encode(errors="replace")
