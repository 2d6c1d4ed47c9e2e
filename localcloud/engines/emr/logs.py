"""Logs as EMR keeps them in S3: each file gzipped, a step's own and those of its containers.

https://docs.aws.amazon.com/emr/latest/ManagementGuide/emr-manage-view-web-log-files.html. EMR
copies them every five minutes; here they are copied when their step ends.
"""

from __future__ import annotations

import gzip
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any


def split(uri: str) -> tuple[str, str]:
    """Bucket and prefix of a LogUri (`s3n` is what the console writes)."""
    bucket, _, key = uri.split("://", 1)[1].partition("/")
    return bucket, key


def upload(s3: Any, uri: str, folders: dict[str, Path]) -> None:
    """Copy all files of some folders, each folder below its name.

    Parameters
    ----------
    s3 : client
    uri : str
        The cluster's own folder of logs.
    folders : dict
        Names as `steps/s-…`, and where those lie.

    Notes
    -----
    A cluster goes on where its logs can't be kept, as on EMR; the cloud's own log says why.
    """
    bucket, prefix = split(uri)
    for name, folder in folders.items():
        for file in sorted(folder.rglob("*")):
            if not file.is_file() or file.is_symlink():
                continue
            key = f"{prefix}/{name}/{file.relative_to(folder).as_posix()}.gz".lstrip("/")
            try:
                _put(s3, bucket, key, file)
            except Exception:
                print(f"While keeping s3://{bucket}/{key}:", file=sys.stderr)
                traceback.print_exc()


def _put(s3: Any, bucket: str, key: str, file: Path) -> None:
    with tempfile.TemporaryFile() as packed:
        with file.open("rb") as plain, gzip.GzipFile(fileobj=packed, mode="wb") as out:
            shutil.copyfileobj(plain, out, 1 << 20)
        packed.seek(0)
        s3.put_object(Bucket=bucket, Key=key, Body=packed, ContentType="application/x-gzip")
