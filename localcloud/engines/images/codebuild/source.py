"""Fetches a build's source, a zip in S3."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localcloud.engines.images.codebuild.errors import PhaseError


def fetch(s3: Any, project: Mapping[str, Any], folder: Path) -> str:
    """Unpack the source into a folder.

    Returns
    -------
    str
        The version that it was, where its bucket keeps versions.

    Raises
    ------
    PhaseError
        Where it isn't there, or is no zip.
    """
    source = project["source"]
    if source["type"] == "NO_SOURCE":
        return ""
    bucket, _, key = source["location"].removeprefix("arn:aws:s3:::").partition("/")
    version = {"VersionId": project["sourceVersion"]} if project.get("sourceVersion") else {}
    try:
        got = s3.get_object(Bucket=bucket, Key=key, **version)
        data = got["Body"].read()
    except ClientError as fault:
        code = fault.response["Error"]["Code"]
        raise PhaseError(
            "CLIENT_ERROR", f"error while downloading key {key}, error: {code}: {fault}"
        ) from fault
    try:
        _unpack(data, folder)
    except zipfile.BadZipFile as fault:
        raise PhaseError("CLIENT_ERROR", f"{source['location']}: zip: {fault}") from fault
    return str(got.get("VersionId", ""))


def _unpack(data: bytes, folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for each in archive.infolist():
            made = Path(archive.extract(each, folder))
            if not each.is_dir() and (each.external_attr >> 16) & 0o100:
                made.chmod(0o755)
