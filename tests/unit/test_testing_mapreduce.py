"""A MapReduce stage in one call: the same lines as mrjob's own runner, as rows of its table."""

from __future__ import annotations

import datetime
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from headrace.plan import ROOT, Plan
from headrace.stages import MapReduce
from headrace.testing import ItemFailedError, StageFailedError, run_stage
from headrace.testing.mapreduce import Job, job_class
from headrace.testing.rows_in import splits
from headrace.testing.shuffle import partition, shuffled
from studies.crawl_words.study import study as crawl_words
from studies.union.study import study as union
from tests.unit import mapreduce_jobs
from tests.unit.mapreduce_path import inline
from tests.unit.stage_programs import plan_with

TEXT = b"the cat and the hat\nthe end\nfat cat sat\nit's a cat that ate it\n"
SAID = [
    {"president": "Adams", "text": "The sea, the sea."},
    {"president": "Adams", "text": "The land"},
    {"president": "Polk", "text": "land"},
]


def job(name: str, reducers: int = 2) -> Job:
    return Job(getattr(mapreduce_jobs, name), ["--job", name], reducers, f"running {name}")


@pytest.mark.parametrize("name", [n for n in mapreduce_jobs.NAMES if n != "Hooks"])
def test_lines_are_those_of_mrjobs_own_runner(name: str) -> None:
    wanted = inline(getattr(mapreduce_jobs, name), TEXT, "--job", name)
    told = sorted(line.removesuffix(b"\t") for line in job(name, reducers=1).lines([TEXT]))
    assert told == [line.rstrip(b"\n") for line in wanted]


def test_hooks_are_called_once_a_task() -> None:
    # mrjob's runner has more tasks, so more that begin and end.
    wanted = inline(mapreduce_jobs.Hooks, TEXT, "--job", "Hooks")
    told = job("Hooks", reducers=3).lines(TEXT.splitlines(keepends=True))
    assert set(told) == {line.rstrip(b"\n") for line in wanted}
    assert told.count(b'"begun"\t0') == told.count(b'"ended"\t0') == 3


@pytest.mark.parametrize("name", ["Words", "OddKeys", "TupleValues", "Sorted", "Steps"])
def test_neither_splits_nor_reducers_show(name: str) -> None:
    lines = TEXT.splitlines(keepends=True)
    told = [job(name, reducers).lines(lines) for reducers in (1, 3)]
    assert sorted(told[0]) == sorted(told[1]) == sorted(job(name, 1).lines([TEXT]))


def test_a_line_without_a_tab_gets_one_as_on_hadoop() -> None:
    # What test_emr_hadoop has of Hadoop itself.
    assert job("ValuesOnly").lines([b"ab\n"]) == [b"1\t"]


def test_a_filter_comes_before_the_mapper() -> None:
    assert job("Filtered").lines([TEXT])[0] == b'"the cat and the hat"\t1'


def test_keys_are_hashed_as_hadoop_hashes_text() -> None:
    # 31 * (31 * 1 + 97) + 98 = 4066. A byte beyond 127 is negative: 31 - 61 = -30.
    assert partition(b"ab", 1000) == 66
    assert partition("é".encode(), 1000) == ((31 * -30 - 87) & 0x7FFFFFFF) % 1000


def test_a_partition_is_sorted_by_key_alone_or_by_the_line() -> None:
    given = [b"b\t2\nb\t1\n", b"a\t9\n"]
    assert shuffled(given, 1, by_line=False) == [b"a\t9\nb\t2\nb\t1\n"]
    assert shuffled(given, 1, by_line=True) == [b"a\t9\nb\t1\nb\t2\n"]


def test_rows_become_rows_of_the_table() -> None:
    told = run_stage(union, "top_words", SAID, params={"text": "text", "by": "president", "top": 2})
    assert told == sorted(told, key=lambda row: (row["president"], row["word"]))
    assert told == [
        {"president": "Adams", "word": "sea", "count": 2, "rank": 2},
        {"president": "Adams", "word": "the", "count": 3, "rank": 1},
        {"president": "Polk", "word": "land", "count": 1, "rank": 1},
    ]


def test_whole_files_are_read_by_a_job_of_the_crawl(tmp_path: Path) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\nthe internet, the Internet"
    head = (
        b"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a/\r\n"
        b"Content-Type: application/http; msgtype=response\r\n"
        b"WARC-Date: 2026-01-01T00:00:00Z\r\nWARC-Record-ID: <urn:uuid:1>\r\n"
        b"Content-Length: %d\r\n\r\n"
    )
    (tmp_path / "a.warc").write_bytes(head % len(page) + page + b"\r\n\r\n")
    told = run_stage(crawl_words, "words", [{"file": (tmp_path / "a.warc").as_uri()}])
    assert told == [{"word": "internet", "type": "response", "pages": 1, "found": 1, "matches": 2}]


