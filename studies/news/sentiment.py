"""The transform of the news study: scores each snippet's sentiment."""

from __future__ import annotations

from functools import cache
from typing import Any

import pyarrow as pa


@cache
def _analyzer() -> Any:
    # Here, not above: a cold function reads the lexicon when the first batch needs it.
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def score(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Add ``sentiment``, the VADER compound score of ``text``.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
        With a column ``text`` of strings.

    Returns
    -------
    pyarrow.RecordBatch
        The same rows with ``sentiment``, float64, from -1 (most negative) to 1.

    References
    ----------
    Hutto, C. J. and Gilbert, E. (2014). VADER: A Parsimonious Rule-based Model for Sentiment
    Analysis of Social Media Text. ICWSM.
    """
    polarity = _analyzer().polarity_scores
    scores = [polarity(text)["compound"] for text in batch.column("text").to_pylist()]
    return batch.append_column("sentiment", pa.array(scores, pa.float64()))
