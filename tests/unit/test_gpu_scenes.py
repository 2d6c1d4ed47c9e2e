"""Landsat scenes: which files are one, what is mapped, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tasks.gpu import scenes


def save(folder: Path, name: str, pixels: Any, **options: Any) -> None:
    Image.fromarray(np.asarray(pixels)).save(folder / name, **options)


def band(height: int = 3, width: int = 4, kind: Any = np.uint16) -> Any:
    return np.arange(height * width, dtype=kind).reshape(height, width)


def only(folder: Path) -> scenes.Bands | scenes.SceneError:
    (told,) = scenes.read(scenes.found(folder.as_uri()))
    return told


def test_bands_are_paired_by_name_whatever_else_is_there(tmp_path: Path) -> None:
    for name in ("b_B4.TIF", "b_B5.TIF", "b_BQA.TIF", "a_B5.tif", "a_B4.TIFF", "b_B10.TIF"):
        save(tmp_path, name, band(), format="TIFF")
    (tmp_path / "readme.txt").write_text("of scenes")
    assert [s.name for s in scenes.found(tmp_path.as_uri())] == ["a", "b"]


def test_a_band_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    for name in ("a_B4.TIF", "a_B5.TIF", "more/a_B4.TIF"):
        save(tmp_path, name, band())
    with pytest.raises(scenes.SceneError, match="band 4 of a twice"):
        scenes.found(tmp_path.as_uri())


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("packed", ["raw", "tiff_lzw"])
def test_pixels_are_the_files_mapped_or_read(tmp_path: Path, kind: Any, packed: str) -> None:
    red, near = band(50, 40, np.uint32) % 251, band(50, 40, np.uint32) % 241
    for name, pixels in (("B4", red), ("B5", near)):
        save(tmp_path, f"a_{name}.TIF", pixels.astype(kind), compression=packed)
    told = only(tmp_path)
    assert isinstance(told, scenes.Bands)
    assert (told.name, told.width, told.height) == ("a", 40, 50)
    assert np.array_equal(told.red, red.reshape(-1))
    assert np.array_equal(told.near, near.reshape(-1))
    assert told.red.dtype == kind
    assert isinstance(told.red.base, np.memmap) == (packed == "raw")


def test_a_scene_of_floats_is_named(tmp_path: Path) -> None:
    for name in ("a_B4.TIF", "a_B5.TIF"):
        save(tmp_path, name, band().astype(np.float32))
    told = only(tmp_path)
    assert "While reading scene a, found float32 of shape (3, 4)" in str(told)


def test_a_scene_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        save(tmp_path, f"{name}_B4.TIF", band())
        save(tmp_path, f"{name}_B5.TIF", band(4 if name == "b" else 3))
    first, second, third = scenes.read(scenes.found(tmp_path.as_uri()))
    assert "scene b, found bands 4 and 5 of different size" in str(second)
    assert isinstance(first, scenes.Bands)
    assert isinstance(third, scenes.Bands)
