"""What the deployed functions share."""

from __future__ import annotations

import dataclasses
import itertools

from hypothesis import given
from hypothesis import strategies as st

from headrace import lake, plan

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
