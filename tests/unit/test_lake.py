"""What the deployed functions share."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws
from pyiceberg.exceptions import CommitFailedException

from headrace import lake, plan
from lambdas.table.evolve import ensure

ranges = st.lists(
    st.tuples(st.integers(0, 60), st.integers(0, 9)).map(lambda t: (t[0], t[0] + t[1]))
)


def numbers(several: list[lake.Range]) -> set[int]:
    return {n for low, high in several for n in range(low, high + 1)}


def test_lineage_is_that_of_the_plan() -> None:
    assert tuple(dataclasses.astuple(column) for column in plan.LINEAGE) == lake.LINEAGE


def test_every_type_of_a_plan_has_an_arrow_type() -> None:
    assert set(plan.ICEBERG_TYPES.values()) == set(lake.ARROW_TYPES)


def test_keys_are_those_of_the_contract() -> None:
    assert lake.raw_key("shardId-0", "1", "9") == "raw/shardId-0/1-9.parquet"
    assert lake.staged_key("t", "shardId-0", "1", "9") == "staged/t/shardId-0/1-9.parquet"


@given(ranges, ranges)
def test_union_holds_the_same_numbers_in_the_fewest_ranges(
    one: list[lake.Range], two: list[lake.Range]
) -> None:
    joined = lake.union(one, two)
    assert numbers(joined) == numbers(one) | numbers(two)
    gaps = [later[0] - earlier[1] for earlier, later in itertools.pairwise(joined)]
    assert all(gap > 1 for gap in gaps)


@given(ranges)
def test_ranges_survive_being_written(some: list[lake.Range]) -> None:
    assert lake.parse_ranges(lake.format_ranges(lake.union(some))) == lake.union(some)


def test_ranges_are_written_as_the_contract_says() -> None:
    assert lake.format_ranges([(0, 4999), (5500, 5999)]) == "0-4999,5500-5999"
    assert lake.parse_ranges("") == []


class LostAnswers:
    """A Glue client whose next update is made, and whose answer is lost: boto3 sends it again.

    What Glue says to the second one: https://docs.aws.amazon.com/glue/latest/webapi/API_UpdateTable.html
    """

    def __init__(self, glue: Any, between: Callable[[], None], made: bool = True) -> None:
        self._glue, self._between, self._made = glue, between, made
        self.lost = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._glue, name)

    def update_table(self, **asked: Any) -> Any:
        if self.lost:
            return self._glue.update_table(**asked)
        self.lost += 1
        if self._made:
            self._glue.update_table(**asked)
        self._between()
        told = {"Error": {"Code": "ConcurrentModificationException", "Message": "newer"}}
        raise self._glue.exceptions.ConcurrentModificationException(told, "UpdateTable")


@pytest.fixture
def numbers_in_glue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A catalog as the functions have it, with an empty table ("tests", "numbers")."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    with mock_aws():
        catalog: Any = lake.glue_catalog("us-east-1")
        catalog.glue.create_database(DatabaseInput={"Name": "tests"})
        ensure(catalog, "tests", "numbers", (tmp_path / "numbers").as_uri(), [("n", "long")])
        yield catalog


def appended(catalog: Any, *numbers: int) -> None:
    catalog.load_table(("tests", "numbers")).append(pa.table({"n": pa.array(numbers, pa.int64())}))


def kept(catalog: Any) -> list[int]:
    table = catalog.load_table(("tests", "numbers")).scan().to_arrow()
    found: list[int] = sorted(table.column("n").to_pylist())
    return found


@pytest.mark.parametrize("others", [False, True])
def test_a_commit_whose_answer_was_lost_has_landed(numbers_in_glue: Any, others: bool) -> None:
    catalog = numbers_in_glue
    appended(catalog, 1)
    plain = catalog.glue
    other = lake.glue_catalog("us-east-1")
    catalog.glue = LostAnswers(plain, lambda: appended(other, 3) if others else None)
    appended(catalog, 2)
    assert catalog.glue.lost == 1
    assert kept(catalog) == ([1, 2, 3] if others else [1, 2])


def test_a_commit_that_another_came_before_has_failed(numbers_in_glue: Any) -> None:
    catalog = numbers_in_glue
    appended(catalog, 1)
    other = lake.glue_catalog("us-east-1")
    catalog.glue = LostAnswers(catalog.glue, lambda: appended(other, 3), made=False)
    with pytest.raises(CommitFailedException):
        appended(catalog, 2)
    assert kept(catalog) == [1, 3]
