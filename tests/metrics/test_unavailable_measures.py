"""Measures that call logs cannot give raise an error with the reason and an alternative."""

import re

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, MeasureUnavailable, UnknownName
from etelecom_analytics.metrics import (
    DIMENSIONS,
    MEASURES,
    UNAVAILABLE_MEASURES,
    explain,
    summarize,
)


@pytest.mark.parametrize("name", UNAVAILABLE_MEASURES)
def test_an_unavailable_measure_raises_with_its_reason(name: str, calls: pl.DataFrame):
    with pytest.raises(MeasureUnavailable) as raised:
        summarize(calls, measures=["offered", name])

    assert (raised.value.name, raised.value.reason) == (name, UNAVAILABLE_MEASURES[name])
    assert (
        str(raised.value)
        == f"{name} cannot be computed from call logs. {UNAVAILABLE_MEASURES[name]}"
    )
    assert isinstance(raised.value, InputError)
    with pytest.raises(MeasureUnavailable):
        explain(calls, name)


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("AHT", "aht"), ("aht_s", "aht"), ("aht_avg_s", "aht"), ("Average Handle Time",
            "average_handle_time"), ("acw_s", "acw"),
        ("hold_time_s", "hold_time"), ("hold-time", "hold_time"), ("Occupancy_Rate", "occupancy"),
        ("fcr_rate", "fcr"),
        ("First-Contact Resolution", "first_contact_resolution"), ("queue position",
            "queue_position"),
    ],
)  # fmt: skip
def test_spelling_and_unit_do_not_matter(spelling: str, name: str, calls: pl.DataFrame):
    with pytest.raises(MeasureUnavailable, match=f"^{name} cannot be computed from call logs"):
        summarize(calls, measures=[spelling])


def test_no_measure_is_unavailable_and_a_typo_is_an_unknown_name(calls: pl.DataFrame):
    assert not set(UNAVAILABLE_MEASURES) & set(MEASURES)
    for typo in ("answer_rat", "rate", "_s", "", "talk_rate_s"):
        with pytest.raises(UnknownName):
            summarize(calls, measures=[typo])


@pytest.mark.parametrize("reason", sorted(set(UNAVAILABLE_MEASURES.values())))
def test_every_reason_names_an_existing_alternative(reason: str):
    alternative = reason.partition(" Use ")[2]
    names = re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b|\brna\b", alternative)
    functions = re.findall(r"et\.metrics\.(\w+)", alternative)

    assert names or functions
    assert all(name in (*MEASURES, *DIMENSIONS, *functions) for name in names)
    assert all(hasattr(et.metrics, name) for name in functions)


def test_common_measures_are_listed():
    assert {
        "aht",
        "acw",
        "hold_time",
        "occupancy",
        "adherence",
        "queue_position",
        "fcr",
        "first_contact_resolution",
    } <= set(UNAVAILABLE_MEASURES)
