"""Ring seconds in bins: nothing is lost, and the shares are those of the offers."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import schema
from etelecom_analytics.metrics import RING_GROUPS, ring_seconds

START = datetime(2026, 11, 2, 3, tzinfo=UTC)


def call_that_rang(
    number: int, seconds: int | None, *, answered: bool = False
) -> dict[str, object]:
    end = START + timedelta(seconds=(seconds or 0) + 60)
    leg = {
        "target_number": f"{100 + number}",
        "add_time": START,
        "ring_time": None if seconds is None else START,
        "ring_duration": seconds,
        "answered_time": START + timedelta(seconds=seconds or 0) if answered else None,
        "ended_time": end if answered else START + timedelta(seconds=seconds or 0),
        "status": "ANSWERED" if answered else "NOANSWER",
    }
    legs = [{name: leg.get(name) for name in (column.name for column in schema.LEGS)}]
    return dict.fromkeys(schema.CALL_SCHEMA) | {
        "id": f"{number}",
        "started_at": START,
        "ended_at": end,
        "call_targets": legs,
    }


def calls_that_rang(*seconds: int | None, answered: bool = False) -> pl.DataFrame:
    rows = [call_that_rang(number, rang, answered=answered) for number, rang in enumerate(seconds)]
    return pl.DataFrame(rows, schema=dict(schema.CALL_SCHEMA))


def test_every_outcome_has_its_group():
    told = [outcome for outcomes in RING_GROUPS.values() for outcome in outcomes]

    assert sorted(told) == sorted(set(schema.LEG_OUTCOMES) - {"in_progress"})


def test_a_bin_of_one_second_holds_its_second():
    rings = ring_seconds(calls_that_rang(0, 3, 3, 4, None))

    assert (rings.calls, rings.offers) == (5, 5)
    assert rings.groups.select("group", "offers", "ring_p50_s").rows() == [("lost", 4, 3.0)]
    assert rings.bins["from_s"].to_list() == [0, 1, 2, 3, 4]
    assert rings.bins["to_s"].to_list() == [1, 2, 3, 4, 5]
    assert rings.bins["offers"].to_list() == [1, 0, 0, 2, 1]
    assert rings.bins["rna_timeout"].to_list() == [1, 0, 0, 2, 1]
    assert rings.bins["up_to"].to_list() == [0.25, 0.25, 0.25, 0.75, 1.0]
    assert rings.bins["up_to_offers"].to_list() == [1, 1, 1, 3, 4]


def test_one_phone_that_was_forgotten_does_not_squeeze_the_rest():
    rings = ring_seconds(
        calls_that_rang(*[number % 20 for number in range(1_000)], 40_000, answered=True)
    )

    last = rings.bins.row(-1, named=True)
    assert rings.width_s == 1
    assert rings.bins.height == 20
    assert (last["from_s"], last["to_s"], last["up_to"]) == (19, None, 1.0)
    assert rings.bins["offers"].sum() == 1_001


def test_the_bins_hold_what_summarize_counts(calls: pl.DataFrame):
    rings = ring_seconds(calls)

    counted = et.summarize(calls, measures=["offers", "answered_offers"])
    rang = et.metrics.offers(calls).filter(
        pl.col("outcome") != "in_progress", pl.col("ring_s").is_not_null()
    )
    assert rings.offers == counted["offers"].item()
    assert rings.bins["offers"].sum() == rings.groups["offers"].sum() == rang.height
    assert (
        rings.groups.filter(group="answered")["offers"].item()
        == (rang["outcome"] == "answered").sum()
    )
    assert rings.bins.group_by("group").agg(pl.col("share").sum())[
        "share"
    ].to_list() == pytest.approx([1.0] * 3)


def test_ivr_numbers_do_not_ring(calls: pl.DataFrame):
    with_all = ring_seconds(calls).offers

    assert (
        ring_seconds(calls, options=et.MetricOptions(ivr_numbers=("8000", "8100"))).offers
        < with_all
    )


@pytest.mark.parametrize(
    "calls_given", [pl.DataFrame(schema=dict(schema.CALL_SCHEMA)), calls_that_rang(None)]
)
def test_where_nothing_rang_there_is_no_bin(calls_given: pl.DataFrame):
    rings = ring_seconds(calls_given)

    assert rings.groups.is_empty()
    assert rings.bins.is_empty()
