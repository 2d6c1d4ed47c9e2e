"""The page "Your first study", done word by word as a new user would."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.acceptance.conftest import PROJECT, House, build

PAGE = PROJECT / "docs" / "first-study.md"
#: A file's name in a line of its own and its block, or a block of commands.
BLOCK = re.compile(
    r"(?:^`(?P<path>[^`\n]+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.M | re.S
)


@dataclass(frozen=True)
class Step:
    """What the page says to do next: write a file, or run a command."""

    path: str | None
    text: str
    fails: bool = False


def steps() -> Iterator[Step]:
    """The page's files and commands, in order."""
    for block in BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        if block["path"]:
            yield Step(block["path"], block["text"])
        else:
            assert block["kind"] == "sh", f"a block that is neither file nor commands: {block[0]}"
            for line in block["text"].splitlines():
                command, _, note = line.partition("  #")
                yield Step(None, command.strip(), fails=note.strip() == "fails")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[tuple[str, str]]]:
    """Each command of the page with what it printed."""
    house = build(tmp_path_factory.mktemp("first"))
    try:
        yield [done for step in steps() if (done := follow(house, step))]
    finally:
        house.headrace("down", check=False)


def follow(house: House, step: Step) -> tuple[str, str] | None:
    """Do one step; fail where it goes another way than the page says."""
    if step.path:
        file = house.root / step.path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(step.text)
        return None
    done = subprocess.run(
        ["bash", "-c", step.text],
        cwd=house.root,
        env=house.environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert (done.returncode != 0) == step.fails, f"{step.text}\n{done.stdout}\n{done.stderr}"
    return step.text, done.stdout + done.stderr


def printed(told: list[tuple[str, str]], begin: str, nth: int = 0) -> str:
    """What the nth command that begins so printed."""
    return [text for command, text in told if command.startswith(begin)][nth]


def test_the_page_names_files_and_commands() -> None:
    kinds = [bool(step.path) for step in steps()]
    assert kinds.count(True) >= 5
    assert kinds.count(False) >= 10
    assert [step.text for step in steps() if step.fails] == ["headrace run meetings"]


def test_every_step_of_the_page_goes_as_it_says(told: list[tuple[str, str]]) -> None:
    assert "1 passed" in printed(told, "python -m pytest")
    rows = printed(told, "headrace query", 0)
    assert re.search(r"Acton\W+9\W+2\b", rows), rows
    why = printed(told, "headrace why")
    for word in ("measured", "KeyError", "'year'", "studies/meetings/measure.py:11"):
        assert word in why, why
    assert re.search(r"\b6\b", printed(told, "headrace query", 1))


def test_the_report_shows_the_answer(told: list[tuple[str, str]]) -> None:
    (report,) = re.findall(r"\S+\.html", printed(told, "headrace report"))
    assert report


def test_the_page_is_one_page() -> None:
    assert len(PAGE.read_text(encoding="utf-8").split()) < 1200


def test_links_of_the_page_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", PAGE.read_text(encoding="utf-8"))
    assert links
    assert all((PAGE.parent / link).exists() for link in links)


def test_every_file_of_the_page_is_the_studys() -> None:
    paths = {Path(step.path) for step in steps() if step.path}
    assert {path.parent for path in paths} == {Path("studies/meetings")}
