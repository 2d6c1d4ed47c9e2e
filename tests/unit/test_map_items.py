"""A stage's items: one order whatever the files, and parts of them read again."""

from __future__ import annotations

import datetime
import decimal
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.map import items
from tests.unit.run_path import PREFIX, Stage, parquet, stage_on_moto


@pytest.fixture
def stage(tmp_path: Path) -> Any:
    with stage_on_moto(tmp_path) as made:
        yield made


def gathered(stage: Stage) -> pa.Table:
    return items.of_query(stage.s3, "lake", PREFIX).table


def test_the_order_does_not_depend_on_the_files(stage: Stage) -> None:
    stage.give([3, 1], [2], [5, 4, 1])
    one = items.packed(gathered(stage))
    assert gathered(stage).column("n").to_pylist() == [1, 1, 2, 3, 4, 5]
    stage.give([5, 4, 3], [], [2, 1, 1])
    assert items.packed(gathered(stage)) == one


def test_no_file_and_only_empty_ones_are_no_item(stage: Stage) -> None:
    for table in (gathered(stage), items.ordered(pa.table({"n": pa.array([], pa.int64())}))):
        assert table.num_rows == 0
        assert pq.read_table(io.BytesIO(items.packed(table))).num_rows == 0


def test_every_simple_type_and_nested_ones_are_sorted() -> None:
    day = datetime.date(1790, 1, 8)
    table = pa.table(
        {
            "none": pa.nulls(3),
            "tags": pa.array([["b"], ["a", "b"], ["a"]]),
            "of": pa.array([{"x": 1}, {"x": 1}, None]),
            "d": pa.array([day, None, day]),
            "m": pa.array([decimal.Decimal("1.5")] * 3),
        }
    )
    assert items.ordered(table).column("tags").to_pylist() == [["a", "b"], ["a"], ["b"]]


def test_objects_are_items_but_markers_of_folders(stage: Stage) -> None:
    for name in ("files/web/b.warc", "files/web/a.warc", "files/web/", "files/other"):
        stage.put(name, b"" if name.endswith("/") else b"12345")
    found = items.of_prefix(stage.s3, "lake", "s3://{lake}/files/web/")
    told = [(row["uri"], row["bytes"], len(row["etag"])) for row in found.table.to_pylist()]
    assert told == [("s3://lake/files/web/a.warc", 5, 32), ("s3://lake/files/web/b.warc", 5, 32)]
    assert (found.files, found.size) == (["files/web/a.warc", "files/web/b.warc"], 10)


def test_more_objects_than_one_page_has(stage: Stage) -> None:
    for number in range(1001):
        stage.put(f"files/many/{number}", b"")
    assert items.of_prefix(stage.s3, "lake", "s3://{lake}/files/many/").table.num_rows == 1001


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(spans=st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 9999)).map(sorted)))
def test_any_part_is_read_alone(
    tmp_path_factory: pytest.TempPathFactory, spans: list[list[int]]
) -> None:
    with stage_on_moto(tmp_path_factory.mktemp("s")) as stage:
        stage.put("items", items.packed(pa.table({"n": range(10_000)})))
        file = items.ItemsFile(stage.s3, "lake", "items")
        for first, last in spans:
            assert list(file.rows(first, last)) == [(n, {"n": n}) for n in range(first, last + 1)]


def test_of_a_large_file_only_what_is_asked_is_read(stage: Stage) -> None:
    noise = [bytes([n % 251, *pa.py_buffer(str(n).encode())]) * 50_000 for n in range(60)]
    table = pa.table({"n": range(60), "data": noise})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="none", use_dictionary=False, row_group_size=1)
    body = sink.getvalue().to_pybytes()
    stage.put("items", body)
    got: list[int] = []

    class Counting:
        def __getattr__(self, name: str) -> Any:
            return getattr(stage.s3, name)

        def get_object(self, **words: Any) -> Any:
            told = stage.s3.get_object(**words)
            got.append(told["ContentLength"])
            return told

    file = items.ItemsFile(Counting(), "lake", "items")
    ((number, item),) = file.rows(41, 41)
    assert (number, item["data"]) == (41, noise[41])
    assert sum(got) < len(body) / 10


def test_row_groups_are_small_and_few() -> None:
    assert items.group_rows(pa.table({"n": range(1000)})) == 4096
    assert items.group_rows(pa.table({"t": ["x" * 10_000] * 500})) in range(95, 110)
    assert items.group_rows(pa.table({"t": ["x" * 3_000_000] * 2})) == 1


def test_the_first_item_beyond_a_payload_is_found() -> None:
    texts = ["a"] * 50 + ["\x00" * 300] + ["b" * 5000]
    assert items.largest(pa.table({"t": texts}), 1000) == (50, 300 * 6 + 9)
    assert items.largest(pa.table({"t": texts}), 10_000) == (-1, 0)


def test_items_as_json() -> None:
    item = {"y": b"\xff", "d": datetime.date(1790, 1, 8), "s": "é", "n": None}
    assert items.as_json(item).decode() == '{"y": "/w==", "d": "1790-01-08", "s": "é", "n": null}'


def test_parquet_of_a_helper_is_read_back() -> None:
    assert pq.read_table(io.BytesIO(parquet(pa.table({"n": [1]})))).to_pylist() == [{"n": 1}]
