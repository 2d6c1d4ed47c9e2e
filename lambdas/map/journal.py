"""What earlier tries of a batch came to: how far, and which item each was killed at.

A call that is killed says nothing. So each try after the first writes, before every item,
which one comes; an item at which a try ended is a suspect. A call that stops by itself, since
its time is up, writes what it has, and the next goes on from there. ::

    journal/<first>/<attempt>.json            {"item": n} or {"done": "0-57"}
    journal/<first>/<attempt>-rows.parquet    with the latter, and -bad.parquet
"""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from headrace.lake import Range, format_ranges, get_json, item_text, parse_ranges, put_json
from lambdas.map.mapper import Mapper
from lambdas.map.output import Output, figures, packed


@dataclass
class Journal:
    """One try's look at those before it.

    Parameters
    ----------
    mapper : Mapper
    prefix : str
        Of the stage's try.
    first : int
        The batch's first item.
    attempt : int
        This try, from 0.
    """

    mapper: Mapper
    prefix: str
    first: int
    attempt: int

    def _key(self, attempt: int, kind: str) -> str:
        return f"{self.prefix}journal/{item_text(self.first)}/{attempt}{kind}"

    def earlier(self, output: Output) -> tuple[list[Range], Counter[int]]:
        """Take up what earlier tries had.

        Returns
        -------
        done : list of (int, int)
            Items that ``output`` has now.
        strikes : Counter
            How often a try was killed at an item.
        """
        strikes: Counter[int] = Counter()
        done: list[Range] = []
        for attempt in range(self.attempt - 1, -1, -1):
            told = get_json(self.mapper.s3, self.mapper.bucket, self._key(attempt, ".json")) or {}
            if "item" in told:
                strikes[told["item"]] += 1
            elif told and not done:
                done = parse_ranges(told["done"])
                rows, bad = (self._read(attempt, kind) for kind in ("-rows", "-bad"))
                output.take(rows, bad, figures(rows))
        return done, strikes

    def _read(self, attempt: int, kind: str) -> Any:
        key = self._key(attempt, f"{kind}.parquet")
        body = self.mapper.s3.get_object(Bucket=self.mapper.bucket, Key=key)["Body"].read()
        return pq.read_table(io.BytesIO(body))

    def begin(self, item: int) -> None:
        """Write that an item comes."""
        told = {"item": item}
        put_json(self.mapper.s3, self.mapper.bucket, self._key(self.attempt, ".json"), told)

    def save(self, output: Output, done: list[Range], peak_mib: float) -> None:
        """Write what this try has."""
        told = output.told(peak_mib)
        self.mapper.put(self._key(self.attempt, "-rows.parquet"), packed(output.rows(), told))
        self.mapper.put(self._key(self.attempt, "-bad.parquet"), packed(output.bad(), told))
        # Last: it says that the others are whole.
        named = {"done": format_ranges(done)}
        put_json(self.mapper.s3, self.mapper.bucket, self._key(self.attempt, ".json"), named)
