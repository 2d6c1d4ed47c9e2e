"""What kernels give beside NumPy, checked by the Python of their image.

    python -m tests.integration.gpu_checks

Prints a JSON object: the name of each check, and its error or null.
"""

from __future__ import annotations

import json
import math
import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.gpu import ceilings, draws
from tasks.gpu.device import Device, DeviceError, pick
from tasks.gpu.health_index import Lives
from tasks.gpu.ndvi import Ndvi
from tasks.gpu.permutation import Deals
from tasks.gpu.random_walks import UNIT, Walks

SEED = 7 + (5 << 32)
Words = NDArray[np.uint64]
CHECKS: list[Callable[[Device], None]] = []
DRAW = """
kernel void draw(global uint *bits, global float *told) {
    const long at = get_global_id(0) * LANES;
    four v = philox((u32)(get_global_id(0)), NUMBERS, (u32)(0xffffffffu), 1u, 7u, 5u);
    STORE(u32, v.a, bits + 4 * at); STORE(u32, v.b, bits + 4 * at + LANES);
    STORE(u32, v.c, bits + 4 * at + 2 * LANES); STORE(u32, v.d, bits + 4 * at + 3 * LANES);
    f32 z[4]; normals(v, z);
    for (int k = 0; k < 4; ++k) STORE(f32, z[k], told + 4 * at + k * LANES);
}"""
EDGES = """
kernel void edges(global const uint *bits, global float *told) {
    const long at = get_global_id(0) * LANES;
    four v; v.a = v.b = v.c = v.d = LOAD(u32, bits + at);
    f32 z[4]; normals(v, z);
    STORE(f32, z[0], told + at);
}"""


def check(work: Callable[[Device], None]) -> Callable[[Device], None]:
    CHECKS.append(work)
    return work


def error(work: Callable[[], Any]) -> str:
    """What a call raises that must fail."""
    try:
        work()
    except DeviceError as fault:
        return str(fault)
    raise AssertionError("it didn't fail")


def philox(block: Any, low: Any, high: Any, stream: int) -> list[Words]:
    """Philox4x32-10 in NumPy (Salmon et al. 2011), keyed by SEED."""
    v = [np.asarray(x, dtype=np.uint64) for x in np.broadcast_arrays(block, low, high, stream)]
    key = [int(k) for k in draws.key(SEED)]
    m = 2**32 - 1
    for _ in range(10):
        p, q = v[0] * np.uint64(0xD2511F53), v[2] * np.uint64(0xCD9E8D57)
        v = [
            (q >> np.uint64(32)) ^ v[1] ^ np.uint64(key[0]), q & np.uint64(m),
            (p >> np.uint64(32)) ^ v[3] ^ np.uint64(key[1]), p & np.uint64(m),
        ]  # fmt: skip
        key = [(key[0] + 0x9E3779B9) & m, (key[1] + 0xBB67AE85) & m]
    return v


def normals(words: list[Words]) -> list[NDArray[np.float64]]:
    """Box and Muller's, in float64."""
    u = [(w >> np.uint64(1)).astype(np.float64) for w in words]
    r = [np.sqrt(-2 * np.log((u[k] + 0.5) / 2**31)) for k in (0, 2)]
    t = [2 * np.pi * u[k] / 2**31 for k in (1, 3)]
    return [r[0] * np.cos(t[0]), r[0] * np.sin(t[0]), r[1] * np.cos(t[1]), r[1] * np.sin(t[1])]


@check
def draws_are_philox_and_near_normals_of_float64(device: Device) -> None:
    lanes, items = device.lanes, 2048
    kernel = device.program(draws.source(lanes) + DRAW, "draws").draw
    bits, told = device.empty(4 * items * lanes, np.uint32), device.empty(4 * items * lanes, "f4")
    kernel(device.queue, (items,), None, bits.data, told.data)
    expected = philox(np.arange(items)[:, None], np.arange(lanes), 2**32 - 1, 1)
    found = device.take(bits).reshape(items, 4, lanes).transpose(1, 0, 2)
    assert np.array_equal(found, expected)
    z = device.take(told).reshape(items, 4, lanes).transpose(1, 0, 2)
    away = np.abs(z - np.array(normals(expected))).max()
    assert away < 4e-6, away
    assert abs(z.mean()) < 0.02
    assert abs(z.std() - 1) < 0.02


