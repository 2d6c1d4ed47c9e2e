"""Zips that repeat, what a layer leaves out, and what a function's zip holds."""

from __future__ import annotations

import dataclasses
import os
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.plan import Plan, TablePlan, plan_of
from headrace.study import Map, Study, Table
from infra.function_zip import FunctionZipError, build, imports_of
from infra.prune import prune
from infra.zips import digest_of, unpacked_bytes, write_zip

names = st.text("abc/._", min_size=1, max_size=8)
entries = st.dictionaries(names, st.binary(max_size=40), max_size=5)


@given(entries)
def test_a_zip_gives_back_what_went_in(
    tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]
) -> None:
    path = tmp_path_factory.mktemp("zip") / "a.zip"
    write_zip(path, contents)
    with zipfile.ZipFile(path) as archive:
        assert {n: archive.read(n) for n in archive.namelist()} == contents
    assert unpacked_bytes(path) == sum(map(len, contents.values()))


@given(entries, entries)
def test_digests_are_equal_where_contents_are(a: dict[str, bytes], b: dict[str, bytes]) -> None:
    assert (digest_of(a) == digest_of(b)) == (a == b)
    assert digest_of(dict(reversed(a.items()))) == digest_of(a)


def test_the_same_files_make_the_same_bytes_whenever_they_were_written(tmp_path: Path) -> None:
    source = tmp_path / "module.py"
    zips = [tmp_path / "1.zip", tmp_path / "2.zip"]
    for path, time in zip(zips, (1_000_000_000, 1_500_000_000), strict=True):
        source.write_text("x = 1\n")
        os.utime(source, (time, time))
        source.chmod(0o600 if time > 1_200_000_000 else 0o644)
        write_zip(path, {"b.py": source, "a.py": b""})
    assert zips[0].read_bytes() == zips[1].read_bytes()


def test_a_zip_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_zip(tmp_path / "a.zip", {"a": b"", "b": tmp_path / "missing"})
    assert list(tmp_path.iterdir()) == []


#: A file of an installed package, and whether a layer keeps it.
KEPT = {
    "pyarrow/lib.cpython-313-aarch64-linux-gnu.so": True,
    "pyarrow/libarrow.so.2600": True,
    "pyarrow/libarrow_python.so": False,
    "pyarrow/libarrow_python.so.2600": True,
    "pyarrow/libarrow_python.so.2600.1.0": False,
    "pyarrow/libarrow_flight.so.2600": False,
    "pyarrow/libarrow_python_flight.so.2600": False,
    "pyarrow/libarrow_substrait.so.2600": True,
    "pyarrow/_flight.cpython-313-aarch64-linux-gnu.so": False,
    "pyarrow/flight.py": False,
    "pyarrow/substrait.py": True,
    "pyarrow/dataset.py": True,
    "pyarrow/include/arrow/api.h": False,
    "pyarrow/tests/test_array.py": False,
    "pyarrow/lib.pyx": False,
    "pyarrow-26.0.1.dist-info/METADATA": True,
    "pyarrow-26.0.1.dist-info/RECORD": False,
    "pyarrow-26.0.1.dist-info/licenses/LICENSE.txt": True,
    "pydantic-2.0.dist-info/entry_points.txt": True,
    "boto3/session.py": False,
    "botocore-1.44.5.dist-info/METADATA": False,
    "botocore_stubs/session.py": True,
    "bin/pyiceberg": False,
    "rich/__pycache__/table.cpython-311.pyc": False,
    "rich/table.py": True,
    "vaderSentiment/vader_lexicon.txt": True,
    "lonely/libx.so": True,
    "zstandard/_cffi.cpython-313-aarch64-linux-gnu.so": False,
    "zstandard/backend_c.cpython-313-aarch64-linux-gnu.so": True,
}


def test_a_layer_leaves_out_what_no_function_can_use(tmp_path: Path) -> None:
    for name in KEPT:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    prune(tmp_path)
    assert {n: (tmp_path / n).exists() for n in KEPT} == KEPT


