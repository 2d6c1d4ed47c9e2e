"""Objects lie on disk, one file a version, and S3's rules hold: versions, conditions, ranges."""

from __future__ import annotations

import hashlib
import threading
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def s3(cloud: Any) -> Any:
    return cloud.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"objects-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def files(cloud: Any) -> set[Path]:
    return set((cloud.data / "objects").iterdir())


def read(s3: Any, bucket: str, key: str, **more: Any) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read())


def test_an_object_is_a_file_and_keeps_what_was_said_of_it(
    cloud: Any, s3: Any, bucket: str
) -> None:
    before = files(cloud)
    put = s3.put_object(
        Bucket=bucket, Key="a/b.txt", Body=b"hello", ContentType="text/plain",
        Metadata={"who": "me"}, Tagging="k=v",
    )  # fmt: skip
    (new,) = files(cloud) - before
    assert new.read_bytes() == b"hello"
    assert new.suffix == ".txt"
    assert put["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
    found = s3.get_object(Bucket=bucket, Key="a/b.txt")
    assert found["Body"].read() == b"hello"
    assert (found["ContentType"], found["Metadata"]) == ("text/plain", {"who": "me"})
    assert found["ChecksumCRC32"] == put["ChecksumCRC32"]
    tags = s3.get_object_tagging(Bucket=bucket, Key="a/b.txt")["TagSet"]
    assert tags == [{"Key": "k", "Value": "v"}]


def test_each_version_has_its_file_until_it_goes(cloud: Any, s3: Any, bucket: str) -> None:
    before = files(cloud)
    versions = [s3.put_object(Bucket=bucket, Key="k", Body=f"{i}")["VersionId"] for i in range(3)]
    assert len(files(cloud) - before) == 3
    assert [read(s3, bucket, "k", VersionId=v) for v in versions] == [b"0", b"1", b"2"]
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"]
    assert len(files(cloud) - before) == 3
    with pytest.raises(ClientError, match="NoSuchKey"):
        read(s3, bucket, "k")
    listed = s3.list_object_versions(Bucket=bucket)
    assert [v["VersionId"] for v in listed["Versions"]] == versions[::-1]
    s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert read(s3, bucket, "k") == b"2"
    for version in versions:
        s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    assert files(cloud) == before


def test_overwriting_without_versions_leaves_one_file(cloud: Any, s3: Any) -> None:
    name = f"plain-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    before = files(cloud)
    for i in range(3):
        s3.put_object(Bucket=name, Key="k", Body=f"{i}")
    (only,) = files(cloud) - before
    assert only.read_bytes() == b"2"
    s3.delete_object(Bucket=name, Key="k")
    assert files(cloud) == before


def test_ranges(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="k", Body=bytes(range(100)))
    found = s3.get_object(Bucket=bucket, Key="k", Range="bytes=10-19")
    assert found["Body"].read() == bytes(range(10, 20))
    assert found["ContentRange"] == "bytes 10-19/100"
    assert found["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert read(s3, bucket, "k", Range="bytes=-5") == bytes(range(95, 100))
    assert read(s3, bucket, "k", Range="bytes=90-") == bytes(range(90, 100))
    assert read(s3, bucket, "k", Range="bytes=0-999") == bytes(range(100))
    with pytest.raises(ClientError, match="InvalidRange"):
        read(s3, bucket, "k", Range="bytes=100-")


def test_an_empty_object(s3: Any, bucket: str) -> None:
    s3.put_object(Bucket=bucket, Key="empty", Body=b"")
    assert read(s3, bucket, "empty") == b""
    assert s3.head_object(Bucket=bucket, Key="empty")["ContentLength"] == 0


def test_conditions(cloud: Any, s3: Any, bucket: str) -> None:
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")["ETag"]
    before = files(cloud)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch='"other"')
    assert files(cloud) == before
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfMatch=etag)
    assert read(s3, bucket, "k") == b"2"
    with pytest.raises(ClientError, match="304"):
        read(s3, bucket, "k", IfNoneMatch=f'"{hashlib.md5(b"2").hexdigest()}"')


def test_one_of_many_wins_an_empty_key(cloud: Any, bucket: str) -> None:
    won: list[int] = []
    lost: list[str] = []

    def put(i: int) -> None:
        try:
            cloud.client("s3").put_object(Bucket=bucket, Key="once", Body=f"{i}", IfNoneMatch="*")
            won.append(i)
        except ClientError as e:
            lost.append(e.response["Error"]["Code"])

    threads = [threading.Thread(target=put, args=(i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert lost == ["PreconditionFailed"] * 5
    assert read(cloud.client("s3"), bucket, "once") == str(won[0]).encode()


def test_a_body_that_is_not_what_was_said(cloud: Any, s3: Any, bucket: str) -> None:
    before = files(cloud)
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==")
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", ChecksumCRC32="AAAAAA==")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put_object(Bucket="no-such-bucket-anywhere", Key="k", Body=b"x")
    assert files(cloud) == before


def test_presigned_urls(s3: Any, bucket: str) -> None:
    words = {"Bucket": bucket, "Key": "signed"}
    put = urllib.request.Request(
        s3.generate_presigned_url("put_object", Params=words), data=b"abc", method="PUT"
    )
    with urllib.request.urlopen(put) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(s3.generate_presigned_url("get_object", Params=words)) as answer:
        assert answer.read() == b"abc"


def test_suspending_versions_is_refused(s3: Any, bucket: str) -> None:
    with pytest.raises(ClientError, match="not supported by the local cloud"):
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
