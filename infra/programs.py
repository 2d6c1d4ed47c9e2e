"""The programs of a study's stages on clusters and in containers, as these get them.

An archive mirrors the repository and holds what the program imports of it. For a cluster its
packages are at the root, for the nodes' Python and system, so that nothing is fetched while the
cluster starts; a container's image has them already.
"""

from __future__ import annotations

import ast
import re
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from headrace.locks import versions_of
from headrace.plan import ROOT, StagePlan
from headrace.target import Target
from infra import layer_zip
from infra.function_zip import imports_of
from infra.layer_zip import Layer
from infra.program_jars import ProgramError, jars_of
from infra.zips import Asset, digest_of, write_zip

#: What starts a MapReduce task on a node, see `docs/contracts.md`.
LAUNCH = "emr_steps.launch"
#: Packages' own tests, which need what isn't there: a quarter of numpy.
_LEFT_OUT = re.compile(r"[^/]+/(.+/)?tests/.*")
#: Instance families with AWS's own processors, as m7g or im4gn: a `g` after the generation.
#: https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html
_GRAVITON = re.compile(r"(a1|[a-z]+\d+g[a-z]*)\.")


@dataclass(frozen=True)
class Program:
    """What a stage's program consists of.

    Parameters
    ----------
    file : Asset
        The program itself.
    archive : Asset
        What it imports.
    jars : tuple of Asset
        What it needs of Java.
    libraries : mapping
        Versions of the packages in the archive.
    """

    file: Asset
    archive: Asset
    jars: tuple[Asset, ...] = ()
    libraries: Mapping[str, str] = field(default_factory=dict)


def build(
    stage: StagePlan, target: Target, instance: str, cache: Path, say: Callable[[str], None]
) -> Program:
    """Pack a stage's program, or take it from the cache.

    Parameters
    ----------
    stage : StagePlan
        A MapReduce or Spark stage.
    target : Target
        Decides the nodes' Python and system.
    instance : str
        The nodes' instance type, which decides their processor.
    cache : Path
        Folder of zips and jars.
    say : callable
        Told in a line what takes long.

    Raises
    ------
    ProgramError
        Where a jar is not known or can't be had.
    FunctionZipError
        Where the program, or what it imports of the repository, isn't there.
    """
    content = (ROOT / stage.program).read_bytes()
    file = Asset(ROOT / stage.program, digest_of({stage.program: content}))
    jars = jars_of(stage.deployed()["jars"], cache / "jars", say)
    lock = packages_of(stage, target, instance).lock
    libraries = versions_of(lock, target.node_python)
    return Program(file, _archive(stage, target, instance, cache, say), jars, libraries)


def sources(stage: StagePlan, cache: Path) -> Asset:
    """Pack the program of a stage in containers with what it imports of the repository.

    Parameters
    ----------
    stage : StagePlan
        The stage.
    cache : Path
        Folder of zips.

    Raises
    ------
    FunctionZipError
        Where the program, or what it imports of the repository, isn't there.
    """
    paths = imports_of(modules_of(stage)).own
    entries = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
    asset = Asset(cache / "programs" / f"{digest_of(entries)}.zip", digest_of(entries))
    if not asset.path.is_file():
        write_zip(asset.path, dict(entries))
    return asset


def _archive(
    stage: StagePlan, target: Target, instance: str, cache: Path, say: Callable[[str], None]
) -> Asset:
    packages = layer_zip.build(packages_of(stage, target, instance), cache / "layers", say)
    own = imports_of(modules_of(stage)).own
    paths = [*own, *beside(ROOT / stage.program)]
    entries = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
    digest = digest_of({**entries, ".packages": packages.digest.encode()})
    asset = Asset(cache / "programs" / f"{digest}.zip", digest)
    if not asset.path.is_file():
        write_zip(asset.path, {**_unpacked(packages.path), **entries})
    return asset


def modules_of(stage: StagePlan) -> list[str]:
    """Modules that a stage's program begins with."""
    module = stage.program.removesuffix(".py").replace("/", ".")
    return [LAUNCH, module] if stage.kind == "mapreduce" else [module]


def beside(program: Path, root: Path = ROOT) -> list[Path]:
    """Files that a job's class names as its ``FILES`` and ``DIRS``, which mrjob has ship with it.

    https://mrjob.readthedocs.io/en/latest/job.html#uploading-support-files
    """
    found: list[Path] = []
    for node in ast.walk(ast.parse(program.read_text(encoding="utf-8"))):
        for name in _literals(node) if isinstance(node, ast.ClassDef) else ():
            path = (program.parent / name.partition("#")[0]).resolve()
            if not path.is_relative_to(root) or not path.exists():
                raise ProgramError(
                    f"packing {program.relative_to(root)}",
                    f"no {name} in the repository, which its FILES or DIRS name",
                    "Put it beside the program.",
                )
            found += [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    return sorted(found)


def _literals(node: ast.ClassDef) -> list[str]:
    """Texts of a class's ``FILES`` and ``DIRS``."""
    found: list[str] = []
    for said in node.body:
        if not (isinstance(said, ast.Assign) and isinstance(said.value, ast.List | ast.Tuple)):
            continue
        if {t.id for t in said.targets if isinstance(t, ast.Name)} & {"FILES", "DIRS"}:
            texts = [e.value for e in said.value.elts if isinstance(e, ast.Constant)]
            found += [text for text in texts if isinstance(text, str)]
    return found


def packages_of(stage: StagePlan, target: Target, instance: str) -> Layer:
    """What decides the packages of a stage's archive: its engine's lock, and the nodes."""
    platform = target.node_platform
    if platform and _GRAVITON.match(instance):
        platform = platform.replace("x86_64", "aarch64")
    lock = ROOT / "emr_steps" / f"{stage.kind}.txt"
    return Layer(lock, target.node_python.removeprefix("python"), platform)


def _unpacked(packages: Path) -> dict[str, bytes | Path]:
    """A layer's files by their names below `python/`."""
    with zipfile.ZipFile(packages) as archive:
        names = {name.removeprefix("python/"): name for name in archive.namelist()}
        return {to: archive.read(n) for to, n in names.items() if not _LEFT_OUT.fullmatch(to)}
