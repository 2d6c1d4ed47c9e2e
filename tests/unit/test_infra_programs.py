"""A program's archive holds what the program imports, and needs nothing of the machine."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from headrace import target as targets
from headrace.plan import ROOT, StagePlan, plan_of
from headrace.study import Mpi, Study
from infra import programs
from infra.bundle import CACHE, Bundler
from infra.function_zip import FunctionZipError
from infra.program_jars import ProgramError, jar_name, jars_of
from infra.programs import beside, modules_of, packages_of
from tests.unit.infra_synth import Step, corpus

PLAN = corpus()
TOPS, PAIRS = PLAN.stage("tops"), PLAN.stage("pairs")
LOCAL = targets.local(None)
#: What Spark itself gives its programs.
SPARK = ("pyspark", "py4j")
Unpack = Callable[[StagePlan], Path]


def archive(stage: StagePlan) -> Path:
    made = programs._archive(stage, LOCAL, "m6i.xlarge", CACHE, lambda _: None)
    return made.path


@pytest.fixture(scope="module")
def unpack(tmp_path_factory: pytest.TempPathFactory) -> Unpack:
    folder = tmp_path_factory.mktemp("programs")

    def unpacked(stage: StagePlan) -> Path:
        to = folder / stage.name
        if not to.is_dir():
            with zipfile.ZipFile(archive(stage)) as zipped:
                zipped.extractall(to)
        return to

    return unpacked


@pytest.mark.parametrize("stage", [TOPS, PAIRS], ids=lambda s: s.name)
def test_a_program_imports_with_its_archive_alone(
    stage: StagePlan, unpack: Unpack, tmp_path: Path
) -> None:
    folder, spark = unpack(stage), tmp_path / "spark"
    spark.mkdir()
    for package in SPARK if stage.kind == "spark" else ():
        (spark / package).symlink_to(Path(sysconfig.get_path("purelib")) / package)
    text = (
        f"import sys; sys.path[:0] = {[str(folder), str(spark)]!r}\nimport importlib\n"
        f"for name in {modules_of(stage)!r}: importlib.import_module(name)\n"
    )
    words = [sys.executable, "-I", "-S", "-c", text]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_task_starts_from_the_archive(unpack: Unpack, tmp_path: Path) -> None:
    folder = unpack(TOPS)
    launch, line = str(folder / "emr_steps" / "launch.py"), b'{"text": "one word and one"}\n'
    words = [launch, TOPS.program, "--step-num=0", "--mapper"]
    # As on a node: of what is installed here it sees nothing.
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(folder)}
    command = [sys.executable, "-S", *words]
    done = subprocess.run(
        command, env=environment, input=line, capture_output=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"word" in done.stdout


@pytest.mark.parametrize("stage", [TOPS, PAIRS], ids=lambda s: s.name)
def test_an_archive_mirrors_the_repository_beside_its_packages(stage: StagePlan) -> None:
    with zipfile.ZipFile(archive(stage)) as zipped:
        held = set(zipped.namelist())
    assert stage.program in held
    assert "emr_steps/__init__.py" in held
    assert ("emr_steps/launch.py" in held) == (stage.kind == "mapreduce")
    own = {name for name in held if (ROOT / name).is_file()}
    assert {name.split("/")[0] for name in own} == {"emr_steps"}
    packages = {name.split("/")[0] for name in held - own}
    wanted = {"mapreduce": "mrjob", "spark": "numpy"}[stage.kind]
    assert wanted in packages
    assert not packages & {"pyarrow", "boto3", "pyspark", "headrace", "localcloud", "python"}
    assert not [name for name in held - own if "/tests/" in name]


def test_an_archive_is_named_by_what_it_holds(tmp_path: Path) -> None:
    one, again = archive(TOPS), archive(TOPS)
    assert one == again
    assert archive(PAIRS) != one
    assert one.parent == CACHE / "programs"


@pytest.mark.parametrize(
    ("instance", "platform"),
    [
        ("m6i.xlarge", "x86_64-manylinux_2_34"),
        ("g4dn.xlarge", "x86_64-manylinux_2_34"),
        ("m7g.xlarge", "aarch64-manylinux_2_34"),
        ("im4gn.large", "aarch64-manylinux_2_34"),
        ("a1.large", "aarch64-manylinux_2_34"),
    ],
)
def test_packages_are_those_of_the_nodes(instance: str, platform: str) -> None:
    layer = packages_of(PAIRS, targets.aws(), instance)
    assert (layer.python, layer.platform) == ("3.11", platform)
    assert layer.lock == ROOT / "emr_steps" / "spark.txt"
    here = packages_of(TOPS, LOCAL, instance)
    assert (here.python, here.platform) == (
        f"{sys.version_info.major}.{sys.version_info.minor}",
        None,
    )


def test_what_a_job_names_beside_it_goes_with_it(tmp_path: Path) -> None:
    job = tmp_path / "jobs" / "count.py"
    (job.parent / "words").mkdir(parents=True)
    (job.parent / "stop.txt").write_text("the")
    (job.parent / "words" / "en.txt").write_text("a")
    job.write_text('class Count:\n    FILES = ["stop.txt#s"]\n    DIRS = ("words",)\n')
    found = [p.relative_to(job.parent).as_posix() for p in beside(job, tmp_path)]
    assert found == ["stop.txt", "words/en.txt"]
    job.write_text('class Count:\n    FILES = ["../../etc/passwd"]\n')
    with pytest.raises(ProgramError, match=r"jobs/count\.py, found no \.\./\.\./etc/passwd"):
        beside(job, tmp_path)


def test_a_jar_is_the_pinned_one_or_none(tmp_path: Path) -> None:
    said: list[str] = []
    coordinate, pins = "org.example:graphs:1.0", tmp_path / "jars.json"
    jar = tmp_path / jar_name(coordinate)
    jar.write_bytes(b"jar")
    pins.write_text(json.dumps({coordinate: hashlib.sha256(b"jar").hexdigest()}))
    (asset,) = jars_of([coordinate], tmp_path, said.append, pins)
    assert (asset.path, asset.digest) == (jar, hashlib.sha256(b"jar").hexdigest())
    assert said == []
    jar.write_bytes(b"another")
    with pytest.raises(ProgramError, match="SHA-256"):
        jars_of([coordinate], tmp_path, said.append, pins)
    with pytest.raises(ProgramError, match=r"the jar a:b:1, found no pin of it"):
        jars_of(["a:b:1"], tmp_path, said.append, pins)
    assert jars_of([], tmp_path, said.append, tmp_path / "none.json") == ()


def test_a_bundler_gives_the_program_and_its_archive() -> None:
    made = Bundler(PLAN, LOCAL).program(TOPS)
    assert made.file.path == ROOT / TOPS.program
    assert made.archive.path == archive(TOPS)
    assert made.jars == ()


def job(program: str) -> StagePlan:
    made = Mpi("walks", program, "SELECT 1 AS n", Step)
    return plan_of(Study("walks", "How far?", stages=[made])).stage("walks")


def test_a_job_s_archive_has_sources_alone(tmp_path: Path) -> None:
    made = programs.sources(job("tasks/mpi/random_walks.py"), tmp_path)
    with zipfile.ZipFile(made.path) as zipped:
        held = set(zipped.namelist())
        assert [n for n in held if zipped.read(n) != (ROOT / n).read_bytes()] == []
    assert {"tasks/__init__.py", "tasks/mpi/__init__.py", "tasks/mpi/random_walks.py"} <= held
    assert {name.split("/")[0] for name in held} == {"tasks"}
    assert not [name for name in held if name.startswith("tasks/boot/")]
    assert programs.sources(job("tasks/mpi/random_walks.py"), tmp_path) == made


def test_a_job_without_a_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FunctionZipError, match="tasks.mpi.not_there"):
        programs.sources(job("tasks/mpi/not_there.py"), tmp_path)
