"""A group-by over many CSV files: the notes' pandas listing by Dask.

    python examples/dask/dataframes.py FILE…

The files may be ``s3://bucket/*.csv`` where s3fs is installed. As printed nothing was computed.
"""

import sys

import dask.dataframe as dd
import pandas as pd


def means_by_pandas(files):
    """The mean of y for each x, with all files in memory."""
    frame = pd.concat([pd.read_csv(file) for file in files])
    return frame.groupby("x").y.mean()


def means(files):
    """The same, a file or a part of one at a time."""
    return dd.read_csv(files).groupby("x").y.mean().compute()


if __name__ == "__main__":
    print(means(sys.argv[1:]))
