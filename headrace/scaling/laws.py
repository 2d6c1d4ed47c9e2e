"""The three laws of scaling, and their fits to times.

A law says how the time on `n` workers follows from the time on one:

=========  =============================================  =====================================
Amdahl     ``T(n) / T(1) = s + (1 - s) / n``              [1]_; `s` the serial fraction
Gustafson  ``S(n) = a + (1 - a) n``                       [2]_; the problem grows with `n`
USL        ``T(n) / T(1) = (1 + c(n-1) + kn(n-1)) / n``   [3]_; `c` contention, `k` coherency
=========  =============================================  =====================================

Amdahl's is the USL without coherency, its `s` being `c`. Noise is taken as multiplicative: a time
is its law's times ``exp(e)``, `e` normal and of one spread. So laws are fitted to the logarithm.

References
----------
.. [1] Amdahl, Validity of the single processor approach, AFIPS 1967.
.. [2] Gustafson, Reevaluating Amdahl's law, CACM 31 (1988) 532.
.. [3] Gunther, Guerrilla Capacity Planning, Springer 2007, chapters 4 to 6.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
#: Below this a share of time is none: a trial value of a fit, never an answer.
_LEAST = 1e-9


@dataclass(frozen=True)
class Timings:
    """Times of one stage.

    Parameters
    ----------
    workers : array of float
        How many worked, one a time.
    seconds : array of float
        All above 0.
    """

    workers: Floats
    seconds: Floats

    @property
    def counts(self) -> list[int]:
        """The numbers of workers, each once."""
        return [int(n) for n in np.unique(self.workers)]

    @property
    def log_seconds(self) -> Floats:
        """What the laws are fitted to."""
        return np.log(self.seconds)


@dataclass(frozen=True)
class Law:
    """How time follows from the number of workers.

    Parameters
    ----------
    name : str
    parameters : tuple of str
    most : tuple of float
        The most that each parameter can be; the least is 0.
    factor : callable
        Gives ``T(n) / T(1)``, from the number of workers and the parameters.
    """

    name: str
    parameters: tuple[str, ...]
    most: tuple[float, ...]
    factor: Callable[..., Any]

    def log_factor(self, workers: Floats, theta: Floats) -> Floats:
        """Its logarithm; a fit may try parameters for which there is none."""
        return np.asarray(np.log(np.maximum(self.factor(workers, *theta), _LEAST)))


AMDAHL = Law("Amdahl", ("serial",), (1.0,), lambda n, s: s + (1 - s) / n)
#: Of times at which the problem grew with the workers.
SCALED = Law("Gustafson", ("serial",), (1.0,), lambda n, a: n / np.maximum(a + (1 - a) * n, _LEAST))
USL = Law(
    "USL",
    ("sigma", "kappa"),
    (1.0, np.inf),
    lambda n, s, k: (1 + s * (n - 1) + k * n * (n - 1)) / n,
)


@dataclass(frozen=True)
class Fit:
    """A law that was fitted by least squares, its parameters free of any bounds, and held to them.

    Parameters
    ----------
    law : Law
    theta : array of float
        Its parameters, free.
    held : array of float
        Its parameters, the best within bounds.
    one_s : float
        Seconds on one worker, by those.
    rss : float
        Sum of squares that is left, of logarithms.
    free : int
        Degrees of freedom that are left.
    """

    law: Law
    theta: Floats
    held: Floats
    one_s: float
    rss: float
    free: int

    @property
    def noise(self) -> float:
        """Spread of one time, as a share of it; NaN where no degree of freedom says."""
        return float(np.sqrt(self.rss / self.free)) if self.free > 0 else float("nan")


def fit(law: Law, timings: Timings) -> Fit:
    """Fit a law.

    Parameters
    ----------
    law : Law
    timings : Timings
        At as many numbers of workers at least as the law has parameters, and one more.
    """
    from scipy.optimize import least_squares, leastsq  # here: it takes a quarter of a second

    n, y = timings.workers, timings.log_seconds

    def left(theta: Floats) -> Floats:
        rest = y - law.log_factor(n, theta)
        return np.asarray(rest - rest.mean())

    start = np.full(len(law.parameters), 0.05) ** np.arange(1, len(law.parameters) + 1)
    theta, _ = leastsq(left, start, diag=1 / start, xtol=1e-12, ftol=1e-12)
    held = np.clip(theta, 0.0, law.most)
    if len(theta) > 1 and (held != theta).any():  # another parameter makes up for the bound
        bounds = (np.zeros_like(theta), np.asarray(law.most))
        held = least_squares(left, np.clip(held, start * 1e-3, bounds[1] * 0.999), bounds=bounds).x
    level = float((y - law.log_factor(n, held)).mean())
    free = len(y) - len(theta) - 1
    return Fit(law, theta, held, float(np.exp(level)), float((left(theta) ** 2).sum()), free)
