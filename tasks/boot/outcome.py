"""What a job leaves beside its output: that it succeeded and how long it took, or why not."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import sys

from . import store
from .failure import Failure


def succeeded(output: str, program_s: float, index: str | None) -> None:
    """Write the facts and the libraries, then `_SUCCESS`, which so comes last.

    Parameters
    ----------
    output : str
        URI of the output.
    program_s : float
        Seconds that the program took.
    index : str or None
        Of an array's child: it marks its own share, and child 0 alone tells facts.
    """
    if index in (None, "0"):
        facts = json.dumps({"program_s": round(program_s, 6)})
        store.write(store.beside(output, "facts/boot.json"), facts.encode())
        store.write(store.beside(output, "libraries.json"), json.dumps(libraries()).encode())
    store.write(store.within(output, "_SUCCESS" if index is None else f"_SUCCESS.{index}"), b"")


def failed(output: str, failure: Failure) -> None:
    """Write `failed.json`; where even that can't be, say so in the log and go on."""
    try:
        store.write(store.beside(output, "failed.json"), failure.document())
    except store.StoreError as error:
        print(f"headrace: failed.json could not be written: {error}", file=sys.stderr)


def libraries() -> dict[str, str]:
    """Versions of Python and of all that is installed beside it."""
    found = {d.metadata["Name"]: d.version for d in importlib.metadata.distributions()}
    return {"python": platform.python_version()} | dict(sorted(found.items()))
