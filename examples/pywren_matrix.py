"""The lecture notes' matrix example: one random matrix and vector a call, mapped over widths.

    python examples/pywren_matrix.py [STUDY [CALLS]]

Two things differ from the listing. Each call seeds its own generator from its item, so that a
repeated run gives the same numbers and no two calls share a stream; and a call gives the norm
of the product, not its 1,024 numbers, since a mean over calls is what is looked at.
"""

import sys

import numpy as np

import headrace

SIZE = 1024


def norm_of_product(b: float) -> float:
    """Norm of a random matrix times a random vector, both normal with deviation `b`."""
    random = np.random.default_rng([25, int(b * 1e6)])
    x = random.normal(0, b, SIZE)
    a = random.normal(0, b, (SIZE, SIZE))
    return float(np.linalg.norm(a @ x))


def main(study: str = "speeches", calls: str = "20") -> None:
    """Print each width with its norm; theory says b² · SIZE."""
    widths = [float(b) for b in np.linspace(0.1, 100, int(calls))]
    with headrace.executor(study) as pwex:
        norms = pwex.get_result(pwex.map(norm_of_product, widths))
    for b, norm in zip(widths, norms, strict=True):
        print(f"{b:8.2f} {norm:14.1f} {norm / (b**2 * SIZE):6.3f}")


if __name__ == "__main__":
    main(*sys.argv[1:])
