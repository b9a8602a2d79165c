"""Phone numbers are normalized to the national form, and digits are masked in texts."""

import re

import phonenumbers
import polars as pl
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.phone_numbers import (
    is_listed,
    is_nobody,
    is_private,
    is_subscriber,
    mask,
    masked_digits,
    normalize,
    normalized,
    printable,
    pseudonym,
)

_NOTATIONS = st.text("0123456789+ ().-84@;*\u202d\u200bstipel:x", max_size=18) | st.from_regex(
    r"(sip:|tel:)?(\+|00|\+84|0084|84|0|\+0)?[0-9]{1,12}(@10\.0\.0\.5)?", fullmatch=True
)


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
        ("900000001", "0900000001"),
        ("00900000001", "0900000001"),
        ("+0900000001", "0900000001"),
        ("sip:0900000001@10.0.0.5", "0900000001"),
        ("SIP: +84 900-000-001;user=phone", "0900000001"),
        ("tel:+84900000001", "0900000001"),
        ("\u202d0900000001\u202c", "0900000001"),
        ("[0900]\u00a0000\u2011001", "0900000001"),
        ("0014155550100", "+14155550100"),
        ("01200000001", "0700000001"),
        ("+841200000001", "0700000001"),
        ("1200000001", "0700000001"),
        ("01690000001", "0390000001"),
        ("01860000001", "0560000001"),
        ("01990000001", "0590000001"),
        ("01870000001", "01870000001"),
        ("anonymous@10.0.0.5", "anonymous"),
        ("*98", "*98"),
        ("28 7300 0001", "2873000001"),
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


@pytest.mark.slow
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


@pytest.mark.slow
@given(number=_NOTATIONS)
def test_column_and_text_are_normalized_alike(number: str):
    assert pl.select(normalized(pl.lit(number))).item() == normalize(number)


@given(number=_NOTATIONS)
def test_a_normal_form_is_normal(number: str):
    normal = normalize(number)

    assert normalize(normal) == normal


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *[("0120", "070"), ("0121", "079"), ("0122", "077"), ("0126", "076"), ("0128", "078")],
        *[("0123", "083"), ("0124", "084"), ("0125", "085"), ("0127", "081"), ("0129", "082")],
        *[("0162", "032"), ("0163", "033"), ("0164", "034"), ("0165", "035"), ("0166", "036")],
        *[("0167", "037"), ("0168", "038"), ("0169", "039")],
        *[("0186", "056"), ("0188", "058"), ("0199", "059")],
    ],
)
def test_old_mobile_prefixes_become_the_new_ones(old: str, new: str):
    """The library phonenumbers knows the new prefixes only."""
    number = f"{new}0000001"

    assert phonenumbers.is_valid_number(phonenumbers.parse(number, "VN"))
    assert {
        normalize(f"{old}0000001"),
        normalize(f"+84{old[1:]}0000001"),
        normalize(f"{old[1:]}0000001"),
        pl.select(normalized(pl.lit(f"{old}0000001"))).item(),
    } == {number}


def test_normalize_phone_number_takes_text_and_expressions():
    numbers = pl.DataFrame({"number": ["+84 900 000 001", None, "101"]})

    assert et.normalize_phone_number("+84 900 000 001") == "0900000001"
    assert numbers.select(et.normalize_phone_number(pl.col("number"))).to_series().to_list() == [
        "0900000001",
        None,
        "101",
    ]
    with pytest.raises(InputError, match="number is text"):
        et.normalize_phone_number(900000001)  # type: ignore[call-overload]


@given(
    number=_NOTATIONS | st.sampled_from(["8000", "sip:8000@10.0.0.5", "80 00", "02870000001"]),
    entries=st.lists(
        st.sampled_from(["8000", "80*", "*98*", "*98", "028*", "842870000001", "+84 28*", "101"]),
        max_size=3,
    ),
)
def test_a_number_is_listed_if_its_normal_form_is(number: str, entries: list[str]):
    normal = normalize(number)
    prefixes = {"80*": "80", "*98*": "*98", "028*": "028", "+84 28*": "028"}
    expected = any(
        normal.startswith(prefixes[entry]) if entry in prefixes else normal == normalize(entry)
        for entry in entries
    )

    assert pl.select(is_listed(pl.lit(number), entries)).item() == expected


@given(number=_NOTATIONS)
def test_a_subscriber_number_has_eight_digits_in_normal_form(number: str):
    expected = re.fullmatch(r"\+?[0-9]{8,}", normalize(number)) is not None

    assert pl.select(is_subscriber(pl.lit(number))).item() == expected


@pytest.mark.parametrize(
    "caller",
    [
        *[None, "", "anonymous", "Anonymous@10.0.0.5", "sip:RESTRICTED@10.0.0.5", "private"],
        *["unknown", "unavailable", "blocked", "withheld", "0", "00", "000000000", "+0", "-1"],
        *["266696687", "+266696687", "101", "12345", "*9800000001", "office", "0900x00001"],
    ],
)
def test_hidden_callers_are_nobody(caller: str | None):
    assert pl.select(is_nobody(pl.lit(caller, pl.String))).item() is True


@pytest.mark.parametrize(
    "caller",
    ["0900000001", "sip:0900000001@10.0.0.5", "900000001", "123456", pseudonym("101", b"key")],
)
def test_other_callers_are_somebody(caller: str):
    assert pl.select(is_nobody(pl.lit(caller))).item() is False


@pytest.mark.parametrize("caller", ["-1", "anonymous@10.0.0.5", "+266696687", "000000000"])
def test_hidden_callers_are_no_private_numbers(caller: str):
    assert pl.select(is_private(pl.lit(caller))).item() is False


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
        ("from 02/11/2026, before 9/11/2026", "from 02/11/2026, before 9/11/2026"),
        ("got '31/02/2026'", "got '31/02/2026'"),
        ("call 09/12/3456 78", "call 09…"),
        ("1/02/11/2026 and 02/11/20261", "1/02… and 02…"),
        ("no digits", "no digits"),
    ],
)
def test_mask_hides_numbers_but_not_extensions_and_dates(text: str, expected: str):
    assert mask(text) == expected


@given(text=st.text("0123456789 -/x", max_size=30))
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
