"""What call logs cannot tell is refused by name, with a reason that leads on."""

import re

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, MeasureUnavailable, UnknownName
from etelecom_analytics.metrics import DIMENSIONS, MEASURES, NOT_IN_RECORD, explain, summarize


@pytest.mark.parametrize("name", NOT_IN_RECORD)
def test_it_is_refused_with_its_reason(name: str, calls: pl.DataFrame):
    with pytest.raises(MeasureUnavailable) as refused:
        summarize(calls, measures=["offered", name])

    assert (refused.value.name, refused.value.reason) == (name, NOT_IN_RECORD[name])
    assert str(refused.value) == f"{name} cannot be computed from call logs. {NOT_IN_RECORD[name]}"
    assert isinstance(refused.value, InputError)
    with pytest.raises(MeasureUnavailable):
        explain(calls, name)


@pytest.mark.parametrize(
    ("spelt", "name"),
    [
        ("AHT", "aht"), ("aht_s", "aht"), ("aht_avg_s", "aht"), ("Average Handle Time", "average_handle_time"), ("acw_s", "acw"),
        ("hold_time_s", "hold_time"), ("hold-time", "hold_time"), ("Occupancy_Rate", "occupancy"), ("fcr_rate", "fcr"),
        ("First-Contact Resolution", "first_contact_resolution"), ("queue position", "queue_position"),
    ],
)  # fmt: skip
def test_it_may_be_spelt_in_many_ways(spelt: str, name: str, calls: pl.DataFrame):
    with pytest.raises(MeasureUnavailable, match=f"^{name} cannot be computed from call logs"):
        summarize(calls, measures=[spelt])


def test_no_measure_is_refused_and_a_slip_is_still_a_slip(calls: pl.DataFrame):
    assert not set(NOT_IN_RECORD) & set(MEASURES)
    for slip in ("answer_rat", "rate", "_s", "", "talk_rate_s"):
        with pytest.raises(UnknownName):
            summarize(calls, measures=[slip])


@pytest.mark.parametrize("reason", set(NOT_IN_RECORD.values()))
def test_every_reason_leads_on_to_what_there_is(reason: str):
    used = reason.partition(" Use ")[2]
    names = re.findall(r"\b[a-z0-9]+(?:_[a-z0-9]+)+\b|\brna\b", used)
    functions = re.findall(r"et\.metrics\.(\w+)", used)

    assert names or functions
    assert all(name in (*MEASURES, *DIMENSIONS, *functions) for name in names)
    assert all(hasattr(et.metrics, name) for name in functions)


def test_what_the_specification_names_is_there():
    assert {
        "aht",
        "acw",
        "hold_time",
        "occupancy",
        "adherence",
        "queue_position",
        "fcr",
        "first_contact_resolution",
    } <= set(NOT_IN_RECORD)
