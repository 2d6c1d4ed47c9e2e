"""The texts of a grid search: read on rank 0, in one order, and Scattered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.mpi.program import Program, ProgramError
from tasks.mpi.split import share


@dataclass(frozen=True)
class Examples:
    """Texts, those with a label first.

    Parameters
    ----------
    count, labelled : int
        How many texts, and of these with a label.
    ones : ndarray of float64
        1.0 where a label is the second class, 0.0 where it is the first.
    fold : ndarray of int64
        Each labelled text's fold.
    folds : int
        How many.
    classes : list
        The two labels.
    texts : list of str
        This rank's share of all texts.
    documents : list
        What names the texts without a label; on rank 0.
    """

    count: int
    labelled: int
    ones: NDArray[np.float64]
    fold: NDArray[np.int64]
    folds: int
    classes: list[Any]
    texts: list[str] = field(default_factory=list)
    documents: list[Any] = field(default_factory=list)


def examples(program: Program) -> Examples:
    """Read on rank 0, and share.

    Raises
    ------
    ProgramError
        Where there are not two classes, or folds without rows.
    """
    texts, documents, told = _read(program) if program.root else ([], [], None)
    told = program.comm.bcast(told)
    assert isinstance(told, Examples)  # noqa: S101  # rank 0 has read it
    shares = [share(told.count, rank, program.size) for rank in range(program.size)]
    cut = [texts[s.start : s.stop] for s in shares] if program.root else None
    mine = program.comm.scatter(cut)
    return replace(told, texts=mine, documents=documents)


def _read(program: Program) -> tuple[list[str], list[Any], Examples]:
    from tasks.mpi import rows

    text, label = program.param("text", "text"), program.param("label", "label")
    group, name = program.param("group", text), program.param("id", "id")
    asked = program.choice("rows", "settings", "predictions") == "predictions"
    table = rows.read(program.input, *{text, label, group, *([name] if asked else [])})
    columns = {c: table[c].to_pylist() for c in table.column_names}
    found = zip(columns[text], columns[label], columns[group], strict=True)
    kept = sorted((t, lab, str(g)) for t, lab, g in found if t is not None and lab is not None)
    classes = _classes(program, kept)
    kept = [row for row in kept if row[1] in classes]
    unlabelled = []
    if asked:
        found = zip(columns[name], columns[text], columns[label], strict=True)
        unlabelled = sorted((n, t or "") for n, t, lab in found if lab is None)
    program.note("rows_of_other_labels", table.num_rows - len(kept) - len(unlabelled))
    texts = [row[0] for row in kept] + [t for _, t in unlabelled]
    return texts, [n for n, _ in unlabelled], _folded(program, kept, classes, len(texts))


def _classes(program: Program, kept: list[tuple[str, Any, str]]) -> list[Any]:
    there = sorted({label for _, label, _ in kept})
    classes: list[Any] = program.param("classes", []) or there
    if len(classes) != 2 or not set(classes) <= set(there):
        raise ProgramError(
            f"While reading examples, found the labels {', '.join(map(str, there[:8]))}, where "
            f"{', '.join(map(str, classes[:8])) or 'none'} are the classes. Two that are there are "
            "wanted. Name them by the param classes."
        )
    return classes


def _folded(
    program: Program, kept: list[tuple[str, Any, str]], classes: list[Any], count: int
) -> Examples:
    """Folds follow from the group's name and the seed, not from where a row lies."""
    folds = program.param("folds", 3)
    fold = np.array([_fold(program.seed, group, folds) for _, _, group in kept], dtype=np.int64)
    ones = np.array([float(label == classes[1]) for _, label, _ in kept])
    for one in range(folds):
        rest = ones[fold != one]
        if not (fold == one).any() or len(set(rest)) < 2:
            raise ProgramError(
                f"While making {folds} folds of {len(kept)} texts, found fold {one} empty, or one "
                "class alone beside it. Give more groups, or fewer folds."
            )
    return Examples(count, len(kept), ones, fold, folds, classes)


def _fold(seed: int, group: str, folds: int) -> int:
    told = hashlib.blake2b(f"{seed} {group}".encode(), digest_size=8).digest()
    return int.from_bytes(told, "big") % folds
