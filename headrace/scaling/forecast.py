"""What a fitted law foretells: time and cost at numbers of workers, and where more stop paying.

They stop paying at the knee, where one per cent more cost buys less than one per cent of time:
where cost times time, ``n T(n)^2``, is least [1]_. For Amdahl's law that is ``(1 - s) / s``. And
they do harm past the peak of the USL, where time itself is least.

References
----------
.. [1] Eager, Zahorjan and Lazowska, Speedup versus efficiency in parallel systems, IEEE
       Transactions on Computers 38 (1989) 408.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from headrace.scaling.identified import Verdict
from headrace.scaling.intervals import Interval, of_time
from headrace.scaling.laws import AMDAHL, USL, Floats, Timings

#: Past this a number of workers is as good as no limit.
MOST = 1 << 20
Usd = Callable[[int, float], float | None]


@dataclass(frozen=True)
class Foretold:
    """Time and cost at a number of workers.

    Parameters
    ----------
    workers : int
    seconds : Interval
    speedup : float
        Over one worker, by the law.
    usd : tuple of float, optional
        Cost at the time, and at its interval's ends; None where it can't be had.
    """

    workers: int
    seconds: Interval
    speedup: float
    usd: tuple[float, float, float] | None

    @property
    def efficiency(self) -> float:
        """Speed-up a worker."""
        return self.speedup / self.workers

    def document(self) -> dict[str, Any]:
        """It as JSON would have it."""
        return {
            "workers": self.workers,
            "seconds": self.seconds.document(),
            "speedup": self.speedup,
            "efficiency": self.efficiency,
            "usd": dict(zip(("value", "low", "high"), self.usd, strict=True)) if self.usd else None,
        }


def law_for(amdahl: Verdict, usl: Verdict) -> Verdict | None:
    """The law to foretell by: the USL's where times show a loss, else Amdahl's, else none."""
    if usl.slows:
        return usl
    return amdahl if amdahl.identifiable else None


def foretell(verdict: Verdict, timings: Timings, at: Iterable[int], usd: Usd) -> list[Foretold]:
    """Time and cost at numbers of workers."""
    assert verdict.fit is not None  # noqa: S101 - an identifiable law has one
    told, theta = [], verdict.fit.held
    for n in at:
        seconds = of_time(verdict.fit, timings, n)
        ends = [usd(n, s) for s in (seconds.value, seconds.low, seconds.high)]
        cost = (ends[0], ends[1], ends[2]) if None not in ends else None
        speedup = 1 / float(verdict.law.factor(float(n), *theta))
        told.append(Foretold(n, seconds, speedup, cost))  # type: ignore[arg-type]
    return told


def knee(verdict: Verdict) -> Interval:
    """The number of workers at which cost times time is least; 1 where even a second costs more.

    Of the USL the value alone: what it lies between hangs on both parameters.
    """
    assert verdict.fit is not None  # noqa: S101
    if verdict.law is USL:
        value = _knee_of(verdict.fit.held)
        return Interval(value, float("nan"), float("nan"))
    found = verdict.intervals["serial"]
    return Interval(_amdahl_knee(found.value), _amdahl_knee(found.high), _amdahl_knee(found.low))


def _amdahl_knee(serial: float) -> float:
    return max(1.0, (1 - serial) / serial) if serial > 1 / MOST else math.inf


def _knee_of(theta: Floats) -> float:
    n = np.geomspace(1, MOST, 20_000)
    return float(n[np.argmin(n * USL.factor(n, *theta) ** 2)])


def scaled_speedup(serial: Interval, workers: int) -> Interval:
    """Gustafson's speed-up of a problem that grew with the workers: ``s + (1 - s) n``."""

    def at(s: float) -> float:
        return s + (1 - s) * workers

    return Interval(at(serial.value), at(serial.high), at(serial.low))


def numbers(counts: Iterable[int], stops: Iterable[float]) -> list[int]:
    """The numbers of workers to foretell: those measured, doublings of the greatest, the stops."""
    counts = sorted(counts)
    top = counts[-1]
    found = {*counts, *(top * 2**i for i in range(1, 5))}
    found |= {round(s) for s in stops if math.isfinite(s) and 1 <= s <= 64 * top}
    return sorted(found)


__all__ = ["AMDAHL", "MOST", "Foretold", "foretell", "knee", "law_for", "numbers", "scaled_speedup"]
