"""All that a stage's times say: the laws, the forecast, and where more workers stop paying."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import fdtrc

from headrace.scaling.forecast import (
    Foretold,
    Usd,
    foretell,
    knee,
    law_for,
    numbers,
    scaled_speedup,
)
from headrace.scaling.identified import Verdict, judge
from headrace.scaling.intervals import Interval
from headrace.scaling.laws import AMDAHL, SCALED, USL, Timings

#: Below this chance that Amdahl's law leaves so much, it is said not to hold.
_CHANCE = 0.01


@dataclass(frozen=True)
class Analysis:
    """What times say.

    Parameters
    ----------
    timings : Timings
        Of one problem at several numbers of workers.
    amdahl, usl : Verdict
    gustafson : Verdict, optional
        Of times at which the problem grew with the workers, where there are such.
    law : Verdict, optional
        By which the forecast is made; none where no law is identifiable.
    forecast : list of Foretold
    knee : Interval, optional
        Where cost times time is least.
    """

    timings: Timings
    amdahl: Verdict
    usl: Verdict
    gustafson: Verdict | None
    law: Verdict | None
    forecast: list[Foretold]
    knee: Interval | None

    @property
    def serial(self) -> Interval | None:
        """The serial fraction of Gustafson's law: measured, else taken over from another's."""
        if self.gustafson is not None:
            return self.gustafson.intervals["serial"] if self.gustafson.identifiable else None
        if self.usl.slows:
            return self.usl.intervals["sigma"]
        return self.amdahl.intervals["serial"] if self.amdahl.identifiable else None

    @property
    def scaled_source(self) -> str:
        """How Gustafson's speed-up was got."""
        if self.gustafson is not None:
            return "measured, the problem grew with the workers"
        if self.usl.slows:
            return "predicted from the USL's contention, as if its coherency did not grow"
        return "predicted from Amdahl's serial fraction"

    @property
    def misfit(self) -> float | None:
        """Chance of what Amdahl's law leaves, beside how repeats differ; None without repeats."""
        return _misfit(self.amdahl, self.timings)

    @property
    def peak(self) -> Interval | None:
        """The number of workers at which the USL's time is least."""
        return self.usl.intervals["peak"] if self.usl.identifiable else None

    def scaled(self) -> list[tuple[int, Interval]]:
        """Gustafson's speed-up at the numbers of workers of the forecast."""
        at = [row.workers for row in self.forecast] or self.timings.counts
        return [(n, scaled_speedup(self.serial, n)) for n in at] if self.serial else []

    def document(self) -> dict[str, Any]:
        """It as JSON would have it."""
        source = self.scaled_source
        return {
            "amdahl": _told(self.amdahl) | {"misfit_p": self.misfit},
            "gustafson": {
                "source": source,
                "identifiable": self.serial is not None,
                **(_told(self.gustafson) if self.gustafson else {}),
                "serial": self.serial.document() if self.serial else None,
                "scaled_speedup": [{"workers": n} | s.document() for n, s in self.scaled()],
            },
            "usl": _told(self.usl),
            "forecast_law": self.law.law.name if self.law else None,
            "forecast": [row.document() for row in self.forecast],
            "knee": self.knee.document() if self.knee else None,
            "peak": self.peak.document() if self.peak else None,
        }


def analyse(timings: Timings, grown: Timings | None, at: Sequence[int], usd: Usd) -> Analysis:
    """Fit the laws, and foretell.

    Parameters
    ----------
    timings : Timings
    grown : Timings, optional
        Times at which the problem grew in step with the workers.
    at : sequence of int
        Numbers of workers that are asked for beside those that are chosen.
    usd : callable
        Cost of a number of workers for a time.
    """
    amdahl, usl = judge(AMDAHL, timings), judge(USL, timings)
    gustafson = judge(SCALED, grown) if grown is not None else None
    law = law_for(amdahl, usl)
    if law is None:
        return Analysis(timings, amdahl, usl, gustafson, None, [], None)
    stop = knee(law)
    stops = [stop.value, usl.intervals["peak"].value] if usl.slows else [stop.value]
    wanted = sorted({*numbers(timings.counts, stops), *at})
    rows = foretell(law, timings, wanted, usd)
    return Analysis(timings, amdahl, usl, gustafson, law, rows, stop)


def _told(verdict: Verdict) -> dict[str, Any]:
    told: dict[str, Any] = {"identifiable": verdict.identifiable}
    if not verdict.identifiable:
        told |= {"why": verdict.why, "needed": verdict.needed}
    told |= {name: interval.document() for name, interval in verdict.intervals.items()}
    if verdict.fit:
        noise = verdict.fit.noise
        told |= {"one_worker_s": verdict.fit.one_s, "noise": noise}
    return told


def _misfit(verdict: Verdict, timings: Timings) -> float | None:
    """The F test of a lack of fit: what the law leaves over what repeats leave.

    Draper and Smith, Applied Regression Analysis, Wiley 1998, chapter 2.
    """
    y, counts = timings.log_seconds, timings.counts
    groups = [y[timings.workers == n] for n in counts]
    pure = float(sum(((g - g.mean()) ** 2).sum() for g in groups))
    pure_free, lack_free = len(y) - len(counts), len(counts) - 2
    if verdict.fit is None or pure_free < 1 or lack_free < 1 or pure == 0:
        return None
    ratio = (max(verdict.fit.rss - pure, 0.0) / lack_free) / (pure / pure_free)
    return float(fdtrc(lack_free, pure_free, ratio))


def warnings(analysis: Analysis) -> list[str]:
    """What a reader of the forecast should know."""
    said = []
    chance = analysis.misfit
    if chance is not None and chance < _CHANCE and not analysis.usl.slows:
        said.append(
            f"Amdahl's law does not describe these times (chance {chance:.1g} of such a misfit): "
            "don't rely on the forecast."
        )
    if len(analysis.timings.counts) == 2 and analysis.law is not None:
        said.append("Two numbers of workers fit any serial fraction: they can't refute the law.")
    fit = analysis.amdahl.fit
    if fit and np.isfinite(fit.noise) and fit.noise > 0.2:
        said.append(f"One time differs from another by {fit.noise:.0%}: is the machine idle?")
    return said
