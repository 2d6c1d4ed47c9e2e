"""Confidence intervals of what a law says, by profile likelihood.

A value is in the interval where the law, held to it and fitted again, leaves a sum of squares that
an F test does not tell from the best one: ``(RSS(v) - RSS) / (RSS / f) <= F(1, f)``. For one
parameter and a free level that is nearly exact with few times, since the spread is estimated and
the curve of a law bends little [1]_; tests/unit/test_scaling_coverage.py counts. The best fit is
free of bounds and the interval is cut at them afterwards: so it covers a truth at the edge (no
serial part at all) as often as one inside.

References
----------
.. [1] Bates and Watts, Nonlinear Regression Analysis and its Applications, Wiley 1988, chapter 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import brentq, least_squares, leastsq
from scipy.special import fdtri

from headrace.scaling.laws import Fit, Floats, Timings

LEVEL = 0.95
#: Below this a sum of squares is rounding.
_ROUNDING = 1e-16


@dataclass(frozen=True)
class Interval:
    """A value, and between what it lies.

    Parameters
    ----------
    value : float
        The best one, put into its bounds.
    low, high : float
        Of the 95 % interval; both NaN where no value within bounds fits.
    """

    value: float
    low: float
    high: float

    @property
    def empty(self) -> bool:
        """Whether no value fits."""
        return bool(np.isnan(self.low))

    @property
    def width(self) -> float:
        """Its width; infinite where it is empty."""
        return float("inf") if self.empty else self.high - self.low

    def document(self) -> dict[str, float | None]:
        """It as JSON would have it."""
        told = {"value": self.value, "low": self.low, "high": self.high}
        return {name: float(v) if np.isfinite(v) else None for name, v in told.items()}


def of_parameter(fit: Fit, timings: Timings, which: int = 0) -> Interval:
    """The interval of one of a law's parameters.

    Parameters
    ----------
    fit : Fit
        Of these timings, with a degree of freedom at least.
    timings : Timings
    which : int
        The parameter's place.
    """
    n, y = timings.workers, timings.log_seconds
    others = np.delete(fit.theta, which)

    def rss(value: float) -> float:
        def left(rest: Floats) -> Floats:
            told = y - fit.law.log_factor(n, np.insert(rest, which, value))
            return np.asarray(told - told.mean())

        return _least(left, others)

    bounds = (0.0, fit.law.most[which])
    found = _interval(rss, float(fit.theta[which]), bounds, _limit(fit))
    held = float(fit.held[which])
    return replace(found, value=held) if found.low <= held <= found.high else found


def of_time(fit: Fit, timings: Timings, workers: float) -> Interval:
    """The interval of the time that a law foretells at a number of workers, in seconds.

    The law is held to its bounds: past the measured counts one without them would foretell times
    below none.
    """
    n, y, law = timings.workers, timings.log_seconds, fit.law
    at = np.array([float(workers)])
    bounds = (np.zeros_like(fit.theta), np.asarray(law.most))
    start = np.clip(fit.theta, 1e-9, np.minimum(bounds[1], 1e9) - 1e-9)

    def rss(level: float | None) -> tuple[float, float]:
        def left(theta: Floats) -> Floats:
            told = y - law.log_factor(n, theta) + law.log_factor(at, theta)
            return np.asarray(told - (told.mean() if level is None else level))

        found = least_squares(left, start, bounds=bounds, x_scale=np.maximum(start, 1e-4))
        told = y - law.log_factor(n, found.x) + law.log_factor(at, found.x)
        return 2 * float(found.cost), float(told.mean())

    least, best = rss(None)
    limit = least + _limit(fit) - fit.rss
    found = _interval(lambda v: rss(v)[0], best, (best - 20.0, best + 20.0), limit)
    return Interval(*np.exp([found.value, found.low, found.high]))


def of_peak(fit: Fit, timings: Timings) -> Interval:
    """The interval of the number of workers at which the USL's time is least.

    There ``n = sqrt((1 - sigma) / kappa)``; without coherency there is none, and the end is
    infinite.
    """
    n, y, law = timings.workers, timings.log_seconds, fit.law
    sigma, kappa = fit.theta

    def rss(inverse: float) -> float:
        def left(rest: Floats) -> Floats:
            theta = np.array([rest[0], (1 - rest[0]) * inverse**2])
            told = y - law.log_factor(n, theta)
            return np.asarray(told - told.mean())

        return _least(left, np.array([sigma]))

    best = float(np.sqrt(max(kappa, 0.0) / max(1 - sigma, 1e-9)))
    found = _interval(rss, best, (0.0, 1.0), _limit(fit))  # a peak below one worker is none
    with np.errstate(divide="ignore"):
        return Interval(*(np.array(1.0) / np.array([found.value, found.high, found.low])))


def _limit(fit: Fit) -> float:
    share = fdtri(1, fit.free, LEVEL) / fit.free
    return max(fit.rss * (1 + float(share)), fit.rss + _ROUNDING)


def _least(left: Callable[[Floats], Floats], start: Floats) -> float:
    if not len(start):
        return float((left(start) ** 2).sum())
    scale = np.maximum(np.abs(start), 1e-4)
    found, _ = leastsq(left, start, diag=1 / scale)  # MINPACK's: ten times as fast, without bounds
    return float((left(found) ** 2).sum())


def _interval(
    rss: Callable[[float], float], best: float, bounds: tuple[float, float], limit: float
) -> Interval:
    """Where a profile crosses its limit, on both sides of its least."""
    low, high = bounds
    inside = min(max(best, low), high)
    if rss(inside) > limit:
        return Interval(inside, float("nan"), float("nan"))
    return Interval(inside, _crossing(rss, inside, low, limit), _crossing(rss, inside, high, limit))


def _crossing(rss: Callable[[float], float], start: float, end: float, limit: float) -> float:
    """Go from a value that fits towards a bound, in growing steps, to where it fits no more."""
    sign = 1.0 if end > start else -1.0
    step, near = max(abs(start), 1e-6) * 1e-3, start
    while near != end:
        far = start + sign * step
        far = min(far, end) if sign > 0 else max(far, end)
        if rss(far) > limit:
            return float(brentq(lambda v: rss(v) - limit, near, far, rtol=1e-6, xtol=1e-12))
        near, step = far, step * 4
        if step > 1e12:
            return sign * float("inf")
    return end
