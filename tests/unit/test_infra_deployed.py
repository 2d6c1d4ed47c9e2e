"""What is deployed holds all that it imports, and fits into Lambda.

The layers are those of the cache, or are built: ``make`` fills the cache at set-up.
"""

from __future__ import annotations

import functools
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from headrace import plan as plans
from headrace import target as targets
from infra import function_zip
from infra.bundle import UNPACKED_LIMIT_BYTES, Bundler, functions_of, main
from infra.layer_zip import layer_for
from infra.prune import RUNTIME_PACKAGES
from infra.zips import Asset, unpacked_bytes

#: Imported by ``headrace.lake`` in functions that these never call.
LATE = {"land": {"pyiceberg"}, "map": {"pyiceberg"}, "run": {"pyarrow", "pyiceberg"}}
#: What a function imports late, and must find.
WANTED = {
    "land": "pyarrow.parquet, pyarrow.fs; pyarrow.fs.S3FileSystem",
    "map": "pyarrow.parquet",
    "run": "boto3",
    "image": "boto3",
}
WRITER = "pyarrow.fs, pyiceberg.catalog.glue, pyiceberg.io.pyarrow; pyarrow.fs.S3FileSystem"
#: What boto3 stands on, and Lambda's runtime has beside it.
UNDER_BOTO3 = ("dateutil", "six.py", "urllib3")

#: Name of an Arrow library as an ELF file's string table holds it.
ARROW_LIBRARY = re.compile(rb"\0(lib(?:arrow|parquet)\w*\.so\.\d+)(?=\0)")

deployed = pytest.mark.parametrize(
    ("study", "function"), [(s, f) for s in plans.names() for f in functions_of(plans.load(s))]
)


def bundler(study: str, target: targets.Target, cache: Path | None = None) -> Bundler:
    plan = plans.load(study)
    return Bundler(plan, target, cache) if cache else Bundler(plan, target)


def modules_in(layer: Path) -> set[str]:
    """Top-level modules of a layer."""
    with zipfile.ZipFile(layer) as archive:
        return {name.split("/")[1].split(".")[0] for name in archive.namelist()}


@deployed
def test_every_import_is_in_the_zip_the_layer_or_the_runtime(study: str, function: str) -> None:
    made = bundler(study, targets.local(None))
    found = function_zip.imports_of(function_zip.modules_of(function, made.plan))
    layer = made.layer(function)
    packages = modules_in(layer.path) if layer else set[str]()
    known = sys.stdlib_module_names | RUNTIME_PACKAGES | packages
    late = LATE.get(function_zip.folder_of(function), set[str]())
    assert found.others - known - late == set()


@deployed
def test_a_zip_holds_code_and_plan_and_nothing_else(
    study: str, function: str, tmp_path: Path
) -> None:
    asset = bundler(study, targets.local(None), tmp_path).code(function)
    with zipfile.ZipFile(asset.path) as archive:
        names = set(archive.namelist())
        plan = json.loads(archive.read("plan.json"))
    assert plan == json.loads(json.dumps(plans.load(study).deployed()))
    assert f"lambdas/{function_zip.folder_of(function)}/handler.py" in names
    assert {Path(n).suffix for n in names} == {".py", ".json"}
    assert unpacked_bytes(asset.path) < 250_000


Unpack = Callable[[Asset], Path]


@pytest.fixture(scope="module")
def unpack() -> Iterator[Unpack]:
    """Unpacks a zip once for all; 300 MB that don't stay."""
    with tempfile.TemporaryDirectory() as folder:

        @functools.cache
        def unpacked(asset: Asset) -> Path:
            with zipfile.ZipFile(asset.path) as archive:
                archive.extractall(Path(folder) / asset.digest)
            return Path(folder) / asset.digest

        yield unpacked


