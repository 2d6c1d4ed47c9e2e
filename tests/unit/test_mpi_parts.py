"""What the programs of tasks/mpi share: who has which items, draws, sums, bags of words."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.mpi import text_model
from tasks.mpi.draws import Draws
from tasks.mpi.split import counts, deal, share
from tasks.mpi.sums import mean_and_sd

ITEMS, SIZES = st.integers(0, 60), st.integers(1, 20)


@given(ITEMS, SIZES)
def test_every_item_is_some_ranks_and_no_others(items: int, size: int) -> None:
    for split in (share, deal):
        parts = [split(items, rank, size) for rank in range(size)]
        assert sorted(item for part in parts for item in part) == [*range(items)]
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert counts(items, size, 3) == [3 * len(share(items, rank, size)) for rank in range(size)]
    assert [i for rank in range(size) for i in share(items, rank, size)] == [*range(items)]


@given(st.integers(), st.lists(st.integers(), min_size=1, max_size=5), st.integers(1, 30))
def test_an_item_draws_the_same_whatever_was_drawn_before(
    seed: int, items: list[int], count: int
) -> None:
    draws = Draws(seed)
    before = [draws.normals(item, count) for item in items]
    for item, drawn in zip(items, before, strict=True):
        key = np.array([seed % 2**64, item % 2**64], dtype=np.uint64)
        fresh = np.random.Generator(np.random.Philox(key=key)).standard_normal(count)
        assert (drawn == fresh).all()
        assert (draws.normals(item, count) == fresh).all()


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=50), st.floats(-1e3, 1e3))
def test_moments_from_differences(values: list[float], about: float) -> None:
    away = np.array(values) - about
    mean, sd = mean_and_sd(len(values), away, away * away, about)
    assert mean == pytest.approx(math.fsum(values) / len(values), abs=1e-9)
    assert sd == pytest.approx(np.std(values), abs=1e-4)


@given(st.lists(st.text(alphabet="ab c'", max_size=12), min_size=1, max_size=8), st.integers(1, 9))
def test_a_text_has_the_same_row_whichever_rank_split_it(texts: list[str], cut: int) -> None:
    whole = text_model.bags(texts)
    parts = [text_model.bags(texts[:cut]), text_model.bags(texts[cut:])]
    assert np.concatenate([p.hashes for p in parts]).tolist() == whole.hashes.tolist()
    first = whole.matrix(4).toarray()
    assert (whole.matrix(8).toarray().shape, first.shape) == ((len(texts), 8), (len(texts), 4))
    assert (whole.matrix(4).toarray() == first).all()  # making one changes nothing
    lengths = (first**2).sum(axis=1)
    assert np.allclose(lengths[lengths > 0], 1)


def test_words() -> None:
    bags = text_model.bags(["The dog's DOG, the_end — 3 été", ""])
    assert bags.sizes.tolist() == [5, 0]  # the, dog's, dog, the_end, été: a 3 is no word
