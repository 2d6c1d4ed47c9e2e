"""The news study's records and transform."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pyarrow as pa
import pytest

from headrace.plan import columns_of
from headrace.testing import run_stage
from studies.news import records, sentiment
from studies.news.study import ScoredSnippet, study


def archive(folder: Path, text: bytes, name: str = records.MEMBER) -> Path:
    path = folder / "set.tar.gz"
    with tarfile.open(path, "w:gz") as to:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        to.addfile(member, io.BytesIO(text))
    return path


def test_a_line_is_a_record_whatever_is_in_its_text(tmp_path: Path) -> None:
    text = b'1_1\t0.4\t"Yes, she said.\r\n1_2\t-2.8\tform\x0cfeed, \x1cseparator\r\n2_1\t3\tlast'
    assert list(records.snippets(archive(tmp_path, text))) == [
        {"id": "1_1", "rating": 0.4, "text": '"Yes, she said.'},
        {"id": "1_2", "rating": -2.8, "text": "form\x0cfeed, \x1cseparator"},
        {"id": "2_1", "rating": 3.0, "text": "last"},
    ]


@pytest.mark.parametrize(
    "line", [b"1_1\t0.4", b"1_1\tfine\ttext", b"1_1\t0.4\ttext\tmore", b"1_1\t0.4\tcaf\xc3\xa9"]
)
def test_a_line_that_is_none_is_named(line: bytes, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"line 2 of .*nytEditorialSnippets.*as it was published"):
        list(records.snippets(archive(tmp_path, b"1_0\t1\tgood\r\n" + line)))


def test_the_command_writes_json_lines(tmp_path: Path) -> None:
    path = archive(tmp_path, b"1_1\t0.4\ta\r\n1_2\t1\tb\r\n")
    command = [sys.executable, "-m", "studies.news.records"]
    done = subprocess.run([*command, path], capture_output=True, text=True, check=True)
    assert [json.loads(line)["id"] for line in done.stdout.splitlines()] == ["1_1", "1_2"]
    wrong = subprocess.run([*command, path, "more"], capture_output=True, text=True)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    absent = archive(tmp_path, b"", name="other.txt")
    failed = subprocess.run([*command, absent], capture_output=True, text=True)
    assert (failed.returncode, failed.stdout) == (1, "")
    assert records.MEMBER in failed.stderr


def test_the_table_takes_records_and_gives_scores() -> None:
    record = {"id": "1_1", "rating": 2.5, "text": "A wonderful day."}
    (row,) = run_stage(study, "snippets", [record])
    assert row["sentiment"] == pytest.approx(0.5719)
    assert {name: row[name] for name in record} == record


def test_the_transform_adds_a_score_and_nothing_else() -> None:
    batch = pa.RecordBatch.from_pydict({"text": ["We are great and happy.", "War is horrible."]})
    scored = sentiment.score(batch)
    assert scored.schema.names == ["text", "sentiment"]
    # What vaderSentiment 3.3.2 says: a new lexicon must be seen.
    assert scored["sentiment"].to_pylist() == pytest.approx([0.8316, -0.8126], abs=1e-4)
    assert [c.name for c in columns_of(ScoredSnippet)][-1] == "sentiment"
