"""What a device can do at most, measured on it, and what a program will take of that.

A GPU computes fast what it has and gets slowly what it hasn't: a sum over numbers that are copied
there first is lost to the host, however fast the kernel. So the copy is forecast, and told apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from pyopencl.elementwise import ElementwiseKernel

from tasks.gpu.device import MIB, Device

COPY_MIB = 64
#: Per work item: chains that hide one another's latency, and products and sums of each.
CHAINS, STEPS = 8, 2000
PEAK = """
kernel void peak(global double *told) {
    double8 x[%(chains)d]; double8 by = 1.0 + 1e-9 * get_global_id(0);
    for (int c = 0; c < %(chains)d; ++c) x[c] = (double8)(c);
    for (int s = 0; s < %(steps)d; ++s)
        #pragma unroll
        for (int c = 0; c < %(chains)d; ++c) x[c] = x[c] * by + 1e-9;
    double8 sum = 0;
    for (int c = 0; c < %(chains)d; ++c) sum += x[c];
    told[get_global_id(0)] = sum.s0 + sum.s1 + sum.s2 + sum.s3 + sum.s4 + sum.s5 + sum.s6 + sum.s7;
}"""


@dataclass(frozen=True)
class Ceilings:
    """Rates a second, of float64.

    Parameters
    ----------
    copy_bytes, flop : float
        Bytes read and written by the device's own copies, products and sums.
    transfer_bytes : float
        Bytes copied between host and device; infinite where the memory is one.
    """

    copy_bytes: float
    flop: float
    transfer_bytes: float


@dataclass(frozen=True)
class Forecast:
    """What is said before computing."""

    sentence: str
    facts: dict[str, int | float | str]


def measured(device: Device) -> Ceilings:
    """Measure a device, once a process; takes a quarter of a second, and the first time kernels."""
    held = device.__dict__
    if "_ceilings" not in held:
        held["_ceilings"] = _measure(device)
    found: Ceilings = held["_ceilings"]
    return found


def forecast(device: Device, moved: int, bytes_: int, flop: int) -> Forecast:
    """Compare what a device will take with what NumPy would on this host, by ceilings alone."""
    best, host = measured(device), _host()
    moving = moved / best.transfer_bytes
    kernels = max(bytes_ / best.copy_bytes, flop / best.flop)
    alone = max(bytes_ / host[0], flop / host[1])
    told = f"{moving:.3g} s of transfer and {kernels:.3g} s of kernels at least"
    if device.shared:
        end = "nothing is copied, the device computes in the host's memory"
    elif moving + kernels > alone:
        end = f"it will lose to the host ({alone:.3g} s), by the transfer of {moved / MIB:.3g} MiB"
        end = end if moving > kernels else f"it will lose to the host ({alone:.3g} s)"
    else:
        end = f"the host would take {alone:.3g} s"
    facts: dict[str, int | float | str] = {
        "forecast_s": moving + kernels, "forecast_host_s": alone, "forecast": end,
    }  # fmt: skip
    return Forecast(f"{told}; {end}", facts)


def facts(device: Device) -> dict[str, int | float | str]:
    """What a device took and reached, beside what it can do."""
    spent, best = device.spent, measured(device)
    seconds = max(spent.kernel_s, 1e-9)
    return {
        "device": device.name, "platform": device.platform,
        "compile_s": spent.compile_s, "transfer_s": spent.transfer_s, "kernel_s": spent.kernel_s,
        "compute_s": spent.kernel_s, "moved_bytes": spent.moved,
        "bytes": spent.bytes, "flop": spent.flop,
        "bytes_per_s": spent.bytes / seconds, "flop_per_s": spent.flop / seconds,
        "copy_bytes_per_s": best.copy_bytes, "peak_flop_per_s": best.flop,
    }  # fmt: skip


def sentence(facts: dict[str, Any]) -> str:
    """Say them in a line."""
    return (
        f"compile {facts['compile_s']:.3g} s, transfer {facts['transfer_s']:.3g} s, "
        f"kernels {facts['kernel_s']:.3g} s: {facts['bytes_per_s'] / 1e9:.3g} GB/s (a copy "
        f"{facts['copy_bytes_per_s'] / 1e9:.3g}), {facts['flop_per_s'] / 1e9:.3g} GFLOP/s (at most "
        f"{facts['peak_flop_per_s'] / 1e9:.3g})"
    )


def _measure(device: Device) -> Ceilings:
    spent, device.spent = device.spent, type(device.spent)()  # what is measured isn't the program's
    try:
        return Ceilings(_copy(device), _peak(device), _transfer(device))
    finally:
        device.spent = spent


def _copy(device: Device) -> float:
    """By a kernel, as the programs': the driver's own copy may stay on one core."""
    row = device.row
    memory = int(device.cl_device.global_mem_size)
    count = min(COPY_MIB * MIB, memory // 8) // 8 // row * row  # not what a cache holds
    source, target = (device.empty(count, np.float64) for _ in range(2))
    source.fill(1.0)
    copy = ElementwiseKernel(
        device.context,
        "const double *source, double *target",
        f"for (long j = i * {row}; j < (i + 1) * {row}; ++j) target[j] = source[j]",
        "copy",
    )
    return 16 * count / _best(device, lambda: copy(source, target, range=slice(0, count // row)))


def _peak(device: Device) -> float:
    items = int(device.cl_device.max_compute_units) * (4 if device.shared else 2048)
    told = device.empty(items, np.float64)
    source = PEAK % {"chains": CHAINS, "steps": STEPS}
    peak = device.program(source, "the measure of its peak").peak
    seconds = _best(device, lambda: peak(device.queue, (items,), device.local, told.data))
    return 2 * 8 * CHAINS * STEPS * items / seconds


def _transfer(device: Device) -> float:
    if device.shared:
        return float("inf")
    host = np.ones(COPY_MIB * MIB // 2, dtype=np.uint8)
    for _ in range(3):  # the first touches pages that nobody had
        device.spent.transfer_s = 0.0
        device.put(host)
    return host.nbytes / device.spent.transfer_s


@lru_cache(maxsize=1)
def _host() -> tuple[float, float]:
    """NumPy's copies and its operations in cache, bytes and flop a second of one core."""
    large, there = np.ones(4 * MIB), np.empty(4 * MIB)
    small, to = np.ones(2048), np.empty(2048)

    def work() -> None:
        for _ in range(200):
            np.multiply(small, small, out=to)

    return 16 * large.size / _fastest(lambda: np.copyto(there, large)), 200 * 2048 / _fastest(work)


def _best(device: Device, call: Callable[[], Any]) -> float:
    with device.telling("measuring it"):
        call()
        device.queue.finish()

        def timed() -> None:
            call()
            device.queue.finish()

        return _fastest(timed)


def _fastest(work: Callable[[], Any], times: int = 4) -> float:
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)
