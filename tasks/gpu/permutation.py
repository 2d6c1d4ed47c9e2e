"""Permutation test of a difference in means of two groups.

    Gpu("shuffle_test", program="tasks/gpu/permutation.py",
        input="SELECT party AS label, mood AS value FROM …", produces=Shuffled,
        params={"permutations": 10_000})

The input's columns are `label`, which has two values (or those that the param ``"groups": ["a",
"b"]`` names, others being left out), and `value`. A permutation deals the values anew to groups of
the same sizes; its null distribution is what the difference would be, were labels of no account.
The first group is the first by name, or by `groups`. One row:

| column | meaning |
|---|---|
| `first`, `second` | the groups |
| `n_first`, `n_second` | how many values each has |
| `mean_first`, `mean_second` | of the values |
| `difference` | `mean_first` - `mean_second` |
| `p` | two-sided: (1 + permutations at least as far from 0) / (1 + permutations) |
| `p_greater` | one-sided: as great or greater |
| `sd` | of the null distribution |
| `low`, `middle`, `high` | its 2.5 %, 50 % and 97.5 % quantiles |
| `permutations` | how many |

With the param ``"rows": "permutations"`` it is a row a permutation instead: `permutation` (its
number) and `difference`, for a histogram by SQL.

The true dealing counts as one of the permutations, so p is never 0 (Phipson and Smyth 2010,
Permutation p-values should never be zero). Random numbers are keyed by (seed, permutation): neither
chunks nor devices change one. A value is taken into the first group with the chance of those wanted
over those left (selection sampling, Knuth 3.4.2, algorithm S), of 32 bits: a chance is 2^-32 off at
most. Fact: `mean` of the null.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks import rows
from tasks.gpu import draws
from tasks.gpu.device import Device
from tasks.gpu.program import Columns, Program, ProgramError, main

#: The sum; choosing is done by whole numbers.
FLOP = 1
#: Differences as near as this to the true one are ties, which adding in another order parts
#: (as of scipy.stats.permutation_test, which takes 100 eps).
TIE = 100 * np.finfo(float).eps
Floats = NDArray[np.float64]
#: A work item has `LANES` permutations, and goes through the values from `first` on. What it had so
#: far is in `wanted` (values still to take) and `sums`, so that values may come in chunks.
SOURCE = """
kernel void deal(global const double *values, int first, int count, int whole, long permutation,
                 uint key0, uint key1, global uint *wanted, global double *sums) {
    const long at = get_global_id(0) * LANES;
    const u64 number = (u64)(permutation + at) + TO(u64, NUMBERS);
    const u32 low = TO(u32, number), high = TO(u32, (number >> 32));
    u32 left = LOAD(u32, wanted + at);
    f64 sum = LOAD(f64, sums + at);
    for (int i = first; i < first + count; i += 4) {
        const four v = philox((u32)(i / 4), low, high, 1u, key0, key1);
        const u32 words[4] = {v.a, v.b, v.c, v.d};
        for (int k = 0; k < 4 && i + k < first + count; ++k) {
            const u32 place = TO(u32, ((TO(u64, words[k]) * (ulong)(whole - i - k)) >> 32));
            const u32 taken = PICK(place < left, (u32)(1), (u32)(0));
            left -= taken;
            sum += TO(f64, TO(i32, taken)) * values[i + k - first];
        }
    }
    STORE(u32, left, wanted + at);
    STORE(f64, sum, sums + at);
}"""


@dataclass
class Deals:
    """The kernel that deals values to groups.

    Parameters
    ----------
    device : Device
        Where it runs.
    seed : int
        The study's.
    """

    device: Device
    seed: int

    def __post_init__(self) -> None:
        source = draws.source(self.device.lanes) + SOURCE
        self.kernel = self.device.program(source, "the permutations").deal
        with self.device.compiling("the permutations"):
            lanes = self.device.lanes
            some = self.device.put(np.ones(4))
            state = self.device.put(np.ones(lanes, np.uint32)), self.device.put(np.zeros(lanes))
            self._deal(some, 0, 4, 0, *state)

    def sums(self, values: Floats, take: int, permutations: int) -> Floats:
        """Sum of the `take` values that each permutation deals to the first group."""
        device, lanes = self.device, self.device.lanes
        # Half of the memory for values, half for permutations.
        each = device.chunk(16, "four values", 4)
        batch = device.chunk(24, "permutations", lanes)
        told = np.empty(permutations)
        for first in range(0, permutations, batch):
            count = min(batch, permutations - first)
            told[first : first + count] = self._batch(values, take, first, count, each)
        return told

    def _batch(self, values: Floats, take: int, number: int, count: int, each: int) -> Floats:
        device, lanes = self.device, self.device.lanes
        padded = -(-count // lanes) * lanes
        wanted = device.put(np.full(padded, take, np.uint32))
        sums = device.put(np.zeros(padded))
        for first in range(0, len(values), each):
            part = device.put(values[first : first + each])
            device.run(
                "deal", partial(self._deal, part, first, len(values), number, wanted, sums),
                24 * padded + 8 * part.size, FLOP * padded * part.size,
            )  # fmt: skip
        return device.take(sums)[:count]

    def _deal(self, part: Any, first: int, whole: int, number: int, wanted: Any, sums: Any) -> Any:
        device = self.device
        items = wanted.size // device.lanes
        local = device.local[0]
        if items % local:
            local = 1  # groups must fit
        return self.kernel(
            device.queue, (items,), (local,), part.data, np.int32(first), np.int32(part.size),
            np.int32(whole), np.int64(number), *map(np.uint32, draws.key(self.seed)),
            wanted.data, sums.data,
        )  # fmt: skip


def permutation(program: Program) -> Columns:
    """Test."""
    program.known("groups", "permutations", "rows")
    count = program.param("permutations", 10_000)
    if count < 1:
        raise ProgramError(f"While permuting, found permutations={count}. Ask for 1 at least.")
    given = program.choice("rows", "summary", "permutations")
    names, values, take = _groups(program)
    # About their mean, so that nothing is lost where it is large beside the differences.
    centre = math.fsum(values) / len(values)
    centred = values - centre
    device = program.device
    program.forecast(
        0 if device.shared else 8 * len(values) + 20 * count,
        8 * len(values) + 24 * count, FLOP * len(values) * count,
    )  # fmt: skip
    null = _difference(Deals(device, program.seed).sums(centred, take, count), centred, take)
    if given == "permutations":
        return {"permutation": np.arange(count), "difference": null}
    told = _summary(null, centred, take)
    means = (math.fsum(x) / len(x) for x in (values[:take], values[take:]))
    program.note("mean", float(null.mean()))
    return {
        "first": [names[0]], "second": [names[1]],
        "n_first": [take], "n_second": [len(values) - take],
        **dict(zip(("mean_first", "mean_second"), ([m] for m in means), strict=True)), **told,
    }  # fmt: skip


def _groups(program: Program) -> tuple[list[str], Floats, int]:
    """The two groups' names, the values of the first and then the second, how many the first has.

    Rows come in no order that could be relied on: each group's are sorted.
    """
    table = rows.read(program.input, "label", "value")
    labels = np.asarray(table["label"].to_pylist(), dtype=object).astype(str)
    found = sorted(set(labels))
    names = program.params.get("groups") or found
    if not isinstance(names, list) or len(set(names)) != 2 or set(names) - set(found):
        raise ProgramError(
            f"While reading labels, found {len(found)} groups: {', '.join(found[:10])}. A test is "
            f"of two that are there; groups is {program.params.get('groups')!r}. Name two."
        )
    values = table["value"].to_numpy().astype(np.float64)
    first, second = (np.sort(values[labels == name]) for name in names)
    if len(first) + len(second) >= 2**31:
        raise ProgramError("While reading values, found 2^31 or more. Sample them in the SQL.")
    return names, np.concatenate([first, second]), len(first)


def _difference(sums: Any, centred: Floats, take: int) -> Any:
    """Difference in means of what sums to `sums` and of the others."""
    return sums / take - (math.fsum(centred) - sums) / (len(centred) - take)


def _summary(null: Floats, centred: Floats, take: int) -> dict[str, list[float | int]]:
    true = float(_difference(math.fsum(centred[:take]), centred, take))
    near = TIE * max(abs(true), float(np.abs(centred).max(initial=0.0)))
    far = int((np.abs(null) >= abs(true) - near).sum())
    greater = int((null >= true - near).sum())
    low, middle, high = np.quantile(null, [0.025, 0.5, 0.975])
    return {
        "difference": [true],
        "p": [(1 + far) / (1 + len(null))],
        "p_greater": [(1 + greater) / (1 + len(null))],
        "sd": [float(null.std())],
        "low": [float(low)], "middle": [float(middle)], "high": [float(high)],
        "permutations": [len(null)],
    }  # fmt: skip


if __name__ == "__main__":
    main(permutation)
