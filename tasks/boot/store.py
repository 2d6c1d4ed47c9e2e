"""Objects by URI, ``s3://`` or ``file://``: all that `boot` reads and writes goes through here."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname


class StoreError(OSError):
    """An object can't be read or written."""


def read(uri: str) -> bytes:
    """Give an object's bytes.

    Raises
    ------
    StoreError
        Where it can't be had, after the SDK's own tries.
    """
    try:
        if (path := _path(uri)) is not None:
            return path.read_bytes()
        body: bytes = _s3().get_object(**_key(uri))["Body"].read()
    except Exception as error:
        raise StoreError(f"{type(error).__name__}: {error}") from error
    return body


def write(uri: str, data: bytes) -> None:
    """Write an object.

    Raises
    ------
    StoreError
        Where it can't be written, after the SDK's own tries.
    """
    try:
        if (path := _path(uri)) is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        else:
            _s3().put_object(**_key(uri), Body=data)
    except Exception as error:
        raise StoreError(f"{type(error).__name__}: {error}") from error


def beside(output: str, name: str) -> str:
    """The URI of `name` beside the folder `output`."""
    return f"{output.rstrip('/').rpartition('/')[0]}/{name}"


def within(output: str, name: str) -> str:
    """The URI of `name` in the folder `output`."""
    return f"{output.rstrip('/')}/{name}"


def _path(uri: str) -> Path | None:
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(url2pathname(parts.path))
    if parts.scheme != "s3":
        raise ValueError(f"While opening {uri!r}, found no s3:// or file:// URI. Give one.")
    return None


def _key(uri: str) -> dict[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def _s3() -> Any:
    # Here: on a research cluster, where all is file://, there may be no boto3; and it takes a
    # third of a second to import.
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(retries={"mode": "standard", "max_attempts": 5}))
