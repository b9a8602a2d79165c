"""What a report withholds, it withholds in every written form; and it leaves alone what only looks alike."""

import dataclasses
import itertools
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics.reports.redaction import Redactor

LOGS = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
CALLERS = (
    LOGS.calls.filter(pl.col("caller").str.contains(r"^0\d{9}$"))["caller"]
    .unique()
    .sort()
    .to_list()[:40]
)
FORMS = [
    lambda number: number,
    lambda number: f"+84{number[1:]}",
    lambda number: f"84{number[1:]}",
    lambda number: f"0084 {number[1:4]} {number[4:]}",
    lambda number: f"({number[:4]}) {number[4:7]}-{number[7:]}",
    lambda number: f"{number[:4]}.{number[4:7]}.{number[7:]}",
    lambda number: f"{number[:4]}\u00a0{number[4:7]}\u00a0{number[7:]}",
]


@given(
    st.lists(st.tuples(st.sampled_from(CALLERS), st.sampled_from(FORMS)), min_size=1, max_size=5),
    st.sampled_from([" ", ", ", " 120 ", "|", "\n"]),
)
def test_a_number_is_masked_in_every_written_form_beside_any_others(
    found: list[tuple[str, object]], between: str
):
    text = between.join(["12", *(form(number) for number, form in found), "2026-11-02"])  # type: ignore[operator]

    told = Redactor(LOGS).from_text(text)
    digits = "".join(letter for letter in told if letter.isdigit())
    for number, _ in found:
        assert number[1:] not in digits
    assert told.startswith("12")
    assert told.endswith("2026-11-02")


@given(st.sampled_from(CALLERS), st.sampled_from(["", "84"]), st.sampled_from([int, float, str]))
def test_a_number_that_became_a_whole_number_is_masked_too(number: str, country: str, kind: type):
    told = Redactor(LOGS).from_data([{"caller": kind(f"{country}{number[1:]}")}])

    assert number[1:] not in str(told)
    assert "****" in str(told)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("19001234", 19001234),
        ("+14155550123", 14155550123),
        ("0912345678", -912345678),
        ("0912345678", "912,345,678"),
    ],
)
def test_a_short_a_foreign_a_negative_and_a_grouped_one_too(number: str, told: object):
    calls = LOGS.calls.head(1).with_columns(caller=pl.lit(number))

    assert "***" in str(Redactor(dataclasses.replace(LOGS, calls=calls)).from_data(told))


@given(st.integers() | st.floats() | st.none() | st.booleans())
def test_other_numbers_stay_what_they_are(value: float | bool | None):
    assert repr(Redactor(LOGS).from_data([value])) == repr([value])


@given(st.text(alphabet="0123456789 .-()/+", max_size=60))
def test_what_is_no_number_of_these_calls_stays(text: str):
    nobody = dataclasses.replace(LOGS, calls=LOGS.calls.head(0))

    assert Redactor(nobody).from_text(text) == text


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
def test_what_only_looks_alike_stays(text: str):
    assert Redactor(LOGS).from_text(text) == text


WRITTEN = [
    "0912345678", "+84912345678", "84 0912345678", "0912 345 678", "091.234.5678", "(+84912345678)", "+84 912 345 678", "0912 34 56 78",
    "(0912) 345 678", "09 1234 5678", "SDT0912345678", "0912345678_x", "+84 (0) 912-345-678",
]  # fmt: skip


@pytest.mark.parametrize(
    "other", ["028 7300 0999", "19001234", "1900 1234", "+1 415 555 0123", "tel:02873000999"]
)
def test_other_numbers_in_notes_are_withheld_too(other: str):
    noted = dataclasses.replace(
        LOGS,
        calls=LOGS.calls.head(1).with_columns(
            note=pl.lit(f"on 2026-11-02 at 08:30, {other}; 3 boxes of 120")
        ),
    )
    told = Redactor(noted).from_text(noted.calls["note"].item())

    assert told.startswith("on 2026-11-02 at 08:30, ")
    assert "*" in told
    assert told.endswith("; 3 boxes of 120")
    assert other not in told


@pytest.mark.parametrize("written", WRITTEN)
def test_a_number_in_a_note_alone_is_withheld_too(written: str):
    note = f"ord#4711, call back {written}, or 101"
    noted = dataclasses.replace(LOGS, calls=LOGS.calls.head(1).with_columns(note=pl.lit(note)))
    told = Redactor(noted).from_text(f"{note} / 0912345678")

    digits = "".join(letter for letter in told if letter.isdigit())
    assert "912345678" not in digits
    assert told.startswith("ord#4711, call back ")
    assert ", or 101 / 091*****78" in told
    assert Redactor(noted, keep=["0912345678"]).from_text(note) == note
    assert Redactor(noted, numbers=False).from_text(note) == note


def test_each_number_has_one_mask_of_its_own():
    withheld = Redactor(LOGS)
    masks = [withheld.from_text(number) for number in CALLERS]

    assert len(set(masks)) == len(CALLERS)
    assert [withheld.from_text(number) for number in CALLERS] == masks


def test_numbers_that_look_alike_are_told_apart():
    calls = LOGS.calls.head(2).with_columns(caller=pl.Series(["0900000017", "0900111117"]))
    withheld = Redactor(dataclasses.replace(LOGS, calls=calls))

    assert withheld.from_data({"0900000017": ["0900111117", 3, None, True]}) == {
        "090*****17": ["090*****17 (2)", 3, None, True]
    }


def test_links_to_recordings_are_withheld_and_others_are_not():
    calls = LOGS.calls.head(1).with_columns(
        recording_urls=pl.Series([["https://media.example/a/1.mp3?key=5&x=1"]])
    )
    withheld = Redactor(dataclasses.replace(LOGS, calls=calls), numbers=False)

    for link in ("https://media.example/a/1.mp3?key=5&amp;x=1", "https://media.example/another"):
        assert (
            withheld.from_text(f'<a href="{link}">x</a>') == '<a href="(recording withheld)">x</a>'
        )
    assert withheld.from_text("https://etelecom.example/a") == "https://etelecom.example/a"
    assert withheld.from_text(CALLERS[0]) == CALLERS[0]


def test_numbers_that_are_to_stay_do():
    number = CALLERS[0]

    assert Redactor(LOGS, keep=[f"+84{number[1:]}"]).from_text(number) == number
    assert all(each not in Redactor(LOGS).from_text(each) for each in itertools.islice(CALLERS, 5))
