"""The phases of a leg adjoin and cover the leg completely."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.call_cases import call, frame, leg, moment, ringing, talk

import etelecom_analytics as et
from etelecom_analytics import schema
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import PHASES, Selection, call_phases, legs

HUNT = call(
    "h",
    leg("8000", 0, None, 1, 5),
    ringing("101", 5, 25, code=480),
    talk("102", 25, 31, 90),
    leg("103", None, None, None, None),
    state="answered",
    ended=90,
)
OPTIONS = et.MetricOptions(ivr_numbers=("8000",))


def test_phases_of_a_hunt():
    phases = call_phases(frame(call("x"), HUNT), "h", options=OPTIONS)

    assert phases.select(
        "target_number", "phase", "from_s", "to_s", "outcome", "person"
    ).rows() == [
        ("8000", "trying", 0, 1, "answered", False),
        ("8000", "talking", 1, 5, "answered", False),
        ("101", "trying", 5, 5, "rna_timeout", True),
        ("101", "ringing", 5, 25, "rna_timeout", True),
        ("102", "trying", 25, 25, "answered", True),
        ("102", "ringing", 25, 31, "answered", True),
        ("102", "talking", 31, 90, "answered", True),
        ("103", None, None, None, "other", True),
    ]


def test_a_running_leg_has_no_end():
    phases = call_phases(frame(call("r", talk("101", 0, 4, None))), "r")

    assert phases.filter(phase="talking").select("begin", "end", "to_s", "outcome").rows() == [
        (moment(4), None, None, "in_progress")
    ]


def test_seconds_count_from_the_first_time_without_a_start():
    calls = frame(HUNT).with_columns(started_at=pl.lit(None, pl.Datetime("us", "UTC")))

    assert call_phases(calls, "h")["from_s"].min() == 0


@pytest.mark.slow
def test_phases_adjoin_and_cover_their_legs(calls: pl.DataFrame):
    for call_id in calls["id"].sample(60, seed=3):
        one = calls.filter(id=call_id)
        phases, call_legs = call_phases(calls, call_id), legs(one)
        assert (
            phases["target_index"].unique().sort().to_list() == call_legs["target_index"].to_list()
        )
        for (index,), leg_phases in phases.group_by("target_index", maintain_order=True):
            whole = call_legs.filter(target_index=index).row(0, named=True)
            spans = leg_phases.select("begin", "end").rows()
            assert [end for _, end in spans[:-1]] == [begin for begin, _ in spans[1:]]
            assert (spans[0][0], spans[-1][1]) == (
                whole["add_time"] or whole["ring_time"],
                whole["ended_time"],
            )
            assert leg_phases["phase"].cast(pl.String).is_in(PHASES).all()
            assert set(leg_phases["outcome"].cast(pl.String)) == {str(whole["outcome"])}


def test_call_phases_accepts_lazy_frames_and_selections():
    calls = frame(call("x"), HUNT)

    for same in (calls.lazy(), Selection(calls)):
        assert_frame_equal(call_phases(same, "h"), call_phases(calls, "h"))


def test_a_call_without_legs_has_no_phases():
    assert call_phases(frame(call("x")), "x").height == 0


def test_unknown_call_raises_an_error_that_explains_ids():
    with pytest.raises(InputError, match="There is no call '7'"):
        call_phases(frame(call("x")), "7")
    with pytest.raises(InputError, match="no call"):
        call_phases(pl.DataFrame(schema=dict(schema.CALL_SCHEMA)), "7")
