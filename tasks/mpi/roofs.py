"""The loops that find a machine's roofs, and their clock: multiply-adds, dgemm, and the triad.

Each loop runs in threads, one a core, each on memory of its own. The best of several tries
counts: what else the machine does can only slow a try down.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba import njit

#: Doubles that the multiply-add loop holds: 8 KiB in and 8 out, in any first cache.
FMA_DOUBLES = 1024
#: Multiply-adds of one double.
FMA_STEPS = 16
#: Of the triad a double: two read and one written. What the cache reads to write is not counted,
#: as in STREAM: https://www.cs.virginia.edu/stream/ref.html
TRIAD_BYTES = 24
#: Seconds that a try takes about, and tries: short ones, so that some go by undisturbed.
TRY_S, TRIES = 0.008, 20
#: Of several cores at once: other work is more often on one of them.
TRIES_OF_MANY = 60
_DGEMM = 1024


@njit(nogil=True, fastmath={"contract"})
def fma(x: Any, y: Any, rounds: int) -> None:
    """Sixteen steps of Horner's rule on each double, four side by side.

    Written out: so the compiler puts doubles side by side into vectors, and four chains of them
    keep two units busy for the four cycles that a multiply-add takes.
    """
    h = len(x) // 4
    for _ in range(rounds):
        for i in range(h):
            a, b, c, d = x[i], x[i + h], x[i + 2 * h], x[i + 3 * h]
            p, q, r, s = a, b, c, d
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            p, q, r, s = p * a + 0.5, q * b + 0.5, r * c + 0.5, s * d + 0.5
            y[i], y[i + h], y[i + 2 * h], y[i + 3 * h] = p, q, r, s


@njit(nogil=True)
def triad(a: Any, b: Any, c: Any, rounds: int) -> None:
    """``a = b + s c``, over and over; `s` changes, or a compiler might do it once."""
    for k in range(rounds):
        s = 0.5 + k
        for i in range(len(a)):
            a[i] = b[i] + s * c[i]


@dataclass(frozen=True)
class Rate:
    """What a loop reached: FLOP or bytes a second of all cores, and one core's bytes of memory."""

    per_s: float
    cores: int
    bytes: int


def peak(cores: int) -> Rate:
    """FLOP a second of multiply-adds in registers."""
    x = np.linspace(0.1, 0.5, FMA_DOUBLES)
    sets = [(x.copy(), np.empty_like(x)) for _ in range(cores)]
    best = _best(fma, sets, 2.0 * FMA_STEPS * FMA_DOUBLES)
    return Rate(best, cores, 2 * x.nbytes)


def bandwidth(size: int, cores: int) -> Rate:
    """Bytes a second of the triad, on so many bytes a core."""
    doubles = max(64, size // TRIAD_BYTES)
    sets = [(np.zeros(doubles), np.ones(doubles), np.ones(doubles)) for _ in range(cores)]
    return Rate(_best(triad, sets, float(TRIAD_BYTES * doubles)), cores, TRIAD_BYTES * doubles)


def dgemm(cores: int) -> Rate:
    """FLOP a second of a product of matrices, by the BLAS that NumPy has, on its own threads."""
    a = np.random.default_rng(0).random((_DGEMM, _DGEMM))
    took = []
    for _ in range(TRIES):
        began = time.perf_counter()
        a @ a
        took.append(time.perf_counter() - began)
    return Rate(2.0 * _DGEMM**3 / min(took), cores, 3 * a.nbytes)


def _best(loop: Callable[..., None], sets: list[tuple[Any, ...]], each: float) -> float:
    """The most work a second of several tries; `each` is that of one round of one core."""
    loop(*sets[0], 1)  # compiles
    rounds = _rounds(loop, sets[0])
    with ThreadPoolExecutor(len(sets)) as pool:
        took = []
        for _ in range(TRIES if len(sets) == 1 else TRIES_OF_MANY):
            began = time.perf_counter()
            list(pool.map(lambda arrays: loop(*arrays, rounds), sets))
            took.append(time.perf_counter() - began)
    return each * rounds * len(sets) / min(took)


def _rounds(loop: Callable[..., None], arrays: tuple[Any, ...]) -> int:
    """Rounds that take about ``TRY_S``."""
    rounds = 1
    while True:
        began = time.perf_counter()
        loop(*arrays, rounds)
        took = time.perf_counter() - began
        if took > TRY_S / 4:
            return max(1, round(rounds * TRY_S / took))
        rounds *= 4
