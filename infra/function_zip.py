"""A function's code: its folder, what of the project that imports, and the study's plan.

The zip mirrors the repository, and holds what the handler can reach and nothing else.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable
from dataclasses import dataclass
from modulefinder import Module, ModuleFinder
from pathlib import Path

from headrace.errors import HeadraceError
from headrace.plan import ROOT, Plan, StagePlan
from headrace.stages import Map
from infra.zips import Asset, digest_of, write_zip

#: What `headrace` gives to notebooks when they ask for it, and with it the whole tool. Functions
#: have the package for `headrace.lake` and never ask.
NOTEBOOKS = ("headrace.executor_open",)


class FunctionZipError(HeadraceError):
    """A function's code isn't where the plan says."""


@dataclass(frozen=True)
class Imports:
    """What a set of modules imports, found by reading them; none of it is run.

    Parameters
    ----------
    own : tuple of Path
        The project's files, packages' ``__init__.py`` among them.
    others : frozenset of str
        Top-level modules that are not the project's: dependencies and the standard library.
    """

    own: tuple[Path, ...]
    others: frozenset[str]


def imports_of(modules: Iterable[str], root: Path = ROOT) -> Imports:
    """Follow the imports of modules through the project.

    Parameters
    ----------
    modules : iterable of str
        Dotted names of modules under ``root``.
    root : Path
        The project's folder.

    Raises
    ------
    FunctionZipError
        Where a module isn't there.
    """
    finder = ModuleFinder(path=[str(root)], excludes=NOTEBOOKS)
    for module in modules:
        try:
            finder.import_hook(module, fromlist=["*"])
        except SyntaxError as error:
            raise FunctionZipError(
                f"reading the imports of {module}",
                f"a syntax error: {error}",
                "Correct that line.",
            ) from error
        except ImportError as error:
            raise FunctionZipError(
                f"reading the imports of {module}",
                str(error),
                "Write that module, or correct the study or the function that names it.",
            ) from error
    own = sorted({Path(file) for m in finder.modules.values() if (file := _file(m))})
    others = {name.split(".")[0] for name in finder.badmodules if name not in NOTEBOOKS}
    return Imports(tuple(own), frozenset(others))


def _file(module: Module) -> str | None:
    found: str | None = vars(module)["__file__"]
    return found


def folder_of(function: str) -> str:
    """Folder under ``lambdas/`` of a function: those of all Map stages share one."""
    return "map" if function.startswith("map-") else function


def modules_of(name: str, plan: Plan) -> list[str]:
    """Modules that a function begins with: its handler, and those that the study names.

    For land these are the transforms', for ``map-STAGE`` the stage's function's.
    """
    folder = folder_of(name)
    named = set[str]()
    if name == "land":
        named = {t.transform.split(":")[0] for t in plan.tables if t.transform}
    if folder == "map":
        named = {_module(s) for s in plan.maps if name == f"map-{s.name}"}
        named.add("lambdas.map.child")  # run as a script, which no import says
    return [f"lambdas.{folder}.handler", *sorted(named)]


def _module(stage: StagePlan) -> str:
    function: str = stage.deployed()["fn"]
    return function.split(":")[0]


def build(name: str, plan: Plan, cache: Path, root: Path = ROOT) -> Asset:
    """Give the zip of a function for a study.

    Parameters
    ----------
    name : str
        The function: its folder under ``lambdas/``, or ``map-STAGE``.
    plan : Plan
        The study's; its ``deployed()`` is ``plan.json`` at the zip's root.
    cache : Path
        Folder of zips by digest.
    root : Path
        The project's folder.

    Raises
    ------
    FunctionZipError
        Where the handler, a transform or a stage's function isn't there.
    """
    files = imports_of(modules_of(name, plan), root).own
    _check_functions(name, plan, root)
    entries = {path.relative_to(root).as_posix(): path.read_bytes() for path in files}
    entries["plan.json"] = json.dumps(plan.deployed(), sort_keys=True).encode()
    asset = Asset(cache / f"{digest_of(entries)}.zip", digest_of(entries))
    if not asset.path.is_file():
        write_zip(asset.path, entries)
    return asset


def _check_functions(name: str, plan: Plan, root: Path) -> None:
    """Refuse the name of a Map's function that its module doesn't have, without running it."""
    for stage in plan.maps:
        if plan.map_function(stage.name) != plan.function(name) or not isinstance(stage.stage, Map):
            continue
        module, _, wanted = stage.stage.fn.partition(":")
        path = root.joinpath(*module.split("."))
        file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        known = names_of(ast.parse(file.read_text(encoding="utf-8")))
        if wanted not in known and "*" not in known:  # of a star import nothing is known
            raise FunctionZipError(
                f"looking for the function of stage {stage.name}",
                f"no {wanted} in {file.relative_to(root)}, which has {', '.join(sorted(known))}",
                "Correct its name in the study.",
            )


def names_of(module: ast.Module) -> set[str]:
    """Names that a module defines or imports, also within `if` and `try`."""
    found: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found
