"""A PUT's body from the socket to disk, with its digests, before moto sees the request."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO
from urllib.parse import parse_qs, urlsplit

from moto.s3.exceptions import S3ClientError

from localcloud.engines.objects_body import BLOCK, Body, Folder
from localcloud.engines.objects_checksums import ALGORITHMS, FAST, checksum

#: A PUT with any other word in its query sets a sub-resource, whose XML moto reads itself.
OF_THE_OBJECT = {"partNumber", "uploadId", "x-id", "AWSAccessKeyId", "Signature", "Expires"}


class BadDigest(S3ClientError):  # noqa: N818 (the name that S3 gives it)
    """The body isn't what the client said it would be."""

    code = "BadDigest"


def is_upload(request: Any) -> bool:
    """Whether a request carries an object's own bytes."""
    if request.method != "PUT" or "x-amz-copy-source" in request.headers:
        return False
    words = parse_qs(urlsplit(request.raw_url).query, keep_blank_values=True)
    mine = all(w in OF_THE_OBJECT or w.lower().startswith("x-amz-") for w in words)
    return mine and "/" in request.raw_path.strip("/")


def receive(request: Any, folder: Folder) -> Body:
    """Write a request's body to disk.

    Returns
    -------
    Body
        With the checksum that the client gave: verified where it is quick to compute, taken
        at its word for CRC32C and CRC64NVME, for which Python has no fast code.
    """
    headers, said = request.headers, dict[str, str]()
    chunked = str(headers.get("x-amz-content-sha256", "")).startswith("STREAMING-")
    stream = _chunks(request.stream, said) if chunked else _plain(request.stream)
    body = folder.write(stream, request.raw_path)
    said |= {k.lower(): v for k, v in headers.items() if k.lower().startswith("x-amz-checksum-")}
    asked = str(headers.get("x-amz-sdk-checksum-algorithm", "")).upper()
    for algorithm in ALGORITHMS:
        claim = said.get(f"x-amz-checksum-{algorithm.lower()}")
        if claim or algorithm == asked:
            body.checksums[algorithm] = _verified(body, algorithm, claim)
    return body


def _verified(body: Body, algorithm: str, claim: str | None) -> str:
    if claim and algorithm not in FAST:
        return claim
    found = checksum(body.blocks(), algorithm)
    if claim and claim != found:
        body.discard()
        raise BadDigest(
            "BadDigest", f"The {algorithm} you specified did not match the calculated checksum."
        )
    return found


def _plain(stream: BinaryIO) -> Iterator[bytes]:
    while block := stream.read(BLOCK):
        yield block


def _chunks(stream: BinaryIO, trailers: dict[str, str]) -> Iterator[bytes]:
    """The data of an aws-chunked body; its trailing headers go into `trailers`.

    https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
    """
    while left := int(stream.readline().split(b";")[0].strip() or b"0", 16):
        while left:
            block = stream.read(min(BLOCK, left))
            if not block:
                raise S3ClientError("IncompleteBody", "The request body terminated unexpectedly.")
            left -= len(block)
            yield block
        stream.readline()
    while line := stream.readline().strip():
        name, _, value = line.decode("latin-1").partition(":")
        trailers[name.strip().lower()] = value.strip()
