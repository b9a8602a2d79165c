"""Which texts contain a number, for a number and for the hash of a number alike."""

from pathlib import Path
from urllib.parse import quote

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.forgotten_person import FORMS, NUMBER

from etelecom_analytics.archive.forget_matching import Matcher, person_of
from etelecom_analytics.archive.forget_register import Register
from etelecom_analytics.phone_numbers import normalize, pseudonym

KEY = b"k" * 32
WORD = pseudonym(NUMBER, KEY)
LETTERS = st.text("abcxyzđếABC {}\"'", max_size=8)


def matchers(number: str, folder: Path) -> tuple[Matcher, Matcher]:
    person = person_of(number, [pseudonym(number, KEY)])
    register = Register(folder=folder, key=KEY)
    register = Register(folder=folder, key=KEY, digests=frozenset(map(register.digest, person)))
    return Matcher.of_person(person, KEY), register.matcher


@st.composite
def notations(draw: st.DrawFn, core: str = NUMBER[1:]) -> str:
    prefix = draw(st.sampled_from(["0", "84", "+84", "0084", "840", "+840", "00840", ""]))
    separators = st.sampled_from(["", "", " ", "-", ".", " - ", "\u00a0", "\u200b", "(", ") ", "_"])
    return prefix + "".join(draw(separators) + digit for digit in core)


@given(notations(), LETTERS, LETTERS)
def test_every_form_is_recognized_in_every_text(form: str, before: str, after: str):
    for matcher in matchers(NUMBER, Path()):
        for text in (form, f"{before}{form}{after}", quote(f"{before}{form}", safe="")):
            assert matcher.occurs(text), text
            assert matcher.occurs_in({"a": [{"b": text}]})
            assert matcher.hits(_series(text)) == [text]


@given(st.from_regex(r"\A[0-9+ .\-]{1,30}\Z"), LETTERS)
def test_a_number_and_its_hash_recognize_the_same_texts(digits: str, letters: str):
    one, other = matchers(NUMBER, Path())
    for text in (digits, f"{letters}{digits}", f"{digits}{NUMBER}", f"{NUMBER} {digits}"):
        assert one.occurs(text) == other.occurs(text)
        assert one.hits(_series(text)) == other.hits(_series(text))


@given(st.integers(200_000_000, 999_999_999))
def test_another_number_is_not_recognized(core: int):
    other = f"0{core}"
    for matcher in matchers(NUMBER, Path()):
        assert matcher.occurs(other) == (normalize(other) == NUMBER)
        assert matcher.occurs(f"+84{core}") == (normalize(other) == NUMBER)


@pytest.mark.parametrize("form", FORMS)
def test_forms_of_the_archive_tests_are_recognized(form: str):
    assert all(matcher.occurs(form) for matcher in matchers(NUMBER, Path()))
    assert all(matcher.occurs(NUMBER) for matcher in matchers("+84 912-345-678", Path()))


@pytest.mark.parametrize(
    "text",
    [
        "+447912345678",
        "10912345678",
        "09123456789",
        "0912345679",
        "0912, then 345678",
        "20240912345678",
        "091*****78",
        pseudonym("0912345679", KEY),
        f"{WORD[:-1]}",
        "",
    ],
)
def test_parts_of_longer_numbers_are_not_recognized(text: str):
    assert not any(matcher.occurs(text) for matcher in matchers(NUMBER, Path()))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("+1 415 555 2671", "tel:+14155552671"),
        ("+1 415 555 2671", "001 415 555 2671"),
        ("1900 1234", "1900.1234"),
        ("024 3825 1234", "+84 24 38251234"),
        (NUMBER, f"see {WORD}."),
    ],
)
def test_other_kinds_of_numbers_are_recognized(number: str, text: str):
    for matcher in matchers(number, Path()):
        assert matcher.occurs(text)
        assert matcher.hits(_series(text)) == [text]


def test_every_prefix_that_means_the_same_number_is_recognized():
    """Mobile prefixes had 11 digits before 2018; `normalize` knows which ones are the same."""
    for number in ("0703456789", "0323456789", "0563456789", NUMBER):
        forms = [f"0{prefix}{number[-7:]}" for prefix in range(10, 200)]
        same = [form for form in forms if normalize(form) == number]
        assert number in same
        for matcher in matchers(number, Path()):
            for form in same:
                assert matcher.hits(_series(f"note {form[:4]} {form[4:]}"))
                assert matcher.occurs(f"+84{form[1:]}")


def _series(text: str) -> pl.Series:
    return pl.Series([text, None, text], dtype=pl.String)
