"""Vietnam's written forms are one number, and digits are hidden where they must not be shown."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics.phone_numbers import mask, normalise, normalised, shown


@pytest.mark.parametrize(
    ("written", "national"),
    [
        ("0900000001", "0900000001"),
        ("84900000001", "0900000001"),
        ("+84900000001", "0900000001"),
        ("0084900000001", "0900000001"),
        ("+84 900 000 001", "0900000001"),
        ("(090) 000-0001", "0900000001"),
        ("0900.000.001", "0900000001"),
        ("+84(0)900000001", "0900000001"),
        ("842473000123", "02473000123"),
        ("19000123", "19000123"),
        ("8419000123", "19000123"),
        ("+841800000123", "1800000123"),
        ("101", "101"),
        ("8400", "8400"),
        ("+14155550100", "+14155550100"),
        ("anonymous", "anonymous"),
        ("", ""),
    ],
)
def test_a_number_is_brought_to_its_national_form(written: str, national: str):
    assert normalise(written) == national


@given(number=st.text("0123456789+ ().-84", max_size=16))
def test_the_column_is_normalised_as_the_text_is_and_once_is_enough(number: str):
    assert pl.select(normalised(pl.lit(number))).item() == normalise(number)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0900000001", "09…"),
        ("call 0900 000 001 back", "call 09… back"),
        ("+84 900-000-001", "+84…"),
        ("090/000/0001", "09…"),
        ("ext 1001", "ext 1001"),
        ("on 2026-13-01, or 2026-11-01T08:30", "on 2026-13-01, or 2026-11-01T08:30"),
        ("2026-11-01 2026-11-02", "2026-11-01 2026-11-02"),
        ("0900 2026-11-01", "09…"),
        ("1900-12-34", "19…"),
        ("2026-11-0134", "20…"),
        ("no digits", "no digits"),
    ],
)
def test_a_number_is_masked_and_an_extension_is_not(text: str, shown: str):
    assert mask(text) == shown


@given(text=st.text("0123456789 -x", max_size=30))
def test_no_six_digits_in_a_row_are_left(text: str):
    digits = "".join(letter if letter.isdigit() else " " for letter in mask(text))

    assert max((len(run) for run in digits.split()), default=0) < 6


@given(text=st.text(max_size=300))
def test_what_came_from_outside_is_shown_on_one_short_line(text: str):
    line = shown(text)

    assert line.isprintable() or line == ""
    assert len(line) <= 160
    line.encode()


def test_the_number_is_masked_before_the_line_is_cut():
    assert shown("x" * 155 + "0900000001", limit=160) == "x" * 155 + "09…"
