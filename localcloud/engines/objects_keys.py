"""moto's key: its value is a file, removed with the version; a copy is one new file."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from moto.s3.exceptions import InvalidRequest
from moto.s3.models import FakeKey, S3Backend

from localcloud.engines.objects_body import Body, Folder
from localcloud.engines.objects_checksums import checksum

#: `.lazy`: a key's value is its body, not its bytes; `.adopted`: the last body a key took.
_here = threading.local()


def replace(owner: Any, name: str, new: Any) -> Any:
    """Put `new` in the place of an attribute of moto's, and return what was there."""
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old


@contextmanager
def on_disk() -> Iterator[None]:
    """Within, `FakeKey.value` gives a body: moto hands it on without reading it."""
    _here.lazy = True
    try:
        yield
    finally:
        _here.lazy = False


def adopted(body: Body) -> bool:
    """Whether a key took this body, in this thread, and will remove it."""
    return getattr(_here, "adopted", None) is body


def install(folder: Folder) -> None:
    """Patch moto's key, its copy, and its suspending of versions."""

    def get_value(self: Any) -> Any:
        return self.body if getattr(_here, "lazy", False) else self.body.read()

    def set_value(self: Any, new: Any) -> None:
        old = self.__dict__.get("body")
        if not isinstance(new, Body):
            new = folder.write([new.encode() if isinstance(new, str) else bytes(new)])
        elif getattr(_here, "lazy", False):  # a copy: the source keeps its own file
            new = folder.write(new.blocks(), str(self.name))
        self.body, self.contentsize, _here.adopted = new, new.size, new
        self._etag = self._etag or new.md5
        if old is not None:
            old.discard()

    replace(FakeKey, "value", property(get_value, set_value))
    replace(FakeKey, "etag", property(lambda self: f'"{self._etag}"'))
    replace(FakeKey, "dispose", _dispose)
    replace(FakeKey, "__getstate__", _state)
    replace(FakeKey, "__setstate__", _restore)
    replace(S3Backend, "put_bucket_versioning", _put_bucket_versioning)
    _patch_copy()


def _dispose(self: Any, garbage: bool = False) -> None:
    if body := self.__dict__.get("body"):
        body.discard()
    if multipart := self.__dict__.get("multipart"):
        multipart.dispose()
    self.disposed = True


def _state(self: Any) -> dict[str, Any]:
    """What moto copies when it lists versions: the file is still the first key's."""
    shared = dataclasses.replace(self.body, owner=False)
    return {k: v for k, v in vars(self).items() if k not in ("lock", "_value_buffer")} | {
        "body": shared
    }


def _restore(self: Any, state: dict[str, Any]) -> None:
    vars(self).update(state, lock=threading.Lock())


def _put_bucket_versioning(self: Any, bucket_name: str, status: str) -> None:
    bucket = self.get_bucket(bucket_name)
    if status == "Suspended" and bucket.versioning_status == "Enabled":
        # moto would drop all versions of a key at its next put.
        raise InvalidRequest("Suspending versioning is not supported by the local cloud")
    bucket.versioning_status = status


class _Source:
    """A key to copy from: the copy is one piece, whatever the source was put in."""

    multipart = None

    def __init__(self, key: Any):
        self._key = key

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)


def _patch_copy() -> None:
    old_copy: Callable[..., None] = S3Backend.copy_object

    def copy_object(
        self: Any, src_key: Any, bucket: str, key: str, *rest: Any, **more: Any
    ) -> None:
        with on_disk():
            old_copy(self, _Source(src_key), bucket, key, *rest, **more)
        if src_key.checksum_type == "COMPOSITE":  # the copy's must be that of the whole
            copy = self.get_object(bucket, key)
            copy.checksum_value = checksum(copy.body.blocks(), src_key.checksum_algorithm)
            copy.checksum_type = "FULL_OBJECT"

    replace(S3Backend, "copy_object", copy_object)
