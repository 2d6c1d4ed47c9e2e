"""Fargate's sizes: which memory a task of so many vCPUs can have.

https://docs.aws.amazon.com/batch/latest/APIReference/API_ResourceRequirement.html
"""

from __future__ import annotations

from localcloud.engines.batch.errors import request

#: vCPUs, and MiB of memory: the least, the most, the step between.
SIZES: dict[float, tuple[int, int, int]] = {
    0.5: (1024, 4096, 1024),
    1: (2048, 8192, 1024),
    2: (4096, 16384, 1024),
    4: (8192, 30720, 1024),
    8: (16384, 61440, 4096),
    16: (32768, 122880, 8192),
}
SMALLEST = (512, 1024, 2048)  # of 0.25 vCPU, which has no even steps
LARGEST_MIB = max(most for _, most, _ in SIZES.values())
LARGEST_VCPUS = max(SIZES)


def memories(vcpus: float) -> tuple[int, ...]:
    """The memory sizes of a number of vCPUs in MiB; none where Fargate hasn't that number."""
    if vcpus == 0.25:
        return SMALLEST
    if vcpus not in SIZES:
        return ()
    least, most, step = SIZES[vcpus]
    return tuple(range(least, most + 1, step))


def check(vcpus: float, memory_mib: int) -> None:
    """Check a task's size.

    Raises
    ------
    ClientException
        In the words that https://github.com/Netflix/metaflow/issues/749 shows.
    """
    if memory_mib not in memories(vcpus):
        raise request(
            f"Fargate resource requirements ({vcpus:.2f} vCPU, {memory_mib} MiB) not valid."
        )
