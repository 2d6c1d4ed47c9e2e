"""Large objects: in parts, by boto3, the aws CLI and pyarrow, and never in the cloud's memory."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
import uuid
import zlib
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError
from pyarrow.fs import S3FileSystem

MIB = 1 << 20
TWENTY = os.urandom(MIB) * 20


@pytest.fixture
def s3(cloud: Any) -> Any:
    return cloud.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"large-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name


def files(cloud: Any) -> set[Path]:
    return set((cloud.data / "objects").iterdir())


def read(s3: Any, bucket: str, key: str, **more: Any) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read())


def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def test_parts_become_one_file(cloud: Any, s3: Any, bucket: str) -> None:
    before = files(cloud)
    s3.upload_fileobj(io.BytesIO(TWENTY), bucket, "k")
    (whole,) = files(cloud) - before
    assert whole.stat().st_size == 20 * MIB
    found = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert found["ETag"].endswith('-3"')
    parts = [TWENTY[i : i + 8 * MIB] for i in range(0, 20 * MIB, 8 * MIB)]
    of_parts = crc32(b"".join(zlib.crc32(p).to_bytes(4, "big") for p in parts))
    assert found["ChecksumCRC32"] == f"{of_parts}-3"
    assert read(s3, bucket, "k") == TWENTY
    assert s3.head_object(Bucket=bucket, Key="k", PartNumber=3)["ContentLength"] == 4 * MIB
    s3.delete_object(Bucket=bucket, Key="k")
    assert files(cloud) == before


def test_a_copy_is_its_own_object(cloud: Any, s3: Any, bucket: str) -> None:
    s3.upload_fileobj(io.BytesIO(TWENTY), bucket, "k")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/k")
    config = TransferConfig(multipart_threshold=8 * MIB)
    s3.copy({"Bucket": bucket, "Key": "k"}, bucket, "in-parts", Config=config)
    s3.delete_object(Bucket=bucket, Key="k")
    found = s3.get_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert found["ChecksumCRC32"] == crc32(TWENTY)
    assert found["Body"].read() == TWENTY
    assert "-" not in found["ETag"]
    assert read(s3, bucket, "in-parts") == TWENTY


def test_parts_are_checked(cloud: Any, s3: Any, bucket: str) -> None:
    before = files(cloud)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    words = {"Bucket": bucket, "Key": "k", "UploadId": upload}
    one = s3.upload_part(**words, PartNumber=1, Body=b"x" * 100)["ETag"]
    two = s3.upload_part(**words, PartNumber=2, Body=b"y")["ETag"]
    listed = [{"PartNumber": 1, "ETag": one}, {"PartNumber": 2, "ETag": two}]
    with pytest.raises(ClientError, match="EntityTooSmall"):
        s3.complete_multipart_upload(**words, MultipartUpload={"Parts": listed})
    wrong = [{"PartNumber": 1, "ETag": two}]
    with pytest.raises(ClientError, match="InvalidPart"):
        s3.complete_multipart_upload(**words, MultipartUpload={"Parts": wrong})
    s3.complete_multipart_upload(**words, MultipartUpload={"Parts": listed[:1]})
    assert read(s3, bucket, "k") == b"x" * 100
    assert len(files(cloud) - before) == 1
    again = s3.create_multipart_upload(Bucket=bucket, Key="k2")["UploadId"]
    words = {"Bucket": bucket, "Key": "k2", "UploadId": again}
    s3.upload_part(**words, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(**words)
    assert len(files(cloud) - before) == 1
    with pytest.raises(ClientError, match="NoSuchUpload"):
        s3.upload_part(**words, PartNumber=1, Body=b"x")


def test_a_checksum_of_the_whole_out_of_its_parts(s3: Any, bucket: str) -> None:
    words = {"Bucket": bucket, "Key": "k"}
    upload = s3.create_multipart_upload(
        **words, ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT"
    )["UploadId"]
    parts = [TWENTY[: 6 * MIB], b"the end"]
    done = []
    for number, part in enumerate(parts, 1):
        put = s3.upload_part(
            **words, UploadId=upload, PartNumber=number, Body=part, ChecksumAlgorithm="CRC32"
        )
        done.append(
            {"PartNumber": number, "ETag": put["ETag"], "ChecksumCRC32": put["ChecksumCRC32"]}
        )
    s3.complete_multipart_upload(**words, UploadId=upload, MultipartUpload={"Parts": done})
    found = s3.get_object(**words, ChecksumMode="ENABLED")
    assert found["ChecksumCRC32"] == crc32(b"".join(parts))
    assert found["Body"].read() == b"".join(parts)


def test_the_aws_cli_copies(cloud: Any, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "up").write_bytes(TWENTY)
    aws = [str(Path(sys.executable).with_name("aws")), "s3", "cp", "--only-show-errors"]
    for source, target in (("up", None), (None, "down")):
        words = [str(tmp_path / n) if n else f"s3://{bucket}/k" for n in (source, target)]
        subprocess.run([*aws, *words], env=cloud.environment, check=True, timeout=120)
    assert (tmp_path / "down").read_bytes() == TWENTY


def test_pyarrow_reads_and_writes(cloud: Any, s3: Any, bucket: str) -> None:
    host = cloud.endpoint.removeprefix("http://")
    fs = S3FileSystem(
        endpoint_override=host, scheme="http", access_key="local", secret_key="local",
        region=cloud.region,
    )  # fmt: skip
    table = pa.table({"a": list(range(10_000))})
    pq.write_table(table, f"{bucket}/t.parquet", filesystem=fs)
    assert pq.read_table(f"{bucket}/t.parquet", filesystem=fs) == table
    with fs.open_output_stream(f"{bucket}/large") as out:
        for at in range(0, 20 * MIB, MIB):
            out.write(TWENTY[at : at + MIB])
    assert read(s3, bucket, "large") == TWENTY
    with fs.open_input_file(f"{bucket}/large") as file:
        file.seek(15 * MIB + 3)
        assert file.read(10) == TWENTY[15 * MIB + 3 : 15 * MIB + 13]


def test_memory_does_not_grow_with_an_object(cloud: Any, s3: Any, bucket: str) -> None:
    process = psutil.Process(cloud.pid)
    s3.put_object(Bucket=bucket, Key="warm", Body=b"x")
    before = process.memory_info().rss
    s3.put_object(Bucket=bucket, Key="k", Body=TWENTY * 10)
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 200 * MIB
    for block in s3.get_object(Bucket=bucket, Key="k")["Body"].iter_chunks(MIB):
        assert block
    assert process.memory_info().rss - before < 50 * MIB
