"""Tables from cubes are those of `summarize` of the same calls, to the last digit."""

from collections.abc import Iterator
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal, assert_series_equal
from support.examples import examples
from support.holes import calls_with_holes
from support.random_calls import OPTIONS, with_random_owners

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import (
    MEASURES,
    Selection,
    compare,
    cube,
    cube_store,
    drill_through,
    facts_table,
)
from etelecom_analytics.metrics.internal_calls import with_second_logs
from etelecom_analytics.metrics.internal_pairs import InternalPairs

SETTINGS = et.MetricOptions(**OPTIONS, as_of="2026-11-04T12:00")
OF_CALLS = [name for name, each in MEASURES.items() if each.grain == "calls"]
OF_OFFERS = [
    name for name, each in MEASURES.items() if each.grain != "calls" and name != "busy_offers"
]
CARDS = ["offered", "answer_rate", "asa_s", "wait_p90_s", "agent_talk_avg_s", "talk_avg_s"]
CALLS = calls_with_holes(300, seed=4)

queries = st.builds(
    et.CallQuery,
    direction=st.sampled_from([None, None, "in", "out", "ext_out"]),
    call_state=st.sampled_from([None, "answered"]),
    date_from=st.sampled_from([None, "2026-11-02"]),
    date_to=st.sampled_from([None, "2026-11-03", "2026-11-04"]),
)
groups = st.sampled_from(
    [
        {},
        {"hour": 9},
        {"weekday": 2},
        {"day": date(2026, 11, 3), "hour": 10},
        {"queue": None},
        {"who_hung_up": "caller"},
        {"direction": "ext_in"},
        {"user_id": CALLS["user_id"].drop_nulls()[0]},
    ]
)
dimensions = st.sampled_from(
    [(), ("day",), ("week",), ("weekday", "hour"), ("direction", "call_state"), ("user_id",)]
)


