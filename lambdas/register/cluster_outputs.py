"""What a program left, of a cluster or in containers: rows, what is no row, and its try's facts.

All of it is looked at once before anything is written. A table that fits into memory is sorted
then; a larger one is read a second time, file by file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.lake import arrow_schema, get_json, item_text, listed
from lambdas.register.json_rows import LineError, Reader
from lambdas.register.outputs import OutputsError
from lambdas.register.parquet_rows import ColumnsError, Fitter
from lambdas.register.ranges import opened

#: Bytes of rows in memory that are sorted by all columns.
SORTED_BYTES = 256 << 20
#: Bytes of what is no row that are kept: more is no table with some bad lines.
BAD_BYTES = 256 << 20
_BATCH_ROWS = 65_536
Bad = tuple[bytes, str, str, str, int]


@dataclass
class ClusterOutputs:
    """One try of a program's stage, as it lies in the lake.

    Parameters
    ----------
    s3 : S3 client
    bucket : str
        The lake's.
    prefix : str
        Of the try.
    stage : mapping
        From the deployed plan.
    sorted_bytes : int
        See ``SORTED_BYTES``.

    Attributes
    ----------
    count : int
        Rows and what is none, together; known once :meth:`look` has read.
    bad : list
        What is no row, as the quarantine has it.
    bytes_out : int
        Of the files.
    """

    s3: Any
    bucket: str
    prefix: str
    stage: Mapping[str, Any]
    sorted_bytes: int = SORTED_BYTES
    count: int = 0
    bad: list[Bad] = field(default_factory=list)
    bytes_out: int = 0
    _files: list[dict[str, Any]] = field(default_factory=list)
    _held: pa.Table | None = None

    def look(self) -> None:
        """Read all of it once.

        Raises
        ------
        OutputsError
            Where it isn't whole, isn't of the table's columns, or is mostly no row.
        """
        self._files = self._listed()
        self.bytes_out = sum(file["Size"] for file in self._files)
        held: list[pa.RecordBatch] | None = []
        size = 0
        for batch in self._read(self.bad):
            self.count += batch.num_rows
            size += batch.nbytes
            if size > self.sorted_bytes:
                held = None
            elif held is not None:
                held.append(batch)
        self.count += len(self.bad)
        if held is not None:
            table = pa.Table.from_batches(held, self.schema)
            self._held = table.sort_by([(name, "ascending") for name in table.column_names])

    @property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        return pa.schema([f.with_nullable(True) for f in arrow_schema(self.stage["columns"])])

    def rows(self) -> Iterator[pa.RecordBatch]:
        """All rows: by all columns where they are few, else as they lie in the files."""
        if self._held is not None:
            yield from self._held.to_batches(_BATCH_ROWS)
        else:
            yield from self._read([])

    def facts(self) -> dict[str, Any]:
        """The facts that were written before the program ran.

        Raises
        ------
        OutputsError
            Where there are none.
        """
        found: dict[str, Any] | None = get_json(self.s3, self.bucket, f"{self.prefix}facts.json")
        if found is None:
            raise self._refusal("no facts.json")
        return found

    def noted(self) -> dict[str, float | str]:
        """What the program itself noted under ``facts/``.

        Raises
        ------
        OutputsError
            For what is no object of numbers and texts.
        """
        noted: dict[str, float | str] = {}
        for told in listed(self.s3, self.bucket, f"{self.prefix}facts/"):
            key = told["Key"]
            if not key.endswith(".json"):
                continue
            found = get_json(self.s3, self.bucket, key)
            good = isinstance(found, dict)
            if not good or not all(isinstance(v, int | float | str) for v in found.values()):
                raise self._refusal(f"{key}, which is no object of numbers and texts")
            noted |= found
        return noted

    def libraries(self) -> dict[str, str]:
        """Names and versions of what a job's image holds, which each of its containers tells.

        Raises
        ------
        OutputsError
            Where none told.
        """
        found = get_json(self.s3, self.bucket, f"{self.prefix}libraries.json")
        if not isinstance(found, dict):
            raise self._refusal("no libraries.json: the job did not end as `boot` ends it")
        return {str(name): str(version) for name, version in found.items()}

    def bad_rows(self) -> pa.Table:
        """What is no row, as the columns of the quarantine."""
        columns = list(zip(*self.bad, strict=True)) or [()] * len(BAD)
        arrays = [pa.array(c, f.type) for c, f in zip(columns, BAD, strict=True)]
        return pa.Table.from_arrays(arrays, schema=BAD)

    def _listed(self) -> list[dict[str, Any]]:
        out = f"{self.prefix}out/"
        found = {told["Key"][len(out) :]: told for told in listed(self.s3, self.bucket, out)}
        if missing := [name for name in self._ends() if name not in found]:
            more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
            raise self._refusal(
                f"no {missing[0]}{more} in out/: the program did not end, or wrote elsewhere"
            )
        files = [n for n in found if n and not n.startswith(("_", ".")) and not n.endswith("/")]
        if folders := sorted({n.split("/")[0] for n in files if "/" in n}):
            raise self._refusal(f"the folders {folders[:3]} in out/, where files should be")
        packed = [n for n in files if n.endswith((".gz", ".bz2", ".zst", ".deflate"))]
        if packed and self.stage["kind"] == "mapreduce":
            raise self._refusal(f"{packed[0]}, which is compressed: plain lines are read")
        return [found[name] for name in sorted(files)]

    def _ends(self) -> list[str]:
        """What is written at the end: once, or by each copy of an array job."""
        if self.stage["kind"] != "batch" or (copies := self.facts()["workers"]) == 1:
            return ["_SUCCESS"]
        return [f"_SUCCESS.{number}" for number in range(copies)]

    def _read(self, bad: list[Bad]) -> Iterator[pa.RecordBatch]:
        """All good rows; what is none is put into `bad`."""
        kept = 0
        for number, file in enumerate(self._files):
            if not file["Size"]:
                continue
            lines = self._lines if self.stage["kind"] == "mapreduce" else self._parquet
            for batch, rejected in lines(file):
                name = file["Key"].rsplit("/", 1)[-1]
                for place, data, why in rejected:
                    told = f"{name}, row {place}: {why}"
                    bad.append((data, told, str(self.stage["name"]), item_text(number), place))
                    kept += len(data)
                if kept > BAD_BYTES:
                    raise self._refusal(
                        f"over {BAD_BYTES >> 20} MiB of what is no row; {bad[0][1]}"
                    )
                if batch.num_rows:
                    yield batch

    def _parquet(self, file: Mapping[str, Any]) -> Iterator[Any]:
        source = opened(self.s3, self.bucket, file["Key"], file["ETag"], file["Size"])
        place = 0
        try:
            parquet = pq.ParquetFile(source, coerce_int96_timestamp_unit="us")
            fitter = Fitter(self.stage["columns"], parquet)
            for batch in parquet.iter_batches(_BATCH_ROWS):
                good, rejected = fitter.fit(batch)
                yield good, [(place + at, data, why) for at, data, why in rejected]
                place += batch.num_rows
        except (ColumnsError, pa.ArrowInvalid) as error:
            raise self._refusal(f"{file['Key']}: {error}") from error

    def _lines(self, file: Mapping[str, Any]) -> Iterator[Any]:
        reader, schema = Reader(self.stage["columns"]), self.schema
        rows: list[list[Any]] = []
        rejected: list[tuple[int, bytes, str]] = []
        source = opened(self.s3, self.bucket, file["Key"], file["ETag"], file["Size"])
        for number, line in enumerate(source):
            line = line.removesuffix(b"\n")
            try:
                rows.append(reader.row(line))
            except LineError as error:
                rejected.append((number, line, str(error)))
            if len(rows) + len(rejected) >= _BATCH_ROWS:
                yield _batch(rows, schema), rejected
                rows, rejected = [], []
        yield _batch(rows, schema), rejected

    def _refusal(self, found: str) -> OutputsError:
        return OutputsError(
            f"While registering stage {self.stage['name']}, found {found.rstrip('.')} under "
            f"{self.prefix}. Correct the program or `produces`, and run the stage again."
        )


def _batch(rows: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    arrays = [pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


#: What is no row: the quarantine's columns, without whose it is.
BAD = pa.schema(
    [
        ("bytes", pa.binary()),
        ("reason", pa.string()),
        ("intended", pa.string()),
        ("_sequence", pa.string()),
        ("_index", pa.int64()),
    ]
)
