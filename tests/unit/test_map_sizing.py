"""How many items a call gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdas.map.sizing import Measured, batch_items, batch_timeout_s, batches


@pytest.mark.parametrize(
    ("items", "item_s", "workers", "wanted"),
    [
        (1000, 20e-6, 8, 1000),  # nothing to do: one call
        (60, 1.0, 8, 2),  # four rounds for each worker
        (60, 1.0, 2, 4),  # no longer than the target
        (10_000, 0.001, 8, 313),
        (100, 200.0, 8, 1),
        (0, 0.0, 8, 1),
        (3, 5.0, 8, 1),
        (1_000_000, 10.0, 8, 10),  # a third of the function's time
        (1_000_000, 4.0, 8, 25),  # no more calls than can be registered
    ],
)
def test_examples(items: int, item_s: float, workers: int, wanted: int) -> None:
    assert batch_items(items, Measured(item_s), workers, 300) == wanted


def test_large_items_and_rows_go_in_small_batches() -> None:
    assert batch_items(10_000, Measured(1e-4, item_bytes=1 << 20), 8, 300) == 64
    assert batch_items(10_000, Measured(1e-4, row_bytes=1 << 25), 8, 300) == 2


@given(st.integers(0, 100_000), st.floats(0, 1000), st.integers(1, 1000), st.integers(1, 900))
def test_a_call_fits_its_function(items: int, item_s: float, workers: int, timeout_s: int) -> None:
    size = batch_items(items, Measured(item_s), workers, timeout_s)
    assert 1 <= size <= max(items, 1)
    assert size == 1 or (size - 1) * item_s <= timeout_s / 3
    limit = batch_timeout_s(size, item_s, min(60, timeout_s), timeout_s)
    assert limit <= timeout_s + 30


@given(st.integers(0, 1000), st.integers(1, 1000))
def test_batches_hold_every_item_once(items: int, size: int) -> None:
    made = [n for b in batches(items, size) for n in range(b["first"], b["last"] + 1)]
    assert made == list(range(items))
    assert all(b["last"] - b["first"] < size for b in batches(items, size))
