"""Sentences about measures in the pseudo-language and in Vietnamese."""

from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import polars as pl
import pytest
from support.pseudo import untranslated

import etelecom_analytics as et
from etelecom_analytics.language import PSEUDO, speaking
from etelecom_analytics.locale.alarm_text import (
    alarm_text,
    cannot_judge_text,
    ended_text,
    held_text,
    incomplete_text,
)
from etelecom_analytics.locale.comparison_text import comparison_texts
from etelecom_analytics.locale.display import Display
from etelecom_analytics.locale.findings_text import finding_text, findings_headline
from etelecom_analytics.locale.number_note import number_note
from etelecom_analytics.locale.short_finding import short_finding_text
from etelecom_analytics.locale.target_text import target_text
from etelecom_analytics.locale.terms import dimension_name, value_names
from etelecom_analytics.locale.value_text import age_text, change_text, plain_title, target_value
from etelecom_analytics.metrics import DIMENSIONS, MEASURES, NAME_DIMENSIONS, Findings

OPTIONS = et.MetricOptions()
SIGNALS = ("missed", "outside", "two_days", "level_change")
DAY = date(2026, 11, 2)
FINDING = {
    "measure": "answer_rate",
    "dimension": "",
    "group": "",
    "value": 0.62,
    "usual": 0.88,
    "change": -0.26,
    "low": -0.31,
    "high": -0.21,
    "n": 1730,
    "scale": "difference",
    "affected": 45.0,
}
PLACES = {
    "": "",
    "hour": "9",
    "weekday": "1",
    "queue": "8100",
    "target_number": "101",
    "trunk_name": "7",
    "direction": "in",
    "callee": "19001234",
}
COMPARISON = {
    "measure": "asa_s",
    "unit": "s",
    "before": 18.0,
    "after": 21.5,
    "after_low": 20.0,
    "after_high": None,
    "after_n": 1300,
    "after_basis": "calls",
    "difference": 3.5,
    "low": 1.0,
    "high": 6.0,
    "scale": "difference",
    "smallest": 2.5,
    "verdict": "changed",
}
ALARM = {
    "measure": "answer_rate",
    "value": 0.62,
    "usual": 0.88,
    "low": 0.8,
    "high": 0.93,
    "day": DAY,
}


def check(text: str, *names: str) -> None:
    """Every word of the text is in the catalogue."""
    assert untranslated(text, [*MEASURES, *names]) == [], text


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"value": 0.9, "change": None},
        {"measure": "offered", "value": 30.0, "usual": 40.0, "scale": "ratio", "affected": None},
        {
            "measure": "offered",
            "value": 50.0,
            "change": 1.2,
            "low": 1.1,
            "high": 1.3,
            "scale": "ratio",
        },
        {"measure": "talk_avg_s", "value": 150.0, "usual": 190.0},
    ],
)
def test_findings_are_in_the_catalogue(place: str, changes: dict[str, Any]):
    row = FINDING | {"dimension": place, "group": PLACES[place]} | changes

    with speaking(PSEUDO):
        check(finding_text(row))
        check(short_finding_text(row))


@pytest.mark.parametrize("verdict", ["findings", "cannot tell"])
@pytest.mark.parametrize("rows", [0, 1, 2, 3])
@pytest.mark.parametrize("days", [1, 2000])
def test_headlines_of_findings_are_in_the_catalogue(verdict: str, rows: int, days: int):
    result = Findings(
        table=pl.DataFrame([FINDING] * rows, schema=pl.DataFrame([FINDING]).schema),
        verdict=verdict,
        tests=0,
        permutations=0,
        history_days=days,
    )

    with speaking(PSEUDO):
        check(findings_headline(result))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"after": None, "after_n": None},
        {"verdict": "cannot tell"},
        {"verdict": "cannot tell", "low": None, "high": None},
        {"verdict": "no evidence of a change"},
        {"verdict": "no evidence of a change", "scale": "ratio", "low": 0.9, "smallest": 1.2},
        {"difference": None},
        {"measure": "answer_rate", "unit": "share", "verdict": "no evidence of a change"},
    ],
)
def test_comparisons_are_in_the_catalogue(changes: dict[str, Any]):
    with speaking(PSEUDO):
        for text in comparison_texts(COMPARISON | changes, OPTIONS):
            check(text)


def test_alarms_are_in_the_catalogue():
    rows = [
        ALARM | {"signal": signal, "side": side}
        for signal, side in product(SIGNALS, ("low", "high"))
    ]
    with speaking(PSEUDO):
        texts = [
            *map(alarm_text, rows),
            *(
                ended_text(rule, "asa_s", side)
                for rule, side in product(("target", "control"), ("low", "high"))
            ),
            *(held_text(count, datetime(2026, 11, 2, 7, tzinfo=UTC)) for count in (1, 2)),
            *(incomplete_text([DAY] * days) for days in (1, 2, 9)),
            *(cannot_judge_text({"asa_s": days}, 30) for days in (1, 20)),
        ]
    for text in texts:
        check(text)


def test_values_and_targets_are_in_the_catalogue():
    with speaking(PSEUDO):
        texts = [
            *(plain_title(measure) for measure in MEASURES.values()),
            *(age_text(seconds) for seconds in (120, 7200, 800_000)),
            *(
                change_text(before, 30.0, unit)
                for before in (0, 20.0)
                for unit in ("share", "s", "calls")
            ),
            *(target_value(0.8, unit) for unit in ("share", "s")),
            *(
                target_text(name, value, {name: 0.8})
                for name in ("asa_s", "answer_rate", "offered")
                for value in (None, 0.5, 0.9)
            ),
            Display().label("caller", None),
        ]
    for text in texts:
        check(text)


def test_dimensions_and_their_values_are_in_the_catalogue():
    with speaking(PSEUDO):
        for dimension in (*DIMENSIONS, *NAME_DIMENSIONS):
            check(dimension_name(dimension))
            for text in value_names(dimension).values():
                check(text)
        check(number_note(et.sample_logs().calls, OPTIONS), "ivr_numbers", "queue_numbers")


def test_english_names_of_dimensions_and_values_are_those_of_the_columns():
    for dimension in (*DIMENSIONS, *NAME_DIMENSIONS):
        assert dimension_name(dimension) == dimension.replace("_", " ")
        assert all(value == text for value, text in value_names(dimension).items())


def test_vietnamese_sentences_read_naturally():
    row = ALARM | {"signal": "outside", "side": "low"}
    finding = FINDING | {"dimension": "weekday", "group": "1"}

    with speaking("vi"):
        texts = alarm_text(row), finding_text(finding), target_text("asa_s", 18.3, {"asa_s": 20})

    assert texts == (
        "Tỷ lệ trả lời thứ Hai, 02/11/2026: 62,0 %, thấp hơn khoảng thường thấy 80,0 % đến 93,0 %.",
        "Tỷ lệ trả lời vào các ngày thứ Hai: 62,0 %, kém hơn mức thường thấy 88,0 % "
        "(-26,0 điểm phần trăm, 95 %: -31,0 đến -21,0); khoảng 45 trong 1.730 cuộc gọi cần trả "
        "lời.",
        "mục tiêu không quá 20,0 giây: đạt",
    )
