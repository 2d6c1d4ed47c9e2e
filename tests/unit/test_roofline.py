"""Rooflines: what a machine tells of itself, what its roofs allow, and where stages stand."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from headrace.roofline import draw
from headrace.roofline.placed import SQL, bound, one, place
from headrace.roofline.probe import packed
from headrace.roofline.roofs import Roof, Roofline, RooflineError, of_rows
from headrace.sql import Answer
from tasks.mpi import processor, roofline, roofs, transfers

EPYC = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 25
model name\t: AMD EPYC
cpu MHz\t\t: 2445.432
flags\t\t: fpu sse2 avx avx2 fma{more}
processor\t: 1
cpu MHz\t\t: 3400.000
"""


def test_the_nominal_peak_is_clock_times_what_the_flags_say() -> None:
    told = processor.read(EPYC.format(more=""), "", 2, ())
    assert told.model == "AMD EPYC"
    assert told.nominal == pytest.approx(3.4e9 * 16)  # the fastest clock of the two
    assert processor.read(EPYC.format(more=""), "3500000\n", 2, ()).hz == 3.5e9


@pytest.mark.parametrize(
    ("text", "flop"),
    [
        (EPYC.format(more=" avx512f"), 16),  # Zen 4 has halves
        ("vendor_id\t: GenuineIntel\nflags\t\t: sse2 avx avx2 fma avx512f\n", 32),
        ("flags\t\t: sse2 avx\n", 8),
        ("flags\t\t: sse2\n", 4),
        ("CPU part\t: 0xd40\nFeatures\t: fp asimd sve\n", 16),
        ("CPU part\t: 0x123\nFeatures\t: fp asimd\n", None),  # not guessed
        ("", None),
    ],
)
def test_operations_a_cycle_follow_from_the_make(text: str, flop: int | None) -> None:
    assert processor.read(text, "", 1, ()).flop_per_cycle == flop


def test_without_a_clock_there_is_no_nominal_peak() -> None:
    assert processor.read("CPU part\t: 0xd0c\nFeatures\t: asimd\n", "", 1, ()).nominal is None


def test_caches_are_read_and_those_of_instructions_are_not(tmp_path: Path) -> None:
    for index, (kind, level, size, shared) in enumerate(
        [("Data", 1, "32K", "0"), ("Instruction", 1, "32K", "0"), ("Unified", 3, "32M", "0-3,8")]
    ):
        folder = tmp_path / f"index{index}"
        folder.mkdir()
        for name, told in (("type", kind), ("level", level), ("size", size)):
            (folder / name).write_text(f"{told}\n")
        (folder / "shared_cpu_list").write_text(f"{shared}\n")
    found = processor.caches(tmp_path)
    assert found == (processor.Cache(1, 32 << 10, 1), processor.Cache(3, 32 << 20, 5))


def test_each_level_gets_memory_that_lies_in_it_and_in_none_nearer() -> None:
    caches = tuple(processor.Cache(*told) for told in ((1, 32 << 10, 1), (2, 512 << 10, 1)))
    caches += (processor.Cache(3, 32 << 20, 2),)
    here = processor.Processor("x", 2, None, None, "", caches)
    sizes = {name: size for name, size, _ in roofline.levels(here, 2)}
    assert sizes["L1"] <= 32 << 10 < sizes["L2"] <= 512 << 10 < sizes["L3"] <= 16 << 20
    assert 2 * sizes["DRAM"] >= 4 * (32 << 20)


def test_a_last_cache_that_many_cores_share_into_nothing_is_left_out() -> None:
    caches = (processor.Cache(2, 1 << 20, 1), processor.Cache(3, 16 << 20, 32))
    here = processor.Processor("x", 32, None, None, "", caches)
    assert [name for name, _, _ in roofline.levels(here, 32)] == ["L2", "DRAM"]


def test_the_loops_do_what_is_counted() -> None:
    import numpy as np

    x = np.linspace(0.1, 0.5, 16)
    y = np.empty_like(x)
    roofs.fma.py_func(x, y, 1)
    wanted = x.copy()
    for _ in range(roofs.FMA_STEPS):
        wanted = wanted * x + 0.5
    assert np.allclose(y, wanted)
    a = np.zeros(4)
    roofs.triad.py_func(a, np.ones(4), np.ones(4), 1)
    assert a.tolist() == [1.5] * 4


def test_a_file_is_written_and_read_at_some_rate() -> None:
    wrote, read = transfers.disk(16)
    assert wrote.bytes == read.bytes == 16 << 20
    assert wrote.per_s > 0
    assert read.per_s > 0


def test_an_object_is_put_and_got_whole(tmp_path: Path) -> None:
    from pyarrow.fs import LocalFileSystem

    moved = transfers.store(LocalFileSystem(), str(tmp_path / "o"), 17)
    assert [m.name for m in moved] == ["S3, PUT", "S3, GET", "S3, GET by 8"]
    assert (tmp_path / "o").stat().st_size == 17 << 20


def machine() -> Roofline:
    rows = [
        Roof("nominal", "FLOP/s", 40e9, 1, 0),
        Roof("FMA", "FLOP/s", 36e9, 1, 0),
        Roof("FMA", "FLOP/s", 70e9, 2, 0),
        Roof("L1", "B/s", 200e9, 1, 0),
        Roof("L1", "B/s", 400e9, 2, 0),
        Roof("DRAM", "B/s", 10e9, 1, 0),
        Roof("DRAM", "B/s", 16e9, 2, 0),
        Roof("S3, GET by 8", "B/s", 1e9, 0, 0),
    ]
    return Roofline(tuple(rows), "this machine", {"cores": 2, "load": 0.1})


