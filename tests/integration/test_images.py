"""The local cloud's docker, called as a user would, and ECR as it keeps what was pushed."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud.cloud import Cloud
from localcloud.engines import images

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DOCKERFILE = """
FROM python:3.12
WORKDIR /opt/it
COPY wheels wheels
RUN pip install --no-index wheels/tiny-1.0-py3-none-any.whl && python -c "open('made', 'w')"
COPY say.py .
ENV GREETING=hello
USER nobody
ENTRYPOINT ["python", "say.py"]
CMD ["you"]
"""
SAY = """
import os, sys, tiny
print(os.environ["GREETING"], tiny.NAME, *sys.argv[1:], os.path.exists("made"), os.getcwd())
print(sorted(sys.modules["tiny"].__dict__.get("host", [])), "numpy" in sys.path)
"""

Docker = Callable[..., "subprocess.CompletedProcess[str]"]


def wheel(folder: Path, name: str, text: str) -> None:
    """A wheel made by hand: nothing has to be fetched to install it."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}.py": text,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as archive:
        for path, content in files.items():  # all of one time: the same bytes in each test
            archive.writestr(zipfile.ZipInfo(path), content)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the layers of this file's images are."""
    return tmp_path_factory.mktemp("images")


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    wheel(folder / "wheels", "tiny", "NAME = 'tiny'\n")
    (folder / "say.py").write_text(SAY)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    return folder


@pytest.fixture
def docker(cloud: Any, kept: Path, tmp_path: Path) -> Docker:
    def call(*words: str, **more: Any) -> subprocess.CompletedProcess[str]:
        environment = cloud.environment | {
            "LOCALCLOUD_IMAGES": str(kept),
            "LOCALCLOUD_DOCKER": str(tmp_path / "docker"),
            "DOCKER_CONFIG": str(tmp_path / "config"),
        }
        return subprocess.run(
            [sys.executable, "-m", "localcloud.engines.images", *words],
            env=environment, capture_output=True, text=True, check=False, timeout=120, **more,
        )  # fmt: skip

    return call


def login(cloud: Any, docker: Docker) -> None:
    (told,) = cloud.client("ecr").get_authorization_token()["authorizationData"]
    password = base64.b64decode(told["authorizationToken"]).decode().partition(":")[2]
    done = docker("login", "-u", "AWS", "--password-stdin", HOST, input=password)
    assert done.returncode == 0, done.stderr


def find(cloud: Any, image: str) -> images.ProcessImage:
    return images.find(Cloud(int(cloud.endpoint.rpartition(":")[2]), cloud.data), image)


