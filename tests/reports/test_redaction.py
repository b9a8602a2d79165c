"""Redactor masks the numbers of the calls in every notation, and keeps similar texts."""

import dataclasses
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics.locale.display import Display
from etelecom_analytics.reports.redaction import Redactor

LOGS = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
MASKED, UNMASKED = Display(), Display(show_numbers=True)
CALLERS = (
    LOGS.calls.filter(pl.col("caller").str.contains(r"^0\d{9}$"))["caller"]
    .unique()
    .sort()
    .to_list()[:40]
)
NOTATIONS = [
    lambda number: number,
    lambda number: f"+84{number[1:]}",
    lambda number: f"84{number[1:]}",
    lambda number: f"0084 {number[1:4]} {number[4:]}",
    lambda number: f"({number[:4]}) {number[4:7]}-{number[7:]}",
    lambda number: f"{number[:4]}.{number[4:7]}.{number[7:]}",
    lambda number: f"{number[:4]}\u00a0{number[4:7]}\u00a0{number[7:]}",
]


def logs_of(calls: pl.DataFrame) -> et.CallLogs:
    return dataclasses.replace(LOGS, calls=calls)


def digits_of(text: str) -> str:
    return "".join(letter for letter in text if letter.isdigit())


@pytest.mark.slow
@given(
    st.lists(
        st.tuples(st.sampled_from(CALLERS), st.sampled_from(NOTATIONS)), min_size=1, max_size=5
    ),
    st.sampled_from([" ", ", ", " 120 ", "|", "\n"]),
)
def test_every_notation_is_masked_next_to_other_numbers(
    numbers: list[tuple[str, object]], separator: str
):
    written = [notation(number) for number, notation in numbers]  # type: ignore[operator]
    redacted = Redactor(LOGS, MASKED).redact_text(separator.join(["12", *written, "2026-11-02"]))

    for number, _ in numbers:
        assert number[1:] not in digits_of(redacted)
    assert redacted.startswith("12")
    assert redacted.endswith("2026-11-02")


@pytest.mark.slow
@given(st.sampled_from(CALLERS), st.sampled_from(["", "84"]), st.sampled_from([int, float, str]))
def test_numbers_cast_to_integers_are_masked(number: str, country: str, kind: type):
    redacted = Redactor(LOGS, MASKED).redact_data([{"caller": kind(f"{country}{number[1:]}")}])

    assert number[1:] not in str(redacted)
    assert "****" in str(redacted)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        ("19001234", 19001234),
        ("+14155550123", 14155550123),
        ("0912345678", -912345678),
        ("0912345678", "912,345,678"),
    ],
)
def test_toll_free_foreign_negative_and_grouped_numbers_are_masked(number: str, value: object):
    calls = LOGS.calls.head(1).with_columns(caller=pl.lit(number))

    assert "***" in str(Redactor(logs_of(calls), MASKED).redact_data(value))


@pytest.mark.slow
@given(st.integers() | st.floats() | st.none() | st.booleans())
def test_other_values_are_unchanged(value: float | bool | None):
    assert repr(Redactor(LOGS, MASKED).redact_data([value])) == repr([value])


@given(st.text(alphabet="0123456789 .-()/+", max_size=60))
def test_numbers_of_other_calls_are_unchanged(text: str):
    assert Redactor(logs_of(LOGS.calls.head(0)), MASKED).redact_text(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "101",
        "8000",
        "1,200 calls",
        "2026-11-02 08:30",
        "5076494319400583432",
        "0.153846",
        "c381c25fd51",
    ],
)
def test_similar_texts_are_unchanged(text: str):
    assert Redactor(LOGS, MASKED).redact_text(text) == text


NUMBERS_IN_NOTES = [
    "0912345678", "+84912345678", "84 0912345678", "0912 345 678", "091.234.5678",
    "(+84912345678)", "+84 912 345 678", "0912 34 56 78", "(0912) 345 678", "09 1234 5678",
    "SDT0912345678", "0912345678_x", "+84 (0) 912-345-678",
]  # fmt: skip


@pytest.mark.parametrize(
    "number", ["028 7300 0999", "19001234", "1900 1234", "+1 415 555 0123", "tel:02873000999"]
)
def test_landline_toll_free_and_foreign_numbers_in_notes_are_masked(number: str):
    note = f"on 2026-11-02 at 08:30, {number}; 3 boxes of 120"
    logs = logs_of(LOGS.calls.head(1).with_columns(note=pl.lit(note)))
    redacted = Redactor(logs, MASKED).redact_text(note)

    assert redacted.startswith("on 2026-11-02 at 08:30, ")
    assert "*" in redacted
    assert redacted.endswith("; 3 boxes of 120")
    assert number not in redacted


@pytest.mark.parametrize("number", NUMBERS_IN_NOTES)
def test_numbers_that_occur_only_in_notes_are_masked(number: str):
    note = f"ord#4711, call back {number}, or 101"
    logs = logs_of(LOGS.calls.head(1).with_columns(note=pl.lit(note)))
    redacted = Redactor(logs, MASKED).redact_text(f"{note} / 0912345678")

    assert "912345678" not in digits_of(redacted)
    assert redacted.startswith("ord#4711, call back ")
    assert ", or 101 / 091*****78" in redacted
    assert Redactor(logs, Display(own_numbers=("0912345678",))).redact_text(note) == note
    assert Redactor(logs, UNMASKED).redact_text(note) == note


@pytest.mark.slow
def test_each_number_has_its_own_mask():
    redactor = Redactor(LOGS, MASKED)
    masks = [redactor.redact_text(number) for number in CALLERS]

    assert len(set(masks)) == len(CALLERS)
    assert [redactor.redact_text(number) for number in CALLERS] == masks


def test_equal_masks_are_numbered():
    calls = LOGS.calls.head(2).with_columns(caller=pl.Series(["0900000017", "0900111117"]))
    redactor = Redactor(logs_of(calls), MASKED)

    assert redactor.redact_data({"0900000017": ["0900111117", 3, None, True]}) == {
        "090*****17": ["090*****17 (2)", 3, None, True]
    }


def test_only_links_to_recordings_are_removed():
    calls = LOGS.calls.head(1).with_columns(
        recording_urls=pl.Series([["https://media.example/a/1.mp3?key=5&x=1"]])
    )
    redactor = Redactor(logs_of(calls), UNMASKED)

    for link in ("https://media.example/a/1.mp3?key=5&amp;x=1", "https://media.example/another"):
        assert (
            redactor.redact_text(f'<a href="{link}">x</a>')
            == '<a href="(recording withheld)">x</a>'
        )
    assert redactor.redact_text("https://etelecom.example/a") == "https://etelecom.example/a"
    assert redactor.redact_text(CALLERS[0]) == CALLERS[0]


def test_own_and_ivr_numbers_are_unchanged():
    number = CALLERS[0]
    options = et.MetricOptions(ivr_numbers=(f"+84{number[1:]}",))

    assert Redactor(LOGS, Display(own_numbers=(f"+84{number[1:]}",))).redact_text(number) == number
    assert Redactor(LOGS, Display(options=options)).redact_text(number) == number
    assert all(each not in Redactor(LOGS, MASKED).redact_text(each) for each in CALLERS[:5])
