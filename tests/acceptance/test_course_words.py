"""The most used word of the inaugural addresses: a job of two steps, through the whole house."""

from __future__ import annotations

import json
import re
import zipfile
from collections import Counter
from typing import Any

import pytest

from tests.acceptance.conftest import PROJECT, House

ADDRESSES = PROJECT.parent / "shared" / "data" / "text" / "nltk_inaugural.zip"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not ADDRESSES.is_file(), reason="the course's data are not here"),
]

STUDY = '''
"""The words of inaugural addresses: a study of the tests' own."""

from dataclasses import dataclass

from headrace.study import MapReduce, Study


@dataclass(frozen=True)
class TopWord:
    word: str
    count: int
    rank: int


study = Study(
    name="inaugural",
    question="Which word do presidents use most when they begin?",
    stages=[
        MapReduce(
            "top_words",
            job="emr_steps/top_words.py",
            input="s3://{lake}/files/addresses/",
            produces=TopWord,
            params={"top": 10},
        ),
    ],
)
'''


@pytest.fixture(scope="module")
def texts() -> dict[str, bytes]:
    """The addresses by the names of their files."""
    with zipfile.ZipFile(ADDRESSES) as packed:
        names = [name for name in packed.namelist() if name.endswith(".txt")]
        return {name.rpartition("/")[2]: packed.read(name) for name in names}


@pytest.fixture(scope="module")
def inaugural(house: House, texts: dict[str, bytes]) -> House:
    """The study deployed and run over the addresses as they are."""
    folder = house.root / "studies" / "inaugural"
    folder.mkdir()
    (folder / "__init__.py").write_text('"""A study of the tests\' own."""\n')
    (folder / "study.py").write_text(STUDY)
    files = house.root / "addresses"
    files.mkdir()
    for name, text in texts.items():
        (files / name).write_bytes(text)
    house.headrace("deploy", "inaugural")
    house.headrace("upload", "inaugural", "addresses", str(files))
    house.headrace("run", "inaugural")
    return house


def rows(house: House, sql: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        house.headrace("query", "inaugural", sql, "--json").stdout
    )["rows"]
    return found


def counted(texts: dict[str, bytes]) -> Counter[str]:
    """An independent count; a line that is not UTF-8 is Latin-1, as mrjob has it."""
    words: Counter[str] = Counter()
    for text in texts.values():
        for line in text.split(b"\n"):
            try:
                words.update(re.findall(r"[\w']+", line.decode().lower()))
            except UnicodeDecodeError:
                words.update(re.findall(r"[\w']+", line.decode("latin-1").lower()))
    return words


def test_the_most_used_words_are_those_of_a_counter(
    inaugural: House, texts: dict[str, bytes]
) -> None:
    assert len(texts) >= 59
    best = sorted(counted(texts).items(), key=lambda pair: (-pair[1], pair[0]))[:10]
    expected = [{"word": w, "count": n, "rank": at} for at, (w, n) in enumerate(best, 1)]
    assert rows(inaugural, "SELECT word, count, rank FROM top_words ORDER BY rank") == expected
    assert expected[0]["word"] == "the"


def test_the_run_says_what_it_read_and_leaves_no_cluster(
    inaugural: House, texts: dict[str, bytes]
) -> None:
    (told,) = rows(inaugural, "SELECT rows_out, quarantined, files FROM runs")
    assert (told["rows_out"], told["quarantined"]) == (10, 0)
    read = json.loads(told["files"])
    assert sorted(key.rpartition("/")[2] for key in read) == sorted(texts)
    emr = inaugural.client("emr")
    (cluster,) = (
        each for each in emr.list_clusters()["Clusters"] if each["Name"] == "headrace-inaugural"
    )
    assert cluster["Status"]["State"] == "TERMINATED"
    steps = emr.list_steps(ClusterId=cluster["Id"])["Steps"]
    assert [step["Status"]["State"] for step in steps] == ["COMPLETED"] * 2