@check
def lanes_draw_what_one_at_a_time_draws(device: Device) -> None:
    bits = np.arange(0, 2**32, 2**32 // 4096, dtype=np.uint32)
    bits[:4] = 0, 1, 2**31, 2**32 - 1
    told = []
    for lanes in (1, 8):
        kernel = device.program(draws.source(lanes) + EDGES, "edges").edges
        z = device.empty(bits.size, np.float32)
        kernel(device.queue, (bits.size // lanes,), None, device.put(bits).data, z.data)
        told.append(device.take(z))
    assert np.isfinite(told[0]).all()
    assert np.array_equal(told[0], told[1])


@check
def ndvi_is_numpys_bit_for_bit_and_its_sum_exact(device: Device) -> None:
    draw = np.random.default_rng(25)
    for bands in (np.uint8, np.uint16):
        most = np.iinfo(bands).max
        red, near = (draw.integers(0, most, 100_003, bands, True) for _ in range(2))
        red[:5] = 0
        near[3:9] = 0
        red[-4:], near[-4:] = [1, most, most, most - 1], [most, most, 1, most]
        for precision in ("float64", "float32"):
            kernels = Ndvi(device, np.dtype(bands), precision)
            r, n = red.astype(precision), near.astype(precision)
            with np.errstate(invalid="ignore"):
                expected = np.where((red > 0) & (near > 0), (n - r) / (n + r), np.nan)
            found = device.take(kernels.map(red, near))
            assert found.dtype == expected.dtype
            assert np.array_equal(found, expected, equal_nan=True)
            there = expected[~np.isnan(expected)]
            mean = math.fsum(there) / there.size
            for most_mib in (1, 64):
                device.most_mib = most_mib
                assert kernels.mean(red, near) == (mean, there.size)


@check
def the_health_index_is_a_loops_bit_for_bit(device: Device) -> None:
    rho, mu, start = 0.7, 3.0, 1.0
    for lives in (1, 16, 37, 1000):
        shocks = np.random.default_rng(lives).normal(size=(300, lives))
        z, sums, squares = np.full(lives, start), np.zeros(lives), np.zeros(lives)
        for week in shocks:
            z = rho * z + (1 - rho) * mu + week
            sums += z - mu
            squares += (z - mu) * (z - mu)
        followed = Lives(device, rho, mu, start)
        for most_mib in (1, 64):
            device.most_mib = most_mib
            told = followed.moments(shocks)
            assert np.array_equal(told[0], sums)
            assert np.array_equal(told[1], squares)
            assert told[2] == rho * start + (1 - rho) * mu + shocks[0, 0]
            assert told[3] == z[-1]


@check
def walks_are_numpys_sums_of_the_same_steps(device: Device) -> None:
    walks, moves = np.array([0, 1, 5, 2**40, -3, 8, 9, 77, 10_001]), 101
    words = philox(np.arange(26), walks[:, None].astype(np.uint64) & np.uint64(2**32 - 1),
                   walks[:, None].astype(np.uint64) >> np.uint64(32), 0)  # fmt: skip
    steps = np.stack(normals(words), axis=2).reshape(len(walks), -1)[:, :moves]
    places = np.cumsum(steps, axis=1)
    told = Walks(device, moves, SEED).ends(walks) / UNIT
    expected = np.stack(
        [places[:, -1], places.min(1, initial=0.0), places.max(1, initial=0.0)], axis=1
    )
    assert np.abs(told - expected).max() < 1e-4
    alone = np.concatenate([Walks(device, moves, SEED).ends(walks[k : k + 1]) for k in (3, 8)])
    assert np.array_equal(alone / UNIT, told[[3, 8]])


@check
def deals_are_selection_sampling_in_numpy(device: Device) -> None:
    values, take, permutations = np.random.default_rng(25).normal(size=103), 41, 50
    words = np.stack(philox(np.arange(26), np.arange(permutations)[:, None], 0, 1), axis=2)
    bits = words.reshape(permutations, -1)
    left, sums = np.full(permutations, take), np.zeros(permutations)
    for i, value in enumerate(values):
        taken = (bits[:, i] * np.uint64(len(values) - i)) >> np.uint64(32) < left.astype(np.uint64)
        left -= taken
        sums += taken * value
    assert not left.any()
    deals = Deals(device, SEED)
    assert np.array_equal(deals.sums(values, take, permutations), sums)
    counted = deals.sums(np.ones(20_000), 7_000, 10)
    assert (counted == 7_000).all()


@check
def every_value_is_dealt_as_often(device: Device) -> None:
    times = 20_000
    for place in (0, 3, 9):
        one = np.zeros(10)
        one[place] = 1.0
        share = Deals(device, SEED).sums(one, 4, times).mean()
        assert abs(share - 0.4) < 5 * math.sqrt(0.24 / times), (place, share)


@check
def a_kernel_that_does_not_build_is_one_error(device: Device) -> None:
    said = error(lambda: device.program("kernel void it(global float *a) { a[0] = b; }", "it"))
    assert "While building it on" in said, said
    assert "'b'" in said, said
    assert "\n" not in said, said


@check
def a_device_without_memory_is_one_error(device: Device) -> None:
    for ask in (lambda: device.empty(2**50, np.float64), lambda: device.chunk(2**30, "a row")):
        device.most_mib = 1
        said = error(ask)
        assert "device_mib" in said, said
        assert "\n" not in said, said


@check
def a_device_that_is_not_there_is_told(device: Device) -> None:
    if not device.gpu:
        assert device.name in error(lambda: pick("gpu"))


@check
def copies_that_cost_more_than_the_sum_are_told_beforehand(device: Device) -> None:
    class Far(Device):
        shared = property(lambda self: False)

    far = Far(device.cl_device, 64)
    far.__dict__["_ceilings"] = ceilings.Ceilings(1e12, 1e13, 1e9)
    assert "lose to the host" in ceilings.forecast(far, 2**30, 2**30, 2**27).sentence
    assert "the host would take" in ceilings.forecast(far, 2**20, 2**30, 2**40).sentence
    here = ceilings.forecast(device, 0, 2**30, 2**27)
    assert "nothing is copied" in here.sentence
    assert 0 < float(here.facts["forecast_s"]) < 100
    # What a device that doesn't share the host's memory does: copies, each noted.
    given = np.arange(1000.0)
    assert np.array_equal(far.take(far.put(given)), given)
    assert far.spent.moved == 2 * given.nbytes
    assert far.spent.transfer_s > 0


def main() -> None:
    told: dict[str, str | None] = {}
    for work in CHECKS:
        try:
            work(pick())
        except Exception:
            told[work.__name__] = traceback.format_exc()
        else:
            told[work.__name__] = None
    print(json.dumps(told))


if __name__ == "__main__":
    main()