@deployed
def test_a_deployed_function_imports_and_fits(
    study: str, function: str, unpack: Unpack, tmp_path: Path
) -> None:
    """Under ``-I -S`` only the zip, the layer, boto3 and the standard library are there."""
    made = bundler(study, targets.local(None))
    zips = [zip_ for zip_ in (made.code(function), made.layer(function)) if zip_]
    assert sum(unpacked_bytes(zip_.path) for zip_ in zips) < UNPACKED_LIMIT_BYTES
    task, runtime = unpack(zips[0]), tmp_path / "runtime"
    layers = [unpack(layer) / "python" for layer in zips[1:]]
    site = Path(sysconfig.get_path("purelib"))
    runtime.mkdir()
    for package in (*RUNTIME_PACKAGES, *UNDER_BOTO3):
        (runtime / package).symlink_to(site / package)
    path = [str(folder) for folder in (task, *layers, runtime)]
    modules = function_zip.modules_of(function, made.plan)
    text = (
        f"import sys; sys.path[:0] = {path!r}\nimport importlib\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        f"import {WANTED.get(function_zip.folder_of(function), WRITER)}\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", text],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"LAMBDA_TASK_ROOT": str(task), "LANG": os.environ.get("LANG", "C")},
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@deployed
def test_a_function_fits_into_lambda_on_aws(study: str, function: str) -> None:
    made = bundler(study, targets.aws())
    layer, code = made.layer(function), made.code(function)
    if layer is None:
        return
    assert unpacked_bytes(layer.path) + unpacked_bytes(code.path) < UNPACKED_LIMIT_BYTES
    with zipfile.ZipFile(layer.path) as archive:
        names = archive.namelist()
        shared = {n.split("/")[-1]: archive.read(n) for n in names if ".so" in n.split("/")[-1]}
    extensions = [n for n in shared if n.endswith("-gnu.so")]
    assert extensions
    assert all(n.endswith("-aarch64-linux-gnu.so") for n in extensions)
    # No import can be tried here, so: every part of Arrow that another is linked to is there.
    linked = {n.decode() for data in shared.values() for n in ARROW_LIBRARY.findall(data)}
    assert len(linked) > 3
    assert linked <= shared.keys()


def test_layers_are_built_for_what_the_target_runs() -> None:
    lock = Path("requirements.txt")
    aws = layer_for(lock, targets.aws())
    assert (aws.python, aws.platform) == ("3.13", "aarch64-manylinux_2_28")
    here = layer_for(lock, targets.local(None))
    assert (here.python, here.platform, here.compiled) == (
        f"{sys.version_info.major}.{sys.version_info.minor}",
        None,
        True,
    )


def test_commit_and_table_share_one_layer_and_land_takes_the_studys() -> None:
    made = bundler("speeches", targets.local(None))
    assert (
        made.lock("commit") == made.lock("table") == plans.ROOT / "lambdas/commit/requirements.txt"
    )
    assert made.lock("land") == plans.ROOT / "studies/speeches/requirements.txt"


def test_a_studys_lock_serves_its_maps_and_the_run_needs_none() -> None:
    made = bundler("speeches", targets.local(None))
    assert made.lock("map-words") == made.lock("land")
    assert made.lock("run") is None
    assert made.layer("run") is None


def test_the_bundle_command_says_how_it_is_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "python -m infra.bundle STUDY" in capsys.readouterr().err


def test_the_bundle_command_tells_each_layers_size(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEADRACE_TARGET", "local")
    assert main(["speeches"]) == 0
    lines = capsys.readouterr().out.splitlines()
    plan = plans.load("speeches")
    made = [*functions_of(plan), *(stage.name for stage in plan.emr)]
    assert [line.split(":")[0] for line in lines] == [f"speeches {name}" for name in made]
    assert all("MB unpacked" in line for line in lines)


def test_the_app_without_a_study_ends_with_what_to_do() -> None:
    environment = {k: v for k, v in os.environ.items() if k != "HEADRACE_STUDY"}
    done = subprocess.run(
        [sys.executable, "app.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=plans.ROOT,
        env=environment,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("headrace: While starting the CDK app, found no study named.")
    assert "HEADRACE_STUDY" in done.stderr
