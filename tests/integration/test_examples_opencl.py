"""The notes' OpenCL listings run, and print what they say."""

from __future__ import annotations

import pytest

from tests.integration.gpu_jobs import ROOT, call

PRINTED = {
    "arrays": ["all doubled: True"],
    "buffers": ["200000 bytes there and back, the same: True"],
    "kernel": ["all doubled: True"],
    "map_operations": ["operators near float64: True", "kernel near float64: True"],
    "random_numbers": ["mean 0.50", "the same again: True", "a and b differ: True"],
    "reduction": ["near the exact sum: True"],
    "scan": ["running sums as cumsum's: True", "walks as cumsum's: True"],
}


@pytest.mark.parametrize("name", PRINTED)
def test_prints(name: str) -> None:
    done = call(f"examples/opencl/{name}.py")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == PRINTED[name]


def test_every_listing_is_run() -> None:
    found = {path.stem for path in (ROOT / "examples" / "opencl").glob("*.py")}
    assert found == set(PRINTED)
