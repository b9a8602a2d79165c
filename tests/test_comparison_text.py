"""The rows of compare as text: values, changes with arrows, and what is unknown."""

from typing import Any

import pytest

import etelecom_analytics as et
from etelecom_analytics.locale.comparison_text import comparison_texts

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
    "low": 0.05,
    "high": 0.15,
    "method": "newcombe",
}


def texts(**changed: Any) -> Any:
    return comparison_texts(ROW | changed, OPTIONS)


def test_a_share_has_its_formula_its_interval_and_its_population():
    text = texts()

    assert (text.title, text.value) == ("Answer rate", "90.0 %")
    assert text.interval == "95 %: 86.0 to 93.0"
    assert text.formula.startswith("answer_rate = ")
    assert text.population == "over 1,300 offered calls"


@pytest.mark.parametrize(
    ("difference", "low", "high", "change", "interval"),
    [
        (0.1, 0.05, 0.15, "▲ +10.0", "+5.0 to +15.0"),
        (-0.1, -0.15, -0.05, "▼ -10.0", "-15.0 to -5.0"),
        (0.1, -0.05, 0.15, "+10.0", "-5.0 to +15.0: may be chance"),
        (0.1, 0.0, 0.15, "+10.0", "+0.0 to +15.0: may be chance"),
        (0.1, None, 0.15, "+10.0", "… to +15.0: may be chance"),
    ],
)
def test_an_arrow_marks_a_change_whose_interval_excludes_zero(
    difference: float, low: float | None, high: float, change: str, interval: str
):
    text = texts(difference=difference, low=low, high=high)

    assert text.change == f"{change} points against 80.0 %"
    assert text.change_interval == f"95 %: {interval}"


def test_an_unknown_change_has_no_text():
    text = texts(difference=None, low=None, high=None)

    assert (text.change, text.change_interval) == ("", "")


def test_values_of_calls_that_were_not_fetched_are_unknown():
    text = texts(after=None, after_low=None, after_high=None, after_n=None)

    assert (text.value, text.interval, text.population) == ("unknown", "not fetched", "")


def test_a_value_without_an_interval_says_why():
    assert texts(after_low=None, after_high=None).interval == "no interval: too few"


def test_a_count_has_no_population():
    text = texts(measure="offered", unit="calls", after=1_300.0, before=1_000.0)

    assert text.population == ""
    assert text.value == "1,300"
