"""A group-by on one GPU, and a sum over a cluster of them: the notes' cuDF listings.

    python examples/dask/on_gpus.py FILE…

It needs RAPIDS (cudf, dask-cudf, dask-cuda) and an NVIDIA GPU, and has not been run here. What
the notes read by ``dask_cudf`` Dask's own ``read_csv`` reads, once its backend is cuDF. As printed
the cluster was started at import, which its workers do again.
"""

import sys


def mean_of_alice(file):
    """The mean value of each id, of the rows whose name is Alice."""
    import cudf

    df = cudf.read_csv(file)
    df = df[df.name == "Alice"]
    return df.groupby("id").value.mean()


def passengers(files):
    """The sum of a column over files, by a worker a GPU."""
    import dask
    import dask.dataframe as dd
    from dask_cuda import LocalCUDACluster
    from distributed import Client

    backend = dask.config.set({"dataframe.backend": "cudf"})
    with LocalCUDACluster() as cluster, Client(cluster), backend:
        return dd.read_csv(files).passenger_count.sum().compute()


if __name__ == "__main__":
    try:
        print(passengers(sys.argv[1:]))
    except ImportError as missing:
        sys.exit(
            f"headrace: While starting, found no {missing.name}. Install RAPIDS; see docs/dask.md."
        )
