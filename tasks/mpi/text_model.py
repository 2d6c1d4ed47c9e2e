"""Which of two classes a text is of: logistic regression on hashed words.

A text is the bag of its words' hashes (CRC-32 of the lower-case word, cut to `features`), each
weighted by the root of its count, the row scaled to length 1. There is no vocabulary to agree on,
so ranks need not talk to make it.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]
WORD = re.compile(r"[^\W\d_](?:[\w']*\w)?")
ROUNDS = 200


@dataclass(frozen=True)
class Bags:
    """Texts as bags of words.

    Parameters
    ----------
    sizes : ndarray of int64
        How many words each text has.
    hashes : ndarray of uint32
        Their words, text after text.
    counts : ndarray of float64
        How often the text has each.
    """

    sizes: NDArray[np.int64]
    hashes: NDArray[np.uint32]
    counts: Floats

    def matrix(self, features: int) -> Any:
        """Rows of length 1, a column a feature; words that share one are added."""
        starts = np.concatenate([[0], np.cumsum(self.sizes)])
        columns = (self.hashes % np.uint32(features)).astype(np.int32)
        shape = len(self.sizes), features
        made = sparse.csr_matrix((self.counts, columns, starts), shape, copy=True)
        made.sum_duplicates()
        made.data = np.sqrt(made.data)
        lengths = np.sqrt(np.asarray(made.multiply(made).sum(axis=1)).ravel())
        lengths[lengths == 0] = 1.0  # a text without words
        made.data /= np.repeat(lengths, np.diff(made.indptr))
        return made


def bags(texts: Sequence[str]) -> Bags:
    """Split texts into words; a text's words in the order of their hashes."""
    counted = [
        sorted(Counter(zlib.crc32(w.encode()) for w in WORD.findall(text.lower())).items())
        for text in texts
    ]
    pairs = [pair for text in counted for pair in text]
    told = np.array(pairs, dtype=np.int64).reshape(len(pairs), 2)
    sizes = np.array([len(text) for text in counted], dtype=np.int64)
    return Bags(sizes, told[:, 0].astype(np.uint32), told[:, 1].astype(np.float64))


@dataclass(frozen=True)
class Fit:
    """A fitted model.

    Parameters
    ----------
    weights : ndarray, shape (features + 1,)
        The last one is the constant's.
    rounds : int
        How often the loss was computed.
    converged : bool
        Whether the optimiser was done before its last round.
    """

    weights: Floats
    rounds: int
    converged: bool


def fit(matrix: Any, ones: Floats, regularization: float) -> Fit:
    """Minimise the mean log loss plus ``regularization / 2 * |w|^2`` by L-BFGS.

    Parameters
    ----------
    matrix : sparse array, shape (texts, features)
    ones : ndarray
        1.0 for the second class, 0.0 for the first.
    regularization : float
        Of all weights but the constant's.
    """
    rows = matrix.shape[0]
    turned = matrix.T.tocsr()

    def loss(weights: Floats) -> tuple[float, Floats]:
        told = matrix @ weights[:-1] + weights[-1]
        away = expit(told) - ones
        value = np.logaddexp(0, told).sum() - told @ ones
        slope = np.append(turned @ away, away.sum()) / rows
        slope[:-1] += regularization * weights[:-1]
        return value / rows + regularization / 2 * (weights[:-1] @ weights[:-1]), slope

    start = np.zeros(matrix.shape[1] + 1)
    done = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": ROUNDS})
    return Fit(done.x, int(done.nfev), bool(done.success))


def probabilities(matrix: Any, weights: Floats) -> Floats:
    """How likely each text is of the second class."""
    told: Floats = expit(matrix @ weights[:-1] + weights[-1])
    return told
