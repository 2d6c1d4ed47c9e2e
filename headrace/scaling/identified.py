"""Whether times say what a law's parameters are; where they don't, what would be needed.

A serial fraction "between 0 and 1" is no finding. So a law is identifiable where its times leave a
degree of freedom to tell their noise by, and the interval of its fraction is half of what it could
be at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtrit

from headrace.scaling.intervals import LEVEL, Interval, of_parameter, of_peak
from headrace.scaling.laws import USL, Fit, Floats, Law, Timings, fit

#: The widest interval of a fraction that still says something.
WIDEST = 0.5
#: Noise of a time where none was seen: a laptop's, beside other work.
ASSUMED_NOISE = 0.1
_MOST_REPEATS = 30
_WORDS = {"serial": "the serial fraction", "sigma": "the contention"}


@dataclass(frozen=True)
class Verdict:
    """What times say of a law.

    Parameters
    ----------
    law : Law
    why : str
        Why it is not identifiable; empty where it is.
    needed : str
        What would make it so.
    fit : Fit, optional
        Where there were times enough for one.
    intervals : dict
        By parameter, and ``peak`` of the USL.
    """

    law: Law
    why: str = ""
    needed: str = ""
    fit: Fit | None = None
    intervals: dict[str, Interval] = field(default_factory=dict)

    @property
    def identifiable(self) -> bool:
        """Whether the times say it."""
        return not self.why

    @property
    def slows(self) -> bool:
        """Whether they show a number of workers past which more are slower: USL alone."""
        return self.identifiable and "kappa" in self.intervals and self.intervals["kappa"].low > 0


def judge(law: Law, timings: Timings) -> Verdict:
    """Fit a law to times, and say what they tell."""
    wanted, counts = len(law.parameters) + 1, timings.counts
    if len(counts) < wanted:
        at = ", ".join(map(str, counts)) or "none"
        return Verdict(
            law,
            f"times are at {at} workers, and {law.name}'s {wanted} unknowns want as many numbers "
            "of workers",
            f"times at {wanted} different numbers of workers at least, each twice",
        )
    if len(timings.seconds) <= wanted:
        return Verdict(
            law,
            f"{wanted} unknowns from {len(timings.seconds)} times leave none to tell the noise by",
            f"one repeat at least; {_enough(law, timings, None)}",
        )
    made = fit(law, timings)
    found = {p: of_parameter(made, timings, i) for i, p in enumerate(law.parameters)}
    if law is USL:
        found["peak"] = of_peak(made, timings)
    why, needed = _of_intervals(law, timings, made, found)
    return Verdict(law, why, needed, made, found)


def _of_intervals(
    law: Law, timings: Timings, made: Fit, found: dict[str, Interval]
) -> tuple[str, str]:
    first = law.parameters[0]
    if (empty := [p for p in law.parameters if found[p].empty]) and law is not USL:
        if made.theta[0] < 0:
            return (
                "it is faster than linear: no serial fraction from 0 fits",
                "times without what more workers save beside their work (caches that hold a share "
                "but not the whole, a first run that was cold)",
            )
        return (
            "it is slower on more workers than on one: no serial fraction up to 1 fits",
            "no more workers than there are cores, or the USL, which knows of such a loss",
        )
    if empty:
        return f"no {' and '.join(empty)} from 0 fits: it is faster than linear", "see Amdahl's"
    if found[first].width > WIDEST:
        low, high = found[first].low, found[first].high
        return (
            f"the times leave {_WORDS[first]} anywhere from {low:.2f} to {high:.2f}",
            _enough(law, timings, made),
        )
    return "", ""


def _enough(law: Law, timings: Timings, made: Fit | None) -> str:
    """The smallest sets of times whose interval would be narrow enough."""
    noise = made.noise if made else ASSUMED_NOISE
    theta = made.held if made else np.full(len(law.parameters), 0.01)
    top, said = max(timings.counts), []
    for more in ([], [2 * top], [2 * top, 4 * top]):
        counts = sorted({*timings.counts, *more})
        repeats = _repeats(law, theta, noise, counts)
        if repeats is not None:
            said.append(f"{repeats} at {', '.join(map(str, counts))} workers")
    taken = "seen here" if made else "assumed"
    if not said:
        return f"less noise than the {noise:.0%} of a time {taken}, or many more workers"
    return f"with {noise:.0%} noise of a time ({taken}): {', or '.join(said)}"


def _repeats(law: Law, theta: Floats, noise: float, counts: Sequence[int]) -> int | None:
    """Repeats at each count that bring the first parameter's interval to a half of ``WIDEST``.

    By the law's slope at its parameters: the variance of least squares.
    """
    for repeats in range(2, _MOST_REPEATS + 1):
        n = np.repeat(np.asarray(counts, dtype=float), repeats)
        slopes = np.column_stack([_slope(law, n, theta, i) for i in range(len(theta))])
        slopes -= slopes.mean(axis=0)
        free = len(n) - len(theta) - 1
        variance = np.linalg.pinv(slopes.T @ slopes)[0, 0]
        half = float(stdtrit(free, (1 + LEVEL) / 2)) * noise * float(np.sqrt(variance))
        if half <= WIDEST / 2:
            return repeats
    return None


def _slope(law: Law, workers: Floats, theta: Floats, which: int) -> Floats:
    step = np.zeros_like(theta)
    step[which] = 1e-6
    ends = law.log_factor(workers, theta + step), law.log_factor(workers, theta - step)
    return np.asarray((ends[0] - ends[1]) / 2e-6)
