"""`docker build`: a Dockerfile and its context become a process image.

A process image is a config and two layers. One layer is the image's files, a tar like any
other's. The other stands for the base and its packages: it names the environment that is kept
on this machine (`localcloud.engines.images.layers`), since hundreds of megabytes of installed
packages would only be copied to and fro. So an image can be run where it was built, and says so
by its media type, which no container engine takes.
"""

from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localcloud.engines.images import blobs, dockerfile, layers
from localcloud.engines.images.context import Context
from localcloud.engines.images.dockerfile import Step
from localcloud.engines.images.layers import Layer, Say
from localcloud.engines.images.media import (
    BASE_LABEL,
    CONFIG,
    ENVIRONMENT,
    FILES,
    MANIFEST,
    PYTHON_LABEL,
    inside,
)


@dataclass
class _State:
    """What the instructions so far have set; it begins as the base image has it."""

    workdir: str = "/"
    user: str = ""
    env: dict[str, str] = field(default_factory=lambda: {"LANG": "C.UTF-8"})
    labels: dict[str, str] = field(default_factory=dict)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=lambda: ["python3"])
    command_is_own: bool = False

    def take(self, step: Step) -> None:
        """Take what one instruction sets."""
        words = list(step.words)
        if step.kind == "WORKDIR":
            self.workdir = str(inside(Path("/"), words[0], self.workdir))
        elif step.kind in ("ENV", "LABEL"):
            goal = self.env if step.kind == "ENV" else self.labels
            goal.update(zip(words[::2], words[1::2], strict=True))
        elif step.kind == "USER":
            self.user = words[0]
        elif step.kind == "CMD":
            self.command, self.command_is_own = words, True
        elif step.kind == "ENTRYPOINT":
            self.entrypoint = words
            if not self.command_is_own:  # the base's CMD was for the base
                self.command = []


@dataclass(frozen=True)
class Image:
    """A built image: its manifest, and the blobs that it names."""

    manifest: bytes
    blobs: Mapping[str, bytes]
    layer: Layer

    @property
    def id(self) -> str:
        """The digest of its config."""
        found: str = json.loads(self.manifest)["config"]["digest"]
        return found


def build(folder: Path, file: Path, arguments: Mapping[str, str], kept: Path, say: Say) -> Image:
    """Build an image.

    Parameters
    ----------
    folder : Path
        The build's context.
    file : Path
        The Dockerfile.
    arguments : mapping
        What ``--build-arg`` gave.
    kept : Path
        Folder of layers.
    say : callable
        Told each line of the log.

    Raises
    ------
    ImageError
    """
    steps = dockerfile.read(file, arguments)
    context = Context(folder)
    last = _last_run(steps)
    with tempfile.TemporaryDirectory(prefix="localcloud-image-") as scratch:
        root = Path(scratch) / "root"
        layer = _layer(steps, last, context, kept, say)
        shutil.copytree(layer.root, root, symlinks=True)
        state = _State()
        for number, step in enumerate(steps, 1):
            if number > last:
                _say_step(step, number, len(steps), say)
                _apply(step, state, context, root, say)
            else:
                state.take(step)
        return _image(state, layer, blobs.pack(root))


def built(folder: Path, file: Path, kept: Path) -> Layer | None:
    """The layer of an image if it was built here, without building it.

    Raises
    ------
    ImageError
        Where the Dockerfile or its context can't be read.
    """
    steps, context = dockerfile.read(file, {}), Context(folder)
    return layers.find(_key(steps[: _last_run(steps)], context), kept)


def _last_run(steps: Sequence[Step]) -> int:
    return max((n for n, step in enumerate(steps, 1) if step.kind == "RUN"), default=1)


def _key(head: Sequence[Step], context: Context) -> str:
    return layers.key([_told(step, context) for step in head])


def _layer(steps: Sequence[Step], last: int, context: Context, kept: Path, say: Say) -> Layer:
    """Everything up to the last RUN: one layer."""
    head = list(enumerate(steps[:last], 1))
    facts = {
        "base": next(step.words[0] for step in steps if step.kind == "FROM"),
        "python": layers.python(),
        "runs": [step.text for _, step in head if step.kind == "RUN"],
    }
    name = _key(steps[:last], context)
    is_new = False

    def fill(layer: Layer) -> None:
        nonlocal is_new
        is_new, state = True, _State()
        for number, step in head:
            _say_step(step, number, len(steps), say)
            if step.kind == "RUN":
                cwd = inside(layer.root, state.workdir)
                cwd.mkdir(parents=True, exist_ok=True)
                layers.run(layer, step.words, step.environment, cwd, say)
            else:
                _apply(step, state, context, layer.root, say)

    layer = layers.ensure(name, kept, facts, fill)
    if not is_new:
        for number, step in head:
            _say_step(step, number, len(steps), say)
            say(f" ---> Using cache {name[:12]}" if step.kind != "FROM" else _stands(step))
    return layer


def _told(step: Step, context: Context) -> str:
    """What decides a step's result."""
    facts: list[Any] = [step.kind, step.words]
    if step.kind == "COPY":
        facts.append(context.digest(step.words, step.text))
    if step.kind == "RUN":
        facts.append(sorted(step.environment.items()))
    return json.dumps(facts)


def _apply(step: Step, state: _State, context: Context, root: Path, say: Say) -> None:
    if step.kind == "FROM":
        say(_stands(step))
    elif step.kind == "COPY":
        context.copy(step.words, root, state.workdir, step.text)
    elif step.kind == "USER":
        say(" ---> kept; its processes are of the user who runs the local cloud")
    state.take(step)
    if step.kind == "WORKDIR":
        inside(root, state.workdir).mkdir(parents=True, exist_ok=True)


def _say_step(step: Step, number: int, count: int, say: Say) -> None:
    say(f"Step {number}/{count} : {step.text}")


def _stands(step: Step) -> str:
    return f" ---> process image: this machine's {layers.python()} stands for {step.words[0]}"


def _image(state: _State, layer: Layer, files: bytes) -> Image:
    facts = layer.facts
    environment = _json({"key": layer.key, **facts})
    diffs = [blobs.digest(environment), blobs.digest(files)]
    config = _json(
        {
            "architecture": "arm64" if platform.machine() in ("arm64", "aarch64") else "amd64",
            "os": sys.platform,
            "config": {
                "Env": [f"{name}={value}" for name, value in state.env.items()],
                "Entrypoint": state.entrypoint,
                "Cmd": state.command,
                "WorkingDir": state.workdir,
                "User": state.user,
                "Labels": {BASE_LABEL: facts["base"], PYTHON_LABEL: facts["python"]} | state.labels,
            },
            "rootfs": {"type": "layers", "diff_ids": diffs},
        }
    )
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": _descriptor(CONFIG, config),
        "layers": [_descriptor(ENVIRONMENT, environment), _descriptor(FILES, files)],
    }
    kept = {blobs.digest(each): each for each in (config, environment, files)}
    return Image(_json(manifest), kept, layer)


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(data), "digest": blobs.digest(data)}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
