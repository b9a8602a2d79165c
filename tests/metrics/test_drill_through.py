"""drill_through returns the calls of each group of a summary."""

from datetime import date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support import random_calls as random_input
from support.examples import examples, scaled
from support.random_calls import random_calls, with_random_owners

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import (
    DIMENSIONS,
    MEASURES,
    Selection,
    drill_through,
    explain,
    offers,
    summarize,
)
from etelecom_analytics.metrics.dimensions import LEG_DIMENSIONS, OWNER_DIMENSIONS
from etelecom_analytics.metrics.legs_and_offers import leg_facts

SIMULATION = et.simulate_calls(500, seed=8, days=9)
CALLS = SIMULATION.calls
OPTIONS = et.MetricOptions(ivr_numbers=SIMULATION.truth.ivr_numbers)


def groups(by: list[str], measure: str) -> list[dict[str, object]]:
    table = summarize(CALLS, by, [measure], options=OPTIONS)
    return table.head(scaled(25, at_least=6)).to_dicts()


def union(*parts: pl.DataFrame) -> pl.DataFrame:
    """The calls of any of these tables, in the order of all calls."""
    ids = pl.concat(parts)["id"]
    return CALLS.filter(pl.col("id").is_in(ids.to_list()))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("weekday", [1, 3]),
        ("hour", [9, None]),
        ("day", ["2026-11-02", date(2026, 11, 4)]),
        ("direction", ["in", "out"]),
        ("extension_id", [None, *CALLS["extension_id"].drop_nulls().unique().sort()[:2]]),
        ("outcome", ["answered", "no_answer"]),
        ("fail_code", [486, None]),
    ],
)
def test_a_list_selects_the_calls_with_any_of_its_values(name: str, values: list[object]):
    expected = union(*(drill_through(CALLS, {name: each}, options=OPTIONS) for each in values))
    selected = drill_through(CALLS, {name: values}, options=OPTIONS)
    assert_frame_equal(selected, expected)
    lazy = drill_through(CALLS.lazy(), {name: tuple(values)}, options=OPTIONS)
    assert_frame_equal(lazy.collect(), expected)
    of_selection = drill_through(Selection(CALLS), {name: values}, options=OPTIONS)
    assert_frame_equal(of_selection.calls, expected)


def test_a_list_of_groups_selects_the_calls_of_any_of_them():
    several = [{"weekday": 1, "hour": 9}, {"weekday": [2, 3], "hour": 14}, {"direction": "out"}]
    expected = union(*(drill_through(CALLS, each, options=OPTIONS) for each in several))
    assert_frame_equal(drill_through(CALLS, several, options=OPTIONS), expected)
    assert_frame_equal(drill_through(Selection(CALLS), several, options=OPTIONS).calls, expected)


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ([], "group is a mapping"),
        ([{"weekday": 1}, 3], "group is a mapping"),
        ({"weekday": []}, "an empty list"),
        ({"weekday": [1, "2"]}, "weekday cannot be"),
        ([{"outcome": "answered"}, {"weekday": 1}], "dimensions of calls only"),
    ],
    ids=str,
)
def test_invalid_lists_are_errors(group: object, message: str):
    with pytest.raises(InputError, match=message):
        drill_through(CALLS, group, options=OPTIONS)


@pytest.mark.slow
@pytest.mark.parametrize(
    "by",
    [[name] for name in DIMENSIONS if name not in LEG_DIMENSIONS]
    + [["weekday", "hour"], ["day", "direction"]],
)
def test_a_group_of_calls_has_as_many_calls_as_the_summary(by: list[str]):
    for row in groups(by, "calls"):
        group = {name: row[name] for name in by}
        selected = drill_through(CALLS, group, options=OPTIONS)

        assert selected.height == row["calls"]
        assert_frame_equal(drill_through(CALLS.lazy(), group, options=OPTIONS).collect(), selected)
        assert_frame_equal(drill_through(Selection(CALLS), group, options=OPTIONS).calls, selected)


