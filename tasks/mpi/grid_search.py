"""Can a text's words tell its class? A grid of models over ranks, by Foster's four steps.

    Mpi("party_model", program="tasks/mpi/grid_search.py", ranks=4, produces=Setting,
        input="SELECT text, party AS label, year AS group_ FROM sentences",
        params={"group": "group_", "features": [4096, 16384], "regularization": [1e-5, 1e-4]})

* Partitioning. n settings (each of `features` with each of `regularization`) are to be
  cross-validated, and m texts without a label to be classed. A text's words, a setting's score
  and a text's class are each computed without the others.
* Communication. All fits need all words; choosing the winner needs every score; classing needs
  the winner's weights. Progress goes from each rank to rank 0.
* Agglomeration. A rank takes its share of the texts to split into words, then settings with all
  their folds (they share one matrix), then a shard of the m texts.
* Mapping. Settings are dealt, since those with more features cost more: setting i is rank
  i mod p's. Allreduce (MAXLOC) finds the best accuracy, of equal ones the first setting; its rank
  fits it to all labelled texts and Bcasts the weights.

Each fit is made whole by one rank, in one order of rows, so that the ranks change no digit.

A row a setting; with ``"rows": "predictions"`` a row a text without a label:

| column | meaning | | column | meaning |
|---|---|---|---|---|
| `features` | hashed words | | `document` | the input's column of the param `id` |
| `regularization` | L2 | | `label` | the class that is likelier |
| `asked`, `right` | labelled texts, and those classed right | | `probability` | of that class |
| `accuracy`, `baseline` | right / asked; of the commonest class | | | |
| `winner` | whether it is the best | | | |

Params: `text`, `label`, `id` (columns, named so by default), `group` (by default the text: texts
of one group are in one fold), `classes` (two labels; by default all there are), `folds` (3),
`features` ([4096, 16384]), `regularization` ([1e-5, 1e-4]), `rows` ("settings").
"""

from __future__ import annotations

from typing import Any

import numpy as np
from mpi4py import MPI
from numpy.typing import NDArray

from tasks.mpi import text_model
from tasks.mpi.program import Columns, Program, main
from tasks.mpi.progress import Progress
from tasks.mpi.split import counts, deal, share
from tasks.mpi.text_rows import Examples, examples

PAIR = np.dtype([("right", np.float64), ("place", np.intc)], align=True)  # MPI.DOUBLE_INT
PARAMS = (
    *("text", "label", "id", "group", "classes", "folds", "features", "regularization", "rows"),
)


def grid_search(program: Program) -> Columns | None:
    """Search the grid, and class what has no label."""
    program.known(*PARAMS)
    wanted = program.choice("rows", "settings", "predictions")
    given = examples(program)
    settings = [
        (int(features), float(regularization))
        for features in program.param("features", [4096, 16384])
        for regularization in program.param("regularization", [1e-5, 1e-4])
    ]
    with program.computing():
        bags = _bags(program, given)
        right, flop = _searched(program, given, bags, settings)
        best = _best(program, right, deal(len(settings), program.rank, program.size))
        every = program.comm.gather(right.tolist())
        weights = _winner(program, given, bags, settings[best], best % program.size)
        told = _classed(program, given, bags, weights)
    flop = program.comm.reduce(flop)
    if not program.root:
        return None
    program.note("flop", flop)
    if wanted == "predictions":
        return _predictions(given, told)
    return _scores(given, settings, every, best)


def _bags(program: Program, given: Examples) -> text_model.Bags:
    """Split this rank's share of the texts into words, and Allgather all."""
    mine = text_model.bags(given.texts)
    comm = program.comm
    sizes = np.empty(given.count, dtype=np.int64)
    comm.Allgatherv(mine.sizes, [sizes, counts(given.count, program.size)])
    words = comm.allgather(len(mine.hashes))
    hashes, times = np.empty(sum(words), dtype=np.uint32), np.empty(sum(words))
    comm.Allgatherv(mine.hashes, [hashes, words])
    comm.Allgatherv(mine.counts, [times, words])
    return text_model.Bags(sizes, hashes, times)


def _searched(
    program: Program, given: Examples, bags: text_model.Bags, settings: list[tuple[int, float]]
) -> tuple[NDArray[np.int64], int]:
    """Cross-validate this rank's settings: how many texts each classes right, and the work."""
    right, flop, progress = [], 0, Progress(program.comm, len(settings))
    for place in deal(len(settings), program.rank, program.size):
        features, regularization = settings[place]
        matrix = bags.matrix(features)[: given.labelled]
        correct = 0
        for fold in range(given.folds):
            asked = given.fold == fold
            fitted = text_model.fit(matrix[~asked], given.ones[~asked], regularization)
            likely = text_model.probabilities(matrix[asked], fitted.weights)
            correct += int(((likely > 0.5) == (given.ones[asked] > 0.5)).sum())
            flop += 4 * fitted.rounds * int(matrix[~asked].nnz)  # two products with the matrix
        right.append(correct)
        progress.done()
    progress.all_done()
    return np.array(right, dtype=np.int64), flop


def _best(program: Program, right: NDArray[np.int64], places: range) -> int:
    mine, best = np.zeros(1, PAIR), np.zeros(1, PAIR)
    mine[0] = -1, np.iinfo(np.intc).max  # a rank without a setting is never the best
    if len(right):
        mine[0] = right.max(), places[int(right.argmax())]
    pairs = [[mine, MPI.DOUBLE_INT], [best, MPI.DOUBLE_INT]]
    program.comm.Allreduce(*pairs, op=MPI.MAXLOC)
    return int(best["place"][0])


def _winner(
    program: Program, given: Examples, bags: text_model.Bags, setting: tuple[int, float], rank: int
) -> text_model.Floats:
    """Fit the winner to all labelled texts on its rank, and Bcast its weights."""
    features, regularization = setting
    weights = np.empty(features + 1)
    if given.count > given.labelled:  # else nobody asks it
        if program.rank == rank:
            matrix = bags.matrix(features)[: given.labelled]
            weights = text_model.fit(matrix, given.ones, regularization).weights
        program.comm.Bcast(weights, root=rank)
    return weights


def _classed(
    program: Program, given: Examples, bags: text_model.Bags, weights: text_model.Floats
) -> text_model.Floats | None:
    """Class a shard of the texts without a label, and Gather all on rank 0."""
    asked = given.count - given.labelled
    mine = share(asked, program.rank, program.size)
    first = given.labelled
    matrix = bags.matrix(len(weights) - 1)[first + mine.start : first + mine.stop]
    likely = text_model.probabilities(matrix, weights)
    whole = np.empty(asked) if program.root else None
    sizes = counts(asked, program.size)
    program.comm.Gatherv(likely, [whole, sizes] if program.root else None)
    return whole


def _scores(
    given: Examples, settings: list[tuple[int, float]], every: Any, best: int
) -> dict[str, Any]:
    size = len(every)
    right = [every[place % size][place // size] for place in range(len(settings))]
    return {
        "features": [s[0] for s in settings],
        "regularization": [s[1] for s in settings],
        "asked": [given.labelled] * len(settings),
        "right": right,
        "accuracy": [n / given.labelled for n in right],
        "baseline": [max(given.ones.mean(), 1 - given.ones.mean())] * len(settings),
        "winner": [place == best for place in range(len(settings))],
    }


def _predictions(given: Examples, likely: Any) -> dict[str, Any]:
    second = likely > 0.5
    return {
        "document": given.documents,
        "label": [given.classes[int(s)] for s in second],
        "probability": np.where(second, likely, 1 - likely),
    }


if __name__ == "__main__":
    main(grid_search)
