"""Functions of one's own, called later: the notes' listings of ``dask.delayed``.

    python examples/dask/delayed_calls.py

As printed, ``dask.delayed(f(x, y))`` calls f at once, one after another, and wraps the answer: the
function is what is to be delayed, ``dask.delayed(f)(x, y)``. ``dask.compute`` gives a tuple, one
thing for each that it was given.
"""

import dask

CALLS = []


def f(x, y):
    """For x < y."""
    CALLS.append((x, y))
    return x + y


def g(x, y):
    """For the others."""
    CALLS.append((x, y))
    return x * y


def lazily(a, b):
    """The notes' loop: what is called before ``compute``, and what comes out."""
    CALLS.clear()
    results = []
    for x in a:
        for y in b:
            if x < y:
                results.append(dask.delayed(f)(x, y))
            else:
                results.append(dask.delayed(g)(x, y))
    before = len(CALLS)
    (found,) = dask.compute(results)
    return before, len(CALLS), found


def at_once(a, b):
    """The loop as it was printed: how many calls were made before ``compute``."""
    CALLS.clear()
    results = [dask.delayed(f(x, y)) for x in a for y in b]
    before = len(CALLS)
    dask.compute(results)
    return before


@dask.delayed
def inc(x):
    """One more."""
    return x + 1


@dask.delayed
def total(values):
    """Of what other delayed functions gave."""
    return sum(values)


def decorated():
    """A list of delayed calls is an argument as any other: no ``compute`` between them."""
    data = [i + 1 for i in range(4)]
    output = [inc(x) for x in data]
    return dask.compute(*output), total(output).compute()


if __name__ == "__main__":
    print(lazily(range(3), range(3)), at_once(range(3), range(3)))
    print(*decorated())
