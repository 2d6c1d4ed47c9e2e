"""Files go into the lake once, under names of their own."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from headrace import upload
from headrace.upload import PART_BYTES, UploadError


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", "us-east-1")
        client.create_bucket(Bucket="lake")
        yield client


def write(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("size", [0, 10, PART_BYTES - 1, PART_BYTES, 2 * PART_BYTES + 5])
def test_the_etag_of_a_file_is_what_s3_gives_it(s3: Any, tmp_path: Path, size: int) -> None:
    file = write(tmp_path / "a.bin", b"x" * size)
    (sent,) = upload.send(s3, "lake", "warc", [file])
    assert sent.sent
    found = s3.head_object(Bucket="lake", Key="files/warc/a.bin")
    assert found["ETag"].strip('"') == upload.etag(file)
    assert found["ContentLength"] == size
    (again,) = upload.send(s3, "lake", "warc", [file])
    assert not again.sent


def test_a_changed_file_takes_the_old_ones_place(s3: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "a.txt", b"one")
    upload.send(s3, "lake", "n", [file])
    file.write_bytes(b"two")  # as long as the old one
    (sent,) = upload.send(s3, "lake", "n", [file])
    assert sent.sent
    assert s3.get_object(Bucket="lake", Key=sent.key)["Body"].read() == b"two"


def test_progress_counts_every_byte_once(s3: Any, tmp_path: Path) -> None:
    files = [write(tmp_path / f"{n}.txt", b"x" * n) for n in (3, 5)]
    upload.send(s3, "lake", "n", files[:1])
    counted = list[int]()
    upload.send(s3, "lake", "n", files, lambda count, file: counted.append(count))
    assert sum(counted) == 8


def test_folders_are_taken_whole_and_hidden_files_stay(tmp_path: Path) -> None:
    deep = write(tmp_path / "in" / "deep" / "b.gz", b"b")
    top = write(tmp_path / "in" / "a.gz", b"a")
    hidden = write(tmp_path / "in" / ".DS_Store", b"")
    assert upload.collect([tmp_path / "in"]) == ([top, deep], [hidden])
    assert upload.collect([hidden]) == ([hidden], [])  # named itself, it is meant
    assert upload.collect([top, tmp_path / "in"])[0] == [top, deep]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    one, two = (write(tmp_path / folder / "x.gz", b"") for folder in ("a", "b"))
    with pytest.raises(UploadError, match=r"two of one name, .*a/x\.gz and .*b/x\.gz"):
        upload.collect([one, two])


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UploadError, match="no .*nothing"):
        upload.collect([tmp_path / "nothing"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(UploadError, match="found none"):
        upload.collect([tmp_path / "empty"])


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".x", "a b"])
def test_names_that_a_key_would_take_apart_are_refused(name: str) -> None:
    with pytest.raises(UploadError, match="naming uploaded files"):
        upload.prefix(name)


def test_the_etag_of_parts_is_the_sum_of_their_sums(tmp_path: Path) -> None:
    file = write(tmp_path / "big", b"a" * PART_BYTES + b"b")
    sums = hashlib.md5(b"a" * PART_BYTES).digest() + hashlib.md5(b"b").digest()
    assert upload.etag(file) == f"{hashlib.md5(sums).hexdigest()}-2"