@pytest.mark.slow
@pytest.mark.parametrize(
    "by",
    [
        ["target_number"],
        ["outcome"],
        ["trunk_name"],
        ["fail_code"],
        ["target_number", "outcome"],
        ["hour", "outcome"],
    ],
)
def test_a_group_of_offers_or_legs_has_their_calls(by: list[str]):
    hours = CALLS.select(
        call_id="id", hour=pl.col("started_at").dt.convert_time_zone(OPTIONS.time_zone).dt.hour()
    )
    counted_offers = offers(CALLS, options=OPTIONS).filter(
        pl.col("outcome") != "in_progress",
        ~pl.col("target_number").is_in(OPTIONS.ivr_numbers).fill_null(value=False),
    )
    counted_offers = counted_offers.join(hours, on="call_id")
    legs = leg_facts(CALLS.lazy(), options=OPTIONS).collect()
    legs = legs.with_columns(call_id=CALLS["id"].gather(legs["call_row"])).join(hours, on="call_id")
    for row in groups(by, "offers"):
        group = {name: row[name] for name in by}
        same = [
            pl.col(name).eq_missing(pl.lit(value, dtype=legs.schema[name]))
            for name, value in group.items()
        ]
        expected = {*counted_offers.filter(*same)["call_id"], *legs.filter(*same)["call_id"]}
        selected = drill_through(CALLS, group, options=OPTIONS)

        assert set(selected["id"]) == expected
        assert selected["id"].is_in(CALLS["id"]).all()
        assert selected["id"].to_list() == [one for one in CALLS["id"] if one in expected]
        assert_frame_equal(drill_through(CALLS.lazy(), group, options=OPTIONS).collect(), selected)
        assert_frame_equal(drill_through(Selection(CALLS), group, options=OPTIONS).calls, selected)


def test_an_empty_group_is_all_calls_and_none_is_a_null_key():
    assert_frame_equal(drill_through(CALLS, {}), CALLS)
    unknown = CALLS.with_columns(started_at=pl.lit(None, pl.Datetime("us", "UTC")))
    assert drill_through(unknown, {"hour": None, "day": None}).height == CALLS.height
    assert drill_through(unknown, {"hour": 9}).height == 0


def test_names_are_dimensions_if_the_calls_have_them():
    extensions = pl.DataFrame(
        {"id": CALLS["extension_id"].drop_nulls().unique().sort()}
    ).with_columns(
        extension_number=pl.lit("101"), hotline_id=pl.lit("1"), user_id=pl.lit(None, pl.String)
    )
    hotlines = pl.DataFrame({"id": ["1"], "hotline": ["19001234"], "name": ["Sales"]})
    report = et.read_snapshot("data/sample").report
    named = (
        et.CallLogs(calls=CALLS, query=et.CallQuery(), report=report)
        .with_names(extensions, hotlines=hotlines)
        .calls
    )

    counted = et.metrics.facts(CALLS).filter("calls")["extension_id"]
    assert counted.len() < CALLS.height
    assert drill_through(named, {"hotline": "19001234"}).height == counted.drop_nulls().len()
    assert drill_through(named, {"hotline": None}).height == counted.null_count()
    with pytest.raises(InputError, match="with_names"):
        drill_through(CALLS, {"hotline": "19001234"})


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ({"hours": 9}, "hour"),
        ({"hour": "9"}, "hour cannot be '9'"),
        ({"hour": True}, "hour cannot be True"),
        ({"day": datetime(2026, 11, 2)}, "day cannot be"),
        ({"caller": 1900}, "caller cannot be 1900"),
    ],
)
def test_an_invalid_group_raises(group: dict[str, object], message: str):
    with pytest.raises((InputError, UnknownName), match=message):
        drill_through(CALLS, group)


def test_an_unknown_category_and_a_day_without_calls_have_no_calls():
    assert drill_through(CALLS, {"direction": "sideways"}).height == 0
    assert drill_through(CALLS, {"day": date(1999, 1, 1)}).height == 0