@pytest.fixture(scope="module")
def selection() -> Iterator[Selection]:
    """All calls, with cubes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cube_store, "MIN_CALLS", 0)
        calls = Selection(CALLS)
        calls.precompute(SETTINGS, wait=True)
        yield calls


@pytest.mark.slow
@given(query=queries, group=groups, by=dimensions, data=st.data())
@examples(12)
def test_tables_are_those_of_summarize(
    selection: Selection,
    query: et.CallQuery,
    group: dict[str, object],
    by: tuple[str, ...],
    data: st.DataObject,
):
    names = data.draw(st.sampled_from([OF_CALLS, OF_OFFERS]))
    measures = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=3, unique=True))
    selected = drill_through(selection.matching(query), group, options=SETTINGS)
    calls = drill_through(CALLS.filter(query.to_expr()), group, options=SETTINGS)

    assert_frame_equal(
        et.summarize(selected, by, measures, options=SETTINGS, confidence=True),
        et.summarize(calls, by, measures, options=SETTINGS, confidence=True),
        check_exact=True,
    )
    assert selected.height == calls.height


@pytest.mark.slow
@pytest.mark.parametrize("query", [et.CallQuery(), et.CallQuery(call_state="answered")])
def test_comparisons_are_those_of_the_calls(selection: Selection, query: et.CallQuery):
    sides = [
        (selection.matching(each), CALLS.filter(each.to_expr()))
        for each in (et.CallQuery(date_to="2026-11-03"), query)
    ]
    assert_frame_equal(
        compare(sides[0][0], sides[1][0], CARDS, options=SETTINGS),
        compare(sides[0][1], sides[1][1], CARDS, options=SETTINGS),
        check_exact=True,
    )


def test_days_of_a_change_of_clocks_and_owners_of_offers(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cube_store, "MIN_CALLS", 0)
    monkeypatch.setattr(cube_store, "_FIRST", ())
    monkeypatch.setattr(cube_store, "_FIRST_OF_OFFERS", ())
    times = pl.col("started_at", "ended_at") - timedelta(hours=15)  # clocks change in New York
    calls = with_random_owners(CALLS.head(120).with_columns(times), seed=3)
    zone = "America/New_York"
    options = et.MetricOptions(**OPTIONS, time_zone=zone)
    query = et.CallQuery(date_from="2026-11-01", date_to="2026-11-03", time_zone=zone)
    sunday = [{"day": "2026-11-01"}, {"weekday": [1, None], "direction": ["in", None]}]
    selection = Selection(calls)
    selection.precompute(options, wait=True)
    drilled = drill_through(selection.matching(query), sunday, options=options)
    expected = drill_through(calls.filter(query.to_expr()), sunday, options=options)
    assert not is_answered(drilled, "half_hour", as_of=None, time_zone=zone)
    assert not is_answered(drilled, "user", measure="offers", as_of=None, time_zone=zone)
    selection.precompute(options, wait=True)

    for by, measures in {"hour": ["offered", "wait_p90_s"], "user": ["offers"]}.items():
        assert is_answered(drilled, by, measure=measures[0], as_of=None, time_zone=zone)
        assert_frame_equal(
            et.summarize(drilled, by, measures, options=options, confidence=0.9),
            et.summarize(expected, by, measures, options=options, confidence=0.9),
            check_exact=True,
        )


def is_answered(selected: Selection, *by: str, measure: str = "offered", **options: object) -> bool:
    """Whether a cube answers this."""
    changed = et.MetricOptions(**{**SETTINGS.to_dict(), **options})
    return selected.parts(by, [MEASURES[measure]], changed, intervals=False) is not None


@pytest.mark.slow
def test_usual_filters_and_groups_take_cubes(selection: Selection):
    inbound = selection.matching(et.CallQuery(direction="in", date_from="2026-11-02"))

    assert is_answered(inbound)
    assert is_answered(inbound, "week")
    assert is_answered(inbound, "weekday", "hour")
    assert is_answered(drill_through(inbound, {"hour": 9}, options=SETTINGS), "hour")
    assert is_answered(inbound, "outcome", measure="offers")


def test_other_queries_take_the_facts(selection: Selection):
    for query in (
        et.CallQuery(call_number="101"),
        et.CallQuery(duration=("greater_than", 30)),
        et.CallQuery(date_from="2026-11-02T09:30"),
        et.CallQuery(date_from="2026-11-02", time_zone="UTC"),
    ):
        assert not is_answered(selection.matching(query))
    assert not is_answered(selection.where(pl.col("note").is_null()))
    assert not is_answered(selection, threshold_s=3)
    assert not is_answered(Selection(CALLS.clone()))
    expected = et.summarize(CALLS, "day", ["offers", "busy_offers"], options=SETTINGS)
    table = et.summarize(selection, "day", ["offers", "busy_offers"], options=SETTINGS)
    assert_frame_equal(table, expected)


def test_a_missing_cube_is_built_for_the_next_query(selection: Selection):
    assert not is_answered(selection, "user_id", "hour")
    selection.precompute(SETTINGS, wait=True)
    assert is_answered(selection, "user_id", "hour")


def test_a_cube_with_too_many_cells_is_not_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cube_store, "MIN_CALLS", 0)
    monkeypatch.setattr(cube, "_MIN_CELLS", 150)
    selection = Selection(CALLS.clone())
    selection.precompute(SETTINGS, wait=True)

    assert not is_answered(selection, "caller", "hour")
    selection.precompute(SETTINGS, wait=True)
    assert not is_answered(selection, "caller", "hour")
    assert is_answered(selection)


@pytest.mark.slow
def test_the_oldest_cube_is_dropped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cube_store, "MIN_CALLS", 0)
    monkeypatch.setattr(cube_store, "_MAX_CUBES", 2)
    selection = Selection(CALLS.clone())
    selection.precompute(SETTINGS, wait=True)

    assert not is_answered(selection, "hour")
    assert is_answered(selection, "outcome", measure="offers")


def test_small_tables_have_no_cubes(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cube_store, "MIN_CALLS", CALLS.height + 1)
    selection = Selection(CALLS.clone())
    selection.precompute(SETTINGS, wait=True)

    assert not is_answered(selection)


def test_an_error_in_the_background_is_raised_by_who_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cube_store, "MIN_CALLS", 0)
    selection = Selection(CALLS.drop("call_targets"))

    with pytest.raises(InputError, match="no column call_targets"):
        selection.precompute(SETTINGS, wait=True)


def test_a_cube_that_failed_is_built_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(cube_store, "MIN_CALLS", 0)
    selection = Selection(CALLS.clone())
    with monkeypatch.context() as broken:
        broken.setattr(cube_store, "Cube", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            selection.precompute(SETTINGS, wait=True)
    assert not is_answered(selection, "queue")
    selection.precompute(SETTINGS, wait=True)

    assert is_answered(selection, "queue")


def test_the_oldest_options_are_dropped_while_their_cubes_are_built(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(cube_store, "MIN_CALLS", 0)
    monkeypatch.setattr(facts_table, "_MAX_OPTIONS", 1)
    selection = Selection(CALLS.head(40))
    for threshold_s in (3, 20, 3, 20):
        selection.precompute(et.MetricOptions(threshold_s=threshold_s))
    options = et.MetricOptions(threshold_s=3)
    selection.precompute(options, wait=True)

    assert selection.parts(["hour"], [MEASURES["offered"]], options, intervals=False) is not None


@given(mask=st.lists(st.booleans(), min_size=400, max_size=400))
@examples(10)
def test_second_logs_are_those_of_the_selected_calls(mask: list[bool]):
    internal = CALLS.filter(pl.col("direction").cast(pl.String).is_in(["ext_in", "ext_out"]))
    calls = pl.concat([internal, internal.head(5), internal.tail(5), CALLS]).head(400)
    calls = pl.concat([calls, calls.clear()])
    selected = pl.Series(mask[: calls.height])
    pairs = InternalPairs(calls)
    paired = with_second_logs(
        calls.lazy().with_row_index("row").filter(selected), calls.lazy().filter(selected)
    )

    expected = paired.filter("internal_twice").select("row").collect().to_series()
    assert_series_equal(pairs.second_logs(selected), expected, check_names=False)
    assert set(expected) <= set(pairs.rows)
