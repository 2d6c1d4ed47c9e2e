"""What the batches left is held against what was planned, and refused where it differs."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from moto import mock_aws

from lambdas.register.checksum import CHUNK_ROWS, rechunked
from lambdas.register.objects import ChangedError
from lambdas.register.outputs import Outputs, OutputsError
from lambdas.register.result import read
from tests.unit.registering import Athena, study_on_moto
from tests.unit.run_path import map_stage, parquet

PREFIX = "runs/r/squares/1-0a1b2c3d/"


class Tried:
    """A try of a Map stage as its objects, ten items a batch, one of each failed."""

    def __init__(self, s3: Any, batches: int) -> None:
        self.s3 = s3
        self.items = 10 * batches
        spans = [{"first": n, "last": n + 9} for n in range(0, self.items, 10)]
        self.json("batches.json", spans)
        self.json("facts.json", {"items": self.items})
        sink = pa.BufferOutputStream()
        pq.write_table(pa.table({"n": range(self.items)}), sink, row_group_size=25)
        self.put("items.parquet", sink.getvalue().to_pybytes())
        for first in range(0, self.items, 10):
            self.batch(first)

    def put(self, name: str, body: bytes) -> None:
        self.s3.put_object(Bucket="lake", Key=PREFIX + name, Body=body)

    def json(self, name: str, told: Any) -> None:
        self.put(name, json.dumps(told).encode())

    def batch(self, first: int, **words: Any) -> None:
        """Write a batch's two objects, with other figures where they are given."""
        name = f"{first:012d}-0a1b2c3d.parquet"
        told = {"items": 10, "failed": 1, "bad": 1, "bad_file": name, "ms": 1.0} | words
        bad = {"bytes": [b"{}"], "reason": [f"item {first}: no"], "_sequence": [f"{first:012d}"]}
        self.put(f"bad/{name}", parquet(pa.table(bad)))
        rows = pa.table({"_item": pa.array(range(first + 1, first + 10), pa.int64())})
        rows = rows.replace_schema_metadata({"headrace": json.dumps(told)})
        self.put(f"out/{first:012d}.parquet", parquet(rows))

    def drop(self, name: str) -> None:
        self.s3.delete_object(Bucket="lake", Key=PREFIX + name)

    def outputs(self, s3: Any = None) -> Outputs:
        return Outputs(s3 or self.s3, "lake", PREFIX, "squares")


@contextmanager
def tried(batches: int = 4) -> Iterator[Tried]:
    words = {"aws_access_key_id": "a", "aws_secret_access_key": "b", "region_name": "us-east-1"}
    with mock_aws():
        s3 = boto3.client("s3", **words)
        s3.create_bucket(Bucket="lake")
        yield Tried(s3, batches)


def numbers(outputs: Outputs) -> list[int]:
    return [n for batch in outputs.rows() for n in batch.column("_item").to_pylist()]


def test_rows_and_what_failed_come_in_the_order_of_items() -> None:
    with tried(70) as t:  # more than are read ahead
        outputs = t.outputs()
        total = outputs.totals()
        assert (total.items, total.failed, total.ms) == (700, 70, 70.0)
        assert numbers(outputs) == [n for n in range(700) if n % 10]
        failed = [s for table in outputs.bad() for s in table.column("_sequence").to_pylist()]
        assert [int(s) for s in failed] == list(range(0, 700, 10))


def other_sizes(t: Tried) -> None:
    t.json("batches.json", [{"first": 0, "last": 19}, {"first": 20, "last": 39}])
    t.drop("out/000000000010.parquet")
    t.drop("out/000000000030.parquet")


def no_batchs_key(t: Tried) -> None:
    t.put("out/10.parquet", b"")


def beyond_the_facts(t: Tried) -> None:
    t.json("facts.json", {"items": 41})


def a_gap(t: Tried) -> None:
    t.json("batches.json", [{"first": n, "last": n + 9} for n in (0, 10, 30)])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (other_sizes, "10 items in the batch from 0, which is of 20"),
        (lambda t: t.batch(7), "out/ of items from 7, where no batch begins"),
        (no_batchs_key, r"out/10\.parquet, which is no batch's"),
        (lambda t: t.batch(10, items=9), "9 items in the batch from 10, which is of 10"),
        (beyond_the_facts, "batches of 40 items, where the facts tell of 41"),
        (a_gap, "a batch of items 30 to 39 where 20 is next"),
    ],
)
def test_what_contradicts_the_plan_is_refused(spoil: Callable[[Tried], None], said: str) -> None:
    with tried() as t:
        spoil(t)
        with pytest.raises(OutputsError, match=said):
            t.outputs().totals()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"bad": 2}, r"1 rows in bad/0+-0a1b2c3d\.parquet, where its batch tells of 2"),
        ({"bad_file": None}, "1 rows of items from 0 in no bad/ file"),
    ],
)
def test_rows_that_failed_of_another_write_are_refused(words: Any, said: str) -> None:
    with tried() as t:
        t.batch(0, **words)
        outputs = t.outputs()
        outputs.totals()
        with pytest.raises(OutputsError, match=said):
            list(outputs.bad())


