"""OpenCL programs, called as in their container: what they give, and how they fail."""

from __future__ import annotations

import json
import math
import random
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.integration.gpu_jobs import ROOT, call, facts, failed, interpreter, rows, run, table

RATES = ("bytes_per_s", "flop_per_s", "copy_bytes_per_s", "peak_flop_per_s")
SECONDS = ("compile_s", "transfer_s", "kernel_s")
CHECKS = (
    "draws_are_philox_and_near_normals_of_float64",
    "lanes_draw_what_one_at_a_time_draws",
    "ndvi_is_numpys_bit_for_bit_and_its_sum_exact",
    "the_health_index_is_a_loops_bit_for_bit",
    "walks_are_numpys_sums_of_the_same_steps",
    "deals_are_selection_sampling_in_numpy",
    "every_value_is_dealt_as_often",
    "a_kernel_that_does_not_build_is_one_error",
    "a_device_without_memory_is_one_error",
    "a_device_that_is_not_there_is_told",
    "copies_that_cost_more_than_the_sum_are_told_beforehand",
)


@pytest.fixture(scope="module", autouse=True)
def environment() -> str:
    return interpreter()


@pytest.fixture(scope="module")
def checked() -> dict[str, str | None]:
    done = call("-m", "tests.integration.gpu_checks")
    assert done.returncode == 0, done.stderr
    told: dict[str, str | None] = json.loads(done.stdout)
    return told


@pytest.mark.parametrize("name", CHECKS)
def test_kernels_beside_numpy(checked: dict[str, str | None], name: str) -> None:
    assert set(checked) == set(CHECKS)
    assert checked[name] is None, checked[name]


def scene(folder: Path, name: str, red: Any, near: Any, **options: Any) -> None:
    folder.mkdir(exist_ok=True)
    for band, pixels in (("B4", red), ("B5", near)):
        Image.fromarray(np.asarray(pixels)).save(folder / f"{name}_{band}.TIF", **options)


def pixels(height: int, width: int, seed: int = 1) -> list[Any]:
    draw = np.random.default_rng(seed)
    return [draw.integers(0, 60_000, (height, width), np.uint16) for _ in range(2)]


def mean(red: Any, near: Any) -> float:
    r, n = red.astype(float), near.astype(float)
    there = (r > 0) & (n > 0)
    return math.fsum((n - r)[there] / (n + r)[there]) / int(there.sum())


def test_scenes_of_several_sizes(tmp_path: Path) -> None:
    given = {"LC08_b": pixels(40, 30), "LC08_a": pixels(300, 700, 2)}
    scene(tmp_path / "in", "LC08_b", *given["LC08_b"], compression="tiff_lzw")
    scene(tmp_path / "in", "LC08_a", *given["LC08_a"])  # not compressed: mapped
    told = rows("ndvi", tmp_path / "in", tmp_path)
    assert [(t["scene"], t["width"], t["height"]) for t in told] == [
        ("LC08_a", 700, 300),
        ("LC08_b", 30, 40),
    ]
    assert [t["mean"] for t in told] == [mean(*given["LC08_a"]), mean(*given["LC08_b"])]
    found = facts("ndvi", tmp_path)
    assert found["device"]
    assert found["platform"]
    assert all(found[name] > 0 for name in RATES)
    assert all(found[name] >= 0 for name in SECONDS)
    assert found["flop"] == 4 * (40 * 30 + 300 * 700)
    (tmp_path / "again").mkdir()
    again = rows("ndvi", tmp_path / "in", tmp_path / "again", device_mib=1)
    assert again == told


def test_a_scene_without_a_pixel_is_an_error_or_is_left_out(tmp_path: Path) -> None:
    scene(tmp_path / "in", "LC08_good", *pixels(4, 5))
    scene(tmp_path / "in", "LC08_night", *(np.zeros((4, 5), np.uint16) for _ in range(2)))
    said = failed("ndvi", tmp_path / "in", tmp_path)
    assert "While computing scene LC08_night, found none of 20 pixels" in said
    told = rows("ndvi", tmp_path / "in", tmp_path, skip=True)
    assert [t["scene"] for t in told] == ["LC08_good"]
    found = facts("ndvi", tmp_path)
    assert (found["skipped"], found["skipped_scenes"]) == (1, "LC08_night")


