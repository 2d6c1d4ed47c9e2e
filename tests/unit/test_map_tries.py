"""Calls of one batch, or probes of one try, that were killed, are late or run side by side."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdas.map.errors import DoesNotFit, OutOfTime
from lambdas.map.output import figures
from tests.unit.run_path import Stage, stage_on_moto
from tests.unit.test_map_work import Killed, Poisoned


class Watched:
    """An S3 client that does something else before it writes an object, once, and counts."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.put: list[str] = []
        self.before: dict[str, Callable[[], Any]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def put_object(self, **told: Any) -> Any:
        self.put.append(told["Key"])
        for part in [p for p in self.before if p in told["Key"]]:
            self.before.pop(part)()
        return self._inner.put_object(**told)


def watch(stage: Stage) -> Watched:
    stage.mapper.s3 = Watched(stage.mapper.s3)
    found: Watched = stage.mapper.s3
    return found


def kill() -> None:
    raise Killed


def poison(stage: Stage, *items: int) -> Any:
    """From now on these items kill; gives the supervisor that was there."""
    healthy = stage.mapper.supervisor
    supervisor: Any = Poisoned(healthy, set(items))
    stage.mapper.supervisor = supervisor
    return healthy


def test_a_call_killed_before_its_last_file_leaves_every_item_in_rows_or_bad(
    tmp_path: Path,
) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(range(40))
        stage.probe()
        healthy = poison(stage, 5)
        for attempt in range(2):
            with pytest.raises(Killed):
                stage.work(0, 39, attempt)
        stage.mapper.supervisor = healthy
        seen = watch(stage)
        # Item 5 is innocent this time, and nothing else is bad; but the call ends here.
        seen.before["out/"] = lambda: seen.before.update({"out/": kill})
        with pytest.raises(Killed):
            stage.work(0, 39, 2)
        assert [r["n"] for r in stage.rows()] == [n for n in range(40) if n != 5]
        assert list(stage.bad()) == [5]
        assert stage.work(0, 39, 3)["failed"] == 0
        assert (len(stage.rows()), stage.bad()) == (40, {})


def test_rows_name_the_file_of_what_is_bad_with_them(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="one_in_a_hundred", batch_items=50) as stage:
        stage.give(range(100))
        stage.map()
        one, two = (figures(table) for table in stage.tables("out"))
        (bad,) = stage.keys("bad/")
        assert bad == f"{stage.prefix}bad/{one['bad_file']}"
        assert one["bad_file"].startswith("000000000000-")
        assert (one["bad"], two["bad"], two["bad_file"]) == (1, 0, None)


def test_a_late_call_does_not_replace_a_whole_batch(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps") as stage:
        stage.give([0.0] * 3 + [2.0])
        stage.probe()
        stage.forget()
        seen = watch(stage)
        seen.before["out/"] = lambda: stage.work(0, 3, 1)
        # The first call ran out of time; while it was writing, the second did it all.
        assert stage.work(0, 3, 0, left_s=2.0)["failed"] == 0
        assert (len(stage.rows()), stage.bad()) == (4, {})


def test_two_probes_of_one_try_plan_the_same(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, batch_items=7) as stage:
        stage.give(range(30))
        other: list[Any] = []

        def probe_again() -> None:
            stage.mapper.stage["batch_items"] = 5
            other.append(stage.probe())

        watch(stage).before["batches.json"] = probe_again
        mine = stage.probe()
        assert mine == other[0]
        assert (mine["batches"], mine["batch_items"]) == (6, 5)
        assert [b["last"] for b in stage.batches()] == [4, 9, 14, 19, 24, 29]
        assert (stage.facts()["batches"], stage.facts()["items"]) == (6, 30)
        stage.mapper.stage["batch_items"] = 11
        assert stage.probe() == mine
        assert len(stage.batches()) == 6


def test_two_probes_that_list_different_objects_plan_the_same(tmp_path: Path) -> None:
    with stage_on_moto(
        tmp_path, prefix="s3://{lake}/files/", fn="nothing", sql=[], batch_items=1
    ) as stage:
        stage.put("files/a", b"123")

        def probe_again() -> None:
            stage.put("files/b", b"4567")
            stage.probe()

        watch(stage).before["items.parquet"] = probe_again
        assert (stage.probe()["items"], len(stage.batches())) == (2, 2)
        assert stage.facts()["files"] == ["files/a", "files/b"]
        assert stage.facts()["bytes_in"] == 7


SLOW = """
import time
time.sleep(1)
def call(item):
    time.sleep(60 if item["n"] == 1 else 0)
    return {"n": item["n"]}
"""


def test_time_that_is_up_while_a_child_starts_is_no_broken_function(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "imports_slowly.py").write_text(SLOW)
    monkeypatch.syspath_prepend(tmp_path)
    with stage_on_moto(tmp_path, item_timeout_s=0.3) as stage:
        stage.mapper.stage["fn"] = "imports_slowly:call"
        stage.give(range(6))
        stage.probe()
        stage.mapper.supervisor.stop()
        # 1 s of import, 0.3 s of hanging, and the next import ends after 2.1 s.
        with pytest.raises(OutOfTime):
            stage.work(0, 5, 0, left_s=2.8)
        assert stage.work(0, 5, 1) == {"first": 0, "last": 5, "items": 6, "failed": 1}
        assert [r["n"] for r in stage.rows()] == [0, 2, 3, 4, 5]


def test_a_batch_that_is_given_up_keeps_what_it_has(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps") as stage:
        stage.give([0.0] * 4 + [5.0] * 2)
        stage.mapper.stage["item_timeout_s"] = 0.2
        stage.probe()
        stage.mapper.stage["item_timeout_s"] = 60.0
        with pytest.raises(OutOfTime):
            stage.work(0, 5, 0, left_s=2.0)
        assert [r["_item"] for r in stage.rows()] == [0, 1, 2, 3]
        assert stage.bad() == {n: f"item {n}: no time was left to run it" for n in (4, 5)}
        told = figures(stage.tables("out")[0])
        assert (told["items"], told["failed"], told["bad"]) == (6, 2, 2)


def test_a_suspect_that_ran_out_of_time_is_tried_again(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps") as stage:
        stage.give([0.0] * 3 + [1.5])
        stage.probe()
        healthy = poison(stage, 3)
        for attempt in range(2):
            with pytest.raises(Killed):
                stage.work(0, 3, attempt)
        stage.mapper.supervisor = healthy
        with pytest.raises(OutOfTime):
            stage.work(0, 3, 2, left_s=1.6)
        assert "its function was killed while it ran" in stage.bad()[3]
        assert stage.work(0, 3, 3)["failed"] == 0
        assert stage.bad() == {}


def test_a_throttle_makes_a_try_write_no_more(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(range(100))
        stage.probe()
        seen = watch(stage)
        stage.work(0, 99, 3)
        assert [key.removeprefix(stage.prefix) for key in seen.put] == [
            "journal/000000000000/3.json",
            "out/000000000000.parquet",
        ]


def test_a_try_after_one_out_of_time_writes_no_more(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps") as stage:
        stage.give([0.0] * 50 + [1.0] * 2)
        stage.probe()
        with pytest.raises(OutOfTime):
            stage.work(0, 51, 0, left_s=1.2)
        seen = watch(stage)
        assert stage.work(0, 51, 1)["failed"] == 0
        assert len(seen.put) == 2
        assert [r["_item"] for r in stage.rows()] == list(range(52))


def test_one_item_of_thousands_that_kills_is_found_with_few_writes(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="nothing") as stage:
        stage.give(range(5000))
        stage.probe()
        poison(stage, 3333)
        seen = watch(stage)
        for attempt in range(5):  # as often as the state machine tries
            with pytest.raises(Killed):
                stage.work(0, 4999, attempt)
        assert len(seen.put) < 5 * 64
        assert list(stage.bad()) == [3333]
        assert "while it ran, 1 times" in stage.bad()[3333]
        assert stage.work(0, 4999, 5)["failed"] == 1


def test_an_error_of_s3_is_no_item_s_fault(tmp_path: Path) -> None:
    def refused() -> None:
        raise ConnectionError("S3 is away")

    with stage_on_moto(tmp_path) as stage:
        stage.give([1])
        stage.probe()
        seen = watch(stage)
        for attempt in range(4):
            seen.before["out/"] = refused
            with pytest.raises(ConnectionError):
                stage.work(0, 0, attempt)
        assert stage.work(0, 0, 4)["failed"] == 0


def test_a_probe_is_not_charged_with_memory_of_calls_before_it(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(range(3))
        stage.mapper.supervisor.peak = 1 << 40  # a hog's, which was killed
        assert stage.probe()["items"] == 3


def test_more_calls_than_can_be_registered_do_not_fit(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="nothing", batch_items=1) as stage:
        stage.give(range(40_001))
        with pytest.raises(DoesNotFit, match="40001 calls for 40001 items, 1 in each, beyond"):
            stage.probe()
