"""What a function gives is held to its table's columns, and said in plain words where not."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lambdas.map.rows import TYPES, RowError, Rows

EVERY = Rows([(kind, kind, False) for kind in TYPES])
NOON = datetime.datetime(1790, 1, 8, 12, tzinfo=datetime.UTC)


def one(kind: str, value: Any) -> Any:
    (row,) = EVERY.read({kind: value}).rows
    return row[list(TYPES).index(kind)]


@pytest.mark.parametrize(
    ("kind", "given", "wanted"),
    [
        ("boolean", True, True),
        ("boolean", np.bool_(False), False),
        ("long", -(1 << 63), -(1 << 63)),
        ("long", np.int32(7), 7),
        ("double", 1, 1.0),
        ("double", np.float32(0.5), 0.5),
        ("string", "é", "é"),
        ("binary", bytearray(b"\xff"), b"\xff"),
        ("date", NOON.date(), NOON.date()),
        ("timestamptz", NOON, NOON),
        ("timestamptz", pd.Timestamp(NOON), NOON),
        ("long", None, None),
    ],
)
def test_values_of_a_columns_own_type_pass(kind: str, given: Any, wanted: Any) -> None:
    found = one(kind, given)
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        ("boolean", 1, "gave 1 (int) for `boolean`, no bool"),
        ("long", True, "gave True (bool) for `long`, no int"),
        ("long", 1.0, "gave 1.0 (float) for `long`, no int"),
        ("long", 1 << 63, "gave 9223372036854775808 (int) for `long`, beyond 64 bits"),
        ("double", "1", "gave '1' (str) for `double`, no float"),
        ("double", True, "gave True (bool) for `double`, no float"),
        ("string", b"a", "gave b'a' (bytes) for `string`, no str"),
        ("string", "\ud800", "half of a pair"),
        ("binary", "a", "gave 'a' (str) for `binary`, no bytes"),
        ("date", NOON, "for `date`, no date"),
        ("timestamptz", NOON.replace(tzinfo=None), "a time without a time zone"),
        ("timestamptz", NOON.date(), "for `timestamptz`, no datetime"),
    ],
)
def test_others_are_refused(kind: str, given: Any, said: str) -> None:
    with pytest.raises(RowError) as error:
        one(kind, given)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (17, "gave a int, no dict, iterable of dicts or None"),
        ("row", "gave a str, no dict, iterable of dicts or None"),
        ([{"n": 1}, "row"], "gave a str as a row, no dict"),
        ({}, "gave no value for `n`"),
        ({"n": None}, "gave no value for `n`"),
        ({"n": 1, "m": 2, 3: 4}, "gave `3`, `m`, which its table lacks"),
    ],
)
def test_what_is_no_row_is_refused(given: Any, said: str) -> None:
    with pytest.raises(RowError) as error:
        Rows([("n", "long", True)]).read(given)
    assert str(error.value) == said


def test_a_long_value_is_shown_short() -> None:
    with pytest.raises(RowError) as error:
        Rows([("n", "long", True)]).read({"n": "x" * 10_000})
    assert len(str(error.value)) < 150


def test_none_one_and_several_rows() -> None:
    rows = Rows([("n", "long", True), ("m", "string", False)])
    assert rows.read(None).rows == []
    assert rows.read({"n": 1}).rows == [(1, None)]
    assert rows.read({"m": "a", "n": n} for n in range(2)).rows == [(0, "a"), (1, "a")]
