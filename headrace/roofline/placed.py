"""Where the stages of a study stand: what they computed and moved a second, beside the roofs.

A program that notes ``flop``, ``bytes`` and ``compute_s`` among its facts stands under the
roofline. Of any other stage it is known what it read and how long it took: it stands beside what
S3 gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from headrace.lake import done_key, get_json
from headrace.plan import RUNS
from headrace.roofline.roofs import Roofline
from headrace.sql import Answer

#: Each stage's last time; one row a stage and attempt is in the table.
SQL = (
    "SELECT stage, max_by(run, ended) AS run, max_by(kind, ended) AS kind,"  # noqa: S608 - ours
    " max_by(workers, ended) AS workers, max_by(bytes_in, ended) AS bytes_in,"
    f" max_by(engine_s, ended) AS engine_s FROM {RUNS} GROUP BY stage ORDER BY stage"
)
FACTS = ("flop", "bytes", "compute_s")
S3 = "S3, GET by 8"


@dataclass(frozen=True)
class Placed:
    """A stage under a roof.

    Parameters
    ----------
    stage, run, kind : str
    workers : int
    roof : str
        What bounds it: ``peak``, a level of memory, ``S3``; empty where that wasn't measured.
    share : float, optional
        Of what the roof allows.
    flop_per_s, intensity : float, optional
        FLOP a second, and FLOP a byte: where its program noted them.
    bytes_per_s : float, optional
        What it read a second, where it stands beside S3.
    why : str
        Why it isn't under the roofline itself.
    """

    stage: str
    run: str
    kind: str
    workers: int
    roof: str
    share: float | None = None
    flop_per_s: float | None = None
    intensity: float | None = None
    bytes_per_s: float | None = None
    why: str = ""

    def document(self) -> dict[str, Any]:
        """It as JSON would have it."""
        return asdict(self)


def place(
    roofline: Roofline, ask: Callable[[str], Answer], s3: Any, bucket: str
) -> Iterator[Placed]:
    """Place each stage by the last run that did it.

    Parameters
    ----------
    roofline : Roofline
    ask : callable
        Runs SQL.
    s3 : S3 client
    bucket : str
        The lake's.
    """
    for row in ask(SQL).rows.to_pylist():
        done = get_json(s3, bucket, done_key(row["run"], row["stage"])) or {}
        yield one(roofline, row, done.get("facts", {}))


def one(roofline: Roofline, row: Mapping[str, Any], facts: Mapping[str, Any]) -> Placed:
    """Place one stage by its row of `runs` and its facts."""
    own = (row["stage"], row["run"], row["kind"], int(row["workers"]))
    missing = [n for n in FACTS if not isinstance(facts.get(n), int | float) or facts[n] <= 0]
    if missing:
        return _beside_s3(roofline, own, row, f"its program notes no {', '.join(missing)}")
    rate, intensity = facts["flop"] / facts["compute_s"], facts["flop"] / facts["bytes"]
    roof, allowed = bound(roofline, own[3], intensity, rate)
    return Placed(*own, roof, rate / allowed, rate, intensity)


def bound(roofline: Roofline, workers: int, intensity: float, rate: float) -> tuple[str, float]:
    """The roof over a program: its name, and FLOP a second that it allows.

    What is faster than DRAM allows lives in a nearer memory: the farthest that allows it.
    """
    cores = min(workers, roofline.cores)
    peak = roofline.peak(cores)
    found = ("peak", peak)
    for level in reversed(roofline.levels):
        allowed = min(peak, intensity * roofline.bandwidth(level, cores))
        found = ("peak" if allowed == peak else level, allowed)
        if rate <= allowed:
            break
    return found


def _beside_s3(
    roofline: Roofline, own: tuple[str, str, str, int], row: Mapping[str, Any], why: str
) -> Placed:
    size, seconds = row["bytes_in"], row["engine_s"]
    if own[2] == "map" and seconds:
        seconds /= max(1, own[3])  # of all calls together, which ran side by side
    if not size or not seconds:
        return Placed(*own, "", why=f"{why}, nor is it known what it read in what time")
    rate, roof = size / seconds, roofline.rate(S3)
    share = rate / roof if roof else None
    return Placed(*own, "S3" if roof else "", share, bytes_per_s=rate, why=why)
