"""lithops' storage in the lake's bucket: everything lies under one prefix, nothing else is read.

lithops unpickles what it reads, and whoever writes what it reads runs code as you. So its keys
are a world of their own: ``lithops.jobs/…`` is the object ``lithops/lithops.jobs/…`` of the
study's bucket, and any other bucket or key is refused before S3 is asked. The functions' role
and the other functions' roles keep the same border.

On AWS this file travels alone in lithops' zip, so it imports nothing of ours.
"""

from __future__ import annotations

import os
import sys
from typing import Any

import boto3
from botocore.config import Config
from lithops.constants import JOBS_PREFIX, LOGS_PREFIX, RUNTIMES_PREFIX
from lithops.storage.backends.aws_s3 import StorageBackend as S3Backend

PREFIX = "lithops/"
ROOMS = tuple(f"{room}/" for room in (JOBS_PREFIX, LOGS_PREFIX, RUNTIMES_PREFIX))
#: lithops finds a backend by the name of its module.
NAME = "lake"
MODULE = f"lithops.storage.backends.{NAME}"


class OutsideError(RuntimeError):
    """An object outside the study's own prefix was asked for."""


def register() -> None:
    """Let lithops find this module as its storage backend `lake`."""
    sys.modules.setdefault(MODULE, sys.modules[__name__])
    sys.modules.setdefault(f"{MODULE}.config", sys.modules[__name__])


def load_config(config_data: dict[str, Any]) -> None:
    """Fill in nothing: lithops asks every backend for this."""


class StorageBackend(S3Backend):  # type: ignore[misc]
    """lithops' S3 backend, shut in the prefix ``lithops/`` of one bucket.

    Parameters
    ----------
    config : dict
        ``storage_bucket``; and ``region``, ``endpoint``, ``access_key_id`` and
        ``secret_access_key`` where the environment doesn't say them.
    """

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.region = config.get("region")
        self._clients: dict[int, Any] = {}

    @property
    def s3_client(self) -> Any:
        """The client of this process.

        lithops forks, and two processes on one connection would read each other's answers.
        """
        pid = os.getpid()
        if pid not in self._clients:
            self._clients = {pid: _client(pid, **self._words())}
        return self._clients[pid]

    def _words(self) -> dict[str, str]:
        names = {"region": "region_name", "endpoint": "endpoint_url"}
        names |= {"access_key_id": "aws_access_key_id"}
        names |= {"secret_access_key": "aws_secret_access_key"}
        return {to: self.config[word] for word, to in names.items() if self.config.get(word)}

    def create_bucket(self, bucket_name: str) -> None:
        """Do nothing: the lake's bucket is the stack's, and missing where that is."""

    def generate_bucket_name(self) -> str:
        """Refuse: the bucket is the lake's."""
        raise OutsideError(_refusal("choosing a bucket", "no bucket in the configuration"))

    def put_object(self, bucket_name: str, key: str, data: Any) -> None:
        """Write an object."""
        super().put_object(self._own(bucket_name), _inside(key), data)

    def get_object(
        self,
        bucket_name: str,
        key: str,
        stream: bool = False,
        extra_get_args: dict[str, Any] | None = None,
    ) -> Any:
        """Read an object."""
        words = extra_get_args or {}
        return super().get_object(self._own(bucket_name), _inside(key), stream, words)

    def upload_file(self, file_name: str, bucket: str, key: Any = None, *words: Any) -> Any:
        """Upload a file."""
        return super().upload_file(
            file_name, self._own(bucket), _inside(key or os.path.basename(file_name)), *words
        )

    def download_file(self, bucket: str, key: str, file_name: Any = None, *words: Any) -> Any:
        """Download an object."""
        return super().download_file(self._own(bucket), _inside(key), file_name or key, *words)

    def head_object(self, bucket_name: str, key: str) -> Any:
        """Read an object's headers."""
        return super().head_object(self._own(bucket_name), _inside(key))

    def delete_object(self, bucket_name: str, key: str) -> Any:
        """Delete an object."""
        return super().delete_object(self._own(bucket_name), _inside(key))

    def delete_objects(self, bucket_name: str, key_list: list[str]) -> Any:
        """Delete objects."""
        return super().delete_objects(self._own(bucket_name), [_inside(key) for key in key_list])

    def list_objects(self, bucket_name: str, prefix: Any = None, match_pattern: Any = None) -> Any:
        """List objects by their keys as lithops knows them."""
        if match_pattern is not None:  # lithops would match it against the whole key
            match_pattern = PREFIX + match_pattern
        bucket = self._own(bucket_name)
        found = super().list_objects(bucket, _inside(prefix or ""), match_pattern)
        return [each | {"Key": each["Key"].removeprefix(PREFIX)} for each in found]

    def list_keys(self, bucket_name: str, prefix: Any = None) -> list[str]:
        """List keys as lithops knows them."""
        return [each["Key"] for each in self.list_objects(bucket_name, prefix)]

    def _own(self, bucket: str) -> str:
        mine = str(self.config["storage_bucket"])
        if bucket != mine:
            raise OutsideError(_refusal(f"looking into {mine}", f"the bucket {bucket} asked for"))
        return bucket


def _inside(key: str) -> str:
    if not key.startswith(ROOMS):
        raise OutsideError(_refusal("reading lithops' objects", f"the key {key!r} asked for"))
    return PREFIX + key


def _refusal(doing: str, found: str) -> str:
    return (
        f"While {doing}, found {found}, outside the study's own prefix {PREFIX}. "
        "Read data by `headrace.lake.open_uri` or boto3; only pickles of lithops' own lie there."
    )


_made: dict[tuple[Any, ...], Any] = {}


def _client(pid: int, **words: str) -> Any:
    # One a process: making it takes longer than a small function.
    key = (pid, *sorted(words.items()))
    if key not in _made:
        _made.clear()  # a parent's are of no use after a fork
        settings = Config(
            max_pool_connections=128,
            connect_timeout=10,
            read_timeout=60,
            retries={"max_attempts": 5, "mode": "standard"},
        )
        _made[key] = boto3.Session().client("s3", config=settings, **words)
    return _made[key]