def test_bands_of_another_size_are_an_error_that_names_the_scene(tmp_path: Path) -> None:
    scene(tmp_path / "in", "LC08_odd", pixels(4, 5)[0], pixels(5, 5)[1])
    said = failed("ndvi", tmp_path / "in", tmp_path)
    assert "While reading scene LC08_odd, found bands 4 and 5 of different size: 5 by 4" in said
    assert "found no scene of 1" in failed("ndvi", tmp_path / "in", tmp_path, skip=True)


def test_a_file_that_breaks_off_is_an_error_that_names_the_scene(tmp_path: Path) -> None:
    scene(tmp_path / "in", "LC08_cut", *pixels(40, 50), compression="tiff_lzw")
    broken = tmp_path / "in" / "LC08_cut_B5.TIF"
    broken.write_bytes(broken.read_bytes()[:1000])
    assert "While reading scene LC08_cut, found" in failed("ndvi", tmp_path / "in", tmp_path)


def test_scenes_that_lack_a_band_or_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    assert "found no *_B4.TIF and *_B5.TIF" in failed("ndvi", tmp_path / "in", tmp_path)
    scene(tmp_path / "in", "LC08_half", *pixels(4, 5))
    (tmp_path / "in" / "LC08_half_B4.TIF").unlink()
    assert "scene LC08_half without band 4" in failed("ndvi", tmp_path / "in", tmp_path)


def shocks(folder: Path, weeks: int = 90, lives: int = 43) -> Path:
    folder.mkdir()
    np.save(folder / "shocks.npy", np.random.default_rng(25).normal(size=(weeks, lives)))
    return folder


def test_the_health_index_is_what_mpi_gives(tmp_path: Path) -> None:
    from mpi4py import MPI

    from tasks.mpi import health_index, program

    given = shocks(tmp_path / "in")
    params = {"rho": 0.4, "mu": 2.5, "start": 1.0, "sigma": 1.5}
    called = program.Program(MPI.COMM_SELF, given.as_uri(), "file:///nowhere", params)
    expected = health_index.health_index(called)
    assert expected is not None
    (told,) = rows("health_index", given, tmp_path, **params)
    assert told == {name: values[0] for name, values in expected.items()}


def test_a_shock_that_is_no_number_is_told_by_its_place(tmp_path: Path) -> None:
    given = shocks(tmp_path / "in")
    matrix = np.load(given / "shocks.npy")
    matrix[71, 5] = np.nan
    np.save(given / "shocks.npy", matrix)
    assert "found nan at row 71, column 5" in failed("health_index", given, tmp_path)


def test_a_device_without_room_for_a_week_is_told(tmp_path: Path) -> None:
    given = shocks(tmp_path / "in", 2, 150_000)
    said = failed("health_index", given, tmp_path, device_mib=1)
    assert "found 1.14 MiB for a week of all lives, where 1 MiB may be taken" in said


def test_walks_do_not_depend_on_chunks_or_order(tmp_path: Path) -> None:
    numbers = list(range(0, 6_000, 2))
    random.Random(1).shuffle(numbers)
    given = table(tmp_path / "in", walk=numbers)
    params: dict[str, Any] = {"steps": 80, "sd": 2.0, "first": "drawn"}
    told = rows("random_walks", given, tmp_path, **params)
    assert [t["walk"] for t in told] == sorted(numbers)
    assert all(t["lowest"] <= min(100, t["last"]) for t in told)
    assert all(t["highest"] >= max(100, t["last"]) for t in told)
    assert {t["moves"] for t in told} == {80}
    found = facts("random_walks", tmp_path)
    assert found["sd_expected"] == 2 * math.sqrt(80)
    assert found["sd_last"] == pytest.approx(found["sd_expected"], rel=0.05)
    with tempfile.TemporaryDirectory(dir=tmp_path) as other:
        assert rows("random_walks", given, Path(other), **params, device_mib=1) == told
    some = table(tmp_path / "some", walk=[4, 11])
    (first, _) = rows("random_walks", some, tmp_path / "some", **params)
    assert first == told[2]


