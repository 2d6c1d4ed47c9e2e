"""Random numbers, drawn on the device.

python examples/opencl/random_numbers.py

The notes call ``clrand.rand`` twice. It takes its generator's seed from the system, so no two runs
are alike; and its numbers depend on how many work items a device starts. A generator with a seed
repeats itself on one device. Where an answer must be the same on all, the item's own number belongs
into the counter: see tasks/gpu/draws.py.
"""

import numpy as np
import pyopencl as cl
import pyopencl.array as cl_array
import pyopencl.clrandom as clrandom

context = cl.create_some_context(interactive=False)
queue = cl.CommandQueue(context)


def drawn(seed: int) -> tuple[cl_array.Array, cl_array.Array]:
    """Draw two columns of a million uniform numbers."""
    generator = clrandom.PhiloxGenerator(context, seed=seed)
    a = generator.uniform(queue, 10**6, np.float32)
    return a, generator.uniform(queue, 10**6, np.float32)


a, b = drawn(25)
again, _ = drawn(25)
print(f"mean {cl_array.sum(a).get() / a.size:.2f}")
print(f"the same again: {np.array_equal(a.get(), again.get())}")
print(f"a and b differ: {not np.array_equal(a.get(), b.get())}")