@dataclasses.dataclass(frozen=True)
class Word:
    text: str


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small project: land imports a block, which imports a relative; a transform imports csv."""
    for name, text in {
        "lambdas/__init__.py": "",
        "lambdas/land/__init__.py": "",
        "lambdas/land/handler.py": "import json\nfrom stream.block import decode\n",
        "lambdas/commit/__init__.py": "",
        "lambdas/commit/handler.py": "import pyiceberg.catalog\n",
        "lambdas/commit/broken.py": "import nothing_that_anybody_has\n",
        "lambdas/map/__init__.py": "",
        "lambdas/map/handler.py": "import headrace.lake\n",
        "lambdas/map/child.py": "import resource\n",
        "headrace/__init__.py": "def executor(): from headrace.executor_open import executor\n",
        "headrace/executor_open.py": "import lithops\n",
        "headrace/lake.py": "",
        "stream/__init__.py": "",
        "stream/block.py": "from . import kpl\nimport zstandard\ndef decode(): ...\n",
        "stream/kpl.py": "",
        "stream/producer.py": "import boto3\n",
        "studies/__init__.py": "",
        "studies/words/__init__.py": "",
        "studies/words/count.py": "def count(row):\n    import csv, msgspec\n",
        "studies/words/study.py": "import headrace.study\n",
    }.items():
        (tmp_path / "code" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "code" / name).write_text(text)
    return tmp_path / "code"


@pytest.fixture
def words() -> Plan:
    return plan_of(
        Study("words", "?", [Table("words", Word, transform="studies.words.count:count")])
    )


def test_imports_are_followed_through_the_project_and_no_further(project: Path) -> None:
    found = imports_of(["lambdas.land.handler", "studies.words.count"], project)
    assert [p.relative_to(project).as_posix() for p in found.own] == [
        "lambdas/__init__.py",
        "lambdas/land/__init__.py",
        "lambdas/land/handler.py",
        "stream/__init__.py",
        "stream/block.py",
        "stream/kpl.py",
        "studies/__init__.py",
        "studies/words/__init__.py",
        "studies/words/count.py",
    ]
    assert found.others == {"csv", "json", "msgspec", "zstandard"}


def test_only_land_carries_the_study(project: Path, words: Plan, tmp_path: Path) -> None:
    held = {}
    for function in ("land", "commit"):
        asset = build(function, words, tmp_path / "cache", project)
        with zipfile.ZipFile(asset.path) as archive:
            held[function] = set(archive.namelist())
    assert {"plan.json", "studies/words/count.py", "stream/block.py"} <= held["land"]
    assert "studies/words/study.py" not in held["land"]
    assert held["commit"] == {
        "lambdas/__init__.py",
        "lambdas/commit/__init__.py",
        "lambdas/commit/handler.py",
        "plan.json",
    }


def test_each_map_carries_its_own_function_and_none_the_notebooks(
    project: Path, tmp_path: Path
) -> None:
    (project / "studies/words/other.py").write_text(
        "import studies.words.shared\n\ndef other(item): return item\n"
    )
    (project / "studies/words/shared.py").touch()
    stages = [
        Map("counts", "studies.words.count:count", "SELECT 1", Word),
        Map("others", "studies.words.other:other", "SELECT 1", Word),
    ]
    plan = plan_of(Study("words", "?", stages=stages))
    held = {}
    for stage in ("counts", "others"):
        with zipfile.ZipFile(build(f"map-{stage}", plan, tmp_path / "c", project).path) as archive:
            held[stage] = set(archive.namelist())
    assert {"lambdas/map/handler.py", "lambdas/map/child.py"} <= held["counts"] & held["others"]
    assert held["counts"] - held["others"] == {"studies/words/count.py"}
    assert held["others"] - held["counts"] == {"studies/words/other.py", "studies/words/shared.py"}
    assert "headrace/lake.py" in held["counts"]
    assert "headrace/executor_open.py" not in held["counts"]
    found = imports_of(["lambdas.map.handler", "lambdas.map.child"], project)
    assert found.others == {"resource"}


def test_a_function_that_its_module_lacks_is_told_before_anything_is_deployed(
    project: Path, tmp_path: Path
) -> None:
    stages = [Map("counts", "studies.words.count:cuont", "SELECT 1", Word)]
    plan = plan_of(Study("words", "?", stages=stages))
    with pytest.raises(FunctionZipError, match=r"no cuont in studies/words/count\.py, which has"):
        build("map-counts", plan, tmp_path / "c", project)
    (project / "studies/words/count.py").write_text("def cuont(:\n")
    with pytest.raises(FunctionZipError, match=r"syntax error: .*count\.py, line 1"):
        build("map-counts", plan, tmp_path / "c", project)


def test_an_edit_of_the_transform_changes_land_alone(
    project: Path, words: Plan, tmp_path: Path
) -> None:
    def digests() -> list[str]:
        functions = ("land", "commit")
        return [build(f, words, tmp_path / "cache", project).digest for f in functions]

    before = digests()
    assert digests() == before
    (project / "studies/words/count.py").write_text("def count(row): return row\n")
    land, commit = digests()
    assert land != before[0]
    assert commit == before[1]


def test_a_missing_transform_is_named(project: Path, words: Plan, tmp_path: Path) -> None:
    table = TablePlan("words", (), (), "studies.words.gone:count")
    plan = dataclasses.replace(words, tables=(table,))
    with pytest.raises(FunctionZipError, match=r"studies\.words\.gone.*Write that module"):
        build("land", plan, tmp_path / "cache", project)