def test_walks_of_one_number_are_refused(tmp_path: Path) -> None:
    given = table(tmp_path / "in", walk=[3, 4, 3])
    assert "found number 3 more than once" in failed("random_walks", given, tmp_path)


def groups(folder: Path, apart: float) -> Path:
    draw = np.random.default_rng(25)
    values = np.concatenate([draw.normal(apart, 1, 60), draw.normal(0, 1, 90)])
    return table(folder, label=["north"] * 60 + ["south"] * 90, value=values)


def test_a_permutation_test_beside_its_normal_limit(tmp_path: Path) -> None:
    (told,) = rows("permutation", groups(tmp_path / "in", 0.0), tmp_path, permutations=20_000)
    assert (told["first"], told["n_first"], told["second"], told["n_second"]) == (
        "north", 60, "south", 90,
    )  # fmt: skip
    assert told["difference"] == pytest.approx(told["mean_first"] - told["mean_second"], abs=1e-14)
    tail = math.erfc(abs(told["difference"]) / told["sd"] / math.sqrt(2))
    assert told["p"] == pytest.approx(tail, rel=0.15)
    assert told["low"] == pytest.approx(-1.96 * told["sd"], rel=0.05)
    assert told["high"] == pytest.approx(1.96 * told["sd"], rel=0.05)
    (other,) = rows("permutation", groups(tmp_path / "far", 3.0), tmp_path / "far")
    assert other["p"] == other["p_greater"] == 1 / 10_001


def test_a_permutation_test_does_not_depend_on_chunks(tmp_path: Path) -> None:
    draw = np.random.default_rng(1)
    labels = draw.choice(["a", "b", "c"], 90_000).tolist()
    given = table(tmp_path / "in", label=labels, value=draw.normal(1e6, 1, 90_000))
    words: dict[str, Any] = {"groups": ["c", "a"], "permutations": 40, "rows": "permutations"}
    told = rows("permutation", given, tmp_path, **words)
    assert [t["permutation"] for t in told] == list(range(40))
    (tmp_path / "again").mkdir()
    assert rows("permutation", given, tmp_path / "again", **words, device_mib=1) == told


def test_every_dealing_of_equal_values_is_a_tie(tmp_path: Path) -> None:
    given = table(tmp_path / "in", label=list("aabbb"), value=[0.1] * 5)
    (told,) = rows("permutation", given, tmp_path, permutations=50)
    assert (told["p"], told["p_greater"], told["difference"]) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("columns", "params", "found"),
    [
        ({"label": list("abc"), "value": [1.0, 2.0, 3.0]}, {}, "found 3 groups: a, b, c"),
        ({"label": list("ab"), "value": [1.0, None]}, {}, "found null at row 1, column value"),
        ({"label": list("ab"), "worth": [1.0, 2.0]}, {}, "found no column value: it has label"),
        ({"label": list("ab"), "value": [1.0, 2.0]}, {"permutation": 3}, "found permutation."),
        ({"label": list("ab"), "value": [1.0, 2.0]}, {"device": "tpu"}, "found device='tpu'"),
        ({"label": list("ab"), "value": [1.0, 2.0]}, {"device_mib": 0}, "found device_mib=0"),
    ],
)
def test_what_cannot_be_tested_is_one_error(
    tmp_path: Path, columns: dict[str, Any], params: dict[str, Any], found: str
) -> None:
    given = table(tmp_path / "in", **columns)
    assert found in failed("permutation", given, tmp_path, **params)


def test_the_log_says_which_device_and_what_it_took(tmp_path: Path) -> None:
    done = run("permutation", groups(tmp_path / "in", 0.4), tmp_path, permutations=10)
    told = [line for line in done.stderr.splitlines() if line.startswith("headrace: ")]
    device = facts("permutation", tmp_path)["device"]
    assert f"headrace: {device} by " in told[0]
    assert "s of transfer and" in told[1]
    assert told[2].startswith("headrace: compile ")


def test_the_lock_has_what_the_programs_import() -> None:
    assert "pyopencl==" in (ROOT / "tasks" / "gpu" / "requirements.txt").read_text()
