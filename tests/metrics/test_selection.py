"""A Selection gives the results of its calls, from facts that are computed once."""

import gc
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from weakref import ref

import altair as alt
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import (
    MEASURES,
    Selection,
    facts_table,
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


@pytest.mark.slow
@given(query=queries)
@examples(20)
def test_measures_of_a_selection_are_those_of_its_calls(query: et.CallQuery):
    selected, calls = ALL.where(query.to_expr()), CALLS.filter(query.to_expr())

    assert selected.height == calls.height
    assert_frame_equal(selected.calls, calls)
    assert_frame_equal(selected.lazy().collect(), calls)
    measures_by = {
        ("hour",): CALL_MEASURES,
        ("target_number", "outcome"): OFFER_MEASURES,
        ("trunk_name",): LEG_MEASURES,
        (): list(MEASURES),
    }
    for by, measures in measures_by.items():
        expected = summarize(calls, by, measures, options=OPTIONS, confidence=True)
        assert_frame_equal(
            summarize(selected, by, measures, options=OPTIONS, confidence=True), expected
        )


def test_predicates_combine_and_no_predicate_selects_all():
    once = ALL.where(pl.col("direction") == "in", pl.col("duration") > 30)

    assert_frame_equal(
        ALL.where(pl.col("direction") == "in").where(pl.col("duration") > 30).calls, once.calls
    )
    assert ALL.where().height == CALLS.height
    assert Selection(CALLS.clear()).where(pl.col("duration") > 30).height == 0


def test_a_null_predicate_does_not_select():
    unknown = CALLS.with_columns(duration=pl.lit(None, pl.Int32))

    assert Selection(unknown).where(pl.col("duration") > 30).height == 0


def test_busy_offers_depend_on_the_selected_calls():
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


def test_other_options_are_computed_again():
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


def test_other_functions_accept_a_selection():
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


@pytest.mark.slow
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
    def spec(result: alt.TopLevelMixin) -> dict[str, object]:
        return result.to_dict()

    selected = ALL.where(pl.col("direction") == "in")

    assert spec(chart(selected, options=OPTIONS)) == spec(chart(selected.calls, options=OPTIONS))


@pytest.mark.parametrize("measures", [OFFER_MEASURES, LEG_MEASURES], ids=["offers", "legs"])
def test_precomputed_facts_equal_facts_on_demand(measures: list[str]):
    selection = Selection(CALLS)
    selection.precompute(OPTIONS)

    expected = summarize(CALLS, ["target_number"], measures, options=OPTIONS)
    assert_frame_equal(summarize(selection, ["target_number"], measures, options=OPTIONS), expected)
    assert_frame_equal(
        summarize(Selection(CALLS), ["target_number"], measures, options=OPTIONS), expected
    )


def test_selections_of_a_table_share_facts_until_it_changes():
    calls = CALLS.clone()
    one, other = Selection(calls), Selection(calls)
    expected = summarize(calls, ["target_number"], ["offers"], options=OPTIONS)
    assert_frame_equal(summarize(one, ["target_number"], ["offers"], options=OPTIONS), expected)
    assert one.values("wait_s", OPTIONS) is not None
    assert other._table is one._table

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


def test_a_background_error_is_raised_on_use():
    invalid = Selection(CALLS.drop("call_targets"))
    invalid.precompute(OPTIONS)

    with pytest.raises(InputError, match="no column call_targets"):
        invalid.offer_facts(OPTIONS)


def test_an_error_of_a_filter_is_raised_each_time():
    query = et.CallQuery(user_id="1140000000000000003")
    selection = Selection(CALLS.drop("user_id")).matching(query)

    for _ in range(2):
        with pytest.raises(pl.exceptions.ColumnNotFoundError, match="user_id"):
            len(selection.calls)


def test_a_thread_does_not_wait_for_facts_behind_it_in_its_queue():
    begin, facts = Event(), pl.DataFrame({"calls": [1]})
    cache = facts_table._Cache(lambda options: facts)
    executor = ThreadPoolExecutor(1)
    executor.submit(begin.wait)
    earlier = executor.submit(cache, OPTIONS)
    cache.start(OPTIONS, executor)
    begin.set()

    assert earlier.result(timeout=10) is facts
    executor.shutdown()


def test_memory_of_a_table_returns_without_a_search_for_cycles():
    selection = Selection(CALLS.clone())
    summarize(selection, ["hour"], ["offered"], options=OPTIONS)
    table = ref(selection._table)
    gc.disable()
    try:
        del selection
        assert table() is None
    finally:
        gc.enable()


def test_repr_shows_the_number_of_calls():
    assert repr(ALL.where(pl.lit(value=False))) == "Selection: 0 of 400 calls"