def test_a_selection_matches_numbers_like_the_query():
    number = CALLS.filter(direction="in")["caller"].drop_nulls()[0]
    query = et.CallQuery(
        call_number=f"+84{number[1:]}" if number.startswith("0") else number, direction="in"
    )
    table = Selection(CALLS)

    assert table.matching(query).height > 0
    assert_frame_equal(table.matching(query).calls, CALLS.filter(query.to_expr()))
    assert_frame_equal(
        table.matching(query).take(table.matching(query).row_indices), CALLS.filter(query.to_expr())
    )
    facts = et.metrics.facts(CALLS, options=OPTIONS)
    counted = ~facts["internal_twice"]
    waits = table.values("wait_s", OPTIONS)
    assert waits.filter(counted).to_list() == facts["wait_s"].filter(counted).to_list()


def test_business_hours_are_a_group():
    options = et.MetricOptions(business_hours={"mon-fri": ("08:00", "17:30")})
    for row in summarize(CALLS, ["in_hours"], ["calls"], options=options).iter_rows(named=True):
        assert (
            drill_through(CALLS, {"in_hours": row["in_hours"]}, options=options).height
            == row["calls"]
            > 0
        )
    with pytest.raises(InputError, match="in_hours cannot be 1"):
        drill_through(CALLS, {"in_hours": 1}, options=options)


# Offers by person: the calls in which the number of this person rang.

RANDOM_OPTIONS = et.MetricOptions(**random_input.OPTIONS)
OWNED = with_random_owners(random_calls(400, seed=7), seed=8).filter(
    # Three such logs in 2 s can be paired in two ways; `full` has pairs.
    pl.col("direction").ne_missing(pl.lit("ext_out"))
)


@pytest.fixture(scope="module")
def full() -> tuple[pl.DataFrame, et.MetricOptions]:
    """A week in which an extension changed hands, fetched with the names of its people."""
    simulation = et.simulate_calls(600, seed=31, preset="full")
    with et.simulator.serve(simulation.calls) as server:
        server.directory = simulation.directory
        with et.Client(server.base_url, server.api_key) as client:
            lists = et.fetch_extensions(client), et.fetch_users(client), et.fetch_hotlines(client)
            calls = et.fetch_calls(client, progress=False).with_names(*lists).calls
    truth = simulation.truth
    return calls, et.MetricOptions(
        ivr_numbers=truth.ivr_numbers,
        queue_numbers=truth.queue_numbers,
        voicemail_numbers=truth.voicemail_numbers,
    )


@pytest.mark.slow
@pytest.mark.parametrize("by", OWNER_DIMENSIONS)
def test_offers_of_a_person_have_their_calls(by: str, full: tuple[pl.DataFrame, et.MetricOptions]):
    calls, options = full
    table = summarize(calls, by, ["offers", "rna", "leg_talk_s", "answered"], options=options)
    selection, heights = Selection(calls), set()
    table = table.filter(pl.col("offers") > 0)
    for row in pl.concat([table.head(2), table.tail(2)]).unique().iter_rows(named=True):
        group = {by: row[by]}
        drilled = drill_through(calls, group, grain="offers", options=options)
        inside = summarize(drilled, by, ["offers", "rna", "leg_talk_s"], options=options)
        explanation = explain(calls, "offers", at=group, options=options)

        assert {**inside.filter(pl.col(by).eq_missing(row[by])).row(0, named=True)} == {
            name: row[name] for name in inside.columns
        }
        assert set(drilled["id"]) == {*explanation.denominator_ids}
        assert "the owner of the offers" in repr(explanation)
        answers = explain(calls, "answered", at=group, options=options)
        assert answers.n == row["answered"]
        assert "the person of the calls" in repr(answers)
        assert drilled["id"].to_list() == [one for one in calls["id"] if one in {*drilled["id"]}]
        of_selection = drill_through(selection, group, grain="offers", options=options)
        assert_frame_equal(of_selection.calls, drilled)
        lazy = drill_through(calls.lazy(), group, grain="offers", options=options)
        assert_frame_equal(lazy.collect(), drilled)
        of_calls = drill_through(calls, group, grain="calls", options=options)
        assert summarize(of_calls, measures="answered", options=options).item() == row["answered"]
        assert_frame_equal(drill_through(calls, group, options=options), of_calls)
        heights.add((drilled.height, of_calls.height))
    # Who was called is not who answered, so the two grains select other calls.
    assert any(offered != answered for offered, answered in heights)


