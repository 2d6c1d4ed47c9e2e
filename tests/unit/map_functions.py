"""Functions of Map stages, good and bad, for tests; they run in a child process."""

from __future__ import annotations

import datetime
import os
import random
import signal
import time
from collections.abc import Iterator
from typing import Any

Item = dict[str, Any]


def square(item: Item) -> Item:
    return {"n": item["n"], "square": item["n"] ** 2}


def nothing(item: Item) -> None:
    return None


def twice(item: Item, params: Item) -> Iterator[Item]:
    yield {"n": item["n"], "square": params["times"] * item["n"]}
    params["times"] = 0  # not seen by the next item
    yield {"n": item["n"]}


def drawn(item: Item) -> Item:
    return {"n": item["n"], "square": random.random()}


def one_in_a_hundred(item: Item) -> Item:
    if item["n"] % 100 == 37:
        raise ValueError(f"{item['n']} is unlucky")
    return square(item)


def always_raises(item: Item) -> Item:
    raise KeyError("no such thing")


def awkward(item: Item) -> Any:
    """Each of the first items goes wrong in a way of its own; the others are squared."""
    n = item["n"]
    if n == 1:
        time.sleep(60)
    if n == 2:
        os._exit(3)
    if n == 3:
        os.kill(os.getpid(), signal.SIGSEGV)
    if n == 4:
        held = []
        while True:
            held.append(b"x" * (1 << 22))
    if n == 5:
        raise SystemExit("enough")
    if n == 6:
        return bytearray(1 << 45)
    return square(item)


def careless(item: Item) -> Any:
    return {
        0: {"square": 1.0},
        1: {"n": 1, "more": 2},
        2: {"n": "2"},
        3: {"n": True},
        4: 17,
        5: [{"n": 5}, "row"],
        6: {"n": 1 << 63},
        7: {"n": 7, "square": 7},
    }.get(item["n"], {"n": item["n"]})


def rejects(item: Item) -> Iterator[Any]:
    from headrace.lake import Rejected

    yield {"n": item["n"]}
    if item["n"] == 1:
        yield Rejected("half a record", b"\x00half")
        yield Rejected("another")


_LEAKED: list[bytes] = []


def leaks(item: Item) -> Item:
    _LEAKED.append(b"x" * (40 << 20))
    time.sleep(0.05)  # its process is looked at before the next
    return square(item)


def sleeps(item: Item) -> Item:
    time.sleep(item["n"])
    return {"n": 1}


def typed(item: Item) -> Item:
    when = datetime.datetime(1790, 1, 8, 12, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
    return {
        "b": True,
        "l": (1 << 63) - 1,
        "d": item["n"],
        "s": "é",
        "y": b"\xff",
        "a": when.date(),
        "t": when,
    }


def counted(item: Item, params: Item) -> Item:
    """Writes down each time that it is called; its rows are drawn."""
    with open(params["calls"], "a") as out:
        out.write(f"{item['n']}\n")
    if item["n"] == 3:
        raise ValueError("three")
    time.sleep(0.11)  # worth keeping
    return drawn(item)


def starts_a_process(item: Item) -> Item:
    import subprocess

    sleeper = subprocess.Popen(["sleep", "300"])
    print(f"sleeper {sleeper.pid}", flush=True)
    time.sleep(60)
    return {"n": sleeper.pid}
