"""A kernel: a function that runs once for each work item, in the place of a loop.

python examples/opencl/kernel.py

The notes' kernel, with what a launch needs said: `a.shape` work items, in groups that the driver
chooses (None). A launch returns at once; the copy back waits for it, since a queue keeps its order.
"""

import numpy as np
import pyopencl as cl

context = cl.create_some_context(interactive=False)
queue = cl.CommandQueue(context)

a = np.random.default_rng(25).random(50_000, dtype=np.float32)
a_buffer = cl.Buffer(
    context, cl.mem_flags.READ_WRITE | cl.mem_flags.COPY_HOST_PTR, hostbuf=a.copy()
)
program = cl.Program(
    context,
    """
    __kernel void twice(__global float *a)
    {
        int gid = get_global_id(0);
        a[gid] = 2 * a[gid];
    }
    """,
).build()
program.twice(queue, a.shape, None, a_buffer)

result = np.empty_like(a)
cl.enqueue_copy(queue, result, a_buffer)
print(f"all doubled: {np.array_equal(result, 2 * a)}")
