"""How many items a call gets, from what the probe measured."""

from __future__ import annotations

import math
from dataclasses import dataclass

#: A call costs some 30 ms beside its items. Calls of this length make that one in a hundred,
#: and are short enough to be repeated.
TARGET_S = 4.0
#: Shorter calls than this waste a tenth of their time.
LEAST_S = 0.3
#: Calls for each worker at the least, so that none waits long for the slowest.
ROUNDS = 4
#: Share of a function's time that a call is planned for: items differ.
SHARE = 1 / 3
#: Of the items, and of their rows, that a call holds in memory.
_HELD_BYTES = 64 << 20
_MOST_ITEMS = 100_000
#: Calls of a stage: `register` reads what each left twice, in some 7 ms with 8 at a time, and has
#: 900 s, of which this takes a third.
MOST_BATCHES = 40_000


@dataclass(frozen=True)
class Measured:
    """What a probe found.

    Parameters
    ----------
    item_s : float
        Seconds of one item.
    item_bytes, row_bytes : float
        Of one item, and of its rows.
    """

    item_s: float
    item_bytes: float = 0.0
    row_bytes: float = 0.0


def batch_items(items: int, measured: Measured, workers: int, timeout_s: float) -> int:
    """Choose the items of a call.

    Parameters
    ----------
    items : int
        All of the stage.
    measured : Measured
    workers : int
        Calls side by side.
    timeout_s : float
        Of the function.

    Returns
    -------
    int
        At least 1.
    """
    each = max(measured.item_s, 1e-6)
    wanted = TARGET_S / each
    shared = math.ceil(items / (ROUNDS * workers))
    wanted = max(min(wanted, max(shared, LEAST_S / each)), math.ceil(items / MOST_BATCHES))
    wanted = min(wanted, SHARE * timeout_s / each, _MOST_ITEMS)
    held = max(measured.item_bytes, measured.row_bytes)
    wanted = min(wanted, _HELD_BYTES / held) if held else wanted
    return max(1, min(math.ceil(wanted), max(items, 1)))


def batch_timeout_s(size: int, item_s: float, item_timeout_s: float, timeout_s: int) -> int:
    """Seconds after which a call counts as lost, and is made again.

    Ten times what it should take, and two items that hang; never more than Lambda itself gives
    it, with half a minute for its start.
    """
    return min(math.ceil(30 + 10 * size * item_s + 2 * item_timeout_s), timeout_s + 30)


def batches(items: int, size: int) -> list[dict[str, int]]:
    """Closed ranges of items."""
    return [
        {"first": first, "last": min(first + size, items) - 1} for first in range(0, items, size)
    ]
