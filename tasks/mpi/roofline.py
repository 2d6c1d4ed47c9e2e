"""Measures the machine that it runs on: peak FLOP a second, and the bandwidth of each memory.

    python tasks/mpi/roofline.py --input URI --output URI --params '{"cores": 2}'

`headrace roofline` runs it as a job on a study's queue, or here. The input isn't read. A row a
roof:

| column | meaning |
|---|---|
| `roof` | `nominal`, `FMA`, `dgemm`; `L1` to `L3`, `DRAM`; `disk, …`; `S3, …` |
| `unit` | `FLOP/s` or `B/s` |
| `per_s` | how many a second, of all `cores` |
| `cores` | how many worked; 0 where cores don't matter |
| `bytes` | of memory a core, or that were moved |
| `note` | what a reader should know |

Params: `cores` (those that this process may use), `disk_mib` (128), `s3_mib` (64). Facts: `model`,
`cores` of the machine, `load` that it was under (of one minute, this program's own included).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.mpi import processor
from tasks.mpi.processor import Processor

#: Bytes that stand for DRAM: so many times the last cache, and no more than this a machine.
_BEYOND, _MOST = 4, 1 << 30
#: Where a machine doesn't tell its caches.
_ASSUMED = (32 << 10, 512 << 10, 16 << 20)


@dataclass(frozen=True)
class Roof:
    """A row."""

    roof: str
    unit: str
    per_s: float
    cores: int
    bytes: int
    note: str = ""


def measure(here: Processor, cores: int, output: str, disk_mib: int, s3_mib: int) -> Iterator[Roof]:
    """Measure all roofs; those of S3 only where the output is there."""
    from tasks.mpi import roofs, transfers  # here: BLAS reads its threads from the environment

    for n in sorted({1, cores}):
        if here.nominal is not None:
            note = f"{n} x {(here.hz or 0) / 1e9:.2f} GHz x {here.flop_per_cycle} ({here.why})"
            yield Roof("nominal", "FLOP/s", here.nominal * n, n, 0, note)
        rate = roofs.peak(n)
        yield Roof("FMA", "FLOP/s", rate.per_s, n, rate.bytes)
    rate = roofs.dgemm(cores)
    yield Roof("dgemm", "FLOP/s", rate.per_s, cores, rate.bytes)
    for n in sorted({1, cores}):
        for name, size, note in levels(here, n):
            rate = roofs.bandwidth(size, n)
            yield Roof(name, "B/s", rate.per_s, n, rate.bytes, note)
    for moved in transfers.disk(disk_mib):
        yield Roof(moved.name, "B/s", moved.per_s, 0, moved.bytes, moved.note)
    if output.startswith("s3://"):
        from pyarrow.fs import FileSystem

        files, path = FileSystem.from_uri(output)
        for moved in transfers.store(files, f"{path.rstrip('/')}/roofline.bin", s3_mib):
            yield Roof(moved.name, "B/s", moved.per_s, 0, moved.bytes, moved.note)


def levels(here: Processor, cores: int) -> Iterator[tuple[str, int, str]]:
    """Each memory's name, and the bytes of one core that lie in it and in none nearer."""
    told = [(f"L{c.level}", c.size / max(1, min(c.shared, cores))) for c in here.caches]
    note = "" if told else "sizes of caches assumed"
    told = told or [(f"L{i}", float(size)) for i, size in enumerate(_ASSUMED, 1)]
    nearer = 0.0
    for name, size in told:
        # Half of a level: the rest is for others, and not all of it may be had. Where the one
        # before is as large, nothing lies in this one alone.
        if size > 2 * nearer:
            yield name, int(max(size / 2, min(2 * nearer, 0.9 * size))), note
        nearer = size
    whole = max(c.size for c in here.caches) if here.caches else _ASSUMED[-1]
    yield "DRAM", min(_BEYOND * whole, _MOST) // cores, note


def main(words: Sequence[str] | None = None) -> None:
    """Measure, and write the rows and the facts."""
    parser = argparse.ArgumentParser(description="Measures the roofs of a machine")
    parser.add_argument("--input", help="is not read")
    parser.add_argument("--output", required=True, help="URI that is written")
    parser.add_argument("--params", type=json.loads, default={}, help="a JSON object")
    told = parser.parse_args(words)
    here = processor.here()
    cores = min(int(told.params.get("cores") or here.cores), here.cores)
    for library in ("OPENBLAS", "OMP", "MKL", "BLIS"):
        os.environ[f"{library}_NUM_THREADS"] = str(cores)
    found = []
    sizes = int(told.params.get("disk_mib", 128)), int(told.params.get("s3_mib", 64))
    for roof in measure(here, cores, told.output, *sizes):
        found.append(roof)
        print(f"{roof.roof:<14}{roof.cores:>3} {roof.per_s / 1e9:>10.3f} G{roof.unit}", flush=True)
    write(told.output, here, found)


def write(output: str, here: Processor, found: Sequence[Roof]) -> None:
    """Write what was found: facts first, so that who sees the rows sees them."""
    from tasks.mpi import rows

    facts: dict[str, Any] = {"model": here.model, "cores": here.cores, "load": os.getloadavg()[0]}
    rows.write_facts(output, "roofline", facts)
    names = ("roof", "unit", "per_s", "cores", "bytes", "note")
    rows.write(output, {name: [getattr(each, name) for each in found] for name in names})


if __name__ == "__main__":
    main()
