"""NDVI of the course's Landsat scenes through the whole house, by OpenCL and by NumPy."""

from __future__ import annotations

import io
import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.acceptance.conftest import PROJECT, House

SCENES = PROJECT.parent / "shared" / "data" / "landsat" / "L8NY18"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SCENES.is_dir(), reason="the course's scenes are not here"),
]

BUCKET = "headrace-land-123456789012-us-east-1"
COLD, GREEN = "LC08_L1TP_013032_20180131", "LC08_L1TP_014031_20180530"


@pytest.fixture(scope="module")
def land(house: House) -> House:
    """The study deployed, and run over all files of the course: quality bands too."""
    house.headrace("deploy", "land")
    house.headrace("upload", "land", "landsat", str(SCENES))
    house.headrace("run", "land")
    return house


def rows(house: House, sql: str) -> list[dict[str, Any]]:
    # Behind `--`: the study's own queries begin with a comment.
    done = house.headrace("query", "land", "--json", "--", sql)
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


def query(house: House, name: str) -> list[dict[str, Any]]:
    """What one of the study's own queries answers."""
    path = PROJECT / "studies" / "land" / "queries" / f"{name}.sql"
    return rows(house, path.read_text(encoding="utf-8"))


def tiff(width: int, height: int, value: int) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((height, width), value, np.uint16)).save(file, format="TIFF")
    return file.getvalue()


def test_both_engines_have_the_means_of_the_exercise(land: House) -> None:
    found = {row["scene"]: row for row in query(land, "both")}
    assert len(found) == 19
    for scene, mean, pixels in ((COLD, 0.004168, 4_084), (GREEN, 0.424462, 4_114)):
        for engine, count in (("ndvi", "pixels"), ("ndvi_numpy", "pixels_numpy")):
            assert (round(found[scene][engine], 6), found[scene][count]) == (mean, pixels)


def test_the_two_engines_differ_by_nothing(land: House) -> None:
    (told,) = query(land, "agreement")
    assert (told["scenes"], told["same"], told["greatest_difference"]) == (19, 19, 0)
    assert rows(land, "SELECT count(*) AS n FROM quarantine") == [{"n": 0}]


def test_the_report_draws_the_season(land: House) -> None:
    days = query(land, "season")
    assert [row["day"] for row in days][:3] == ["2018-01-06", "2018-03-11", "2018-04-28"]
    assert max(days, key=lambda row: row["ndvi"])["day"] == "2018-05-30"
    assert sum(row["scenes"] for row in days) == 11
    land.headrace("report", "land")
    out = land.root / "out" / "land"
    assert "OpenCL and NumPy" in (out / "report.html").read_text(encoding="utf-8")
    assert (out / "season.png").stat().st_size > 10_000


#: What is wrong with a scene: its files, and how each engine names it.
BAD = {
    "empty": (
        {"EMPTY_B4.TIF": tiff(3, 2, 0), "EMPTY_B5.TIF": tiff(3, 2, 7)},
        "scene EMPTY is empty: none of 6 pixels has both bands > 0",
        "While computing scene EMPTY, found none of 6 pixels with both bands > 0",
    ),
    "sizes": (
        {"SIZES_B4.TIF": tiff(3, 2, 5), "SIZES_B5.TIF": tiff(4, 2, 7)},
        "scene SIZES has bands 4 and 5 of different size: 3 by 2 uint16 and 4 by 2 uint16",
        "While reading scene SIZES, found bands 4 and 5 of different size",
    ),
    "lacks": (
        {"LACKS_B5.TIF": tiff(3, 2, 7)},
        "scene LACKS lacks band 4",
        "found scene LACKS without band 4",
    ),
}


@pytest.mark.parametrize("which", BAD)
def test_a_bad_scene_is_named_and_no_table_is_half_made(land: House, which: str) -> None:
    files, quarantined, refused = BAD[which]
    s3 = land.client("s3")
    keys = [f"files/landsat/{name}" for name in files]
    for key, body in zip(keys, files.values(), strict=True):
        s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    try:
        done = land.headrace("run", "land", check=False)
        assert done.returncode == 1
        why = land.headrace("why", "land", check=False).stdout
        assert refused in why
        # The Map has the others, and says what it left out.
        sql = """SELECT reason, intended, (SELECT count(*) FROM ndvi) AS opencl,
            (SELECT count(*) FROM ndvi_map) AS numpy FROM quarantine
            WHERE _source = (SELECT max(_source) FROM quarantine)"""  # of the last run
        (told,) = rows(land, sql)
        assert quarantined in told["reason"]
        # The program stops at the first, and leaves its table as it was.
        assert (told["intended"], told["numpy"], told["opencl"]) == ("ndvi_map", 19, 19)
    finally:
        for key in keys:
            s3.delete_object(Bucket=BUCKET, Key=key)
