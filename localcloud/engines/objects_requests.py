"""moto's S3 requests: a PUT's bytes are on disk before it looks, a GET's leave from there."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from typing import Any

from moto.s3 import responses
from moto.s3.exceptions import S3ClientError

from localcloud.engines import objects_checksums as checksums
from localcloud.engines.objects_body import Body, Folder, Response
from localcloud.engines.objects_keys import adopted, on_disk, replace
from localcloud.engines.objects_upload import BadDigest, is_upload, receive

#: Two puts that each ask for "none there yet" must not both be told yes.
_conditional = threading.Lock()


def install(folder: Folder) -> None:
    """Patch moto's reading and answering of requests for objects."""
    _patch_bodies(folder)
    _patch_puts()
    old_get, old_head = responses.S3Response.get_object, responses.S3Response.head_object

    def get_object(self: Any) -> Any:
        with on_disk():
            status, headers, content = old_get(self)
        return status, headers, Response(content) if isinstance(content, Body) else content

    def head_object(self: Any, bucket: str, query: dict[str, Any], key: str, headers: Any) -> Any:
        status, told, content = old_head(self, bucket, query, key, headers)
        found = self.backend.get_object(bucket, key, query.get("versionId", [None])[0])
        name = f"x-amz-checksum-{(getattr(found, 'checksum_algorithm', None) or '').lower()}"
        if name in told and found.checksum_type:
            told["x-amz-checksum-type"] = found.checksum_type
            if found.checksum_type == "COMPOSITE":
                told[name] = f"{found.checksum_value}-{found.checksum_parts}"
        return status, told, content

    def compute_checksum(data: bytes, algorithm: str) -> bytes:
        return checksums.checksum([data], algorithm).encode()

    replace(responses.S3Response, "get_object", get_object)
    replace(responses.S3Response, "head_object", head_object)
    # moto's own calls CRC32 by another name where a library is missing.
    replace(responses, "compute_checksum", compute_checksum)


def _patch_bodies(folder: Folder) -> None:
    old_setup = responses.S3Response.setup_class
    old_answer = responses.S3Response.key_response

    def setup_class(self: Any, request: Any, *rest: Any, **more: Any) -> None:
        self.upload = self.refused = None
        if is_upload(request):
            try:
                self.upload = receive(request, folder)
            except S3ClientError as refused:
                self.refused = refused
            request._cached_data, request.form, request.files = b"", {}, {}
            request.environ["HTTP_X_AMZ_CONTENT_SHA256"] = "UNSIGNED-PAYLOAD"
        old_setup(self, request, *rest, **more)
        self.body = self.upload or self.body

    def key_response(self: Any, request: Any, full_url: str, headers: Any) -> Any:
        try:
            return old_answer(self, request, full_url, headers)
        finally:
            if self.upload and not adopted(self.upload):
                self.upload.discard()

    replace(responses.S3Response, "setup_class", setup_class)
    replace(responses.S3Response, "key_response", key_response)


def _patch_puts() -> None:
    cls = responses.S3Response
    old_key_put, old_put, old_checksum = cls._key_response_put, cls.put_object, cls._get_checksum

    def key_response_put(self: Any, query: dict[str, Any], key_name: str) -> Any:
        if self.refused:
            raise self.refused
        if self.upload:
            _check_md5(self.headers.get("Content-MD5"), self.upload)
        return old_key_put(self, query, key_name)

    def put_object(self: Any) -> Any:
        if not (self.headers.get("If-Match") or self.headers.get("If-None-Match")):
            return old_put(self)
        with _conditional:
            return old_put(self)

    def get_checksum(self: Any, headers: dict[str, Any]) -> tuple[str, str | None]:
        if not self.upload:
            return old_checksum(self, headers)
        for algorithm, value in self.upload.checksums.items():
            headers[f"x-amz-checksum-{algorithm.lower()}"] = value
            return algorithm, value
        return "", None

    new: dict[str, Callable[..., Any]] = {"put_object": put_object}
    new |= {"_key_response_put": key_response_put, "_get_checksum": get_checksum}
    for name, method in new.items():
        replace(cls, name, method)


def _check_md5(said: str | None, body: Body) -> None:
    if said and base64.b64decode(said).hex() != body.md5:
        raise BadDigest(
            "BadDigest", "The Content-MD5 you specified did not match what we received."
        )
