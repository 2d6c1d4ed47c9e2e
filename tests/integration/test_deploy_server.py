"""The endpoint itself: kept connections, waiting clients, chunks, big bodies, plain refusals."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import socket
import uuid
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError


def connection(cloud: Any) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("localhost", urlsplit(cloud.endpoint).port, timeout=20)


@pytest.fixture
def bucket(cloud: Any) -> str:
    name = f"s{uuid.uuid4().hex[:10]}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def test_connections_are_kept(cloud: Any, bucket: str) -> None:
    one = connection(cloud)
    one.request("GET", f"/{bucket}")
    one.getresponse().read()
    kept = one.sock
    assert kept is not None
    one.request("POST", f"/{bucket}/nothing", body=b"x" * 100_000)  # its body is never looked at
    one.getresponse().read()
    one.request("GET", f"/{bucket}")
    assert one.getresponse().status == 200
    assert one.sock is kept
    one.close()


def test_a_client_that_waits_is_asked_for_its_body(cloud: Any, bucket: str) -> None:
    with socket.create_connection(("localhost", urlsplit(cloud.endpoint).port), 20) as raw:
        head = f"PUT /{bucket}/k HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n"
        raw.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 100 ")
        raw.sendall(b"abc")
        assert b" 200 " in raw.recv(1000)
    got = cloud.client("s3").get_object(Bucket=bucket, Key="k")["Body"].read()
    assert got == b"abc"


def test_chunked_uploads_with_a_trailing_checksum(cloud: Any, bucket: str) -> None:
    s3 = cloud.client("s3")
    s3.put_object(
        Bucket=bucket, Key="k", Body=io.BytesIO(b"x" * 70_000), ChecksumAlgorithm="SHA256"
    )
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x" * 70_000

    def parts() -> Any:
        yield b"ab"
        yield b"c" * 100_000

    one = connection(cloud)
    one.request(
        "PUT",
        f"/{bucket}/chunks",
        body=parts(),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert one.getresponse().status == 200
    one.close()
    assert s3.get_object(Bucket=bucket, Key="chunks")["Body"].read() == b"ab" + b"c" * 100_000


def test_a_body_of_200_mb(cloud: Any, bucket: str) -> None:
    s3, body = cloud.client("s3"), b"0123456789abcdef" * (200 << 16)
    s3.put_object(Bucket=bucket, Key="big", Body=body)
    digest = hashlib.sha256()
    for block in s3.get_object(Bucket=bucket, Key="big")["Body"].iter_chunks(1 << 20):
        digest.update(block)
    assert digest.digest() == hashlib.sha256(body).digest()
    s3.delete_object(Bucket=bucket, Key="big")


def test_what_nobody_built_is_501_in_the_services_own_words(cloud: Any) -> None:
    with pytest.raises(ClientError) as refused:
        cloud.client("kinesis").list_stream_consumers(
            StreamARN="arn:aws:kinesis:us-east-1:123456789012:stream/none"
        )
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500
    with pytest.raises(ClientError) as refused:
        cloud.client("glue").list_blueprints()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert refused.value.response["Error"]["Code"] == "NotImplemented"


def test_stored_properties_are_listed(cloud: Any, stacks: Any) -> None:
    name = stacks.new()
    stream = {
        "Name": name,
        "ShardCount": 1,
        "StreamEncryption": {"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
    }
    template = {"Resources": {"S": {"Type": "AWS::Kinesis::Stream", "Properties": stream}}}
    stacks.deploy(name, template)
    one = connection(cloud)
    one.request("GET", "/_localcloud/stored")
    listed = json.loads(one.getresponse().read())
    one.close()
    mine = [each for each in listed if each["stack"] == name]
    assert [(e["type"], e["property"], e["logical_id"]) for e in mine] == [
        ("AWS::Kinesis::Stream", "StreamEncryption", "S")
    ]
    assert mine[0]["why"]
    told = [
        r for who, status, r in stacks.events(name) if (who, status) == ("S", "CREATE_COMPLETE")
    ]
    assert told == ["Stored, not acted on by the local cloud: StreamEncryption"]
