"""The jobs that come with Headrace: the same answer by every way, and the course's answers."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emr_steps.crawl_words import CrawlWords, uri_of
from emr_steps.top_words import TopWords
from headrace.cli import env_mrjob
from tests.unit.mapreduce_path import ROOT, inline, launched, task

TOP, CRAWL = ROOT / "emr_steps" / "top_words.py", ROOT / "emr_steps" / "crawl_words.py"
DATA = ROOT.parent / "shared" / "data"
WORD = re.compile(r"[\w']+")
SPEECHES = [
    {"party": "a", "text": "one two two"},
    {"party": "b", "text": "Three three\none"},
    {"party": "a", "text": None},
    {"party": None, "text": "nobody's"},
    {"party": "a", "text": "one"},
]
JSON_LINES = "".join(json.dumps(row) + "\n" for row in SPEECHES).encode()

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"needs the course's data in {DATA}")


def rows(lines: list[bytes]) -> list[Any]:
    return [json.loads(line.partition(b"\t")[2]) for line in lines]


def test_top_words_of_groups() -> None:
    words = ("--text", "text", "--by", "party", "--top", "2")
    found = inline(TopWords, JSON_LINES, *words)
    assert found == launched(TOP, TopWords, JSON_LINES, *words)
    assert sorted(rows(found), key=str) == sorted(
        [
            {"party": "a", "word": "one", "count": 2, "rank": 1},
            {"party": "a", "word": "two", "count": 2, "rank": 2},
            {"party": "b", "word": "three", "count": 2, "rank": 1},
            {"party": "b", "word": "one", "count": 1, "rank": 2},
            {"party": None, "word": "nobody's", "count": 1, "rank": 1},
        ],
        key=str,
    )


def test_top_words_without_blocks_of_a_line_without_end() -> None:
    assert rows(inline(TopWords, b"b a")) == [{"word": "a", "count": 1, "rank": 1}]


@pytest.mark.parametrize("words", [("--by", "party"), ("--top", "0")])
def test_top_words_refuses(words: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="--by|--top"):
        TopWords([*words])


def test_a_line_that_is_no_json_fails_the_task() -> None:
    assert task(TOP, "mapper", 0, b"{", "--text", "text").returncode == 1


@needs_data
def test_most_used_word_of_the_inaugural_addresses() -> None:
    with zipfile.ZipFile(DATA / "text" / "nltk_inaugural.zip") as archive:
        names = [n for n in archive.namelist() if re.fullmatch(r"inaugural/\d.*\.txt", n)]
        text = b"\n".join(archive.read(name) for name in names)
    assert len(names) == 59
    lines = [_decoded(line) for line in text.split(b"\n")]
    expected = Counter(w.lower() for line in lines for w in WORD.findall(line)).most_common(1)
    found = inline(TopWords, text)
    assert found == launched(TOP, TopWords, text)
    assert [(row["word"], row["count"]) for row in rows(found)] == expected


def _decoded(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


@needs_data
def test_pages_of_a_crawl_that_speak_of_the_internet() -> None:
    manifest = f"{DATA / 'warc' / 'aut_example.warc.gz'}\n".encode()
    found = inline(CrawlWords, manifest)
    assert found == launched(CRAWL, CrawlWords, manifest, splits=1)
    responses = next(row for row in rows(found) if row["type"] == "response")
    assert (responses["pages"], responses["found"]) == (299, 137)


@needs_data
def test_a_damaged_file_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    whole = (DATA / "warc" / "aut_example.warc.gz").read_bytes()
    broken = tmp_path / "broken.warc.gz"
    broken.write_bytes(whole[:900_000] + b"\0" * 500 + whole[900_500:])
    done = task(CRAWL, "mapper", 0, f"{broken}\n".encode(), "--words", "internet")
    assert done.returncode == 0, done.stderr
    assert b"reporter:counter:crawl,could not be read; searching for internet,1\n" in done.stderr
    assert str(broken).encode() in done.stderr
    pages = {key[1]: counts[0] for key, counts in map(_pair, done.stdout.splitlines())}
    assert 290 <= pages["response"] < 299


def _pair(line: bytes) -> tuple[Any, Any]:
    key, value = line.split(b"\t")
    return json.loads(key), json.loads(value)


def test_a_file_that_is_not_there_fails_the_task() -> None:
    assert task(CRAWL, "mapper", 0, b"nowhere.warc.gz\n").returncode == 1


@pytest.mark.parametrize("line", ["s3://b/k", "17\ts3://b/k", '{"uri": "s3://b/k"}', " s3://b/k "])
def test_lines_that_name_a_file(line: str) -> None:
    assert uri_of(line) == "s3://b/k"


def test_a_clusters_words_are_found_wherever_its_state_is() -> None:
    asked = {"ServiceRole": "r"}
    branch = {"StartAt": "x", "States": {env_mrjob.CREATE: {"Type": "Task", "Parameters": asked}}}
    assert env_mrjob.created({"States": {"1: p": {"Branches": [{"States": {}}, branch]}}}) == asked
    assert env_mrjob.created({"States": {}}) is None


def test_mrjob_reads_the_configuration(tmp_path: Path) -> None:
    path = env_mrjob.write({"runners": {"emr": {"region": "us-east-1"}}}, tmp_path / "s" / "c")
    job = TopWords(["-r", "inline", "-c", str(path)]).sandbox(stdin=io.BytesIO(b"a"))
    with job.make_runner() as runner:
        runner.run()
        assert rows(list(runner.cat_output()))[0]["word"] == "a"
