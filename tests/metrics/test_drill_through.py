"""drill_through returns the calls of each group of a summary."""

from datetime import date, datetime

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import DIMENSIONS, Selection, drill_through, offers, summarize
from etelecom_analytics.metrics.dimensions import LEG_DIMENSIONS
from etelecom_analytics.metrics.legs_and_offers import leg_facts

SIMULATION = et.simulate_calls(500, seed=8, days=9)
CALLS = SIMULATION.calls
OPTIONS = et.MetricOptions(ivr_numbers=SIMULATION.truth.ivr_numbers)


def groups(by: list[str], measure: str) -> list[dict[str, object]]:
    return list(summarize(CALLS, by, [measure], options=OPTIONS).head(25).iter_rows(named=True))


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
