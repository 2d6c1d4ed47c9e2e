"""Logistic regression by scikit-learn, and by dask-ml on data in chunks.

    python examples/dask/learning.py

As printed it imported ``scikit_learn``, which is the name of the package to install: the module
is ``sklearn``. dask-ml's takes Dask's arrays, whose chunks have whole rows.
"""

import dask.array as da
import numpy as np
from dask_ml.linear_model import LogisticRegression as Chunked
from sklearn.linear_model import LogisticRegression


def data(rows=2000, seed=25):
    """Two columns, the first of which makes a label of 1 likelier."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    return x, (rng.random(rows) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(int)


def coefficients():
    """Both libraries' coefficients, with the same penalty."""
    x, y = data()
    one = LogisticRegression(C=1.0).fit(x, y)
    many = Chunked(C=1.0, solver="lbfgs").fit(
        da.from_array(x, chunks=(500, 2)), da.from_array(y, chunks=500)
    )
    return one.coef_.ravel(), many.coef_.ravel()


if __name__ == "__main__":
    print(*coefficients(), sep="\n")
