r"""One address told in numbers: what the study's Map calls, once an address.

Words are what ``[\w']+`` matches, as in the mrjob job; names are found by the rule that the Spark
program goes by. So what is counted here can be held against what they count.
"""

from __future__ import annotations

import re
from typing import Any

from emr_steps.mentions import names

WORD = re.compile(r"[\w']+")


def measure(item: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    """Measure one address.

    Parameters
    ----------
    item : dict
        ``year``, ``president``, ``party``, and lists ``texts`` and ``sentiments`` with an entry a
        sentence.
    params : dict
        ``word``, whose uses are counted in any case, and ``name``, whose sentences are.

    Returns
    -------
    dict
        A row of ``studies.union.study.Address``.
    """
    texts, sentiments = item["texts"], item["sentiments"]
    words = [word.lower() for text in texts for word in WORD.findall(text)]
    return {
        "year": item["year"],
        "president": item["president"],
        "party": item["party"],
        "sentences": len(texts),
        "words": len(words),
        "distinct": len(set(words)),
        "length": len(words) / len(texts),
        "sentiment": sum(sentiments) / len(sentiments),
        "word": words.count(params["word"]),
        "named": sum(any(n.name == params["name"] for n in names(text)) for text in texts),
    }
