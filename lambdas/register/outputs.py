"""What the batches of a Map stage left: rows, what failed, and batches that left nothing."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from headrace.lake import get_json, listed
from lambdas.register.lost import Lost
from lambdas.register.objects import READERS, Objects

Batch = tuple[int, int]


class OutputsError(RuntimeError):
    """What the batches left contradicts what was planned."""


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

    What it reads of ``out/`` is what it listed: a batch that is written anew meanwhile is
    refused, since its rows and what failed of it would be of two writes.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    prefix : str
        Of the try.
    stage : str

    Raises
    ------
    OutputsError
        From all that reads, where objects contradict each other.
    """

    s3: Any
    bucket: str
    prefix: str
    stage: str
    _out: dict[int, dict[str, Any]] = field(init=False)
    _objects: Objects = field(init=False)

    def __post_init__(self) -> None:
        found = list(listed(self.s3, self.bucket, f"{self.prefix}out/"))
        self._out = {self._first(told["Key"]): told for told in found}
        self._objects = Objects(self.s3, self.bucket, self.stage)

    def _first(self, key: str) -> int:
        told = re.fullmatch(r"(\d{12})\.parquet", key.removeprefix(f"{self.prefix}out/"))
        if told is None:
            raise self._refusal(f"{key}, which is no batch's")
        return int(told[1])

    def _refusal(self, found: str) -> OutputsError:
        return OutputsError(
            f"While registering stage {self.stage}, found {found}. Nothing of it was written; "
            "redo the stage."
        )

    def facts(self) -> dict[str, Any]:
        """What the probe wrote."""
        return dict(self._json("facts.json"))

    @functools.cached_property
    def batches(self) -> list[Batch]:
        """First and last item of each batch: all items, each in one."""
        batches = [(told["first"], told["last"]) for told in self._json("batches.json")]
        expected = 0
        for first, last in batches:
            if first != expected or last < first:
                raise self._refusal(f"a batch of items {first} to {last} where {expected} is next")
            expected = last + 1
        if expected != (items := self.facts()["items"]):
            raise self._refusal(f"batches of {expected} items, where the facts tell of {items}")
        return batches

    def _json(self, name: str) -> Any:
        told = get_json(self.s3, self.bucket, self.prefix + name)
        if told is None:
            raise FileNotFoundError(
                f"While registering stage {self.stage}, found no {self.prefix}{name}. "
                "Run the stage again."
            )
        return told

    @functools.cached_property
    def _figures(self) -> dict[int, dict[str, Any]]:
        """What each batch that left something tells of itself, by its first item."""
        spans = dict(self.batches)
        if strange := sorted(self._out.keys() - spans.keys()):
            raise self._refusal(f"out/ of items from {strange[0]}, where no batch begins")
        with ThreadPoolExecutor(READERS) as pool:
            found = dict(zip(self._out, pool.map(self._told, self._out.values()), strict=True))
        for first, told in found.items():
            if told["items"] != (planned := spans[first] - first + 1):
                raise self._refusal(
                    f"{told['items']} items in the batch from {first}, which is of {planned}"
                )
        return found

    def _told(self, listed: dict[str, Any]) -> dict[str, Any]:
        metadata = self._objects.open(listed["Key"], listed["ETag"]).schema_arrow.metadata or {}
        told: dict[str, Any] = json.loads(metadata[b"headrace"])
        return told

    def totals(self) -> Totals:
        """Items, and those that failed: all of a batch that left nothing."""
        total = Totals()
        for first, last in self.batches:
            told = self._figures.get(first)
            if told is None:
                total.items += last - first + 1
                total.failed += last - first + 1
                continue
            total.items += told["items"]
            total.failed += told["failed"]
            total.ms += told["ms"]
            total.bytes_out += self._out[first]["Size"]
        return total

    def rows(self) -> Iterator[pa.RecordBatch]:
        """All rows, in the order of items; a few files at a time are in memory."""
        wanted = [self._out[first] for first, _ in self.batches if first in self._out]
        for file in self._objects.ahead((o["Key"], o["ETag"], o["Size"]) for o in wanted):
            for batch in file.iter_batches():
                yield batch.replace_schema_metadata(None)

    def bad(self) -> Iterator[pa.Table]:
        """What failed, in the order of items, as the columns of the quarantine."""
        lost = Lost(self._objects, f"{self.prefix}items.parquet", self.stage)
        files = self._objects.ahead((key, None, 0) for key in self._bad_keys())
        for first, last in self.batches:
            told = self._figures.get(first)
            if told is None:
                yield from lost.items(first, last)
            elif told["bad"]:
                table = next(files).read().replace_schema_metadata(None)
                if table.num_rows != told["bad"]:
                    raise self._refusal(
                        f"{table.num_rows} rows in bad/{told['bad_file']}, where its batch "
                        f"tells of {told['bad']}"
                    )
                yield table

    def _bad_keys(self) -> Iterator[str]:
        for first, _ in self.batches:
            told = self._figures.get(first, {"bad": 0})
            if told["bad"]:
                if not told.get("bad_file"):
                    raise self._refusal(f"{told['bad']} rows of items from {first} in no bad/ file")
                yield f"{self.prefix}bad/{told['bad_file']}"
