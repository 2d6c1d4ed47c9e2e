"""Arrays on the device: NumPy's notation, and no kernel of one's own.

python examples/opencl/arrays.py
"""

import numpy as np
import pyopencl as cl
import pyopencl.array as cl_array

context = cl.create_some_context(interactive=False)
queue = cl.CommandQueue(context)

a = np.random.default_rng(25).random(50_000, dtype=np.float32)
a_device = cl_array.to_device(queue, a)
twice = 2 * a_device  # computed there, and kept there
print(f"all doubled: {np.array_equal(twice.get(), 2 * a)}")
