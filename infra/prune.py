"""What a layer leaves out of its packages: whatever no function can ever import or read."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

#: Part of Lambda's own runtime, and of its size, not of ours:
#: https://docs.aws.amazon.com/lambda/latest/dg/python-package.html#python-package-dependencies
RUNTIME_PACKAGES = frozenset({"boto3", "botocore", "s3transfer", "jmespath"})

_FOLDERS = (
    r"bin",  # console scripts; their first line names the machine that built the layer
    r"pyarrow/(include|includes|src|tests)",  # for compiling against Arrow, and its tests
    r".*/__pycache__",  # of another machine's making; compiled afresh where that helps
)
_FILES = (
    r".*\.(a|c|cc|cpp|h|hpp|pyi|pxd|pxi|pyx)",  # for compilers and type checkers
    # Arrow's RPC, its expression compiler and GPU parts. Its plan exchange format must stay:
    # pyarrow's own library is linked against libarrow_substrait.
    r"pyarrow/(lib)?(arrow_|arrow_python_|_)?(flight|gandiva|cuda)[._].*",
    r"zstandard/(_cffi.*|backend_cffi\.py)",  # for PyPy; CPython uses backend_c
    # Records of the installer. METADATA and entry_points.txt stay: importlib.metadata reads
    # them. So do licences.
    r"[^/]+\.dist-info/(RECORD|INSTALLER|REQUESTED|direct_url\.json|uv_[^/]*|WHEEL)",
    r"\.lock",
)
_FOLDER = re.compile("|".join(f"(?:{p})" for p in _FOLDERS))
_FILE = re.compile("|".join(f"(?:{p})" for p in _FILES))
_SHARED = re.compile(r"(?P<name>lib.+\.so)(?P<version>(\.\d+)*)")


def prune(root: Path) -> None:
    """Delete what no function needs from a folder of installed packages.

    Parameters
    ----------
    root : Path
        A folder that `uv pip install --target` filled.
    """
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.exists():
            continue
        if path.is_dir() and (_FOLDER.fullmatch(name) or _of_runtime(name)):
            shutil.rmtree(path)
        elif path.is_file() and _FILE.fullmatch(name):
            path.unlink()
    for path in list(_library_copies(root)):
        path.unlink()


def _of_runtime(name: str) -> bool:
    return re.split(r"-\d", name)[0] in RUNTIME_PACKAGES and "/" not in name


def _library_copies(root: Path) -> Iterator[Path]:
    """Files beside ``libX.so.N`` that a wheel, which can't hold links, has as copies of it.

    The loader asks for ``libX.so.N`` alone; ``libX.so`` is the linker's and ``libX.so.N.M`` a
    person's.
    """
    for path in root.rglob("lib*.so*"):
        match = _SHARED.fullmatch(path.name)
        if match is None:
            continue
        parts = match["version"].count(".")
        others = {p.name for p in path.parent.glob(f"{match['name']}.*")}
        wanted = [n for n in others if re.fullmatch(re.escape(match["name"]) + r"\.\d+", n)]
        if wanted and parts != 1:
            yield path
