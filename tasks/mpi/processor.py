"""What a machine says of its processor: cores, clock, vector units and caches. Linux alone tells.

The nominal peak is cores times clock times operations a cycle. The last is of the processor's
make; the flags tell it for most:
https://stackoverflow.com/questions/15655835/flops-per-cycle-for-sandy-bridge-and-haswell-sse2-avx-avx2
What isn't known is None: a peak that was guessed would be no roof.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

#: Operations of doubles a cycle and core, by the part's number, where Arm's flags don't tell: N1,
#: V1 and V2, that is Graviton 2, 3 and 4. From memory of Arm's optimisation guides, not measured.
ARM_PARTS = {"0xd0c": 8, "0xd40": 16, "0xd4f": 16}
_UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Cache:
    """A level of cache: its bytes, and among how many of the cores they are shared."""

    level: int
    size: int
    shared: int


@dataclass(frozen=True)
class Processor:
    """A processor, as far as it tells.

    Parameters
    ----------
    model : str
    cores : int
        That this process may use.
    hz : float, optional
        The clock: its most where the machine tells that, else what it is now.
    flop_per_cycle : int, optional
        Of doubles, a core.
    why : str
        From what that follows.
    caches : tuple of Cache
        Those that hold data, the smallest first.
    """

    model: str
    cores: int
    hz: float | None
    flop_per_cycle: int | None
    why: str
    caches: tuple[Cache, ...] = field(default=())

    @property
    def nominal(self) -> float | None:
        """FLOP a second of one core."""
        if self.hz is None or self.flop_per_cycle is None:
            return None
        return self.hz * self.flop_per_cycle


def here() -> Processor:
    """Read what the machine tells."""
    info = Path("/proc/cpuinfo")
    text = info.read_text(encoding="utf-8") if info.is_file() else ""
    most = Path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq")
    khz = most.read_text() if most.is_file() else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return read(text, khz, cores or 1, caches(Path("/sys/devices/system/cpu/cpu0/cache")))


def read(text: str, khz: str, cores: int, found: tuple[Cache, ...]) -> Processor:
    """Read ``/proc/cpuinfo`` and the clock's most in kHz, empty where the machine has none."""
    told = dict(re.findall(r"^([^\t:]+?)\s*: *(.*)$", text, re.M))
    flags = set((told.get("flags") or told.get("Features") or "").split())
    flop, why = _flop_per_cycle(told, flags)
    hz = float(khz) * 1e3 if khz.strip() else None
    if hz is None and "cpu MHz" in told:
        hz = max(float(each) for each in re.findall(r"^cpu MHz\s*: *(\S+)", text, re.M)) * 1e6
    model = told.get("model name") or told.get("CPU part") or "unknown"
    return Processor(model, cores, hz, flop, why, found)


def _flop_per_cycle(told: dict[str, str], flags: set[str]) -> tuple[int | None, str]:
    if (part := told.get("CPU part")) is not None:
        return ARM_PARTS.get(part), f"part {part}"
    if "avx512f" in flags:
        if told.get("vendor_id") == "AuthenticAMD":
            # Zen 4 (family 25) takes two cycles for 512 bits, Zen 5 one.
            return (16, "avx512f by halves") if told.get("cpu family") == "25" else (32, "avx512f")
        return 32, "avx512f, two units"
    if {"avx2", "fma"} <= flags:
        return 16, "avx2 and fma, two units"
    if "avx" in flags:
        return 8, "avx"
    return (4, "sse2") if "sse2" in flags else (None, "no flags that are known")


def caches(folder: Path) -> tuple[Cache, ...]:
    """The caches of a core, from ``/sys``."""
    found = []
    for each in sorted(folder.glob("index*")):
        if (each / "type").read_text().strip() == "Instruction":
            continue
        size = (each / "size").read_text().strip()
        shared = _count((each / "shared_cpu_list").read_text().strip())
        level = int((each / "level").read_text())
        found.append(Cache(level, int(size[:-1]) * _UNITS[size[-1]], shared))
    return tuple(sorted(found, key=lambda cache: cache.level))


def _count(cpus: str) -> int:
    """How many CPUs a list as ``0-3,8`` names."""
    ends = [each.split("-") for each in cpus.split(",")]
    return sum(int(pair[-1]) - int(pair[0]) + 1 for pair in ends)
