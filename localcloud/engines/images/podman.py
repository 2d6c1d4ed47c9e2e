"""Real images, where the local cloud is told to run containers: built and kept by Podman.

``LOCALCLOUD_CONTAINER=podman`` says so. Podman needs no daemon: what it starts is its own child,
so that the cloud's guard can end all of it. Docker's containers are its daemon's, and would
outlive a cloud that is killed; it is refused.

An image stays in Podman's storage. What `docker push` puts into ECR names it by its id, as a
process image names its environment: copying a gigabyte to and fro would gain nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from localcloud.cloud import Cloud
from localcloud.engines.images import blobs, found
from localcloud.engines.images.blobs import Blobs
from localcloud.engines.images.errors import ImageError
from localcloud.engines.images.layers import Say
from localcloud.engines.images.media import CONFIG, MANIFEST
from localcloud.engines.images.names import Name

VARIABLE = "LOCALCLOUD_CONTAINER"
#: Names an image in Podman's storage; no container engine takes such a layer.
KEPT = "application/vnd.localcloud.podman.v1+json"
#: Where Podman looks for its settings and its storage.
SETTINGS = ("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "XDG_RUNTIME_DIR")
ANSWER_S = 60


def program(environment: Mapping[str, str] = os.environ) -> str | None:
    """Where Podman is; None where nothing says that containers are to be run.

    Raises
    ------
    ImageError
        Where it isn't there, or another engine is named.
    """
    told = environment.get(VARIABLE, "")
    if not told:
        return None
    if Path(told).name != "podman":
        raise ImageError(
            f"While reading {VARIABLE}, found {told!r}, which isn't podman. "
            "Set it to podman, or leave it out and have images run as processes."
        )
    if (there := shutil.which(told)) is None:
        raise ImageError(
            f"While reading {VARIABLE}, found no {told} on PATH. "
            "Install Podman, or leave it out and have images run as processes."
        )
    return there


def settings(podman: str) -> dict[str, str]:
    """The variables by which a build's `docker` finds the same Podman and its images."""
    return {VARIABLE: podman} | {name: os.environ[name] for name in SETTINGS if name in os.environ}


def call(podman: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Ask Podman something that takes a moment."""
    return subprocess.run(
        [podman, *words], capture_output=True, text=True, timeout=ANSWER_S, check=False
    )


class Store:
    """Podman's images, as the `docker` of a build has them.

    Parameters
    ----------
    folder : Path
        For the blobs of what is pushed.
    podman : str
        The program.
    """

    def __init__(self, folder: Path, podman: str) -> None:
        self.blobs = Blobs(folder / "blobs")
        self._podman = podman

    def build(
        self,
        context: Path,
        file: Path,
        arguments: Mapping[str, str],
        names: Sequence[Name],
        say: Say,
    ) -> str:
        """Build an image; give its id.

        Raises
        ------
        ImageError
            Where Podman ends with another exit than 0.
        """
        words = [self._podman, "build", "--network", "host", "--file", str(file)]
        for key, value in arguments.items():
            words += ["--build-arg", f"{key}={value}"]
        for name in names:
            words += ["--tag", str(name)]
        with tempfile.TemporaryDirectory(prefix="localcloud-podman-") as folder:
            id_file = Path(folder) / "id"
            code = _run([*words, "--iidfile", str(id_file), str(context)], say)
            if code:
                raise ImageError(
                    f"While building {file}, found exit {code} of podman. See its last lines."
                )
            return id_file.read_text().strip()

    def tag(self, source: str, name: Name) -> None:
        """Give an image another name.

        Raises
        ------
        ImageError
        """
        done = call(self._podman, "tag", source, str(name))
        if done.returncode:
            raise ImageError(f"While tagging {source}, found: {_last(done)} Build it first.")

    def manifest(self, source: str) -> bytes:
        """Give the manifest under which ECR keeps an image; its blobs are among `blobs` then.

        Raises
        ------
        ImageError
            Where there is none of that name.
        """
        done = call(self._podman, "image", "inspect", source)
        if done.returncode:
            raise ImageError(
                f"While looking for the image {source}, found: {_last(done)} "
                "Build it first, with -t."
            )
        (told,) = json.loads(done.stdout)
        layer = _json({"image": told["Id"]})
        config = _json(
            {
                "architecture": told["Architecture"],
                "os": told["Os"],
                "config": told["Config"],
                "rootfs": {"type": "layers", "diff_ids": [blobs.digest(layer)]},
            }
        )
        for data in (layer, config):
            self.blobs.put(data)
        return _json(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": _descriptor(CONFIG, config),
                "layers": [_descriptor(KEPT, layer)],
            }
        )


def find(cloud: Cloud, podman: str, image_uri: str) -> str:
    """Give the id under which Podman has an image of ECR.

    Raises
    ------
    ImageError
        Where it isn't there, is a process image, or Podman has it no more.
    """
    manifest = found.manifest_of(cloud, image_uri)
    kinds = {each["mediaType"]: each["digest"] for each in manifest["layers"]}
    if set(kinds) != {KEPT}:
        raise ImageError(
            f"While opening the image {image_uri}, found layers of {', '.join(sorted(kinds))}, "
            "which Podman doesn't have. Build and push it while the cloud runs containers."
        )
    image: str = json.loads(found.pushed(cloud).get(kinds[KEPT]))["image"]
    if call(podman, "image", "exists", image).returncode:
        raise ImageError(
            f"While opening the image {image_uri}, found no image {image[:12]} in Podman's "
            "storage. Build and push it again."
        )
    return image


def _run(words: Sequence[str], say: Say) -> int:
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None  # noqa: S101
    with process.stdout as lines:
        for line in lines:
            say(line.rstrip("\n"))
    return process.wait()


def _last(done: subprocess.CompletedProcess[str]) -> str:
    """What Podman said last, as a sentence."""
    told = (done.stderr or done.stdout).strip().splitlines()[-1:]
    return f"{''.join(told).removeprefix('Error: ').rstrip('.')}."


def _descriptor(kind: str, data: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "size": len(data), "digest": blobs.digest(data)}


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
