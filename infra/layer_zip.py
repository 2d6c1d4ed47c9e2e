"""A layer: the packages of one lock file, for one Python on one platform, pruned and zipped.

It is built once, and kept under the hash of all that decides what it holds.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import py_compile
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uv

from headrace.errors import HeadraceError
from headrace.target import Target
from infra.prune import prune
from infra.zips import Asset, write_zip

#: Where Lambda unpacks layers, of which `python/` is on the path:
#: https://docs.aws.amazon.com/lambda/latest/dg/packaging-layers.html
_UNPACKED = "/opt/python"


class LayerError(HeadraceError):
    """A layer's packages can't be installed."""


@dataclass(frozen=True)
class Layer:
    """What decides a layer's contents.

    Parameters
    ----------
    lock : Path
        Requirements with hashes, complete.
    python : str
        As `3.13`.
    platform : str, optional
        uv's name of the platform, as `aarch64-manylinux_2_28`; none is this machine's own.
    """

    lock: Path
    python: str
    platform: str | None

    @property
    def compiled(self) -> bool:
        """Whether this machine's Python can compile for it: .pyc files differ by version."""
        return self.python == f"{sys.version_info.major}.{sys.version_info.minor}"

    @property
    def digest(self) -> str:
        """SHA-256 of the lock, the platform and the code that builds."""
        facts = [self.python, self.platform or sys.platform, self.compiled]
        sources = [Path(__file__).with_name(n) for n in ("layer_zip.py", "prune.py", "zips.py")]
        total = hashlib.sha256(json.dumps(facts).encode())
        for path in (self.lock, *sources):
            total.update(path.read_bytes())
        return total.hexdigest()


def layer_for(lock: Path, target: Target) -> Layer:
    """The layer of a lock file for a target; a laptop's functions run on the laptop itself."""
    return Layer(lock, target.python, target.platform)


def build(layer: Layer, cache: Path, say: Callable[[str], None] = lambda _: None) -> Asset:
    """Give the layer's zip, built if it isn't in the cache.

    Parameters
    ----------
    layer : Layer
        What to build.
    cache : Path
        Folder of zips by digest.
    say : callable
        Told in a line what is being built; not called where nothing is.

    Raises
    ------
    LayerError
        Where uv can't install the lock.
    """
    asset = Asset(cache / f"{layer.digest}.zip", layer.digest)
    if not asset.path.is_file():
        say(f"{layer.lock.parent.name}: packages for Python {layer.python}, "
            f"{layer.platform or 'this machine'}")  # fmt: skip
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            _install(layer, Path(folder))
            prune(Path(folder))
            if layer.compiled:
                _compile(Path(folder))
            files = {p.relative_to(folder).as_posix(): p for p in Path(folder).rglob("*")}
            entries = {f"python/{name}": p for name, p in files.items() if p.is_file()}
            write_zip(asset.path, entries)
    return asset


def _install(layer: Layer, folder: Path) -> None:
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--target", str(folder)]
    command += ["--python-version", layer.python, "--only-binary", ":all:", "--no-deps"]
    command += ["--require-hashes", "--requirement", str(layer.lock)]
    command += ["--python-platform", layer.platform] if layer.platform else []
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LayerError(
            f"installing {layer.lock.parent.name}/{layer.lock.name} for Python "
            f"{layer.python} on {layer.platform or 'this machine'}",
            done.stderr.strip(),
            "Check the network, or run `make lock`.",
        )


def _compile(folder: Path) -> None:
    # Unchecked: nobody edits a layer, and the files' times are not those of the sources.
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(
        folder, quiet=2, stripdir=str(folder), prependdir=_UNPACKED, invalidation_mode=mode
    )
