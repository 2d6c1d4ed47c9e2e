"""The environment of a process image: built once, kept by the hash of all that goes into it.

As Docker keeps layers. A layer is a folder with

    root/       the files that COPY brought up to the last RUN, and what RUN lines wrote there
    venv/       a virtual environment of this machine's Python, in which they were run
    layer.json  what it is; written last, so a layer without it was never finished

A virtual environment can't be moved, so a layer is built where it stays.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import platform
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localcloud.engines.images.errors import ImageError

FORMAT = "1"
"""Part of every key: changes when the same Dockerfile would give something else."""

#: How this machine reaches its package index, and writes text: Docker passes on proxies too.
PASSED_ON = (
    "HOME", "LANG", "LC_ALL", "TMPDIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "PIP_CERT", "PIP_CLIENT_CERT", "PIP_CONFIG_FILE", "PIP_DEFAULT_TIMEOUT",
    "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_NO_INDEX", "PIP_PROXY",
    "PIP_RETRIES", "PIP_TIMEOUT", "PIP_TRUSTED_HOST",
)  # fmt: skip

Say = Callable[[str], None]


@dataclass(frozen=True)
class Layer:
    """A finished layer."""

    folder: Path

    @property
    def key(self) -> str:
        """What it is kept under."""
        return self.folder.name

    @property
    def root(self) -> Path:
        """Its files."""
        return self.folder / "root"

    @property
    def bin(self) -> Path:
        """The programs of its environment."""
        return self.folder / "venv" / "bin"

    @property
    def python(self) -> Path:
        """Its Python."""
        return self.bin / "python"

    @property
    def facts(self) -> dict[str, Any]:
        """What it is: ``base``, ``python``, ``runs``."""
        found: dict[str, Any] = json.loads((self.folder / "layer.json").read_text())
        return found


def folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where layers are kept: ``LOCALCLOUD_IMAGES``, else the user's cache."""
    if named := environment.get("LOCALCLOUD_IMAGES"):
        return Path(named).absolute()
    cache = environment.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(cache).expanduser() / "localcloud" / "images"


def interpreter() -> str:
    """The Python under this process's virtual environment: what `FROM python` means here."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def python() -> str:
    """Name it, as ``CPython 3.12.8``."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def key(steps: Sequence[str]) -> str:
    """Give the key of a layer: this machine's Python, and each step with what it reads."""
    facts = [FORMAT, sys.version, sys.platform, platform.machine(), interpreter(), *steps]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]


def find(name: str, kept: Path) -> Layer | None:
    """Give a layer if it is there, whole."""
    layer = Layer(kept / name)
    return layer if (layer.folder / "layer.json").is_file() and layer.python.exists() else None


def ensure(name: str, kept: Path, facts: Mapping[str, Any], fill: Callable[[Layer], None]) -> Layer:
    """Give a layer, built if it isn't there; two who want the same build it once.

    Parameters
    ----------
    name : str
        Its key.
    kept : Path
        Folder of layers.
    facts : mapping
        What ``layer.json`` will say.
    fill : callable
        Given a layer with an empty root and environment, puts in what belongs there. What it
        raises is raised, and nothing is kept.

    Raises
    ------
    ImageError
        Where there can be no virtual environment.
    """
    kept.mkdir(parents=True, exist_ok=True)
    with _locked(kept / f"{name}.lock"):
        if there := find(name, kept):
            return there
        layer = Layer(kept / name)
        shutil.rmtree(layer.folder, ignore_errors=True)  # of a build that was killed
        layer.root.mkdir(parents=True)
        try:
            _environment(layer)
            fill(layer)
            part = layer.folder / "layer.part"
            part.write_text(json.dumps(dict(facts), indent=1) + "\n")
            part.rename(layer.folder / "layer.json")
        except BaseException:
            shutil.rmtree(layer.folder, ignore_errors=True)
            raise
        return layer


def _environment(layer: Layer) -> None:
    words = [interpreter(), "-I", "-m", "venv", str(layer.folder / "venv")]
    done = subprocess.run(words, capture_output=True, text=True, env=_plain(), check=False)
    if done.returncode:
        raise ImageError(
            f"While making a virtual environment of {interpreter()}, found exit "
            f"{done.returncode}: {(done.stderr or done.stdout).strip()[-500:]} "
            "Install Python's venv module."
        )


def run(layer: Layer, words: Sequence[str], given: Mapping[str, str], cwd: Path, say: Say) -> None:
    """Run one RUN line in a layer's environment.

    Parameters
    ----------
    given : mapping
        The Dockerfile's variables.

    Raises
    ------
    ImageError
        Where it ends with another exit than 0.
    """
    environment = {**given, **_plain()} | {"PATH": f"{layer.bin}:/usr/bin:/bin"}
    process = subprocess.Popen(
        list(words),
        cwd=cwd,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None  # noqa: S101
    last = ""
    with process.stdout as lines:
        for line in lines:
            last = line.strip() or last
            say(line.rstrip("\n"))
    if code := process.wait():
        told = words[2] if tuple(words[:2]) == ("/bin/sh", "-c") else shlex.join(words)
        raise ImageError(
            f"While building RUN {told}, found exit {code}: {last[-300:]} "
            "Nothing of it is kept; mend the line, or what it reads."
        )


def _plain() -> dict[str, str]:
    return {name: os.environ[name] for name in PASSED_ON if name in os.environ}


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
