"""Multipart uploads: the parts' files are joined on disk, and their checksums with them.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from moto.s3 import models
from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML, NoSuchUpload
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from localcloud.engines import objects_checksums as checksums
from localcloud.engines.objects_body import Body, Folder
from localcloud.engines.objects_keys import replace


def install(folder: Folder) -> None:
    """Patch moto's uploads; an unknown upload id is 404, where moto breaks."""
    old_complete = models.S3Backend.complete_multipart_upload

    def upload_part(self: Any, bucket: str, upload_id: str, part_id: int, value: Any) -> Any:
        return _upload(self, bucket, upload_id).set_part(part_id, value)

    def complete_multipart_upload(self: Any, bucket: str, upload_id: str, body: Any) -> Any:
        _upload(self, bucket, upload_id)
        return old_complete(self, bucket, upload_id, body)

    def abort_multipart_upload(self: Any, bucket: str, upload_id: str) -> None:
        _upload(self, bucket, upload_id).dispose()
        del self.get_bucket(bucket).multiparts[upload_id]

    def upload_part_copy(self: Any, bucket: str, upload_id: str, part_id: int, **given: Any) -> Any:
        source = self.get_object(
            given["src_bucket_name"], given["src_key_name"], given["src_version_id"]
        )
        begin, end = given["start_byte"], given["end_byte"]
        blocks = source.body.blocks() if begin is None else source.body.blocks(begin, end + 1)
        return _upload(self, bucket, upload_id).set_part(part_id, folder.write(blocks))

    new: list[Callable[..., Any]] = [upload_part, complete_multipart_upload]
    for method in [*new, abort_multipart_upload, upload_part_copy]:
        replace(models.S3Backend, method.__name__, method)
    replace(models.FakeMultipart, "complete", _complete)


def _upload(backend: Any, bucket_name: str, upload_id: str) -> Any:
    found = backend.get_bucket(bucket_name).multiparts.get(upload_id)
    if found is None:
        raise NoSuchUpload(upload_id=upload_id)
    return found


def _complete(self: Any, listed: Iterator[tuple[int, str]]) -> tuple[Body, str, Any]:
    parts = _chosen(self, listed)
    algorithm = (self.metadata.get("x-amz-checksum-algorithm") or "").upper()
    details = _checksum(self, parts, algorithm) if algorithm else None
    md5 = hashlib.md5(b"".join(bytes.fromhex(p.body.md5) for p in parts), usedforsecurity=False)
    whole = _join(parts)
    for number in set(self.parts) - {p.name for p in parts}:
        self.parts.pop(number).dispose()
        self.partlist.remove(number)
    return whole, f"{md5.hexdigest()}-{len(parts)}", details


def _chosen(upload: Any, listed: Iterator[tuple[int, str]]) -> list[Any]:
    parts: list[Any] = []
    for number, etag in listed:
        part = upload.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart()
        if parts and parts[-1].body.size < S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall()
        parts.append(part)
    if not parts:
        raise MalformedXML()
    return parts


def _checksum(upload: Any, parts: list[Any], algorithm: str) -> tuple[str, str, int]:
    """Type, value and number of parts, as FakeMultipart.complete gives them."""
    each = [
        p.body.checksums.get(algorithm) or checksums.checksum(p.body.blocks(), algorithm)
        for p in parts
    ]
    usual = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
    kind = str(upload.metadata.get("x-amz-checksum-type") or usual).upper()
    if kind == "COMPOSITE":
        return kind, checksums.composite(each, algorithm), len(parts)
    sizes = [p.body.size for p in parts]
    return kind, checksums.full_object(list(zip(each, sizes, strict=True)), algorithm), 1


def _join(parts: list[Any]) -> Body:
    """Append every part to the first one's file, of which each is a stretch from then on."""
    path, offset = parts[0].body.path, 0
    with path.open("ab") as whole:
        for part in parts:
            body: Body = part.body
            if body.path != path:
                for block in body.blocks():
                    whole.write(block)
                body.discard()
            part.body = Body(path, body.size, body.md5, body.checksums, offset, owner=False)
            offset += body.size
    return Body(path, offset, "")
