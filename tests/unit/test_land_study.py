"""The study land without a cluster: which files are a scene, its NDVI, and scenes that are none."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from headrace import plan as plans
from headrace.lake import Rejected
from headrace.plan import columns_of
from studies.land.scenes import greenness, mean, ndvi
from studies.land.study import Greenness

RED = np.array([[1, 2, 0, 65535], [10, 0, 30, 40]], np.uint16)
NEAR = np.array([[3, 2, 9, 1], [0, 0, 10, 60]], np.uint16)
FLOAT64 = np.dtype(np.float64)


def save(folder: Path, name: str, pixels: Any) -> Path:
    path = folder / name
    Image.fromarray(np.asarray(pixels)).save(path, format="TIFF")
    return path


def given_for(path: Path, precision: str = "float64") -> list[Any]:
    return list(greenness({"uri": str(path)}, {"precision": precision}))


def rejected(folder: Path) -> str:
    """Why a scene has no row, as its files say together; only one of them does."""
    found = [row for path in sorted(folder.iterdir()) for row in given_for(path)]
    (told,) = found
    assert isinstance(told, Rejected)
    return told.reason


def test_a_scene_is_one_row_of_its_band_4(tmp_path: Path) -> None:
    red = save(tmp_path, "LC08_L1TP_014031_20180530_B4.TIF", RED)
    near = save(tmp_path, "LC08_L1TP_014031_20180530_B5.TIF", NEAR)
    quality = save(tmp_path, "LC08_L1TP_014031_20180530_BQA.TIF", NEAR)
    (tmp_path / "LC08_L1TP_014031_20180530_MTL.txt").write_text("GROUP = L1_METADATA_FILE")
    thermal = save(tmp_path, "LC08_L1TP_014031_20180530_B10.TIF", NEAR)
    average = (0.5 + 0.0 - 65534 / 65536 - 0.5 + 0.2) / 5
    (row,) = given_for(red)
    assert row == {
        "scene": "LC08_L1TP_014031_20180530", "pixels": 5, "mean": pytest.approx(average),
        "width": 4, "height": 2,
    }  # fmt: skip
    assert list(row) == [column.name for column in columns_of(Greenness)]
    for other in (near, quality, thermal, tmp_path / "LC08_L1TP_014031_20180530_MTL.txt"):
        assert given_for(other) == []


def test_a_uri_and_small_letters_name_a_scene_too(tmp_path: Path) -> None:
    folder = tmp_path / "of_B4.TIF"
    folder.mkdir()
    red = save(folder, "a_b4.tif", RED)
    save(folder, "a_b5.tif", NEAR)
    (row,) = greenness({"uri": red.as_uri()}, {"precision": "float32"})
    assert isinstance(row, dict)
    assert (row["scene"], row["pixels"]) == ("a", 5)


def test_pixels_are_computed_in_the_precision_that_is_stated() -> None:
    third = ndvi(np.array([1], np.uint16), np.array([2], np.uint16), np.dtype(np.float32))
    assert third.dtype == np.float32
    assert third[0] == np.float32(1) / np.float32(3)
    assert float(third[0]) != 1 / 3


def test_another_precision_is_refused(tmp_path: Path) -> None:
    red = save(tmp_path, "a_B4.TIF", RED)
    save(tmp_path, "a_B5.TIF", NEAR)
    with pytest.raises(ValueError, match="found precision 'float16'"):
        given_for(red, "float16")


@pytest.mark.parametrize("band", ["4", "5"])
def test_a_scene_that_lacks_a_band_is_named(tmp_path: Path, band: str) -> None:
    there = {"4": "5", "5": "4"}[band]
    save(tmp_path, f"a_B{there}.TIF", RED)
    assert rejected(tmp_path) == f"scene a lacks band {band}: no {tmp_path / f'a_B{band}.TIF'}"


def test_a_scene_without_a_pixel_is_named(tmp_path: Path) -> None:
    save(tmp_path, "a_B4.TIF", np.zeros((2, 4), np.uint16))
    save(tmp_path, "a_B5.TIF", NEAR)
    assert rejected(tmp_path) == "scene a is empty: none of 8 pixels has both bands > 0"


@pytest.mark.parametrize(
    ("near", "why"),
    [
        (NEAR.T, "different size: 4 by 2 uint16 and 2 by 4 uint16"),
        (NEAR.astype(np.uint8), "different size: 4 by 2 uint16 and 4 by 2 uint8"),
        (NEAR.astype(np.float32), "can't be read: float32 of shape (2, 4)"),
        (np.zeros((2, 4, 3), np.uint8), "can't be read: uint8 of shape (2, 4, 3)"),
    ],
)
def test_bands_that_do_not_fit_are_named(tmp_path: Path, near: Any, why: str) -> None:
    save(tmp_path, "a_B4.TIF", RED)
    save(tmp_path, "a_B5.TIF", near)
    told = rejected(tmp_path)
    assert told.startswith("scene a ")
    assert why in told


@pytest.mark.parametrize("kept", [0, 4, 3000])
def test_a_file_that_breaks_off_is_named(tmp_path: Path, kept: int) -> None:
    whole = save(tmp_path, "a_B4.TIF", np.full((50, 40), 7, np.uint16))
    save(tmp_path, "a_B5.TIF", np.full((50, 40), 9, np.uint16))
    whole.write_bytes(whole.read_bytes()[:kept])
    assert rejected(tmp_path).startswith("scene a can't be read: ")


BANDS = st.lists(st.tuples(st.integers(0, 65535), st.integers(0, 65535)), max_size=60)


@given(BANDS, st.integers(1, 70), st.sampled_from(["float64", "float32"]))
def test_a_mean_is_that_of_the_exact_sum_in_any_chunks(
    bands: list[tuple[int, int]], chunk: int, precision: str
) -> None:
    real = np.dtype(precision)
    red, near = (np.array([pair[i] for pair in bands], np.uint16) for i in (0, 1))
    told, pixels = mean(red, near, real, chunk)
    both = [(r, n) for r, n in bands if r and n]
    assert pixels == len(both)
    if not both:
        assert math.isnan(told)
        return
    exact = sum(Fraction(float(real.type(n - r) / real.type(n + r))) for r, n in both)
    assert told == float(exact) / pixels


def test_queries_that_compare_wait_for_both_engines() -> None:
    plan = plans.load("land")
    assert set(plan.stage("both").reads) == {"ndvi", "ndvi_map"}
    assert set(plan.stage("agreement").reads) == {"ndvi", "ndvi_map"}
    program, reference = plan.stage("ndvi"), plan.stage("ndvi_map")
    assert program.prefix == reference.prefix == "s3://{lake}/files/landsat/"
    assert program.deployed()["params"] == reference.deployed()["params"]
