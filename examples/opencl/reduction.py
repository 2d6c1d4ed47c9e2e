"""A reduction: all elements to one number, here the sum of squares.

python examples/opencl/reduction.py

A reduction adds in an order of the device's own, which needs an associative operation and its
neutral element. Floats are not quite associative: the last digits differ from a loop's, and from
another device's.
"""

import math

import numpy as np
import pyopencl as cl
import pyopencl.clrandom as clrandom
from pyopencl.reduction import ReductionKernel

context = cl.create_some_context(interactive=False)
queue = cl.CommandQueue(context)

n = 10**6
x = clrandom.PhiloxGenerator(context, seed=25).uniform(queue, n, np.float64)
squares = ReductionKernel(
    context,
    np.float64,
    neutral="0",
    reduce_expr="a+b",
    map_expr="x[i]*x[i]",
    arguments="double *x",
)
result = float(squares(x).get())
exact = math.fsum(float(v) ** 2 for v in x.get())
print(f"near the exact sum: {math.isclose(result, exact, rel_tol=1e-12)}")