def test_a_contradiction_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with study_on_moto(tmp_path, map_stage("one_in_a_hundred")) as study:
        run = study.begin("r")
        prepared = study.prepare(run, "squares")
        stage = study.stage(prepared)
        stage.give(range(100))
        stage.map()
        found = study.s3.list_objects_v2(Bucket="lake", Prefix=f"{prepared['prefix']}bad/")
        for told in found["Contents"]:
            body = study.s3.get_object(Bucket="lake", Key=told["Key"])["Body"].read()
            none = pq.read_table(io.BytesIO(body)).slice(0, 0)
            study.s3.put_object(Bucket="lake", Key=told["Key"], Body=parquet(none))
        with pytest.raises(OutputsError, match="0 rows in bad/"):
            study.register(run, prepared)
        assert study.catalog.commits == 1  # the row of `numbers`


def test_a_batch_that_is_written_anew_meanwhile_is_refused() -> None:
    with tried(1) as t:
        outputs = t.outputs()
        t.batch(0, ms=2.0)
        with pytest.raises(ChangedError, match="written anew since it was listed"):
            outputs.totals()


class Counting:
    """S3 that counts how often each key is read."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.reads: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def get_object(self, **asked: Any) -> Any:
        self.reads.append(asked["Key"].removeprefix(PREFIX))
        return self._s3.get_object(**asked)


def test_what_lost_batches_were_of_is_read_once() -> None:
    with tried(6) as t:
        for first in (10, 20, 40):
            t.drop(f"out/{first:012d}.parquet")
        s3 = Counting(t.s3)
        outputs = t.outputs(s3)
        outputs._objects._held = 1 << 40  # as after many batches: nothing more is kept
        assert (outputs.totals().items, outputs.totals().failed) == (60, 33)
        bad = pa.concat_tables(outputs.bad(), promote_options="default")
        assert [int(s) for s in bad.column("_sequence").to_pylist()] == [
            0,
            *range(10, 30),
            30,
            *range(40, 50),
            50,
        ]
        assert bad.column("bytes").to_pylist()[1] == b'{"n": 10}'
        assert s3.reads.count("items.parquet") == 1
        assert s3.reads.count("batches.json") == 1


def test_rows_are_read_before_their_turn() -> None:
    with tried(6) as t:
        s3 = Counting(t.s3)
        outputs = t.outputs(s3)
        outputs._objects._held = 1 << 40
        outputs.totals()
        s3.reads.clear()
        rows = outputs.rows()
        next(rows)
        rows.close()  # type: ignore[attr-defined]
        assert len(s3.reads) == 6


def test_chunks_of_long_texts_end_by_their_bytes_however_batches_are_cut() -> None:
    lengths = [3, 9, 0, 25, 1, 1, 10, 4, 4, 4]
    texts = [None if n == 0 else "x" * n for n in lengths]
    whole = pa.record_batch(
        {"n": pa.array(range(10), pa.int64()), "t": pa.array(texts, pa.string())}
    )
    for size in (1, 3, 10):
        batches = [whole.slice(n, size) for n in range(0, 10, size)]
        made = list(rechunked(batches, chunk_bytes=10))
        assert [chunk.num_rows for chunk in made] == [2, 2, 3, 3]
        assert pa.Table.from_batches(made).to_pylist() == whole.to_pylist()


def test_texts_of_more_than_two_gib_are_cut() -> None:
    long = pa.array(["x" * (48 << 20)], pa.string())
    batch = pa.record_batch({"t": long})
    sizes = [(c.num_rows, c.column(0).nbytes >> 20) for c in rechunked(batch for _ in range(45))]
    assert sizes == [(2, 96)] * 22 + [(1, 48)]
    assert CHUNK_ROWS > 45


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        (b'"t"\n"' + b"x" * 200_000 + b'"\n', 1),
        (b'"t","u"\n"a ""b""\n","\n"\n"",\n', 2),
        (b'"t"\n', 0),
        (b'"t"\n"a"', 1),
        (b'"t"\n' + b'"\n""\n"\n' * 300_000, 300_000),
        (b"", 0),
    ],
)
def test_a_result_is_counted_whatever_its_cells(body: bytes, rows: int) -> None:
    with tried(0) as t:
        t.s3.put_object(Bucket="lake", Key="athena/q.csv", Body=body)
        assert read(Athena(), t.s3, "q").rows == rows
