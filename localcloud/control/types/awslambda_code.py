"""A function's or layer's code: where it comes from, and the hash by which it reads back."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile

from localcloud.control.types.base import Here, Properties, pick

BLOCK_BYTES = 1 << 20
KEYS = ("S3Bucket", "S3Key", "S3ObjectVersion", "ZipFile")

_known: dict[tuple[str, ...], str] = {}


def words_of(code: Properties) -> Properties:
    """Write CloudFormation's `Code` as the API takes it; a source text becomes a zip.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-lambda-function-code.html
    """
    return {**code, "ZipFile": _zip(code["ZipFile"])} if "ZipFile" in code else code


def _zip(source: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        entry = zipfile.ZipInfo("index.py")  # dated 1980: the same text is the same zip
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, source)
    return file.getvalue()


def sha256(here: Here, code: Properties) -> str:
    """Hash what a template's code holds, as Lambda's `CodeSha256` does."""
    if "ZipFile" in code:
        return base64.b64encode(hashlib.sha256(_zip(code["ZipFile"])).digest()).decode()
    where = pick(code, "S3Bucket", "S3Key", "S3ObjectVersion")
    words = {key.removeprefix("S3"): value for key, value in where.items()}
    if "ObjectVersion" in words:
        words["VersionId"] = words.pop("ObjectVersion")
    client = here.client("s3")
    key = (str(here.cloud.port), str(words), client.head_object(**words)["ETag"])
    if key not in _known:  # the assets of a stack are shared by its functions
        digest, body = hashlib.sha256(), client.get_object(**words)["Body"]
        for block in body.iter_chunks(BLOCK_BYTES):
            digest.update(block)
        _known[key] = base64.b64encode(digest.digest()).decode()
    return _known[key]