@dataclass(frozen=True)
class Word:
    word: str
    count: int


def with_job(path: Path) -> Plan:
    """The plan of a study of one job that reads files."""
    stage = MapReduce("words", "emr_steps/top_words.py", "s3://{lake}/files/text/", Word)
    return plan_with(stage, path, seed=7)


COUNT = """from mrjob.job import MRJob

class Count(MRJob):
    def mapper(self, _, line):
        for word in line.split():
            {body}
            yield word, 1

    def reducer(self, word, counts):
        yield word, {total}

if __name__ == "__main__":
    Count.run()
"""


def written(folder: Path, body: str = "pass", total: str = "sum(counts)") -> Path:
    (folder / "count_them.py").write_text(COUNT.format(body=body, total=total))
    return folder / "count_them.py"


def test_a_prefix_is_a_folder_of_files_or_lines(tmp_path: Path) -> None:
    plan = with_job(written(tmp_path))
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "a.txt").write_text("the cat\n")
    (tmp_path / "in" / "deep" / "b.txt").write_text("the end\n")
    (tmp_path / "in" / "_SUCCESS").write_text("not read")
    wanted = [{"word": "cat", "count": 1}, {"word": "end", "count": 1}, {"word": "the", "count": 2}]
    assert run_stage(plan, "words", tmp_path / "in") == wanted
    assert run_stage(plan, "words", ["the cat", "the end"]) == wanted


def test_a_failing_job_is_told_with_its_error(tmp_path: Path) -> None:
    plan = with_job(written(tmp_path, body="1 / (word != 'end')"))
    with pytest.raises(StageFailedError, match="words in process, found ZeroDivisionError") as told:
        run_stage(plan, "words", ["the end"])
    assert isinstance(told.value.__cause__, ZeroDivisionError)


def test_a_line_that_is_no_row_is_raised_or_told(tmp_path: Path) -> None:
    plan = with_job(written(tmp_path, total="sum(counts) / 2"))
    with pytest.raises(ItemFailedError, match=r"on line 0, found gives 0.5 for `count`"):
        run_stage(plan, "words", ["the"])
    told = run_stage(plan, "words", ["the"], failures="quarantine")
    assert told == []
    assert told.quarantined[0]["bytes"] == b'"the"\t0.5'


def test_what_a_mapper_prints_is_its_output_as_on_hadoop(tmp_path: Path) -> None:
    plan = with_job(written(tmp_path, body="print('seen')"))
    with pytest.raises(StageFailedError, match="found JSONDecodeError|found ValueError"):
        run_stage(plan, "words", ["the"])


@pytest.mark.parametrize(
    ("more", "found"),
    [
        ("    PARTITIONER = 'org.example.Mine'\n", "its partitioner"),
        ("    JOBCONF = {'stream.num.map.output.key.fields': '2'}\n", "stream.num.map.output"),
        ("    def mapper_cmd(self):\n        return 'cat'\n    mapper = None\n", "a mapper_cmd"),
    ],
)
def test_what_only_hadoop_has_is_refused_by_name(tmp_path: Path, more: str, found: str) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text().replace("    def reducer", more + "\n    def reducer"))
    with pytest.raises(StageFailedError, match=f"found {found}.*, which only Hadoop has"):
        run_stage(with_job(path), "words", ["the"])


def test_the_job_sees_the_studys_seed_and_nothing_stays(tmp_path: Path) -> None:
    body = "import os; open('left', 'w'); word = os.environ['HEADRACE_SEED']"
    before = Path.cwd()
    assert run_stage(with_job(written(tmp_path, body)), "words", ["a"])[0]["word"] == "7"
    assert Path.cwd() == before
    assert not Path("left").exists()


def test_nothing_to_read_is_refused() -> None:
    with pytest.raises(StageFailedError, match="found nothing to read"):
        run_stage(union, "top_words", [])


def test_rows_are_the_json_that_athena_unloads() -> None:
    day = datetime.date(2026, 11, 22)
    row = {"day": day, "at": datetime.datetime(2026, 11, 22, 9, 5, 7, 8000), "n": None, "é": 0.5}
    (line,) = splits([row], "x")
    assert line == (
        '{"day":"2026-11-22","at":"2026-11-22 09:05:07.008","n":null,"é":0.5}\n'.encode()
    )
    with pytest.raises(TypeError, match="a bytes"):
        splits([{"b": b""}], "x")


def test_a_file_with_two_jobs_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "two.py"
    path.write_text("from mrjob.job import MRJob\nclass A(MRJob): pass\nclass B(MRJob): pass\n")
    with pytest.raises(StageFailedError, match="found A, B"):
        job_class(path)


def test_it_takes_well_under_a_second() -> None:
    job_class(ROOT / "emr_steps/top_words.py")
    began = time.process_time()
    run_stage(union, "top_words", SAID * 300)
    assert time.process_time() - began < 0.5
