"""What is a record and what is not, with the words that the quarantine table shows."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.lake import ARROW_TYPES, Column
from lambdas.land.validate import Validator

COLUMNS: list[Column] = [
    ("year", "long", True),
    ("mood", "double", True),
    ("text", "string", True),
    ("seen", "boolean", False),
    ("day", "date", False),
    ("at", "timestamptz", False),
    ("raw", "binary", False),
]
GOOD: dict[str, Any] = {"year": 1790, "mood": 0.5, "text": 'a: "b": c'}
REQUIRED = Validator(COLUMNS[:3])
EVERY = Validator(COLUMNS)


def line(**changed: Any) -> bytes:
    return json.dumps(GOOD | changed).encode()


def raw(text: str) -> bytes:
    """A good record with one value written as given."""
    return b'{"year":1,"mood":1,"text":' + text.encode() + b"}"


REASONS = {
    "not JSON: Expecting value (place 0)": b"oops",
    "blank line": b" ",
    "not JSON: Unterminated string starting at (place 8)": b'{"year":"',
    "not JSON: NaN is no JSON number": b'{"year":1,"mood":NaN,"text":"a"}',
    "not JSON: -Infinity is no JSON number": b'{"year":1,"mood":-Infinity,"text":"a"}',
    "not JSON: Extra data (place 31)": b'{"year":1,"mood":1,"text":"a"} {}',
    "not UTF-8 text: byte 0xff at place 27": b'{"year":1,"mood":1,"text":"\xff"}',
    "record is no JSON object: Expected object, got array": b"[1]",
    "record is no JSON object: Expected object, got null": b"null",
    "field `year`: expected int, got str": line(year="1790"),
    "field `year`: expected int, got float": line(year=1.5),
    "field `year`: expected int, got bool": line(year=True),
    "field `year`: expected int, got null": line(year=None),
    "field `year`: whole number beyond 64 bits": line(year=2**63),
    "field `mood`: expected float, got str": line(mood="0.5"),
    "field `mood`: number out of range": b'{"year":1,"mood":1e999,"text":"a"}',
    "field `text`: expected str, got int": line(text=1),
    "field `text` is missing": b'{"year":1,"mood":1}',
    "field `txet` is not in the schema": line(txet=1),
    "field `year` is there twice": b'{"year":1,"mood":1,"text":"a","year":2}',
    "field `seen`: expected bool | null, got int": line(seen=1),
    "field `day`: invalid RFC3339 encoded date": line(day="1790-13-01"),
    "field `at`: expected datetime with a timezone component": line(at="1790-01-08T12:00:00"),
    "field `raw`: invalid base64 encoded string": line(raw="%"),
}


@pytest.mark.parametrize("reason", REASONS)
def test_one_bad_line_is_told_and_stops_nothing_else(reason: str) -> None:
    checked = EVERY.check([line(), REASONS[reason], line(year=2)])
    assert checked.bad == [(1, reason)]
    assert checked.places == [0, 2]
    assert checked.batch.column("year").to_pylist() == [1790, 2]


@pytest.mark.parametrize(
    "text", ['"\\ud800"', '"tab\tin it"', "[" * 100_000, '"a"} {"a":1', "1" * 5000, '"a",']
)
def test_odd_bytes_are_bad_lines_too(text: str) -> None:
    checked = REQUIRED.check([line(), raw(text)])
    assert [place for place, _ in checked.bad] == [1]
    assert checked.bad[0][1].strip()


@pytest.mark.parametrize("validator", [REQUIRED, EVERY])
@pytest.mark.parametrize(
    "text",
    [
        '{"year":1, "year" :2,"mood":1,"text":"a"}',
        '{"text":"b\\":","mood":1,"year":1,"te\\u0078t":"a"}',
    ],
)
def test_a_key_is_found_twice_however_it_is_written(validator: Validator, text: str) -> None:
    good = b'{"year" :1,"mood":1,"text":"x"}'
    checked = validator.check([good, text.encode(), line()])
    assert [place for place, _ in checked.bad] == [1]
    assert "twice" in checked.bad[0][1]


def test_a_key_twice_is_not_outweighed_by_an_absent_one() -> None:
    text = b'{"year":1,"mood":1,"text":"a","seen":true,"seen":false}'
    assert EVERY.check([text]).bad == [(0, "field `seen` is there twice")]


def test_values_come_out_as_they_went_in() -> None:
    noon = "1790-01-08T12:00:00+02:00"
    text = line(seen=True, day="1790-01-08", at=noon, raw="aGk=")
    checked = EVERY.check([text, line(mood=2)])
    first, second = checked.batch.to_pylist()
    assert first == GOOD | {
        "seen": True,
        "day": datetime.date(1790, 1, 8),
        "at": datetime.datetime.fromisoformat(noon),
        "raw": b"hi",
    }
    assert second == GOOD | {"mood": 2.0} | dict.fromkeys(["seen", "day", "at", "raw"])


def test_columns_keep_their_order_whatever_is_optional() -> None:
    mixed = Validator([("b", "string", False), ("a", "long", True), ("c", "double", False)])
    text = [b'{"c":1,"a":2}', b'{"a":3,"b":"x"}']
    assert mixed.check(text).batch.to_pylist() == [
        {"b": None, "a": 2, "c": 1.0},
        {"b": "x", "a": 3, "c": None},
    ]


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+05:00", "9999-12-31T23:59:59.999999-12:00"])
def test_times_at_the_ends_of_the_calendar_land(at: str) -> None:
    assert EVERY.check([line(at=at)]).batch.num_rows == 1


def test_nothing_is_checked_as_nothing() -> None:
    assert EVERY.check([]).batch.num_rows == 0


values = st.fixed_dictionaries(
    {
        "year": st.integers(-(2**63), 2**63 - 1),
        "mood": st.floats(allow_nan=False, allow_infinity=False),
        "text": st.text(st.characters(exclude_categories=["Cs"])),
    },
    optional={"seen": st.booleans() | st.none()},
)


@given(st.lists(st.tuples(values, st.booleans())))
def test_good_records_pass_and_bad_ones_do_not(given: list[tuple[dict[str, Any], bool]]) -> None:
    lines = [json.dumps(value).encode()[: None if good else -1] for value, good in given]
    checked = EVERY.check(lines)
    assert checked.places == [place for place, (_, good) in enumerate(given) if good]
    assert [place for place, _ in checked.bad] == [
        p for p, (_, good) in enumerate(given) if not good
    ]
    names = ("year", "mood", "text")
    expected = [{n: value[n] for n in names} for value, good in given if good]
    assert checked.batch.select(names).to_pylist() == expected


def test_the_schema_is_the_columns() -> None:
    assert [(f.name, f.type) for f in EVERY.schema] == [(n, ARROW_TYPES[k]) for n, k, _ in COLUMNS]
