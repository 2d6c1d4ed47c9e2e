"""Where lithops keeps files of its own: in the project's state, not in ~ and not in /tmp.

lithops computes its folders once, in `lithops.constants`, from the home and the temporary
folder. That module alone is loaded here with both set to the state for the moment, before the
rest of lithops is imported.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONSTANTS = "lithops.constants"


def settle(home: Path) -> None:
    """Have lithops keep its files in `home`.

    Where the notebook imported lithops by itself before, its own folders stay.

    Parameters
    ----------
    home : Path
        A folder; made where it is missing.
    """
    if CONSTANTS in sys.modules:
        return
    package = importlib.util.find_spec("lithops")
    if package is None or not package.submodule_search_locations:
        raise ModuleNotFoundError(
            "While opening an executor, found no lithops. Install it: `make setup` does, or "
            "`pip install headrace[notebook]`."
        )
    home.mkdir(parents=True, exist_ok=True)
    file = Path(package.submodule_search_locations[0], "constants.py")
    spec = importlib.util.spec_from_file_location(CONSTANTS, file)
    assert spec is not None  # noqa: S101 - a .py file has both
    assert spec.loader is not None  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    with _at(home):
        spec.loader.exec_module(module)
    sys.modules[CONSTANTS] = module


@contextmanager
def _at(home: Path) -> Iterator[None]:
    before, temporary = os.environ.get("HOME"), tempfile.tempdir
    os.environ["HOME"] = tempfile.tempdir = str(home)
    try:
        yield
    finally:
        tempfile.tempdir = temporary
        os.environ.pop("HOME")
        if before is not None:
            os.environ["HOME"] = before
