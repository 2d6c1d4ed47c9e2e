"""`docker login` and `docker push`, to the repositories of ECR at ``AWS_ENDPOINT_URL``.

Docker itself speaks the registry's protocol at the repository's own host name; here the same is
said by ECR's API, which has a call for each of its steps:
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_UploadLayerPart.html
"""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from localcloud.engines.images.blobs import Blobs, digest
from localcloud.engines.images.errors import ImageError
from localcloud.engines.images.layers import Say
from localcloud.engines.images.media import MANIFEST
from localcloud.engines.images.names import ECR, Name

PART_BYTES = 10 << 20  # what InitiateLayerUpload advises


def password(client: Any) -> str:
    """Give the registry's password for the user AWS: ``aws ecr get-login-password``."""
    (told,) = client.get_authorization_token()["authorizationData"]
    return base64.b64decode(told["authorizationToken"]).decode().partition(":")[2]


def login(host: str, user: str, secret: str) -> None:
    """Show a registry the user and the password, and remember that it took them.

    Raises
    ------
    ImageError
        Where it doesn't.
    """
    try:
        right = user == "AWS" and secret == password(_client(host))
    except (BotoCoreError, ClientError) as fault:
        raise _failed(f"logging in to {host}", fault) from fault
    if not right:
        raise ImageError(
            f"While logging in to {host}, found a user or password that it doesn't take. "
            "Give the user AWS the output of `aws ecr get-login-password`."
        )
    path, known = _logins(), _known()
    known["auths"] = known.get("auths", {}) | {
        host: {"auth": base64.b64encode(f"{user}:{secret}".encode()).decode()}
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(known))


def push(name: Name, manifest: bytes, blobs: Blobs, say: Say) -> None:
    """Put an image into its repository: the blobs that it lacks, then the manifest.

    Raises
    ------
    ImageError
        Where nobody is logged in, or the repository isn't there or doesn't take it.
    """
    if name.host not in _known().get("auths", {}):
        raise ImageError(
            f"While pushing {name}, found no login at {name.host or 'a registry'}: no basic auth "
            "credentials. Call docker login first."
        )
    client = _client(name.host)
    say(f"The push refers to repository [{name.host}/{name.repository}]")
    try:
        for each in _named(manifest):
            _upload(client, name.repository, each, blobs, say)
        _put(client, name, manifest)
    except (BotoCoreError, ClientError) as fault:
        raise _failed(f"pushing {name}", fault) from fault
    say(f"{name.tag}: digest: {digest(manifest)} size: {len(manifest)}")


def _named(manifest: bytes) -> list[str]:
    found = json.loads(manifest)
    return [each["digest"] for each in [*found["layers"], found["config"]]]


def _upload(client: Any, repository: str, blob: str, blobs: Blobs, say: Say) -> None:
    short = blob.partition(":")[2][:12]
    told = client.batch_check_layer_availability(repositoryName=repository, layerDigests=[blob])
    if any(each["layerAvailability"] == "AVAILABLE" for each in told["layers"]):
        say(f"{short}: Layer already exists")
        return
    data = blobs.get(blob)
    upload = client.initiate_layer_upload(repositoryName=repository)["uploadId"]
    for first in range(0, len(data), PART_BYTES):
        part = data[first : first + PART_BYTES]
        client.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    client.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[blob])
    say(f"{short}: Pushed")


def _put(client: Any, name: Name, manifest: bytes) -> None:
    try:
        client.put_image(
            repositoryName=name.repository,
            imageTag=name.tag,
            imageManifest=manifest.decode(),
            imageManifestMediaType=MANIFEST,
            imageDigest=digest(manifest),
        )
    except client.exceptions.ImageAlreadyExistsException:
        return  # the same image under the same tag: to docker that is no error


def _client(host: str) -> Any:
    if not (found := ECR.match(host)):
        raise ImageError(
            f"While looking for the registry {host or '(none)'}, found none but ECR's here. "
            "Name it ACCOUNT.dkr.ecr.REGION.amazonaws.com."
        )
    return boto3.client("ecr", region_name=found["region"])


def _logins() -> Path:
    folder = os.environ.get("DOCKER_CONFIG") or "~/.docker"
    return Path(folder).expanduser() / "config.json"


def _known() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_logins().read_text()) if _logins().is_file() else {}
    return found


def _failed(doing: str, fault: Exception) -> ImageError:
    return ImageError(f"While {doing}, found: {fault} Mend that, and push again.")
