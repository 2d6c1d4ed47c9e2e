"""What a batch has in the lake: one file in ``out/``, whose single PUT says all that holds.

It names the file in ``bad/`` that belongs to it, which no other call writes. A file with ``done``
is one of a batch that isn't whole yet: what was not run is among its bad as if given up, which is
so if no try comes after. A whole file stays, whoever comes later; another is replaced only by a
call that knew it. ::

    out/<first>.parquet ──"bad_file"──▶ bad/<first>-<8 hex>.parquet
"""

from __future__ import annotations

import io
import secrets
from dataclasses import dataclass
from typing import Any

import pyarrow.parquet as pq

from headrace.lake import Range, format_ranges, item_text, parse_ranges
from lambdas.map.mapper import Mapper
from lambdas.map.output import Output, figures, packed


@dataclass
class Kept:
    """A batch's file.

    Parameters
    ----------
    mapper : Mapper
    prefix : str
        Of the stage's try.
    first : int
        The batch's first item.
    """

    mapper: Mapper
    prefix: str
    first: int
    _etag: str | None = None

    @property
    def _key(self) -> str:
        return f"{self.prefix}out/{item_text(self.first)}.parquet"

    def _read(self) -> tuple[Any, dict[str, Any]] | None:
        s3 = self.mapper.s3
        try:
            told = s3.get_object(Bucket=self.mapper.bucket, Key=self._key)
        except s3.exceptions.NoSuchKey:
            self._etag = None
            return None
        table = pq.read_table(io.BytesIO(told["Body"].read()))
        self._etag = told["ETag"]
        return table, figures(table)

    def take(self, output: Output) -> tuple[list[Range], dict[str, Any] | None]:
        """Go on from what the batch has.

        Returns
        -------
        done : list of (int, int)
            Items that ``output`` has now.
        figures : dict or None
            Where the batch is whole.
        """
        found = self._read()
        if found is None:
            return [], None
        rows, told = found
        if told["done"] is None:
            return [], told
        done = parse_ranges(told["done"])
        output.take(rows, self._bad(told["bad_file"]), told["done_failed"], told["ms"], done)
        return done, None

    def _bad(self, name: str | None) -> list[dict[str, Any]]:
        if name is None:
            return []
        key = f"{self.prefix}bad/{name}"
        body = self.mapper.s3.get_object(Bucket=self.mapper.bucket, Key=key)["Body"].read()
        found: list[dict[str, Any]] = pq.read_table(io.BytesIO(body)).to_pylist()
        return found

    def write(
        self, output: Output, peak_mib: float, done: list[Range] | None, done_failed: int
    ) -> dict[str, Any]:
        """Write what a batch has.

        Parameters
        ----------
        done : list of (int, int) or None
            Items that were run, where not all were.
        done_failed : int
            How many of these failed.

        Returns
        -------
        dict
            The figures of what is there now: of another call's, where that stays.
        """
        told = output.told(peak_mib) | {"bad_file": None, "done_failed": done_failed}
        told["done"] = None if done is None else format_ranges(done)
        if told["bad"]:
            told["bad_file"] = f"{item_text(self.first)}-{secrets.token_hex(4)}.parquet"
            self.mapper.put(f"{self.prefix}bad/{told['bad_file']}", packed(output.bad(), told))
        body = packed(output.rows(), told)
        while (etag := self.mapper.put_unless(self._key, body, self._etag)) is None:
            found = self._read()
            if found and (found[1]["done"] is None or done is not None):
                return found[1]
        self._etag = etag
        return told
