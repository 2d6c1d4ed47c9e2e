"""Batches of items: whatever an item does, it costs itself."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambdas.map.errors import OutOfTime
from lambdas.map.output import figures
from lambdas.map.supervisor import ChildBroken
from tests.unit.run_path import COLUMNS, Stage, stage_on_moto

ROOT = Path(__file__).resolve().parents[2]


def test_ten_thousand_items_of_which_one_in_a_hundred_fails(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="one_in_a_hundred") as stage:
        stage.give(range(10_000))
        stage.map()
        unlucky = [n for n in range(10_000) if n % 100 == 37]
        rows = [(r["_item"], r["n"], r["square"]) for r in stage.rows()]
        assert rows == [(n, n, n * n) for n in range(10_000) if n not in set(unlucky)]
        assert list(stage.bad()) == unlucky
        assert stage.bad()[137] == (
            "item 137: ValueError: 137 is unlucky "
            "(tests/unit/map_functions.py, line 36, in one_in_a_hundred)"
        )
        (bad, *_) = stage.rows("bad")
        assert (bad["bytes"], bad["intended"], bad["_index"]) == (b'{"n": 37}', "squares", 0)


def test_an_item_may_give_nothing(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="nothing") as stage:
        stage.give(range(1000))
        stage.probe()
        assert stage.work(0, 999) == {"first": 0, "last": 999, "items": 1000, "failed": 0}
        assert stage.rows() == []


def test_items_that_hang_exit_crash_or_hog_cost_themselves(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with stage_on_moto(
        tmp_path, fn="awkward", item_timeout_s=3.0, memory_mib=_own_mib() + 500
    ) as stage:
        stage.give(range(10))
        stage.probe()
        assert stage.work(0, 9) == {"first": 0, "last": 9, "items": 10, "failed": 6}
        assert [r["n"] for r in stage.rows()] == [0, 7, 8, 9]
        bad = stage.bad()
    assert bad[1] == "item 1: it took longer than 3 s"
    assert bad[2] == "item 2: it ended its process with exit status 3"
    assert bad[3] == "item 3: its process was ended by SIGSEGV"
    assert "MiB in use, where memory_mib=" in bad[4]
    assert "SystemExit: enough" in bad[5]
    assert "MemoryError" in bad[6]
    told = capfd.readouterr()
    assert "stage squares, item 2 failed: it ended" in told.out
    assert "stage squares, item 6 failed:\nTraceback" in told.err


def _own_mib() -> int:
    return int(psutil.Process().memory_info().rss >> 20)


def test_an_innocent_item_does_not_pay_for_leaks_before_it(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="leaks", memory_mib=_own_mib() + 700) as stage:
        stage.give(range(24))
        stage.probe()
        first = stage.mapper.supervisor._child
        stage.work(0, 23)
        assert stage.mapper.supervisor._child is not first  # killed for the leaks of all
        assert stage.bad() == {}
        assert [r["n"] for r in stage.rows()] == list(range(24))


def test_rows_that_do_not_fit_are_bad(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="careless") as stage:
        stage.give(range(9))
        stage.probe()
        stage.work(0, 8)
        assert stage.bad()[0] == "item 0: gave no value for `n`"
        assert stage.bad()[1] == "item 1: gave `more`, which its table lacks"
        assert list(stage.bad()) == [0, 1, 2, 3, 4, 5, 6]
        assert [(r["n"], r["square"]) for r in stage.rows()] == [(7, 7.0), (8, None)]


def test_what_a_function_rejects_is_bad_and_its_item_is_not(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="rejects") as stage:
        stage.give(range(3))
        stage.probe()
        assert stage.work(0, 2)["failed"] == 0
        told = [(r["_sequence"], r["_index"], r["bytes"], r["reason"]) for r in stage.rows("bad")]
        assert told == [
            ("000000000001", 0, b"\x00half", "item 1: half a record"),
            ("000000000001", 1, b"", "item 1: another"),
        ]
        assert [r["n"] for r in stage.rows()] == [0, 1, 2]


def test_parameters_come_anew_with_each_item(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="twice", params={"times": 3}) as stage:
        stage.give(range(3))
        stage.map()
        assert [r["square"] for r in stage.rows()] == [0.0, None, 3.0, None, 6.0, None]


def test_every_type_reaches_the_file(tmp_path: Path) -> None:
    kinds = ("boolean", "long", "double", "string", "binary", "date", "timestamptz")
    columns = [[name, kind, True] for name, kind in zip("bldsyat", kinds, strict=True)]
    with stage_on_moto(tmp_path, fn="typed", columns=columns) as stage:
        stage.give([1])
        stage.map()
        (row,) = stage.rows()
        assert (row["d"], row["y"], row["t"].hour) == (1.0, b"\xff", 11)


def test_the_files_tell_what_they_hold(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="one_in_a_hundred") as stage:
        stage.give(range(100))
        stage.map()
        for kind in ("out", "bad"):
            (table,) = stage.tables(kind)
            told = figures(table)
            assert (told["items"], told["failed"], told["bad"]) == (100, 1, 1)
            assert told["ms"] > 0
            assert told["peak_mib"] > 10
        assert stage.tables("out")[0].schema.field("n").type == pa.int64()
        assert stage.tables("out")[0].column_names == [c[0] for c in COLUMNS] + ["_item"]


@pytest.fixture
def drawing(tmp_path: Path) -> Iterator[Stage]:
    with stage_on_moto(tmp_path, fn="drawn") as stage:
        yield stage


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(size=st.integers(1, 40))
def test_any_batch_size_gives_the_same_rows(drawing: Stage, size: int) -> None:
    drawing.mapper.stage["batch_items"] = size
    drawing.prefix = f"runs/r/squares/{size}/"
    drawing.give([7, 3] * 10, range(17))
    drawing.map()
    rows = drawing.rows()
    drawing.prefix = "runs/r/squares/whole/"
    drawing.mapper.stage["batch_items"] = 37
    drawing.give([7, 3] * 10, range(17))
    drawing.map()
    assert drawing.rows() == rows
    assert [r["_item"] for r in rows] == list(range(37))


class Killed(BaseException):
    """The function's own process was killed."""


