"""The GPUs of this machine, as NVIDIA's driver lists them, and how a process is given some.

https://docs.nvidia.com/deploy/nvidia-smi/: ``nvidia-smi -L`` prints ::

    GPU 0: NVIDIA A100 (UUID: GPU-…)
      MIG 3g.20gb Device 0: (UUID: MIG-…)

where a GPU that is cut into MIG devices can be used by way of these alone.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence

#: A driver that takes longer hangs.
ASK_S = 60
_LINE = re.compile(r"(\s*)(GPU|MIG)\b.*\(UUID: ((?:GPU|MIG)-\S+)\)")


def here() -> tuple[str, ...]:
    """The ids of this machine's GPUs."""
    if (asked := shutil.which("nvidia-smi")) is None:
        return ()
    try:
        told = subprocess.run(
            [asked, "-L"], capture_output=True, text=True, timeout=ASK_S, check=False
        )
    except subprocess.TimeoutExpired:
        return ()
    return listed(told.stdout) if told.returncode == 0 else ()


def listed(text: str) -> tuple[str, ...]:
    """The ids in what ``nvidia-smi -L`` prints.

    Examples
    --------
    >>> listed("GPU 0: Tesla T4 (UUID: GPU-a)")
    ('GPU-a',)
    """
    found: list[str] = []
    whole = ""
    for line in text.splitlines():
        if not (told := _LINE.fullmatch(line.rstrip())):
            continue
        if told[2] == "GPU":
            whole = told[3]
        elif whole in found:
            found.remove(whole)
        found.append(told[3])
    return tuple(found)


def variables(given: Sequence[str], there: Sequence[str]) -> dict[str, str]:
    """What lets a container see its GPUs and no other.

    ECS's agent says it to NVIDIA's runtime, by the first variable; here there is no such runtime,
    and the second says it to the driver itself.

    Parameters
    ----------
    given : sequence of str
        Ids of those that it was given.
    there : sequence of str
        Those of the machine: where it has none, there is nothing to say.
    """
    if not there:
        return {}
    told = ",".join(given)
    return {"NVIDIA_VISIBLE_DEVICES": told or "void", "CUDA_VISIBLE_DEVICES": told}
