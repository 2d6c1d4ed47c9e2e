"""What all of the vocabulary is held to: the one error, and rules that several words share."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import is_dataclass


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
