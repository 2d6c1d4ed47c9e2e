"""The probe: what it plans, what it writes down, and what it refuses before any launch."""

from __future__ import annotations

import collections
import importlib.metadata
import json
from pathlib import Path

import pytest

from lambdas.map import facts
from lambdas.map.errors import DoesNotFit, EveryProbeFailed
from tests.unit.run_path import stage_on_moto


def test_a_thousand_items_that_do_nothing_make_one_call(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="nothing") as stage:
        stage.give(range(600), range(600, 1000))
        told = stage.probe()
        assert (told["items"], told["batches"], told["concurrency"]) == (1000, 1, 2)
        assert isinstance(told["batch_timeout_s"], int)
        assert stage.batches() == [{"first": 0, "last": 999}]


def test_the_facts_are_written_down(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(range(20))
        stage.probe()
        told = stage.facts()
        one = stage.body("items.parquet")
        assert told["libraries"]["pyarrow"] == importlib.metadata.version("pyarrow")
        assert (told["tried"], told["failed"], told["workers"], told["seed"]) == (8, 0, 1, 25)
        assert told["engine"].startswith("AWS Lambda, Python 3.")
        assert told["files"] == [f"{stage.prefix}in/0"]
        assert told["item_s"] < 0.1
        stage.probe()
        assert stage.body("items.parquet") == one
        assert stage.facts()["input_checksum"] == told["input_checksum"]


def test_the_code_s_hash_is_of_names_and_sources(tmp_path: Path) -> None:
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "a.py").write_text("x = 1\n")
    (tmp_path / "plan.json").write_text("{}")
    one = facts.code_hash(tmp_path)
    (tmp_path / "plan.json").write_text("[]")
    assert facts.code_hash(tmp_path) == one
    (tmp_path / "studies" / "a.py").write_text("x = 2\n")
    two = facts.code_hash(tmp_path)
    (tmp_path / "studies" / "a.py").rename(tmp_path / "studies" / "b.py")
    assert len({one, two, facts.code_hash(tmp_path)}) == 3


def test_no_item_is_no_batch(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path) as stage:
        told = stage.probe()
        assert (told["items"], told["batches"]) == (0, 0)
        assert json.loads(stage.body("batches.json")) == []


def test_a_stages_own_batch_size_is_kept(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, batch_items=1) as stage:
        stage.give(range(30))
        assert stage.probe()["batches"] == 30


@pytest.mark.parametrize("size", [1, 2, 7])
def test_what_was_tried_is_not_run_again_where_it_makes_whole_batches(
    tmp_path: Path, size: int
) -> None:
    calls = tmp_path / "calls"
    words = {"fn": "counted", "params": {"calls": str(calls)}, "batch_items": size}
    with stage_on_moto(tmp_path, **words) as stage:
        stage.give(range(8))
        stage.probe()
        kept = {"1": [0, 1, 2, 4, 5, 6, 7], "2": [0, 4, 6], "7": [7]}[str(size)]
        assert stage.facts()["kept"] == kept
        assert [int(key[-20:-8]) for key in stage.keys("out/")] == kept
        stage.map()
        runs = collections.Counter(calls.read_text().split())
        again = {n for n in range(8) if n - n % size not in kept}
        assert runs == {str(n): 1 + (n in again) for n in range(8)}
        assert [row["n"] for row in stage.rows()] == [0, 1, 2, 4, 5, 6, 7]
        assert list(stage.bad()) == [3]
        told = stage.rows()
    with stage_on_moto(tmp_path, **words) as stage:
        stage.give(range(8))
        stage.map()
        assert stage.rows() == told


def test_a_call_runs_what_a_probe_was_to_keep_and_did_not(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="counted", params={"calls": "/dev/null"}) as stage:
        stage.mapper.stage["batch_items"] = 1
        stage.give(range(3))
        stage.probe()
        assert len(stage.keys("out/")) == 3
        stage.forget()
        stage.map()
        assert [row["n"] for row in stage.rows()] == [0, 1, 2]


def test_a_prefix_s_objects_are_items(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, prefix="s3://{lake}/files/", fn="nothing", sql=[]) as stage:
        stage.put("files/a", b"123")
        assert stage.probe()["items"] == 1
        assert (stage.facts()["files"], stage.facts()["bytes_in"]) == (["files/a"], 3)


def test_all_failing_alike_is_said_before_anything_is_launched(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="always_raises") as stage:
        stage.give(range(100))
        with pytest.raises(EveryProbeFailed) as error:
            stage.probe()
        assert "the first (item 0: {\"n\": 0}) with: KeyError: 'no such thing'" in str(error.value)
        assert "map_functions.py, line" in str(error.value)


def test_two_items_that_fail_say_too_little(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="always_raises") as stage:
        stage.give(range(2))
        assert stage.probe()["items"] == 2


@pytest.mark.parametrize(
    ("fn", "said"),
    [
        ("tests.unit.map_functions:no_such", "has no attribute 'no_such'"),
        ("tests.unit.no_module:f", "No module named 'tests.unit.no_module'"),
    ],
)
def test_a_function_that_is_not_there_is_said(tmp_path: Path, fn: str, said: str) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.mapper.stage["fn"] = fn
        stage.give(range(2))
        with pytest.raises(EveryProbeFailed, match=said):
            stage.probe()


def test_an_item_that_needs_more_than_a_call_does_not_fit(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps", item_timeout_s=60.0) as stage:
        stage.give([30, 40])
        with pytest.raises(DoesNotFit, match=r"item 0 .* still running .* timeout_s=60"):
            stage.probe(left_s=1.0)


def test_batches_that_would_take_too_long_do_not_fit(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, fn="sleeps", batch_items=1000) as stage:
        stage.give([0.2] * 4)
        with pytest.raises(DoesNotFit, match=r"20\d s for a call of 1000 items of 0\.20?\d* s"):
            stage.probe()


def test_items_that_need_more_memory_do_not_fit(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path, memory_mib=128) as stage:
        stage.give(range(3))
        with pytest.raises((DoesNotFit, EveryProbeFailed), match="memory_mib=128"):
            stage.probe()


def test_an_item_beyond_lambdas_payload_does_not_fit(tmp_path: Path) -> None:
    with stage_on_moto(tmp_path) as stage:
        stage.give(["a", "b" * 7_000_000])
        with pytest.raises(DoesNotFit, match=r"item 1 of 7\.0 MB as JSON, .* payload of 6 MB"):
            stage.probe()
