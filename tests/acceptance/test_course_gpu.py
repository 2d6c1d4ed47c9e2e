"""The course's tasks for OpenCL, with the answers that they must give."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from tests.integration.gpu_jobs import ROOT, facts, rows, table

DATA = ROOT.parent / "shared" / "data" / "landsat" / "L8NY18"
CHUNKS = [{}, {"device_mib": 1}]


def test_random_walks(tmp_path: Path) -> None:
    given = table(tmp_path / "in", walk=np.arange(10_000))
    first = None
    for number, more in enumerate([{"device_mib": 4}, {}]):
        (tmp_path / str(number)).mkdir()
        told = rows("random_walks", given, tmp_path / str(number), **more)
        first = first or told
        assert told == first
        found = facts("random_walks", tmp_path / str(number))
        assert found["sd_expected"] == math.sqrt(99)
        assert found["mean"] == pytest.approx(100, abs=0.4)  # four standard errors
        assert found["sd_last"] == pytest.approx(math.sqrt(99), rel=0.03)


def test_health_index(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    shocks = np.random.RandomState(25).normal(size=(4160, 1000))  # as norm.rvs draws them
    np.save(tmp_path / "in" / "shocks.npy", shocks)
    for number, more in enumerate(CHUNKS):
        (tmp_path / str(number)).mkdir()
        (told,) = rows("health_index", tmp_path / "in", tmp_path / str(number), **more)
        assert told["mean"] == pytest.approx(3.0011321434, abs=5e-11)
        assert told["sd"] == pytest.approx(1.1548668808, abs=5e-11)
        assert told["first"] == pytest.approx(3.2282730897, abs=5e-11)
        assert told["last"] == pytest.approx(2.6348468007, abs=5e-11)


@pytest.mark.skipif(not DATA.is_dir(), reason="the course's scenes are not on this machine")
@pytest.mark.parametrize("more", CHUNKS)
def test_ndvi(tmp_path: Path, more: dict[str, int]) -> None:
    told = {t["scene"]: t for t in rows("ndvi", DATA, tmp_path, **more)}
    assert len(told) == 19
    cold = told["LC08_L1TP_013032_20180131"]
    assert (round(cold["mean"], 6), cold["pixels"]) == (0.004168, 4_084)
    green = told["LC08_L1TP_014031_20180530"]
    assert (round(green["mean"], 6), green["pixels"]) == (0.424462, 4_114)
