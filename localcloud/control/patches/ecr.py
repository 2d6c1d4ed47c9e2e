"""moto's ECR throws blobs away, and takes an image whose layers were never pushed.

Digests are its own invention too: a hash of the layers' digests, where a registry hashes the
manifest (https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests), and an
image's size is that of its config.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from localcloud.cloud import Cloud
from localcloud.control.patches import put


def install(cloud: Cloud) -> None:
    """Keep blobs, and give images their true digests and sizes."""
    from moto.ecr.models import ECRBackend, Image

    def get_size(self: Any) -> int | None:
        named = _named(self.image_manifest)
        return sum(int(each["size"]) for each in named) if named else None

    def create_digest(self: Any) -> None:
        self._image_digest = _digest(self.image_manifest)

    put(Image, "get_image_size_in_bytes", get_size)
    put(Image, "_create_digest", create_digest)
    put(ECRBackend, "complete_layer_upload", _keeping(cloud, ECRBackend.complete_layer_upload))
    put(ECRBackend, "put_image", _checked(ECRBackend.put_image))


def _keeping(cloud: Cloud, complete: Callable[..., Any]) -> Callable[..., Any]:
    from localcloud.engines.images.found import pushed

    def complete_layer_upload(
        self: Any,
        repository_name: str,
        upload_id: str,
        layer_digests: list[str],
        registry_id: str | None = None,
    ) -> Any:
        repository = self._get_repository(repository_name, registry_id)
        upload = repository.uploads.get(upload_id)
        data = bytes(upload.layer_parts) if upload else b""
        if upload and layer_digests and _digest(data) not in layer_digests:
            raise _fault(
                "InvalidLayerException",
                f"Layer digest {_digest(data)} does not match {layer_digests[0]}.",
            )
        told = complete(self, repository_name, upload_id, layer_digests, registry_id)
        pushed(cloud).put(data)
        return told

    return complete_layer_upload


def _checked(put_image: Callable[..., Any]) -> Callable[..., Any]:
    """PutImage is refused while a blob that the manifest names isn't there.

    https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_PutImage.html
    """

    def put_checked(
        self: Any,
        repository_name: str,
        image_manifest: str,
        image_tag: str,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Any:
        repository = self._get_repository(repository_name)
        for each in _named(image_manifest):
            if each["digest"] not in repository.layers:
                raise _fault(
                    "LayersNotFoundException",
                    f"Layer with digest '{each['digest']}' required for pushing image with tag "
                    f"'{image_tag}' into repository with name '{repository_name}' does not exist.",
                )
        if digest and digest != _digest(image_manifest):
            raise _fault(
                "ImageDigestDoesNotMatchException",
                f"The digest {digest} is not that of the manifest, {_digest(image_manifest)}.",
            )
        for image in repository.images if repository.is_tag_immutable() else ():
            if image_tag in image.image_tags and image.image_manifest != image_manifest:
                raise _fault(
                    "ImageTagAlreadyExistsException",
                    f"The image tag '{image_tag}' already exists in the '{repository_name}' "
                    "repository and cannot be overwritten because the repository is immutable.",
                )
        return put_image(
            self, repository_name, image_manifest, image_tag, image_manifest_mediatype, digest
        )

    return put_checked


def _named(manifest: str) -> list[dict[str, Any]]:
    """The blobs that a manifest names."""
    try:
        told = json.loads(manifest)
    except ValueError:
        return []  # moto says what is wrong with it
    if "layers" not in told:
        return []
    return [*told["layers"], *([told["config"]] if "config" in told else [])]


def _digest(data: str | bytes) -> str:
    raw = data.encode() if isinstance(data, str) else data
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def _fault(code: str, message: str) -> Exception:
    from moto.core.exceptions import JsonRESTError

    fault: Exception = JsonRESTError(code, message)
    return fault
