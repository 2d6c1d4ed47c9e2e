"""A scan: running sums, though each needs the one before it.

python examples/opencl/scan.py

As printed, the kernel declares doubles and is given float32, and writes ``y[i+1]``: the last sum
goes past the array's end, into memory that isn't its own. ``y[i] = item`` is NumPy's cumsum. Where
sums are to begin anew, as each walk's do, `is_segment_start_expr` says where.
"""

import numpy as np
import pyopencl as cl
import pyopencl.array as cl_array
from pyopencl.scan import GenericScanKernel

context = cl.create_some_context(interactive=False)
queue = cl.CommandQueue(context)
STEPS = 100

# Whole numbers, so that the order of adding means nothing, and sums can be compared.
x = cl_array.to_device(queue, np.random.default_rng(25).integers(-9, 10, 10**6))
running = GenericScanKernel(
    context,
    np.int64,
    arguments="long *y, long *x",
    input_expr="x[i]",
    scan_expr="a+b",
    neutral="0",
    output_statement="y[i] = item",
)
sums = cl_array.empty_like(x)
running(sums, x)
print(f"running sums as cumsum's: {np.array_equal(sums.get(), np.cumsum(x.get()))}")

segmented = GenericScanKernel(
    context,
    np.int64,
    arguments="long *y, long *x",
    input_expr="x[i]",
    scan_expr="across_seg_boundary ? b : a+b",
    neutral="0",
    is_segment_start_expr=f"i % {STEPS} == 0",
    output_statement="y[i] = item",
)
segmented(sums, x)
walks = np.cumsum(x.get().reshape(-1, STEPS), axis=1).reshape(-1)
print(f"walks as cumsum's: {np.array_equal(sums.get(), walks)}")
