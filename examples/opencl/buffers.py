"""Buffers and copies: from the host to the device, and back.

python examples/opencl/buffers.py

The notes' listing has ``np.float43``; it is float32. ``create_some_context()`` asks which device on
a terminal and takes the first otherwise: `interactive=False` never asks. An enqueued copy of
a NumPy array blocks until it is done, unless it is told not to.
"""

import numpy as np
import pyopencl as cl

context = cl.create_some_context(interactive=False)
queue = cl.CommandQueue(context)

a = np.random.default_rng(25).random(50_000, dtype=np.float32)
a_buffer = cl.Buffer(context, cl.mem_flags.READ_WRITE, size=a.nbytes)
cl.enqueue_copy(queue, a_buffer, a)

result = np.empty_like(a)
cl.enqueue_copy(queue, result, a_buffer)
print(f"{a.nbytes} bytes there and back, the same: {np.array_equal(a, result)}")
