"""The throw-away study that ``bench/map.py`` deploys; it is copied as ``studies/bench``."""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headrace.study import Map, Study

#: One in so many items fails, and which.
FAILS_EVERY, FAILS_AT = 100, 37
BLOCK = bytes(1 << 20)


@dataclass(frozen=True)
class Number:
    """What every function gives."""

    n: int


def nothing(item: dict[str, Any]) -> dict[str, Any]:
    """Do nothing."""
    return item


def work(item: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Hash so many MiB: as much work wherever and whenever it is done."""
    digest = hashlib.sha256(item["n"].to_bytes(8, "big"))
    for _ in range(params["mib"]):
        digest.update(BLOCK)
    return {"n": int.from_bytes(digest.digest()[:4], "big")}


def some_fail(item: dict[str, Any]) -> dict[str, Any]:
    """Fail for one in a hundred items."""
    time.sleep(0.005)  # so that the run lasts long enough to be killed in
    if item["n"] % FAILS_EVERY == FAILS_AT:
        raise ValueError("one of the hundredth")
    return item


def _numbers(name: str, count: int, fn: str, **more: Any) -> Map:
    # A sequence has at most 10,000 entries in Athena, and so has this.
    sql = f"SELECT n FROM UNNEST(sequence(0, {count - 1})) AS t (n)"
    return Map(name, fn=f"studies.bench.study:{fn}", items=sql, produces=Number, **more)


#: Written beside this file by the bench, which measures what a second of work is here.
_SETTINGS = Path(__file__).with_name("settings.json")
_MIB = json.loads(_SETTINGS.read_text())["mib"] if _SETTINGS.is_file() else 1

study = Study(
    name="bench",
    question="What does a Map cost beside its items?",
    seed=25,
    stages=[
        _numbers("chosen", 1000, "nothing"),
        _numbers("one_each", 1000, "nothing", batch_items=1),
        _numbers("busy", 60, "work", params={"mib": _MIB}),
        _numbers("busy_one", 60, "work", params={"mib": _MIB}, concurrency=1),
        _numbers("killed", 10_000, "some_fail"),
    ],
)
