"""Texts, numbers and dates in English, Vietnamese and the pseudo-language."""

import threading
from datetime import UTC, date, datetime

import polars as pl
import pytest
from support.pseudo import html_texts, untranslated

from etelecom_analytics.errors import UnknownName
from etelecom_analytics.formatting import format_value
from etelecom_analytics.language import (
    PSEUDO,
    current_language,
    date_text,
    keep_language,
    moment_text,
    ntr,
    number,
    short_day,
    speaking,
    tr,
)
from etelecom_analytics.locale.dates import long_date_expr
from etelecom_analytics.locale.display import Display
from etelecom_analytics.locale.expressions import text_expr
from etelecom_analytics.readable_dates import CLOCK_MINUTE

DAY = date(2026, 11, 2)


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ("86.9 %", "-6.4 points", "34.5 s", "1,234", "none")),
        ("vi", ("86,9 %", "-6,4 điểm phần trăm", "34,5 giây", "1.234", "không có")),
        (PSEUDO, ("86,9 %", "[-6,4 points]", "[34,5 s]", "1.234", "[none]")),
    ],
)
def test_values_follow_the_language(language: str, texts: tuple[str, ...]):
    with speaking(language):
        values = (
            format_value(0.869, "share"),
            format_value(-0.064, "share", signed=True),
            format_value(34.5, "s"),
            format_value(1234, "calls"),
            format_value(None, "s"),
        )

    assert values == texts


@pytest.mark.parametrize("value", [0, 7, 999, 1000, 1234567, -1234.56, 0.125, 2.675, 1e15])
@pytest.mark.parametrize("spec", [",", ",.1f", "+,.0f", ".1%", ".6g"])
def test_numbers_have_the_same_digits_in_both_languages(value: float, spec: str):
    english = number(value, spec)
    with speaking("vi"):
        vietnamese = number(value, spec)

    assert english == format(value, spec)
    assert vietnamese.translate(str.maketrans(".,", ",.")).replace(" %", "%") == english


def test_dates_follow_the_language():
    moment = datetime(2026, 11, 2, 8, 30, tzinfo=UTC)

    assert (date_text(DAY), moment_text(moment)) == ("2026-11-02", "2026-11-02 08:30")
    assert (short_day(DAY), short_day(DAY, month=False)) == ("Mon 2 Nov", "Mon 2")
    with speaking("vi"):
        assert (date_text(DAY), moment_text(moment)) == ("02/11/2026", "02/11/2026 08:30")
        assert (short_day(DAY), short_day(DAY, month=False)) == ("T2 02/11", "T2 02")


def test_values_in_texts_follow_the_language():
    template = "{n} of {total}, {day}, {text}"
    values = {"n": 1200, "total": True, "day": DAY, "text": "1,2"}

    assert tr(template, **values) == "1,200 of True, 2026-11-02, 1,2"
    with speaking("vi"):
        assert tr(template, **values) == "1.200 of True, 02/11/2026, 1,2"


def test_texts_without_values_keep_their_braces():
    assert tr("{} to {} %") == "{} to {} %"


def test_the_pseudo_language_has_brackets_around_entries_only():
    with speaking(PSEUDO):
        assert tr("Monday") == "[Monday]"
        assert tr("no entry of the catalogue") == "no entry of the catalogue"
        assert ntr("{n} no entry", "{n} no entries", 2) == "2 no entries"


def test_the_language_ends_with_its_block_also_after_an_error():
    languages = []

    def fail() -> None:
        with speaking("vi"), speaking("en"):
            languages.append(current_language())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert [*languages, current_language()] == ["en", "en"]


def test_no_language_keeps_the_language():
    with speaking("vi"), speaking(None):
        assert current_language() == "vi"


@pytest.mark.parametrize("language", ["fr", "VI", "", 1])
def test_an_unknown_language_is_an_error(language: object):
    with pytest.raises(UnknownName, match="en, vi"), speaking(language):
        pass


def test_threads_keep_the_language_only_if_requested():
    languages = []

    def note() -> None:
        languages.append(current_language())

    with speaking("vi"):
        for function in (note, keep_language(note)):
            thread = threading.Thread(target=function)
            thread.start()
            thread.join()

    assert languages == ["en", "vi"]


def test_a_display_speaks_its_language():
    with Display(language="vi").speaking():
        assert tr("Monday") == "thứ Hai"
    assert Display().language == "en"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[Answer rate on [Monday], 5 of 7]: 86,9 %", []),
        ("[Answer rate]: low · Asia/Ho_Chi_Minh", ["low"]),
        ("", []),
    ],
)
def test_words_outside_of_brackets(text: str, words: list[str]):
    assert untranslated(text, ["Asia/Ho_Chi_Minh"]) == words


def test_texts_of_html():
    page = '<title>A</title><style>b</style><p title="[C]">[D] <b>e</b></p><img alt="f">'

    assert html_texts(page) == ["A", "[C]", "[D] ", "e", "f"]


def test_texts_of_a_column_keep_the_language():
    """Polars calls functions of values in other threads, which know no language."""
    table = pl.DataFrame({"day": [datetime(2026, 11, 2, 9, 5), None], "wait_s": [34.5, 75.0]})

    with speaking("vi"):
        texts = (
            table.lazy()
            .select(
                long_date_expr(pl.col("day"), CLOCK_MINUTE),
                text_expr(pl.col("wait_s"), lambda value: format_value(value, "s")),
            )
            .collect()
        )

    assert texts.rows() == [("T2 02/11/2026 09:05", "34,5 giây"), (None, "1:15")]
