"""Opens an image: from the name in a job definition to a folder and a command that can be run."""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.engines.images import blobs, layers
from localcloud.engines.images.blobs import Blobs
from localcloud.engines.images.errors import ImageError
from localcloud.engines.images.layers import Layer
from localcloud.engines.images.media import ENVIRONMENT, FILES, inside
from localcloud.engines.images.names import ECR, Name


@dataclass(frozen=True)
class ProcessImage:
    """An image, ready to be run as a process of this machine.

    Parameters
    ----------
    root : Path
        The image's files; its ``/`` is this folder.
    workdir : Path
        The folder to start in, below `root`.
    environment : mapping
        All of it: nothing of the host's but what its ``PATH`` of ``/usr/bin:/bin`` finds.
    entrypoint, command : tuple of str
        A container's own command stands in the place of `command`.
    python : Path
        The Python of its packages.
    digest : str
        Of its manifest, ``sha256:…``.
    """

    root: Path
    workdir: Path
    environment: Mapping[str, str]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    python: Path
    digest: str


def pushed(cloud: Cloud) -> Blobs:
    """What was pushed into a cloud's repositories; ECR keeps the blobs of all of them."""
    return Blobs(cloud.data / "images" / "blobs")


def find(cloud: Cloud, image_uri: str) -> ProcessImage:
    """Open an image of ECR.

    Parameters
    ----------
    cloud : Cloud
    image_uri : str
        As ``123456789012.dkr.ecr.us-east-1.amazonaws.com/repository:tag``.

    Raises
    ------
    ImageError
        Where it isn't there, is no process image, or its environment isn't on this machine.
    """
    manifest = manifest_of(cloud, image_uri)
    kinds = {each["mediaType"]: each["digest"] for each in manifest["layers"]}
    if set(kinds) != {ENVIRONMENT, FILES}:
        raise ImageError(
            f"While opening the image {image_uri}, found layers of {', '.join(sorted(kinds))}, "
            "which no process can be run in. Build it with the local cloud's docker, or run "
            "containers."
        )
    kept = pushed(cloud)
    layer = _layer(image_uri, json.loads(kept.get(kinds[ENVIRONMENT])))
    config = json.loads(kept.get(manifest["config"]["digest"]))["config"]
    root = _unpacked(cloud.data / "images" / "files", kinds[FILES], kept)
    told = dict(each.split("=", 1) for each in config["Env"])
    return ProcessImage(
        root=root,
        workdir=inside(root, config["WorkingDir"]),
        environment=told | {"PATH": f"{layer.bin}:/usr/bin:/bin"},
        entrypoint=tuple(config["Entrypoint"]),
        command=tuple(config["Cmd"]),
        python=layer.python,
        digest=manifest["digest"],
    )


def manifest_of(cloud: Cloud, image_uri: str) -> dict[str, Any]:
    """Give the manifest of an image of ECR, with its `digest`.

    Raises
    ------
    ImageError
        Where it isn't there.
    """
    name = Name.of(image_uri)
    host = ECR.match(name.host)
    if not host or (host["account"], host["region"]) != (cloud.account, cloud.region):
        raise ImageError(
            f"While opening the image {image_uri}, found a registry that isn't this cloud's own. "
            f"Push it into {cloud.account}.dkr.ecr.{cloud.region}.amazonaws.com."
        )
    wanted = {"imageDigest": name.digest} if name.digest else {"imageTag": name.tag}
    try:
        told = cloud.client("ecr").batch_get_image(
            repositoryName=name.repository, imageIds=[wanted]
        )
    except ClientError as fault:
        raise ImageError(
            f"While opening the image {image_uri}, found: {fault} Push it first."
        ) from fault
    if not told["images"]:
        why = "; ".join(each["failureReason"] for each in told["failures"])
        raise ImageError(f"While opening the image {image_uri}, found: {why}. Push it first.")
    found: dict[str, Any] = json.loads(told["images"][0]["imageManifest"])
    return found | {"digest": blobs.digest(told["images"][0]["imageManifest"].encode())}


def _layer(image_uri: str, facts: Mapping[str, Any]) -> Layer:
    if layer := layers.find(facts["key"], layers.folder()):
        return layer
    raise ImageError(
        f"While opening the image {image_uri}, found no environment {facts['key']} in "
        f"{layers.folder()}. Build and push the image again on this machine."
    )


def _unpacked(folder: Path, blob: str, kept: Blobs) -> Path:
    """The files of an image, unpacked once; two who open it wait for one another."""
    folder.mkdir(parents=True, exist_ok=True)
    root = folder / blob.partition(":")[2][:32]
    with (folder / f"{root.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            part = folder / f"{root.name}.part"
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            blobs.unpack(kept.get(blob), part)
            part.rename(root)
    return root
