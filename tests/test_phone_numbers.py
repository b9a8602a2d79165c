"""Phone numbers are normalized to the national form, and digits are masked in texts."""

import re

import phonenumbers
import polars as pl
import pytest
from hypothesis import assume, given
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


def national_digits(number: phonenumbers.PhoneNumber) -> str:
    return re.sub(
        r"\D", "", phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    )


@st.composite
def vietnamese_numbers(draw: st.DrawFn) -> str:
    """A number in one of the notations that a PBX writes, with separators between its digits."""
    subscriber, trunk_prefix = draw(
        st.sampled_from(
            [
                (r"[35789]\d{8}", "0"),  # mobile
                (r"2\d{9}", "0"),  # landline
                (r"1[89]00\d{4,6}", ""),  # toll-free and premium
            ]
        )
    )
    digits = draw(st.from_regex(re.compile(subscriber, re.ASCII), fullmatch=True))
    country = draw(st.sampled_from([trunk_prefix, "84", "+84", "0084"]))
    extra_zero = draw(st.sampled_from(["", "0", "(0)"])) if country.endswith("84") else ""
    number = country + (extra_zero if trunk_prefix else "") + digits
    separators = draw(st.lists(st.sampled_from(["", "", " ", ".", "-"]), min_size=30, max_size=30))
    spaced = [letter + gap for letter, gap in zip(number, separators, strict=False)]
    return "".join(spaced).strip(" .-")


@given(number=vietnamese_numbers())
def test_normalize_agrees_with_phonenumbers(number: str):
    parsed = phonenumbers.parse(number, "VN")
    assume(phonenumbers.is_valid_number_for_region(parsed, "VN"))

    assert normalize(number) == national_digits(parsed)
    assert pl.select(normalized(pl.lit(number))).item() == national_digits(parsed)


def test_the_comparison_with_phonenumbers_meets_all_kinds_of_numbers():
    """The strategy must not be filtered away."""
    kinds = {
        phonenumbers.number_type(phonenumbers.parse(number, "VN"))
        for number in ("+84 912 345 678", "024 7300 0123", "1900 0123", "1800 000 123")
    }

    assert kinds == {
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.PREMIUM_RATE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
    }


@pytest.mark.parametrize("region", ["US", "GB", "DE", "JP", "KR", "CN", "SG", "AU", "FR", "TH"])
def test_numbers_of_other_countries_keep_their_country_code(region: str):
    number = phonenumbers.example_number(region)
    assert number is not None

    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    spaced = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    assert normalize(spaced) == normalize(e164) == e164


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
