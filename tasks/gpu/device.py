"""The device that computes: a GPU where OpenCL finds one, else PoCL on the CPU.

Everything that costs time on it goes by way of here, so that compiling, transfers and kernels
are told apart, and so that what the driver says is told in three sentences.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np


class DeviceError(RuntimeError):
    """The device can't do what was asked of it."""


def _keep_compiled() -> None:
    """Say where PoCL keeps what it compiled: a scan takes it 8 s, and none the next time.

    A container's home is new each time, so it is the environment's own folder where that can be
    written to, as on a laptop; else the home. It holds code that is run: never a shared folder.
    """
    own = Path(sys.prefix) / "var" / "pocl"
    try:
        own.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=own):
            pass
    except OSError:
        return
    os.environ.setdefault("POCL_CACHE_DIR", str(own))


_keep_compiled()  # before OpenCL is loaded, which reads it then
import pyopencl as cl  # noqa: E402
import pyopencl.array as cl_array  # noqa: E402
import pyopencl.tools as cl_tools  # noqa: E402

MIB = 2**20
#: About what an ordinary CPU's cache holds: what one kernel wrote, the next finds there.
CPU_MIB = 16
#: Elements in a row that one work item of a CPU follows; a GPU's work items take one each, side
#: by side. PyOpenCL gives a work item every gsize-th element, which on PoCL reads each line of
#: the cache once an element: a copy measured 0.28 GB/s so, and 16.5 in rows.
CPU_ROW = 8192
_NO_MEMORY = ("MEM_OBJECT_ALLOCATION_FAILURE", "OUT_OF_RESOURCES", "OUT_OF_HOST_MEMORY",
              "INVALID_BUFFER_SIZE")  # fmt: skip
_NOT_BUILT = ("BUILD_PROGRAM_FAILURE", "COMPILE_PROGRAM_FAILURE", "LINK_PROGRAM_FAILURE")


@dataclass
class Spent:
    """Seconds, and what was done in them.

    Parameters
    ----------
    compile_s, transfer_s, kernel_s : float
        Building kernels; copies between host and device; kernels, with their launch.
    bytes, flop : int
        What the kernels read and wrote, and their operations on floats.
    moved : int
        Bytes that were copied between host and device.
    """

    compile_s: float = 0.0
    transfer_s: float = 0.0
    kernel_s: float = 0.0
    bytes: int = 0
    flop: int = 0
    moved: int = 0


