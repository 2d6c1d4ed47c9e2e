"""The transform adds VADER's compound score and nothing else."""

import subprocess
import sys

import pyarrow as pa
import pytest

from headrace.plan import columns_of
from studies.speeches import mood
from studies.speeches.study import ScoredSentence


def test_a_score_is_added_to_each_row() -> None:
    batch = pa.RecordBatch.from_pydict(
        {"text": ["We are great and happy.", "War is horrible.", "The table has four legs."]}
    )
    scored = mood.score(batch)
    assert scored.schema.names == ["text", "sentiment"]
    assert scored.schema.field("sentiment").type == pa.float64()
    # What vaderSentiment 3.3.2 says: a new lexicon must be seen.
    assert scored["sentiment"].to_pylist() == pytest.approx([0.8316, -0.8126, 0.0], abs=1e-4)


def test_no_rows_give_no_scores() -> None:
    batch = pa.RecordBatch.from_pydict({"text": pa.array([], pa.string())})
    assert mood.score(batch).num_rows == 0


def test_the_score_is_the_column_that_the_study_promises() -> None:
    assert [c.name for c in columns_of(ScoredSentence)][-1] == "sentiment"


def test_a_cold_start_reads_no_lexicon() -> None:
    code = "import sys, studies.speeches.mood; print('vaderSentiment' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
