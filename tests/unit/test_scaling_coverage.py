"""The truth lies in the 95 % interval in 95 of 100: counted on synthetic times.

Every case draws its times anew from fixed seeds. By the binomial law a right interval is
outside of the bounds of `counted` in one of 5,000 cases.
"""

import math
from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
import pytest
from scipy.stats import binom

from headrace.scaling.intervals import of_parameter, of_peak, of_time
from headrace.scaling.laws import AMDAHL, SCALED, USL, Law, Timings, fit

REPETITIONS = 400
#: Of a law with two parameters, whose intervals take ten times as long.
FEWER = 120


def drawn(
    law: Law, theta: list[float], counts: list[int], repeats: int, noise: float, seed: int
) -> Iterator[Timings]:
    """Times under multiplicative noise, again and again."""
    random = np.random.default_rng(seed)
    n = np.repeat(np.asarray(counts, dtype=float), repeats)
    while True:
        seconds = 10 * law.factor(n, *theta) * np.exp(noise * random.standard_normal(len(n)))
        yield Timings(n, seconds)


def counted(inside: Iterable[bool]) -> None:
    """Check that about 95 of 100 are."""
    told = list(inside)
    low, high = binom.ppf(1e-4, len(told), 0.95), binom.isf(1e-4, len(told), 0.95)
    assert low <= sum(told) <= high, f"{sum(told)} of {len(told)}"


@pytest.mark.parametrize(
    ("serial", "counts", "repeats", "noise"),
    [
        (0.0, [1, 2, 4], 3, 0.05),  # at the edge: nothing is serial
        (0.01, [1, 2], 3, 0.1),
        (0.05, [1, 2, 4], 1, 0.05),  # three times in all
        (0.1, [1, 2, 4, 8, 16], 1, 0.2),
        (0.5, [1, 2, 4, 8], 2, 0.05),
        (1.0, [1, 2, 4], 2, 0.1),  # at the other: all is
    ],
)
def test_the_serial_fraction_lies_in_its_interval_in_95_of_100(
    serial: float, counts: list[int], repeats: int, noise: float
) -> None:
    times = drawn(AMDAHL, [serial], counts, repeats, noise, seed=1)
    found = [of_parameter(fit(AMDAHL, t), t) for t in islice(times, REPETITIONS)]
    counted(i.low - 1e-9 <= serial <= i.high + 1e-9 for i in found)


@pytest.mark.parametrize("serial", [0.0, 0.1])
def test_a_measured_gustafson_fraction_lies_in_its_interval_in_95_of_100(serial: float) -> None:
    times = drawn(SCALED, [serial], [1, 2, 4, 8], 2, 0.05, seed=2)
    found = [of_parameter(fit(SCALED, t), t) for t in islice(times, REPETITIONS)]
    counted(i.low - 1e-9 <= serial <= i.high + 1e-9 for i in found)


@pytest.mark.parametrize(
    ("theta", "counts", "repeats"),
    [([0.05, 0.002], [1, 2, 4, 8, 16], 2), ([0.05, 0.0], [1, 2, 4, 8], 3)],
)
def test_contention_and_coherency_lie_in_their_intervals_in_95_of_100(
    theta: list[float], counts: list[int], repeats: int
) -> None:
    times = drawn(USL, theta, counts, repeats, 0.05, seed=3)
    fitted = [(fit(USL, t), t) for t in islice(times, FEWER)]
    for which, true in enumerate(theta):
        found = [of_parameter(f, t, which) for f, t in fitted]
        counted(i.low - 1e-12 <= true <= i.high + 1e-12 for i in found)


def test_the_peak_of_the_usl_lies_in_its_interval_in_95_of_100() -> None:
    sigma, kappa = 0.05, 0.002
    true = math.sqrt((1 - sigma) / kappa)
    times = drawn(USL, [sigma, kappa], [1, 2, 4, 8, 16, 32], 2, 0.05, seed=4)
    counted(
        i.low <= true <= i.high for i in (of_peak(fit(USL, t), t) for t in islice(times, FEWER))
    )


def test_a_time_that_was_not_measured_lies_in_its_interval_as_often() -> None:
    # Held to what can be, so it may cover more often than 95 of 100, never less.
    times = islice(drawn(AMDAHL, [0.05], [1, 2, 4], 2, 0.05, seed=5), FEWER // 3)
    true = 10 * AMDAHL.factor(32.0, 0.05)
    hits = sum(i.low <= true <= i.high for i in (of_time(fit(AMDAHL, t), t, 32) for t in times))
    assert hits >= binom.ppf(1e-4, FEWER // 3, 0.95)