class Poisoned:
    """A supervisor whose function is killed by some items."""

    def __init__(self, inner: Any, poison: set[int]) -> None:
        self._inner, self._poison = inner, poison
        self.ran: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def run(self, items: Any, item_s: float, deadline: float) -> Iterator[Any]:
        for item in items:
            self.ran.append(item[0])
            if item[0] in self._poison:
                raise Killed
            yield from self._inner.run([item], item_s, deadline)


@pytest.mark.parametrize("poison", [set(), {3}, {0}, {9}, {3, 5}])
def test_a_poison_that_kills_the_function_costs_itself(tmp_path: Path, poison: set[int]) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(range(10))
        stage.probe()
        supervisor: Any = Poisoned(stage.mapper.supervisor, poison)
        stage.mapper.supervisor = supervisor
        tries = 0
        for attempt in range(2 + len(poison)):
            tries += 1
            try:
                stage.work(0, 9, attempt)
            except Killed:
                continue
            break
        # Even where the last try was killed too, the others are written.
        assert [r["n"] for r in stage.rows()] == [n for n in range(10) if n not in poison]
        assert set(stage.bad()) == poison
        for reason in stage.bad().values():
            assert "its function was killed while it ran" in reason
        with contextlib.suppress(Killed):  # of two, the second may still be on trial
            stage.work(0, 9, tries)
        assert set(stage.bad()) == poison


