"""Values in print."""

import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from headrace import printed


@pytest.mark.parametrize(
    ("value", "grouped", "text"),
    [
        (1790, False, "1790"),
        (62982, True, "62,982"),
        (Decimal("1.50"), False, "1.50"),
        (None, False, "\u2013"),
        (True, False, "true"),
        (b"hel", False, "68 65 6c"),
        (datetime.date(1790, 1, 8), False, "1790-01-08"),
        ("<script>", False, "<script>"),
    ],
)
def test_a_value_in_print(value: object, grouped: bool, text: str) -> None:
    assert printed.cell(value, grouped=grouped) == text


def test_a_column_shows_four_digits_of_its_largest_number() -> None:
    rows = pa.table(
        {
            "year": [1790, 2021],
            "count": [560, 10000],
            "small": [0.302901, 0.0145],
            "large": [1234.5678, -0.1],
            "huge": [98765432.1, None],
            "odd": [float("nan"), 0.0],
        }
    )
    assert printed.texts(rows) == [
        ["1790", "560", "0.3029", "1,235", "98,765,432", "nan"],
        ["2021", "10,000", "0.0145", "0", "\u2013", "0"],
    ]


def test_no_rows_are_no_texts() -> None:
    assert printed.texts(pa.table({"n": pa.array([], pa.float64())})) == []
