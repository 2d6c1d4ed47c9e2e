"""What all of the vocabulary is held to: the one error, and rules that several words share."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import is_dataclass
from typing import Any


class StudyError(ValueError):
    """A study says something that can't be built."""


def check(good: bool, doing: str, found: str, do: str) -> None:
    """Raise a StudyError of three sentences unless `good`."""
    if not good:
        raise StudyError(f"While reading {doing}, found {found}. {do}")


def check_within(doing: str, values: Iterable[tuple[str, float, float, float]]) -> None:
    """Raise a StudyError for the first (name, value, least, most) that is outside its limits."""
    for name, value, low, high in values:
        check(
            low <= value <= high,
            doing,
            f"{name}={value}, outside {low} to {high}",
            f"Set {name} within these limits.",
        )


def check_table_stage(name: str, produces: object, stage: str) -> None:
    """Raise a StudyError unless a stage's name can be its table's, and it says its columns."""
    check(
        re.fullmatch(r"[a-z][a-z0-9_]{0,29}", name) is not None,
        "a stage's name",
        f"{name!r}",
        "Use up to 30 lower-case letters, digits and underscores, a letter first.",
    )
    check(is_dataclass(produces), stage, f"{produces!r}", "Give a dataclass.")


def check_program(path: str, word: str, stage: str, folder: str) -> None:
    """Raise a StudyError unless a path is a Python file's, in `folder` or of a study."""
    good = re.fullmatch(rf"({folder}|studies)(/[A-Za-z_]\w*)+\.py", path) is not None
    do = f'Name a file of the repository, as "{folder}/….py" or "studies/<package>/….py".'
    check(good, stage, f"{word} {path!r}", do)


def check_json(params: Mapping[str, Any], stage: str) -> None:
    """Raise a StudyError unless params can be given as JSON."""
    try:
        json.dumps(dict(params), allow_nan=False)
    except (TypeError, ValueError):
        check(False, stage, "params that are no JSON", "Give JSON's types.")