def test_an_item_that_was_running_when_its_function_was_killed_is_tried_again(
    tmp_path: Path,
) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(range(10))
        stage.probe()
        healthy = stage.mapper.supervisor
        for attempt in range(2):
            supervisor: Any = Poisoned(healthy, {4})
            stage.mapper.supervisor = supervisor
            with pytest.raises(Killed):
                stage.work(0, 9, attempt)
        stage.mapper.supervisor = healthy
        assert stage.work(0, 9, 2) == {"first": 0, "last": 9, "items": 10, "failed": 0}
        assert [r["n"] for r in stage.rows()] == list(range(10))


def test_a_batch_whose_answer_was_lost_is_not_run_again(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="one_in_a_hundred") as stage:
        stage.give(range(50))
        stage.probe()
        told = stage.work(0, 49)
        supervisor: Any = Poisoned(stage.mapper.supervisor, set(range(50)))
        stage.mapper.supervisor = supervisor
        assert stage.work(0, 49, 1) == told
        assert supervisor.ran == []


def test_a_call_out_of_time_hands_on_what_it_has(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps") as stage:
        stage.give([0.0] * 3 + [0.4] * 5)
        stage.probe()
        stage.forget()
        done = 0
        for attempt in range(8):
            try:
                told = stage.work(0, 7, attempt, left_s=1.2)
            except OutOfTime:
                done += 1
                continue
            break
        assert done >= 2
        assert told == {"first": 0, "last": 7, "items": 8, "failed": 0}
        assert [r["_item"] for r in stage.rows()] == list(range(8))


def test_an_item_that_needs_more_than_a_whole_call_fails(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps") as stage:
        stage.give([0.0, 0.0, 30.0])
        stage.mapper.stage["item_timeout_s"] = 0.2
        stage.probe()
        stage.mapper.stage["item_timeout_s"] = 60.0
        with pytest.raises(OutOfTime):
            stage.work(0, 2, 0, left_s=0.8)
        assert stage.work(0, 2, 1, left_s=0.8)["failed"] == 1
        assert stage.bad() == {2: "item 2: the function's own time was up"}


def test_a_function_that_is_not_there_fails_the_batch(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(range(3))
        stage.probe()
        stage.mapper.supervisor.stop()
        stage.mapper.stage["fn"] = "tests.unit.map_functions:no_such"
        with pytest.raises(ChildBroken, match="no attribute 'no_such'"):
            stage.work(0, 2)


def test_work_before_a_probe_is_refused(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path) as stage, pytest.raises(FileNotFoundError, match=r"facts\.json"):
        stage.work(0, 2)


SCRIPT = """
import sys, time
from lambdas.map.supervisor import Supervisor
from tests.unit.run_path import map_stage
supervisor = Supervisor(map_stage(fn="starts_a_process"), 25)
list(supervisor.run([(0, {"n": 1})], float(sys.argv[1]), time.monotonic() + 60))
print("stopped", flush=True)
time.sleep(60)
"""


def pids(process: subprocess.Popen[str]) -> tuple[psutil.Process, psutil.Process]:
    """The child, and what the study's function started in it."""
    assert process.stdout
    line = process.stdout.readline()
    sleeper = psutil.Process(int(line.split()[1]))
    return psutil.Process(sleeper.ppid()), sleeper


def start(item_s: float) -> subprocess.Popen[str]:
    words = [sys.executable, "-c", SCRIPT, str(item_s)]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_no_child_outlives_its_function() -> None:
    function = start(60)
    try:
        child, sleeper = pids(function)
    finally:
        function.kill()
        function.wait()
    try:
        child.wait(5)
    finally:
        os.kill(sleeper.pid, signal.SIGKILL)
        function.communicate()  # what the sleeper held open


def test_what_a_hanging_item_started_ends_with_it() -> None:
    function = start(1)
    try:
        child, sleeper = pids(function)
        assert function.stdout
        assert function.stdout.readline().startswith("stage squares, item 0 failed")
        child.wait(5)
        sleeper.wait(5)
    finally:
        function.kill()
        function.communicate()
