"""Phone numbers are normalized to the national form, and digits are masked in texts."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics.phone_numbers import mask, masked_digits, normalize, normalized, printable


@pytest.mark.parametrize(
    ("number", "national"),
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
def test_normalize_returns_the_national_form(number: str, national: str):
    assert normalize(number) == national


@given(number=st.text("0123456789+ ().-84", max_size=16))
def test_column_and_text_are_normalized_alike(number: str):
    assert pl.select(normalized(pl.lit(number))).item() == normalize(number)


@pytest.mark.parametrize(
    ("text", "expected"),
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
def test_mask_hides_numbers_but_not_extensions_and_dates(text: str, expected: str):
    assert mask(text) == expected


@given(text=st.text("0123456789 -x", max_size=30))
def test_mask_leaves_no_run_of_six_digits(text: str):
    digits = "".join(letter if letter.isdigit() else " " for letter in mask(text))

    assert max((len(run) for run in digits.split()), default=0) < 6


@given(text=st.text("0123456789 -x", max_size=30))
def test_masked_digits_is_mask_for_texts_without_dates(text: str):
    text = text.replace("-", "")

    assert pl.select(masked_digits(pl.lit(text))).item() == mask(text)


@given(text=st.text(max_size=300))
def test_printable_returns_one_short_line(text: str):
    line = printable(text)

    assert line.isprintable() or line == ""
    assert len(line) <= 160
    line.encode()


def test_printable_masks_before_it_truncates():
    assert printable("x" * 155 + "0900000001", max_length=160) == "x" * 155 + "09…"
