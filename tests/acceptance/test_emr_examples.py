"""mrjob's documented examples by three ways: inline, mrjob's EMR runner, a stage of a run."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.conftest import PROJECT, House

#: Two files each: what is added up, or follows, must not depend on where the input is cut.
FILES = {
    "text": (
        "We hold these truths to be self-evident, that all men are created equal, that they are\n"
        "endowed by their Creator with certain unalienable Rights, that among these are Life,\n",
        "Liberty and the pursuit of Happiness. 'Tis the right of the People to alter it.\n"
        "Право граждан, naïve or not: the the the\n",
    ),
    "edges": ("# from to\na b\nb c\nc a\nd c\n", "e d\nb e\na c\nf a\na b\n"),
}
STUDY = '''
"""mrjob's documented examples: a study of the tests' own."""

from dataclasses import dataclass

from headrace.study import MapReduce, Study


@dataclass(frozen=True)
class Word:
    word: str
    count: int


@dataclass(frozen=True)
class MostUsed:
    count: int
    word: str


@dataclass(frozen=True)
class Next:
    word: str
    following: str
    percent: float
    uses: int
    uses_of_word: int


@dataclass(frozen=True)
class Rank:
    node: str
    rank: float


def example(name, files, produces, **params):
    source = f"s3://{{lake}}/files/{files}/"
    return MapReduce(name, f"studies/examples/{name}.py", source, produces, params=params)


study = Study(
    name="examples",
    question="Do a job's ways of running give the same?",
    stages=[
        example("word_count", "text", Word),
        example("most_used_word", "text", MostUsed),
        example("next_word", "text", Next),
        example("pagerank", "edges", Rank, rounds=2),
    ],
)
'''


@dataclass(frozen=True)
class Example:
    """A job of ``examples/mapreduce``, what it reads and with which arguments."""

    name: str
    files: str
    words: tuple[str, ...] = ()


EXAMPLES = (
    Example("word_count", "text"),
    Example("most_used_word", "text"),
    Example("next_word", "text"),
    Example("pagerank", "edges", ("--rounds=2",)),
)
#: Two minutes: part of `make test-all`.
pytestmark = pytest.mark.slow

each_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


def job(house: House, example: Example, *words: str, **more: str) -> list[str]:
    """Lines that a job prints, sorted; it is run as a student would."""
    done = subprocess.run(
        [sys.executable, f"studies/examples/{example.name}.py", *example.words, *words],
        cwd=house.root,
        env=house.environment | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return sorted(done.stdout.splitlines())


@pytest.fixture(scope="module")
def examples(house: House) -> House:
    """The study deployed, its inputs in its lake."""
    folder = house.root / "studies" / "examples"
    shutil.copytree(
        PROJECT / "examples" / "mapreduce", folder, ignore=shutil.ignore_patterns("__pycache__")
    )
    (folder / "__init__.py").write_text('"""A study of the tests\' own."""\n')
    (folder / "study.py").write_text(STUDY)
    house.headrace("deploy", "examples")
    for name, texts in FILES.items():
        (house.root / name).mkdir()
        for number, text in enumerate(texts):
            (house.root / name / f"{number}.txt").write_text(text, encoding="utf-8")
        house.headrace("upload", "examples", name, str(house.root / name))
    return house


@pytest.fixture(scope="module")
def inline(examples: House) -> dict[str, list[str]]:
    """What each job gives by mrjob's own inline runner, on this machine."""

    def lines(example: Example) -> list[str]:
        files = sorted(str(path) for path in (examples.root / example.files).iterdir())
        return job(examples, example, "-r", "inline", "--no-conf", *files)

    return side_by_side(lines)


@pytest.fixture(scope="module")
def on_emr(examples: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What each job gives by mrjob's EMR runner, configured by `headrace env`."""
    conf = json.loads(examples.headrace("env", "examples", "--json").stdout)["MRJOB_CONF"]
    bucket = "headrace-examples-123456789012-us-east-1"

    def lines(example: Example) -> list[str]:
        scratch = tmp_path_factory.mktemp(example.name)
        source = f"s3://{bucket}/files/{example.files}/"
        return job(examples, example, "-r", "emr", source, MRJOB_CONF=conf, TMPDIR=str(scratch))

    return side_by_side(lines)


@pytest.fixture(scope="module")
def ran(examples: House) -> House:
    """The study's run done."""
    examples.headrace("run", "examples")
    return examples


def side_by_side(lines: Any) -> dict[str, list[str]]:
    with ThreadPoolExecutor(2) as threads:
        found = threads.map(lines, EXAMPLES)
        return {example.name: told for example, told in zip(EXAMPLES, found, strict=True)}


@each_example
def test_mrjobs_emr_runner_gives_inlines_lines(
    inline: dict[str, list[str]], on_emr: dict[str, list[str]], example: Example
) -> None:
    assert on_emr[example.name] == inline[example.name] != []


@each_example
def test_a_stages_rows_are_inlines_lines(
    inline: dict[str, list[str]], ran: House, example: Example
) -> None:
    sql = f"SELECT * FROM {example.name}"
    told = json.loads(ran.headrace("query", "examples", sql, "--json").stdout)["rows"]
    found = sorted(tuple(v for k, v in r.items() if not k.startswith("_")) for r in told)
    assert found == sorted(row(line) for line in inline[example.name])
    assert found


def row(line: str) -> tuple[Any, ...]:
    """A line's key and value, lists spread."""
    parts = (json.loads(part) for part in line.split("\t"))
    spread: list[Sequence[Any]] = [part if isinstance(part, list) else [part] for part in parts]
    return tuple(value for values in spread for value in values)


def test_neither_way_leaves_a_cluster(on_emr: dict[str, list[str]], ran: House) -> None:
    assert len(on_emr) == len(EXAMPLES)
    found = ran.client("emr").list_clusters()["Clusters"]
    ours = [c for c in found if c["Name"].startswith(("headrace-examples", *on_emr))]
    assert len(ours) == len(EXAMPLES) + 1
    assert {c["Status"]["State"] for c in ours} == {"TERMINATED"}


def test_the_notes_example_counts(inline: dict[str, list[str]]) -> None:
    assert '"the"\t6' in inline["word_count"]
    assert inline["most_used_word"] == ['6\t"the"']
