"""Selection: the same numbers as the calls it selects, from what was reckoned once."""

import altair as alt
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.metrics import (
    MEASURES,
    Selection,
    inward,
    ring_seconds,
    summarize,
    summarize_fetched,
)

CALL_MEASURES = [name for name, each in MEASURES.items() if each.grain == "calls"]
OFFER_MEASURES = [name for name, each in MEASURES.items() if each.grain == "offers"]
LEG_MEASURES = [name for name, each in MEASURES.items() if each.grain == "legs"]

SIMULATION = et.simulate_calls(400, seed=8, days=3)
CALLS = SIMULATION.calls
OPTIONS = et.MetricOptions(ivr_numbers=SIMULATION.truth.ivr_numbers)
ALL = Selection(CALLS)

queries = st.builds(
    et.CallQuery,
    direction=st.sampled_from([None, "in", "out", "ext_in"]),
    call_state=st.sampled_from([None, "answered", "not_answered"]),
    duration=st.sampled_from([None, ("greater_than", 30), ("less_than", 1)]),
)


@given(query=queries)
@settings(deadline=None, max_examples=20)
def test_every_measure_of_a_selection_is_that_of_the_calls_selected(query: et.CallQuery):
    selected, calls = ALL.where(query.to_expr()), CALLS.filter(query.to_expr())

    assert selected.height == calls.height
    assert_frame_equal(selected.calls, calls)
    assert_frame_equal(selected.lazy().collect(), calls)
    asked = {
        ("hour",): CALL_MEASURES,
        ("target_number", "outcome"): OFFER_MEASURES,
        ("trunk_name",): LEG_MEASURES,
        (): list(MEASURES),
    }
    for by, measures in asked.items():
        expected = summarize(calls, by, measures, options=OPTIONS, confidence=True)
        assert_frame_equal(
            summarize(selected, by, measures, options=OPTIONS, confidence=True), expected
        )


def test_conditions_add_up_and_none_leaves_all():
    once = ALL.where(pl.col("direction") == "in", pl.col("duration") > 30)

    assert_frame_equal(
        ALL.where(pl.col("direction") == "in").where(pl.col("duration") > 30).calls, once.calls
    )
    assert ALL.where().height == CALLS.height
    assert Selection(CALLS.clear()).where(pl.col("duration") > 30).height == 0


def test_what_cannot_be_told_is_not_selected():
    unknown = CALLS.with_columns(duration=pl.lit(None, pl.Int32))

    assert Selection(unknown).where(pl.col("duration") > 30).height == 0


def test_who_was_busy_depends_on_the_calls_selected():
    only_in = ALL.where(pl.col("direction") == "in")

    for selected in ALL, only_in:
        expected = summarize(
            selected.calls, ["target_number"], ["busy_offers", "offers"], options=OPTIONS
        )
        assert_frame_equal(
            summarize(selected, ["target_number"], ["busy_offers", "offers"], options=OPTIONS),
            expected,
        )
    assert (
        summarize(ALL, measures=["busy_offers"]).item()
        > summarize(only_in, measures=["busy_offers"]).item()
    )


def test_other_options_are_reckoned_anew():
    for options in (
        et.MetricOptions(),
        OPTIONS,
        et.MetricOptions(threshold_s=60, wait_from="first_ring"),
        et.MetricOptions(),
    ):
        expected = summarize(
            CALLS, ["day"], ["answered", "service_level", "offers"], options=options
        )
        assert_frame_equal(
            summarize(ALL, ["day"], ["answered", "service_level", "offers"], options=options),
            expected,
        )


def test_rings_directions_and_what_was_fetched_are_told_of_a_selection_too():
    selected, calls = ALL.where(pl.col("duration") > 0), CALLS.filter(pl.col("duration") > 0)

    assert_frame_equal(
        ring_seconds(selected, options=OPTIONS).bins, ring_seconds(calls, options=OPTIONS).bins
    )
    assert ring_seconds(selected, options=OPTIONS).calls == calls.height
    assert_frame_equal(inward(selected).lazy().collect(), inward(calls))
    assert_frame_equal(
        summarize_fetched(selected, ["day"], ["offered"], coverage=None),
        summarize_fetched(calls, ["day"], ["offered"], coverage=None),
    )


@pytest.mark.parametrize(
    "chart",
    [
        et.charts.answer_rate,
        et.charts.heatmap,
        et.charts.ring_durations,
        et.charts.extension_performance,
    ],
)
def test_a_chart_of_a_selection_is_that_of_its_calls(chart):
    def spec(drawn: alt.TopLevelMixin) -> dict[str, object]:
        return drawn.to_dict()

    selected = ALL.where(pl.col("direction") == "in")

    assert spec(chart(selected, options=OPTIONS)) == spec(chart(selected.calls, options=OPTIONS))


@pytest.mark.parametrize("measures", [OFFER_MEASURES, LEG_MEASURES], ids=["offers", "legs"])
def test_what_was_prepared_is_what_is_reckoned_when_it_is_asked(measures: list[str]):
    prepared = Selection(CALLS)
    prepared.precompute(OPTIONS)

    expected = summarize(CALLS, ["target_number"], measures, options=OPTIONS)
    assert_frame_equal(summarize(prepared, ["target_number"], measures, options=OPTIONS), expected)
    assert_frame_equal(
        summarize(Selection(CALLS), ["target_number"], measures, options=OPTIONS), expected
    )


def test_what_was_reckoned_of_a_table_is_there_for_all_who_look_at_it_until_it_changes():
    calls = CALLS.clone()
    one, other = Selection(calls), Selection(calls)
    expected = summarize(calls, ["target_number"], ["offers"], options=OPTIONS)
    assert_frame_equal(summarize(one, ["target_number"], ["offers"], options=OPTIONS), expected)
    assert one.values("wait_s", OPTIONS) is not None
    assert other._of is one._of

    calls.replace_column(
        calls.get_column_index("call_state"),
        pl.Series("call_state", ["answered"] * calls.height, calls.schema["call_state"]),
    )
    changed = Selection(calls)
    assert (
        summarize(changed, (), ["missed"], options=OPTIONS).item()
        < summarize(one, (), ["missed"], options=OPTIONS).item()
    )
    assert_frame_equal(
        summarize(changed, (), ["missed"], options=OPTIONS),
        summarize(calls, (), ["missed"], options=OPTIONS),
    )
    assert_frame_equal(one.calls, CALLS)


def test_what_fails_beside_fails_for_who_asks():
    wrong = Selection(CALLS.drop("call_targets"))
    wrong.precompute(OPTIONS)

    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="call_targets"):
        wrong.offer_facts(OPTIONS)


def test_it_says_how_many_it_is():
    assert repr(ALL.where(pl.lit(value=False))) == "Selection: 0 of 400 calls"
