"""Brings a step's files to its container, as YARN localizes them: once for each cluster."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from localcloud.engines.emr.node import Place
from localcloud.engines.emr.node_work import CommandError

S3 = ("s3", "s3a", "s3n")


class Files:
    """Fetches files for the steps of a cluster.

    Parameters
    ----------
    base : Path
        What a relative path is relative to: the step's folder.
    """

    def __init__(self, place: Place, base: Path) -> None:
        self._place, self._base = place, base
        self._cache = place.root / "filecache"
        self._client: Any = None

    def fetch(self, uri: str) -> Path:
        """Give a local file of what a URI names.

        Raises
        ------
        CommandError
            Where there is none.
        """
        parts = urlsplit(uri)
        if parts.scheme in S3:
            return self._object(uri, parts.netloc, parts.path.lstrip("/"))
        if parts.scheme == "hdfs":
            path = self._place.root / "hdfs" / parts.path.lstrip("/")
        elif parts.scheme in ("", "file", "local"):
            path = self._base / parts.path
        else:
            raise CommandError(f'No FileSystem for scheme "{parts.scheme}": {uri}')
        if not path.exists():
            raise CommandError(f"java.io.FileNotFoundException: File {uri} does not exist")
        return path

    def local(self, uri: str) -> str:
        """Give ``file:…#name`` for ``URI#name``; a name that isn't given is the file's own."""
        plain, _, name = uri.partition("#")
        path = self.fetch(plain).absolute()
        return f"{path.as_uri()}#{name or plain.rstrip('/').rpartition('/')[2]}"

    def unpack(self, uri: str, into: Path) -> None:
        """Link an archive, ``URI#name``, unpacked into a container."""
        plain, _, name = uri.partition("#")
        source = self.fetch(plain)
        target = self._cache / f"{_key(str(source), str(source.stat().st_mtime_ns))}.unpacked"
        if not target.exists():
            self._cache.mkdir(parents=True, exist_ok=True)
            scratch = Path(tempfile.mkdtemp(dir=self._cache))
            try:
                _extract(source, scratch)
            except (shutil.ReadError, zipfile.BadZipFile, OSError) as fault:
                raise CommandError(f"While unpacking {plain}, found {fault}. Check it.") from fault
            _settle(scratch, target)
        (into / (name or source.name)).symlink_to(target)

    def link(self, uri: str, into: Path) -> Path:
        """Link a file, ``URI#name`` or by its own name, into a container."""
        plain, _, name = uri.partition("#")
        target = into / (name or plain.rpartition("/")[2])
        source = self.fetch(plain).absolute()
        if target.absolute() != source:
            target.unlink(missing_ok=True)
            target.symlink_to(source)
        return target

    def _object(self, uri: str, bucket: str, key: str) -> Path:
        if self._client is None:
            node = self._place.node
            self._client = boto3.session.Session().client(
                "s3",
                region_name=node.region,
                endpoint_url=node.endpoint,
                aws_access_key_id=node.credentials.get("AWS_ACCESS_KEY_ID"),
                aws_secret_access_key=node.credentials.get("AWS_SECRET_ACCESS_KEY"),
                aws_session_token=node.credentials.get("AWS_SESSION_TOKEN"),
                config=Config(s3={"addressing_style": "path"}),
            )
        try:
            head = self._client.head_object(Bucket=bucket, Key=key)
            target = self._cache / _key(uri, head["ETag"]) / key.rpartition("/")[2]
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                part = Path(tempfile.mkdtemp(dir=self._cache)) / target.name
                self._client.download_file(bucket, key, str(part))
                part.replace(target)
                part.parent.rmdir()
        except ClientError as fault:
            status = fault.response["ResponseMetadata"]["HTTPStatusCode"]
            kind = "FileNotFoundException: No such file or directory"
            if status != 404:
                kind = f"nio.file.AccessDeniedException: {fault}"
            raise CommandError(f"java.io.{kind}: {uri}".replace("io.nio", "nio")) from fault
        return target


def _extract(source: Path, into: Path) -> None:
    if source.suffix in (".zip", ".jar"):
        with zipfile.ZipFile(source) as archive:
            archive.extractall(into)
            for entry in archive.infolist():  # zipfile forgets who may run what
                mode = entry.external_attr >> 16 & 0o777
                if mode & 0o111:
                    (into / entry.filename).chmod(mode | 0o600)
    else:
        shutil.unpack_archive(source, into, filter="tar")


def _settle(scratch: Path, target: Path) -> None:
    try:
        scratch.rename(target)
    except OSError:  # another step was first
        shutil.rmtree(scratch)


def _key(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:24]