@pytest.mark.slow
def test_logs_that_leave_out_a_second_log_are_drilled_like_the_summary():
    """An outgoing log whose partner is taken stays a call of its own."""
    calls = with_random_owners(random_calls(400, seed=7), seed=8)
    for user, legs in summarize(calls, "user", "trunk_legs", options=RANDOM_OPTIONS).iter_rows():
        drilled = drill_through(calls, {"user": user}, grain="legs", options=RANDOM_OPTIONS)
        table = leg_facts(drilled.lazy(), options=RANDOM_OPTIONS, second_logs=True).collect()

        assert table.height == legs


def test_two_owners_of_one_extension_have_their_own_calls(
    full: tuple[pl.DataFrame, et.MetricOptions],
):
    calls, options = full
    table = summarize(calls, ["extension_number", "user_id"], "offers", options=options)
    shared = table.filter(pl.len().over("extension_number") > 1).drop_nulls().to_dicts()
    assert len(shared) == 2
    first, second = (
        drill_through(
            calls,
            {name: row[name] for name in ("extension_number", "user_id")},
            grain="offers",
            options=options,
        )
        for row in sorted(shared, key=lambda row: str(row["user_id"]))
    )

    both = drill_through(
        calls,
        {"extension_number": shared[0]["extension_number"]},
        grain="offers",
        options=options,
    )
    assert min(first.height, second.height) > 0
    assert {*first["id"], *second["id"]} == {*both["id"]}


@pytest.mark.slow
@examples(6)
@given(
    by=st.lists(st.sampled_from([*OWNER_DIMENSIONS, "outcome", "direction", "hour"]), min_size=1,
                max_size=2, unique=True),
    measure=st.sampled_from([name for name in MEASURES if MEASURES[name].grain == "offers"]),
    begin=st.integers(0, 300),
    length=st.integers(1, 60),
)  # fmt: skip
def test_an_offers_cell_keeps_its_value_in_its_calls(
    by: list[str], measure: str, begin: int, length: int
):
    """Also with several dimensions, nulls, damaged legs, and logs of internal calls."""
    calls = OWNED.slice(begin, length)
    measures = [*dict.fromkeys(["offers", measure])]
    # Whether a number is busy depends on all calls.
    measures = [name for name in measures if name != "busy_offers"]
    table = summarize(calls, by, measures, options=RANDOM_OPTIONS)
    for row in table.filter(pl.col("offers") > 0).head(2).iter_rows(named=True):
        group = {name: row[name] for name in by}
        drilled = drill_through(calls, group, grain="offers", options=RANDOM_OPTIONS)
        inside = summarize(drilled, by, measures, options=RANDOM_OPTIONS)
        same = [
            pl.col(name).eq_missing(pl.lit(value, inside.schema[name]))
            for name, value in group.items()
        ]

        assert inside.filter(*same).row(0, named=True) == pytest.approx(row)
        assert row["offers"] >= drilled.height > 0


@pytest.mark.slow
def test_legs_and_calls_by_person_are_of_the_person_of_the_call():
    for grain, count in (("legs", "trunk_legs"), ("calls", "calls")):
        table = summarize(OWNED, "user", count, options=RANDOM_OPTIONS)
        assert table.height > 2
        for user, number in table.iter_rows():
            drilled = drill_through(OWNED, {"user": user}, grain=grain, options=RANDOM_OPTIONS)
            assert drilled["user"].eq_missing(pl.Series([user], dtype=pl.String)).all()
            inside = summarize(drilled, measures=count, options=RANDOM_OPTIONS)
            assert inside.item() == number


def test_a_wrong_grain_is_an_error():
    with pytest.raises(UnknownName, match="offers"):
        drill_through(CALLS, {"hour": 9}, grain="offer")  # type: ignore[call-overload]
    with pytest.raises(InputError, match="A call has many legs"):
        drill_through(CALLS, {"outcome": "answered"}, grain="calls")
