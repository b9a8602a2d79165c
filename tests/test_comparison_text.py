"""The rows of compare as text: values, changes with arrows, and what is unknown."""

from typing import Any

import pytest

import etelecom_analytics as et
from etelecom_analytics.locale.comparison_text import _interval_text, comparison_texts

OPTIONS = et.MetricOptions()
ROW: dict[str, Any] = {
    "measure": "answer_rate",
    "unit": "share",
    "before": 0.8,
    "before_low": 0.75,
    "before_high": 0.85,
    "before_n": 250,
    "after": 0.9,
    "after_low": 0.86,
    "after_high": 0.93,
    "after_n": 1_300,
    "difference": 0.1,
    "after_basis": "days",
    "low": 0.05,
    "high": 0.15,
    "scale": "difference",
    "smallest": 0.07,
    "verdict": "changed",
    "method": "days",
}


def texts(**changed: Any) -> Any:
    return comparison_texts(ROW | changed, OPTIONS)


def test_a_share_has_its_formula_its_interval_and_its_population():
    text = texts()

    assert (text.title, text.value) == ("Answer rate", "90.0 %")
    assert text.interval == "95 %: 86.0 to 93.0"
    assert text.formula.startswith("answer_rate = ")
    assert text.population == "over 1,300 offered calls"


def test_an_interval_of_independent_calls_is_of_these_calls_only():
    assert texts(after_basis="calls").interval == "95 %: 86.0 to 93.0, of these calls only"


@pytest.mark.parametrize(
    ("changed", "change", "verdict"),
    [
        ({}, "▲ +10.0 points", "changed, 95 %: +5.0 to +15.0"),
        (
            {"difference": -0.1, "low": -0.15, "high": -0.05},
            "▼ -10.0 points",
            "changed, 95 %: -15.0 to -5.0",
        ),
        (
            {"low": -0.05, "verdict": "no evidence"},
            "+10.0 points",
            "no evidence of a change, 95 %: -5.0 to +15.0; noticed from 7.0 points on",
        ),
        (  # several measures: the interval may exclude 0 although the verdict is no evidence
            {"low": 0.001, "verdict": "no evidence"},
            "+10.0 points",
            "no evidence of a change, 95 %: +0.1 to +15.0; noticed from 7.0 points on",
        ),
        (
            {"low": None, "smallest": None, "verdict": "cannot tell"},
            "+10.0 points",
            "cannot tell: too few days (95 %: … to +15.0, of these calls only)",
        ),
    ],
)
def test_only_a_verdict_of_changed_has_an_arrow(changed: dict[str, Any], change: str, verdict: str):
    text = texts(**changed)

    assert text.change == f"{change} against 80.0 %"
    assert text.verdict == verdict


def test_change_of_a_count_is_a_percentage_a_day():
    text = texts(
        measure="offered",
        unit="calls",
        before=1_000.0,
        after=1_300.0,
        difference=300.0,
        low=1.1,
        high=1.5,
        scale="ratio",
        smallest=1.2,
    )

    assert text.change == "▲ +300 against 1,000"
    assert text.verdict == "changed, 95 %: +10 to +50 % a day"
    assert (
        "noticed from 20 % on"
        in texts(
            measure="offered", unit="calls", scale="ratio", smallest=1.2, verdict="no evidence"
        ).verdict
    )


def test_an_unknown_change_has_no_text():
    text = texts(difference=None, low=None, high=None)

    assert (text.change, text.verdict) == ("", "")


def test_values_of_calls_that_were_not_fetched_are_unknown():
    text = texts(after=None, after_low=None, after_high=None, after_n=None)

    assert (text.value, text.interval, text.population) == ("unknown", "not fetched", "")


def test_a_value_without_an_interval_says_why():
    assert texts(after_low=None, after_high=None).interval == "too few calls for an interval"


def test_a_count_has_no_population():
    text = texts(measure="offered", unit="calls", after=1_300.0, before=1_000.0)

    assert text.population == ""
    assert text.value == "1,300"


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ((58.2, 62.4), "95 %: 58.2 s to 1:02"),
        ((3.0, 4.0), "95 %: 3.0 to 4.0"),
        ((None, 62.4), "95 %: … to 1:02"),
        ((61.0, 62.4), "95 %: 1:01 to 1:02"),
    ],
)
def test_both_ends_of_an_interval_state_their_unit(ends: tuple[float | None, float], text: str):
    assert _interval_text(*ends, "s") == text
