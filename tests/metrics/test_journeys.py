"""One call's journey: each leg's phases follow each other, and no second of a leg is lost."""

import polars as pl
import pytest
from cases import call, frame, leg, moment, ringing, talk
from polars.testing import assert_frame_equal

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


def test_a_hunt_by_hand():
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


def test_what_did_not_end_has_no_end():
    phases = call_phases(frame(call("r", talk("101", 0, 4, None))), "r")

    assert phases.filter(phase="talking").select("begin", "end", "to_s", "outcome").rows() == [
        (moment(4), None, None, "in_progress")
    ]


def test_without_a_start_seconds_count_from_the_first_time():
    calls = frame(HUNT).with_columns(started_at=pl.lit(None, pl.Datetime("us", "UTC")))

    assert call_phases(calls, "h")["from_s"].min() == 0


def test_of_every_call_phases_adjoin_and_cover_their_legs(calls: pl.DataFrame):
    for call_id in calls["id"].sample(60, seed=3):
        one = calls.filter(id=call_id)
        phases, judged = call_phases(calls, call_id), legs(one)
        assert phases["target_index"].unique().sort().to_list() == judged["target_index"].to_list()
        for (index,), of_leg in phases.group_by("target_index", maintain_order=True):
            whole = judged.filter(target_index=index).row(0, named=True)
            spans = of_leg.select("begin", "end").rows()
            assert [end for _, end in spans[:-1]] == [begin for begin, _ in spans[1:]]
            assert (spans[0][0], spans[-1][1]) == (
                whole["add_time"] or whole["ring_time"],
                whole["ended_time"],
            )
            assert of_leg["phase"].cast(pl.String).is_in(PHASES).all()
            assert set(of_leg["outcome"].cast(pl.String)) == {str(whole["outcome"])}


def test_any_kind_of_table_will_do():
    calls = frame(call("x"), HUNT)

    for same in (calls.lazy(), Selection(calls)):
        assert_frame_equal(call_phases(same, "h"), call_phases(calls, "h"))


def test_a_call_without_legs_has_no_phases():
    assert call_phases(frame(call("x")), "x").height == 0


def test_an_unknown_call_is_an_error_that_says_what_an_id_is():
    with pytest.raises(InputError, match="There is no call '7'"):
        call_phases(frame(call("x")), "7")
    with pytest.raises(InputError, match="no call"):
        call_phases(pl.DataFrame(schema=dict(schema.CALL_SCHEMA)), "7")
