"""The notebook, run headless as a user would run it, against a cloud of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.acceptance.conftest import House, build
from tests.integration.conftest import ROOT

EXAMPLES = ROOT / "examples"
NOTEBOOK = EXAMPLES / "pywren.ipynb"
WORDS = ["government", "congress", "country", "national", "economic", "government", "freedom"]


@pytest.fixture(scope="module")
def speeches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The flagship with some sentences: its own 62,982 take longer than this test may."""
    root = tmp_path_factory.mktemp("notebook")
    house = build(root)
    try:
        house.headrace("deploy", "speeches")
        file = root / "sentences.jsonl"
        file.write_text("".join(json.dumps(each) + "\n" for each in sentences()))
        house.headrace("push", "speeches", str(file), "--wait")
        yield house
    finally:
        house.headrace("down", check=False)


def sentences() -> Iterator[dict[str, Any]]:
    """Two parties in each of six decades."""
    for number in range(240):
        year = 1790 + number // 2 % 60
        text = " ".join(WORDS[number % 5 : 3 + number % 6]) or "congress"
        party = ("Federalist", "Whig")[number % 2]
        record = {"year": year, "president": f"P{year}", "party": party, "position": number}
        yield record | {"text": f"The {text} of the people. "}


def texts(cell: Any) -> str:
    """What a cell printed and gave, without pictures."""
    told = [
        out.get("text", "") or out.get("data", {}).get("text/plain", "") for out in cell.outputs
    ]
    return "".join(told)


def test_the_notebook_runs_headless(speeches: House, tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    environment = speeches.environment | {
        "IPYTHONDIR": str(tmp_path / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(env=environment)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    printed = [texts(cell) for cell in code]
    assert printed[1].startswith("12 items")
    assert "12/12" in printed[2]  # the progress bar
    assert printed[2].count("words a sentence") == 5
    assert "'government'" in printed[3]
    assert printed[4] == "the same: True\n"
    assert "10 calls gave a result, 2 failed" in printed[5]
    assert "ValueError: nothing to say about the 1790s" in printed[5]
    assert "item 0: {'decade': 1790, 'party': 'Federalist'}" in printed[5]
    pictures = [out for out in code[6].outputs if "image/png" in out.get("data", {})]
    assert len(pictures) == 2  # the timeline, and how many ran at one time
    bucket = "headrace-speeches-123456789012-us-east-1"
    left = speeches.client("s3").list_objects_v2(Bucket=bucket, Prefix="lithops/lithops.jobs")
    assert left["KeyCount"] == 0
    assert {path.name for path in tmp_path.iterdir()} <= {"ipython", "runtime"}


def test_the_notebook_is_kept_without_outputs() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)  # type: ignore[no-untyped-call]
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert code
    assert not [cell for cell in code if cell.outputs or cell.execution_count]


@pytest.mark.parametrize(
    ("example", "words", "printed"),
    [
        ("pywren_addone.py", [], "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]\n"),
        ("pywren_matrix.py", ["speeches", "2"], "    0.10 "),
    ],
)
def test_the_lecture_notes_examples_run(
    speeches: House, example: str, words: list[str], printed: str
) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *words],
        env=os.environ | speeches.environment,
        cwd=speeches.root,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(printed)
