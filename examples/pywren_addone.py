"""PyWren's first example, as lithops runs it today in the lake of a study.

    python examples/pywren_addone.py [STUDY]

PyWren's own package ended in 2019 and wants Python 3.6; lithops is its successor and keeps
its words. The study is one that is deployed, as `headrace demo` leaves `speeches`.
"""

import sys

import numpy as np

import headrace


def addone(x: int) -> int:
    """Add one."""
    return x + 1


def main(study: str) -> None:
    """Map, and print the results in the order of the items."""
    with headrace.executor(study) as pwex:
        futures = pwex.map(addone, np.arange(10))  # placeholders
        print([int(f.result()) for f in futures])  # waits until the remote calls are done


if __name__ == "__main__":
    main(*sys.argv[1:] or ["speeches"])