@dataclass
class Device:
    """A device with a queue, and the seconds that it took.

    Parameters
    ----------
    cl_device : pyopencl.Device
        The device.
    most_mib : int or None
        Memory of it that a program's buffers may take; by default half of what it has, or on a
        CPU, which reads its own memory anyway, :data:`CPU_MIB`.
    """

    cl_device: Any
    most_mib: int | None = None
    spent: Spent = field(default_factory=Spent)

    def __post_init__(self) -> None:
        with self.telling("opening it"):
            self.context = cl.Context([self.cl_device])
            self.queue = cl.CommandQueue(self.context)
            # Memory that was had before is had again: new pages cost more than a kernel does.
            self.pool = cl_tools.MemoryPool(cl_tools.ImmediateAllocator(self.queue))
        if self.most_mib is None:
            half = int(self.cl_device.global_mem_size) // 2 // MIB
            self.most_mib = min(CPU_MIB, half) if self.shared else half

    @property
    def name(self) -> str:
        """As the driver has it."""
        return str(self.cl_device.name).strip()

    @property
    def platform(self) -> str:
        """The driver."""
        return f"{self.cl_device.platform.name.strip()} {self.cl_device.driver_version.strip()}"

    @property
    def gpu(self) -> bool:
        """Whether it is a GPU."""
        return bool(self.cl_device.type & cl.device_type.GPU)

    @property
    def shared(self) -> bool:
        """Whether it computes in the host's memory, so that nothing need be copied."""
        return bool(self.cl_device.type & cl.device_type.CPU)

    @property
    def row(self) -> int:
        """Elements in a row that a work item follows."""
        return CPU_ROW if self.shared else 1

    @property
    def lanes(self) -> int:
        """Items side by side in a work item: a CPU's vector; a GPU has them in its warps."""
        return 8 if self.shared else 1

    @property
    def local(self) -> tuple[int, ...]:
        """Work items of a group: one where each is long, so that a CPU's cores share them."""
        return (1,) if self.shared else (64,)

    def chunk(self, item_bytes: int, what: str, multiple: int = 1) -> int:
        """How many items fit into the memory.

        Raises
        ------
        DeviceError
            Where not one does.
        """
        most = int(self.most_mib or 0) * MIB
        found = min(most // item_bytes, int(self.cl_device.max_mem_alloc_size) // item_bytes)
        fitting = found // multiple * multiple
        if fitting < 1:
            raise DeviceError(
                f"While making chunks for {self.name}, found {item_bytes * multiple / MIB:.3g} MiB "
                f"for {what}, where {self.most_mib} MiB may be taken (device_mib). Give more."
            )
        return fitting

    @contextmanager
    def telling(self, doing: str) -> Iterator[None]:
        """Tell what the driver says as an error of ours.

        Raises
        ------
        DeviceError
            Where a kernel doesn't build, with its first error, or memory doesn't suffice.
        """
        try:
            yield
        except cl.Error as fault:
            said = str(fault)
            if any(word in said for word in _NOT_BUILT):
                raise DeviceError(
                    f"While {doing} on {self.name}, found a kernel that doesn't build: "
                    f"{_first_error(said)}. Correct the kernel."
                ) from fault
            if any(word in said for word in _NO_MEMORY) or isinstance(fault, cl.MemoryError):
                raise DeviceError(
                    f"While {doing} on {self.name}, found no memory for it: {said.splitlines()[0]}."
                    f" It has {self.cl_device.global_mem_size // MIB} MiB, in pieces of "
                    f"{self.cl_device.max_mem_alloc_size // MIB} MiB at most. Give less device_mib."
                ) from fault
            raise

    @contextmanager
    def compiling(self, name: str) -> Iterator[None]:
        """Note a block's seconds as compiling."""
        started = time.perf_counter()
        with self.telling(f"building {name}"):
            yield
            self.queue.finish()
        self.spent.compile_s += time.perf_counter() - started

    def program(self, source: str, name: str) -> Any:
        """Build kernels of one's own."""
        with self.compiling(name):
            return cl.Program(self.context, source).build()

    def put(self, array: np.ndarray[Any, Any], dtype: Any = None) -> Any:
        """Give an array's copy on the device; of a shared memory the array itself, uncopied.

        `dtype` is what the device takes its elements for, as in ``long8``.
        """
        flat = np.ascontiguousarray(array).reshape(-1)
        dtype = np.dtype(dtype or flat.dtype)
        shape = (flat.nbytes // dtype.itemsize,)
        flags = cl.mem_flags
        with self.telling(f"putting {flat.nbytes / MIB:.1f} MiB there"):
            if self.shared:
                mode = flags.READ_WRITE if flat.flags.writeable else flags.READ_ONLY
                buffer = cl.Buffer(self.context, mode | flags.USE_HOST_PTR, hostbuf=flat)
                return cl_array.Array(self.queue, shape, dtype, data=buffer)
            buffer = self.pool.allocate(flat.nbytes)
            with self._moving(flat.nbytes):
                cl.enqueue_copy(self.queue, buffer, flat)
            return cl_array.Array(self.queue, shape, dtype, data=buffer)

    def empty(self, count: int, dtype: Any) -> Any:
        """Give an array on the device with nothing in it yet."""
        dtype = np.dtype(dtype)
        with self.telling(f"making {count * dtype.itemsize / MIB:.1f} MiB there"):
            buffer = self.pool.allocate(max(1, count) * dtype.itemsize)
            return cl_array.Array(self.queue, (count,), dtype, data=buffer)

    def take(self, array: Any) -> np.ndarray[Any, Any]:
        """Give a device's array as one of the host."""
        host = np.empty(array.shape, dtype=array.dtype)
        with self.telling("taking an array from it"), self._moving(host.nbytes):
            cl.enqueue_copy(self.queue, host, array.data)
        return host

    def run(self, name: str, call: Callable[[], Any], bytes_: int = 0, flop: int = 0) -> Any:
        """Run a kernel to its end, and note its seconds; give what the call gave."""
        started = time.perf_counter()
        with self.telling(f"running {name}"):
            given = call()
            self.queue.finish()
        self.spent.kernel_s += time.perf_counter() - started
        self.spent.bytes += bytes_
        self.spent.flop += flop
        return given

    @contextmanager
    def _moving(self, moved: int) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.queue.finish()
        self.spent.transfer_s += time.perf_counter() - started
        self.spent.moved += moved


def pick(wanted: str = "any", most_mib: int | None = None) -> Device:
    """Pick the device: the first GPU, else the first CPU; of one kind where that is wanted.

    Parameters
    ----------
    wanted : str
        ``"any"``, ``"gpu"`` or ``"cpu"``.
    most_mib : int or None
        As of :class:`Device`.

    Raises
    ------
    DeviceError
        Where there is none.
    """
    try:
        platforms = cl.get_platforms()
    except cl.Error:  # a loader that finds no driver says so by an error
        platforms = []
    found = [d for p in platforms for d in p.get_devices()]
    kinds = {"gpu": cl.device_type.GPU, "cpu": cl.device_type.CPU}
    order = [kinds[wanted]] if wanted in kinds else [kinds["gpu"], kinds["cpu"]]
    for kind in order:
        for device in found:
            if device.type & kind:
                return Device(device, most_mib)
    names = ", ".join(d.name.strip() for d in found) or "none at all"
    raise DeviceError(
        f"While picking a device ({wanted}), found {names}. OpenCL has no driver for one that "
        "would do. Ask for device any, which takes PoCL on the CPU, or mend the container's driver."
    )


def _first_error(said: str) -> str:
    """The compiler's first error, of a build's log; names of temporary files left out."""
    for line in said.splitlines():
        if "error:" in line.lower() and "FAILURE" not in line:
            line = re.sub(r" <Spelling=[^>]*>", "", line.strip())
            return re.sub(r"\S+\.cl:", "line ", line)
    return said.splitlines()[0]