class TestPlaced:
    def test_little_work_a_byte_is_bound_by_dram_and_much_by_the_peak(self) -> None:
        assert bound(machine(), 2, 0.25, 1e9) == ("DRAM", 4e9)
        assert bound(machine(), 2, 100.0, 1e9) == ("peak", 70e9)
        assert bound(machine(), 1, 0.25, 1e9) == ("DRAM", 2.5e9)

    def test_what_is_faster_than_dram_allows_lives_nearer(self) -> None:
        assert bound(machine(), 2, 0.1, 9e9) == ("L1", 40e9)

    def test_more_workers_than_cores_have_no_more_than_all(self) -> None:
        assert bound(machine(), 64, 100.0, 1e9)[1] == 70e9

    def test_a_program_that_notes_what_it_did_stands_under_the_roofline(self) -> None:
        row = {"stage": "grid", "run": "r", "kind": "mpi", "workers": 2}
        found = one(machine(), row, {"flop": 4e9, "bytes": 16e9, "compute_s": 2.0})
        assert (found.roof, found.intensity, found.flop_per_s) == ("DRAM", 0.25, 2e9)
        assert found.share == pytest.approx(0.5)

    def test_one_that_does_not_stands_beside_s3_and_says_why(self) -> None:
        row = {"stage": "m", "run": "r", "kind": "map", "workers": 4}
        found = one(machine(), row | {"bytes_in": 5e8, "engine_s": 4.0}, {"flop": 1})
        assert (found.roof, found.bytes_per_s, found.share) == ("S3", 5e8, 0.5)
        assert "bytes, compute_s" in found.why

    def test_one_of_which_nothing_is_known_stands_nowhere(self) -> None:
        row = {"stage": "m", "run": "r", "kind": "query", "workers": 1}
        found = one(machine(), row | {"bytes_in": 0, "engine_s": 1.0}, {})
        assert (found.roof, found.share) == ("", None)
        assert "nor is it known" in found.why

    def test_stages_are_placed_by_the_last_run_that_did_them(self) -> None:
        rows = pa.table(
            {
                "stage": ["grid"], "run": ["r2"], "kind": ["mpi"], "workers": [1],
                "bytes_in": [8], "engine_s": [1.0],
            }
        )  # fmt: skip
        asked = []

        def ask(sql: str) -> Answer:
            asked.append(sql)
            return Answer("id", rows, 0, 0)

        facts = {"flop": 1e9, "bytes": 1e9, "compute_s": 1.0}
        found = list(
            place(machine(), ask, Objects({"runs/r2/grid/done.json": {"facts": facts}}), "b")
        )
        assert asked == [SQL]
        assert [(p.stage, p.run, p.flop_per_s) for p in found] == [("grid", "r2", 1e9)]


class Objects:
    """S3, as far as it gives JSON."""

    class exceptions:  # noqa: N801 - boto3's own name
        class NoSuchKey(Exception):
            pass

    def __init__(self, held: dict[str, Any]) -> None:
        self._held = held

    def get_object(self, **words: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(json.dumps(self._held[words["Key"]]).encode())}


class TestRoofs:
    def test_a_peak_of_some_cores_is_between_one_and_all(self) -> None:
        rows = (*machine().roofs, Roof("FMA", "FLOP/s", 250e9, 8, 0))
        many = Roofline(rows, "x")
        assert many.peak(1) == 36e9
        assert many.peak(4) == 4 * 36e9
        assert many.peak(8) == 250e9

    def test_a_busy_machine_and_a_clock_that_is_higher_are_said(self) -> None:
        assert machine().warnings() == []
        busy = Roofline(machine().roofs, "x", {"cores": 2, "load": 5.0})
        assert "Measure again when it is idle" in busy.warnings()[0]
        fast = Roofline((*machine().roofs, Roof("dgemm", "FLOP/s", 45e9, 1, 0)), "x")
        assert "the clock is higher" in fast.warnings()[0]

    def test_rows_without_a_peak_are_no_roofline(self) -> None:
        with pytest.raises(RooflineError, match="no peak"):
            of_rows([], "this machine", {})


def test_the_picture_has_roofs_and_stages(tmp_path: Path) -> None:
    row = {"stage": "grid", "run": "r", "kind": "mpi", "workers": 2}
    placed = [one(machine(), row, {"flop": 4e9, "bytes": 16e9, "compute_s": 2.0})]
    written = draw.write(machine(), placed, "The roofline", tmp_path)
    svg = written[1].read_text()
    for words in ("L1, 400 GB/s", "DRAM, 16 GB/s", "peak of 2 cores", "grid, 2 workers"):
        assert words in svg


def test_the_archive_runs_by_itself(tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed())) as archive:
        names = archive.namelist()
    assert {"tasks/__init__.py", "tasks/mpi/roofline.py", "tasks/mpi/roofs.py"} <= {*names}


def test_the_program_writes_its_rows_and_facts(tmp_path: Path) -> None:
    output = f"{tmp_path.as_uri()}/out/"
    roofline.main(["--output", output, "--params", '{"cores": 1, "disk_mib": 8}'])
    table = pq.read_table(tmp_path / "out")
    found = of_rows(table.to_pylist(), "x", {})
    assert found.cores == 1
    assert found.levels[-1] == "DRAM"
    assert all(row["per_s"] > 0 for row in table.to_pylist())
    assert {"model", "cores", "load"} <= {
        *json.loads((tmp_path / "facts/roofline.json").read_text())
    }