def ran(image: images.ProcessImage, *words: str) -> list[str]:
    done = subprocess.run(
        [*image.entrypoint, *(words or image.command)], cwd=image.workdir,
        env=dict(image.environment), capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.splitlines()


@pytest.fixture
def repository(cloud: Any) -> str:
    name = f"r{uuid.uuid4().hex[:10]}"
    cloud.client("ecr").create_repository(repositoryName=name)
    return name


def test_an_image_is_built_once_pushed_and_run(
    cloud: Any,
    docker: Docker,
    context: Path,
    repository: str,
    kept: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LOCALCLOUD_IMAGES", str(kept))
    image = f"{HOST}/{repository}:1"
    first = docker("build", "-t", image, str(context))
    assert first.returncode == 0, first.stderr
    assert "Successfully installed tiny-1.0" in first.stdout
    again = docker("build", "-t", image, str(context))
    assert "Successfully installed" not in again.stdout
    assert "Using cache" in again.stdout
    assert again.stdout.splitlines()[-2:] == first.stdout.splitlines()[-2:]

    refused = docker("push", image)
    assert refused.returncode == 1
    assert "no basic auth credentials" in refused.stderr
    with pytest.raises(images.ImageError, match="Push it first"):
        find(cloud, image)
    login(cloud, docker)
    pushed = docker("push", image)
    assert pushed.returncode == 0, pushed.stderr

    found = find(cloud, image)
    greeting, hosts = ran(found)
    assert greeting == f"hello tiny you True {found.workdir}"
    assert hosts == "[] False"
    assert ran(found, "me", "too")[0].startswith("hello tiny me too ")
    assert set(found.environment) == {"GREETING", "LANG", "PATH"}
    assert (found.root / "opt" / "it" / "made").is_file()

    # By its digest too; and a change after the last RUN installs nothing anew.
    assert find(cloud, f"{HOST}/{repository}@{found.digest}") == found
    (context / "say.py").write_text(SAY.replace("tiny.NAME", "'changed'"))
    changed = docker("build", "-q", "-t", f"{HOST}/{repository}:2", str(context))
    assert changed.returncode == 0, changed.stderr
    assert docker("push", f"{HOST}/{repository}:2").returncode == 0
    other = find(cloud, f"{HOST}/{repository}:2")
    assert ran(other)[0].startswith("hello changed you ")
    assert other.python == found.python
    assert ran(found)[0].startswith("hello tiny you ")


def test_what_run_lines_read_makes_another_environment(
    docker: Docker, context: Path, kept: Path
) -> None:
    assert docker("build", str(context)).returncode == 0
    before = {path.name for path in kept.iterdir() if path.is_dir()}
    (context / "wheels" / "note").write_text("new")
    assert docker("build", str(context)).returncode == 0
    assert len({path.name for path in kept.iterdir() if path.is_dir()} - before) == 1


def test_a_run_line_that_fails_leaves_nothing(docker: Docker, context: Path, kept: Path) -> None:
    (context / "Dockerfile").write_text(
        "FROM python:3.12\nCOPY wheels wheels\nRUN pip install --no-index -f wheels absent\n"
    )
    before = {path.name for path in kept.glob("*/layer.json")}
    done = docker("build", "-q", str(context))
    assert done.returncode == 1
    assert "No matching distribution found for absent" in done.stderr
    assert done.stdout == ""
    assert {path.name for path in kept.glob("*/layer.json")} == before
    assert not [path for path in kept.iterdir() if path.is_dir() and not
                (path / "layer.json").is_file()]  # fmt: skip


def test_a_build_is_refused_by_name(docker: Docker, context: Path) -> None:
    (context / "Dockerfile").write_text("FROM python:3.12\nRUN apt-get update\n")
    done = docker("build", str(context))
    assert done.returncode == 1
    assert "line 2, found RUN apt-get update, which a process image can't honour" in done.stderr
    assert docker("build", "-f", "absent", str(context)).returncode == 1
    assert docker("push", f"{HOST}/never:1").returncode == 1


def test_a_wrong_password_is_no_login(docker: Docker) -> None:
    done = docker("login", "-u", "AWS", "--password-stdin", HOST, input="wrong")
    assert done.returncode == 1
    assert "doesn't take" in done.stderr
    assert docker("login", "-u", "me", "--password-stdin", "docker.io", input="x").returncode == 1


def upload(ecr: Any, repository: str, data: bytes, digest: str = "") -> str:
    digest = digest or f"sha256:{hashlib.sha256(data).hexdigest()}"
    id_ = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=repository, uploadId=id_, partFirstByte=0, partLastByte=len(data) - 1,
        layerPartBlob=data,
    )  # fmt: skip
    ecr.complete_layer_upload(repositoryName=repository, uploadId=id_, layerDigests=[digest])
    return digest


def test_ecr_keeps_true_digests_and_sizes_and_asks_for_layers(cloud: Any, repository: str) -> None:
    ecr = cloud.client("ecr")
    docker = "application/vnd.docker"
    named: dict[str, dict[str, Any]] = {
        kind: {"mediaType": kind, "size": len(data),
               "digest": f"sha256:{hashlib.sha256(data).hexdigest()}"}
        for kind, data in ((f"{docker}.container.image.v1+json", b"{}"),
                           (f"{docker}.image.rootfs.diff.tar", b"a tar"))
    }  # fmt: skip
    config, layer = named.values()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": f"{docker}.distribution.manifest.v2+json",
            "config": config,
            "layers": [layer],
        }
    )
    with pytest.raises(ClientError, match="LayersNotFound"):
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="1")
    with pytest.raises(ClientError, match="InvalidLayerException"):
        upload(ecr, repository, b"{}", digest=layer["digest"])
    upload(ecr, repository, b"{}")
    upload(ecr, repository, b"a tar")
    with pytest.raises(ClientError, match="ImageDigestDoesNotMatch"):
        ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="1",
                      imageDigest=layer["digest"])  # fmt: skip
    ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag="1")
    (told,) = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert told["imageDigest"] == f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
    assert told["imageSizeInBytes"] == 7
    # A true image is no process image, and says so.
    with pytest.raises(images.ImageError, match="which no process can be run in"):
        find(cloud, f"{HOST}/{repository}:1")
    with pytest.raises(images.ImageError, match="isn't this cloud's own"):
        find(cloud, "public.ecr.aws/docker/library/python:3.12")
