"""S3's objects on disk: moto keeps buckets, versions and metadata, a file keeps the bytes.

    PUT ─ objects_upload ─▶ file ─▶ moto's FakeKey.body ─▶ GET, or DuckDB by path
    parts ─ objects_multipart ─▶ one file, of which each part is a stretch

moto holds whole bodies in memory; here they pass by the block.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from moto.s3.models import s3_backends

from localcloud.cloud import ACCOUNT, Cloud
from localcloud.engines import objects_keys, objects_multipart, objects_requests
from localcloud.engines.objects_body import Body, Folder


def install(cloud: Cloud) -> None:
    """Keep the cloud's objects under its data folder."""
    folder = folder_of(cloud)
    objects_keys.install(folder)
    objects_multipart.install(folder)
    objects_requests.install(folder)


def folder_of(cloud: Cloud) -> Folder:
    """Where the cloud's objects lie."""
    return Folder(cloud.data / "objects")


def body_of(bucket: str, key: str, account: str = ACCOUNT) -> Body:
    """The newest version's bytes.

    Raises
    ------
    FileNotFoundError
        Where no such object is stored, or its newest version is a delete marker.
    """
    found: Any = s3_backends[account]["aws"].get_object(bucket, key)
    if found is None:
        raise FileNotFoundError(f"s3://{bucket}/{key}")
    return cast(Body, found.body)


def path_of(bucket: str, key: str, account: str = ACCOUNT) -> Path:
    """The file of an object's newest version, to be read and never written.

    Raises
    ------
    FileNotFoundError
        Where no such object is stored.
    """
    return body_of(bucket, key, account).path


def put_file(
    folder: Folder, bucket: str, key: str, file: Path, content_type: str, **more: str
) -> None:
    """Put a file of an engine's own as an object: it is moved, not copied.

    Parameters
    ----------
    folder : Folder
        Where objects lie.
    bucket, key : str
    file : Path
        On the same disk as `folder`.
    content_type : str
    **more
        ``encryption`` and ``kms_key_id`` of moto's put_object.

    Raises
    ------
    moto.s3.exceptions.MissingBucket
        Where there is no such bucket.
    """
    backend: Any = s3_backends[ACCOUNT]["aws"]
    backend.get_bucket(bucket)
    new = backend.put_object(bucket, key, folder.adopt(file, key), **more)
    new.set_metadata({"Content-Type": content_type})
