"""The study of health: its shocks, and that each stage's table is what its program writes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from headrace import plan as plans
from headrace.plan import ROOT
from studies.health.shocks import main, shocks

PLAN = plans.load("health")


@pytest.mark.parametrize("seed", [0, 25])
def test_shocks_are_those_of_numpys_global_seed(seed: int) -> None:
    # In a process of its own: the exercise's line seeds what all tests share.
    code = (
        "import numpy, scipy.stats, sys;"
        f"numpy.random.seed({seed});"
        "sys.stdout.buffer.write(scipy.stats.norm.rvs(size=(7, 5)).tobytes())"
    )
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert shocks(seed, 7, 5).tobytes() == asked.stdout


def test_more_weeks_do_not_change_the_first_ones() -> None:
    assert np.array_equal(shocks(25, 9, 5)[:7], shocks(25, 7, 5))
    assert stats.kstest(shocks(0, 50, 50).ravel(), "norm").pvalue > 0.001


def test_main_writes_both_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["shocks", str(tmp_path / "new")])
    assert main() == 0
    given = np.load(tmp_path / "new" / "shocks-25.npy", mmap_mode="r")
    assert given.shape == (4160, 1000)
    assert round(float(given[0, 0]), 10) == 0.2282730897
    assert (tmp_path / "new" / "shocks-0.npy").is_file()


@pytest.mark.parametrize("stage", [s.name for s in PLAN.tasks])
def test_a_stage_wants_the_columns_that_its_program_documents(stage: str) -> None:
    planned = PLAN.stage(stage)
    text = (ROOT / planned.program).read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`.+`) \| ", text.split('"""')[1], re.MULTILINE)
    documented = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert planned.table is not None
    assert [c.name for c in planned.table.columns] == documented


def test_walks_come_out_of_no_table() -> None:
    assert PLAN.stage("random_walks").reads == ()
    assert PLAN.stage("random_walks").sql.startswith("SELECT walk FROM UNNEST")
