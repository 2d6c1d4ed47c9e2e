"""Where the Python of an image is, once the image was built."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from localcloud.engines.images import build, where


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a context, with a Dockerfile that installs nothing."""
    monkeypatch.setenv("LOCALCLOUD_IMAGES", str(tmp_path / "kept"))
    made = tmp_path / "tasks" / "tiny"
    made.mkdir(parents=True)
    (made / "lock.txt").write_text("")
    text = "FROM python:3.12\nWORKDIR /app\nCOPY tiny/lock.txt .\n"
    text += "RUN python -c \"open('made', 'w')\"\nCMD [\"python\"]\n"
    (made / "Dockerfile").write_text(text)
    return made


def test_an_image_that_was_built_tells_its_python(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert where.main([str(folder)]) == 1
    assert f"found none in {tmp_path / 'kept'}. Build the image" in capsys.readouterr().err
    file = folder / "Dockerfile"
    image = build.build(folder.parent, file, {}, tmp_path / "kept", lambda line: None)
    assert where.main([str(folder)]) == 0
    python = capsys.readouterr().out.strip()
    assert python == str(image.layer.python)
    words = [python, "-c", "import sys; print(sys.prefix)"]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert told.strip() == str(image.layer.folder / "venv")
    (folder / "lock.txt").write_text("another")
    assert where.main([str(folder)]) == 1


def test_what_can_not_be_looked_for_is_said(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert where.main([]) == 2
    assert where.main([str(folder / "none")]) == 1
    assert "While reading" in capsys.readouterr().err
