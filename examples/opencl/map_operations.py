"""A map: each element by itself, by arrays' operators and by an ElementwiseKernel.

python examples/opencl/map_operations.py

As printed, ``ElementwiseKernel`` isn't imported, ``lin_comb`` is called as ``lim_comb``, and the
result is made by ``c1.array.empty_like``. The operators make an array for each step; the
kernel reads x and y once.
"""

import numpy as np
import pyopencl as cl
import pyopencl.array as cl_array
import pyopencl.clrandom as clrandom
from pyopencl.elementwise import ElementwiseKernel

context = cl.create_some_context(interactive=False)
queue = cl.CommandQueue(context)

n = 10**6
generator = clrandom.PhiloxGenerator(context, seed=25)
a, b = (generator.uniform(queue, n, np.float32) for _ in range(2))

c1 = 5 * a + 6 * b

lin_comb = ElementwiseKernel(
    context, "float a, float *x, float b, float *y, float *c", "c[i] = a * x[i] + b * y[i]"
)
c2 = cl_array.empty_like(a)
lin_comb(np.float32(5), a, np.float32(6), b, c2)

reference = 5 * a.get().astype(np.float64) + 6 * b.get().astype(np.float64)
# A kernel may add before it rounds the product: a last digit, 2^-20 near 8, may differ.
for name, c in (("operators", c1), ("kernel", c2)):
    print(f"{name} near float64: {np.allclose(c.get(), reference, rtol=0, atol=2e-6)}")
