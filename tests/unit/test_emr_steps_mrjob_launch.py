"""The launcher runs any job as mrjob does: every hook, protocol and odd key, in any grouping."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit import mapreduce_jobs as jobs
from tests.unit.mapreduce_path import LAUNCHER, inline, launched, task

PATH = Path(jobs.__file__)
TEXT = b"the cat\nThe dog's 'n' cat\r\n\nna\xc3\xafve na\xefve \xd0\xb4\xd0\xb0\n" * 3 + b"no end"


@pytest.mark.parametrize("name", jobs.NAMES)
def test_same_lines_as_inline(name: str) -> None:
    job = getattr(jobs, name)
    expected, found = inline(job, TEXT), launched(PATH, job, TEXT, "--job", name)
    if name == "Hooks":  # a line of each reducer, of which inline has more
        expected, found = sorted(set(expected)), sorted(set(found))
    assert expected == found != []


def test_passthrough_arguments_arrive() -> None:
    words = ("--job", "Passthrough", "--least", "4")
    assert inline(jobs.Passthrough, TEXT, *words) == launched(PATH, jobs.Passthrough, TEXT, *words)
    assert len(inline(jobs.Passthrough, TEXT, *words)) == 3


def test_counters_and_status_reach_hadoop() -> None:
    done = task(PATH, "mapper", 0, TEXT, "--job", "Counting")
    assert done.stderr.count(b"reporter:counter:text,lines,1\n") == TEXT.count(b"\n") + 1
    assert b"reporter:status:reading\n" in done.stderr


def test_raw_files_of_a_manifest_are_read(tmp_path: Path) -> None:
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_bytes(TEXT)
    manifest = f'0\t{tmp_path}/a.txt\n{{"uri": "{(tmp_path / "b.txt").as_uri()}"}}\n'
    done = task(PATH, "mapper", 0, manifest.encode(), "--job", "Raw", cwd=tmp_path)
    assert done.stdout.splitlines() == [
        b'"a.txt"\t%d' % len(TEXT),
        b'"b.txt"\t%d' % len(TEXT),
    ], done.stderr


def test_filters_and_commands_run() -> None:
    lines = [line for line in TEXT.splitlines() if b"cat" in line]
    done = task(PATH, "mapper", 0, TEXT, "--job", "Filtered")
    assert done.stdout == b"".join(b'"%s"\t1\n' % line for line in lines)
    done = task(PATH, "mapper", 0, TEXT, "--job", "Command")
    assert done.stdout == b"the cat\n" * 3


def test_a_failing_mapper_fails_the_task() -> None:
    done = task(PATH, "mapper", 0, TEXT, "--job", "Failing")
    assert done.returncode == 1
    assert done.stderr.strip().endswith(b"ValueError: no cats here")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--mapper"], b"Name a job's file"),
        (["nowhere.py", "--mapper"], b"found no such file"),
        ([str(PATH), "--job", "Failing"], b"found none of --mapper"),
    ],
)
def test_what_is_no_task_is_refused(words: list[str], told: bytes) -> None:
    done = subprocess.run([sys.executable, str(LAUNCHER), *words], capture_output=True, check=False)
    assert done.returncode == 1
    assert told in done.stderr


def test_a_file_that_runs_no_job_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "silent.py"
    path.write_text("from mrjob.job import MRJob\n\nclass Silent(MRJob):\n    pass\n")
    done = task(path, "mapper", 0, TEXT)
    assert done.returncode == 1
    assert b"ran no job" in done.stderr
