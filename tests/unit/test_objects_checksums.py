"""Checksums of objects: the published check values, and joining parts."""

from __future__ import annotations

import base64
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localcloud.engines.objects_checksums import checksum, composite, full_object

#: The check values of "123456789": https://reveng.sourceforge.io/crc-catalogue/
CHECKS = {"CRC32": "cbf43926", "CRC32C": "e3069283", "CRC64NVME": "ae8b14860a799888"}


@pytest.mark.parametrize(("algorithm", "value"), CHECKS.items())
def test_check_values(algorithm: str, value: str) -> None:
    assert base64.b64decode(checksum([b"1234", b"56789"], algorithm)).hex() == value


@given(st.sampled_from(list(CHECKS)), st.lists(st.binary(max_size=200), min_size=1, max_size=5))
def test_the_whole_out_of_its_parts(algorithm: str, parts: list[bytes]) -> None:
    each = [(checksum([p], algorithm), len(p)) for p in parts]
    assert full_object(each, algorithm) == checksum(parts, algorithm)


def test_a_composite_is_the_checksum_of_checksums() -> None:
    parts = [b"a", b"b"]
    raw = b"".join(zlib.crc32(p).to_bytes(4, "big") for p in parts)
    assert composite([checksum([p], "CRC32") for p in parts], "CRC32") == checksum([raw], "CRC32")


def test_an_unknown_algorithm() -> None:
    with pytest.raises(ValueError, match="MD4"):
        checksum([b""], "MD4")
