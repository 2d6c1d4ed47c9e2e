"""The source files of a stage's function or program: its module, and what that imports of ours."""

from __future__ import annotations

import ast
from pathlib import Path


def of(root: Path, module: str) -> dict[str, str]:
    """Follow the imports of a module inside ``studies`` and ``emr_steps``.

    Parameters
    ----------
    root : Path
        The checkout.
    module : str
        As ``studies.news.score``.

    Returns
    -------
    dict
        Path in the checkout to text; empty where the module isn't there.
    """
    found: dict[str, str] = {}
    todo = [module]
    while todo:
        path = _path(root, todo.pop())
        name = path.relative_to(root).as_posix() if path else ""
        if path and name not in found:
            found[name] = path.read_text(encoding="utf-8")
            todo += _imported(found[name], path.relative_to(root))
    return found


def _path(root: Path, module: str) -> Path | None:
    if not module.startswith(("studies.", "emr_steps.")):
        return None
    base = root.joinpath(*module.split("."))
    choices = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in choices if path.is_file()), None)


def _imported(text: str, path: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = path.parts[: -node.level] if node.level else ()
            module = ".".join([*base, *([node.module] if node.module else [])])
            found += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    return found
