"""What ``bench/map.py`` runs beside the Map: lithops, a process pool, a loop, warcio.

python -m bench.map_peers {lithops,pool,loop,warcio,calibrate} ...

Each prints one JSON document. A process of its own each, so that nothing of one weighs on another.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from bench.map_study import nothing, work


def lithops(count: str) -> dict[str, float]:
    """No-ops on lithops' localhost backend, the faster of its two versions."""
    import lithops as library

    config = {
        "lithops": {"backend": "localhost", "storage": "localhost", "log_level": "ERROR"},
        "localhost": {"runtime": sys.executable, "version": 1},
    }
    items = [{"n": n} for n in range(int(count))]
    started = time.perf_counter()
    with library.FunctionExecutor(config=config, log_level="ERROR") as executor:
        # Named so that lithops hands each dict over whole.
        futures = executor.map(_lithops_nothing, [(item,) for item in items])
        given = executor.get_result(futures, show_progressbar=False)
    seconds = time.perf_counter() - started
    if sorted(row["n"] for row in given) != list(range(int(count))):
        sys.exit("lithops gave other items than it was given.")
    return {"seconds": seconds}


def _lithops_nothing(item: dict[str, Any]) -> dict[str, Any]:
    return item


def pool(count: str) -> dict[str, float]:
    """No-ops on a process pool of as many workers as cores, one item a task."""
    items = [{"n": n} for n in range(int(count))]
    started = time.perf_counter()
    with ProcessPoolExecutor(os.cpu_count()) as executor:
        given = list(executor.map(nothing, items))
    if given != items:
        sys.exit("The pool gave other items than it was given.")
    return {"seconds": time.perf_counter() - started}


def loop(count: str, mib: str) -> dict[str, float]:
    """The busy items one after another: one core, and nothing beside the work."""
    started = time.perf_counter()
    for n in range(int(count)):
        work({"n": n}, {"mib": int(mib)})
    return {"seconds": time.perf_counter() - started}


def calibrate() -> dict[str, float]:
    """How many MiB are a second's work on a core of this machine."""
    times = []
    for _ in range(3):
        started = time.perf_counter()
        work({"n": 0}, {"mib": 100})
        times.append(time.perf_counter() - started)
    return {"mib": round(100 / min(times))}


def warcio(*files: str) -> dict[str, float]:
    """The crawl study's search as a plain loop over warcio's records."""
    from warcio.archiveiterator import ArchiveIterator

    pages = found = 0
    started = time.perf_counter()
    for name in files:
        with Path(name).open("rb") as file:
            for record in ArchiveIterator(file):
                if record.rec_type in ("response", "resource", "conversion", "metadata"):
                    pages += 1
                    found += b"internet" in record.content_stream().read().lower()
    return {"seconds": time.perf_counter() - started, "pages": pages, "found": found}


PEERS: dict[str, Callable[..., dict[str, float]]] = {
    each.__name__: each for each in (lithops, pool, loop, calibrate, warcio)
}


def main(words: Sequence[str]) -> None:
    """Run one, and print what it gave."""
    print(json.dumps(PEERS[words[0]](*words[1:])))


if __name__ == "__main__":
    main(sys.argv[1:])
