"""legs, offers and facts agree with the hand-written cases."""

from functools import cache
from typing import Any

import polars as pl
import pytest
from support.call_cases import (
    CASES,
    NO_CALLS_MEASURES,
    NO_OFFERS_MEASURES,
    SIX_CALLS,
    SIX_CALLS_IVR,
    SIX_CALLS_OFFERS,
    SIX_CALLS_OFFERS_BY_NUMBER,
    TWELVE_CALLS,
    TWELVE_CALLS_MEASURES,
    TWELVE_CALLS_SERVICE_LEVELS,
    Case,
    a_day_apart,
    frame,
    moment,
)

from etelecom_analytics import schema
from etelecom_analytics.metrics import MetricOptions, facts, legs, offers, summarize

by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def options(case: Case) -> MetricOptions:
    return MetricOptions(ivr_numbers=case.ivr)


@cache
def calls_of(ivr: tuple[str, ...]) -> pl.DataFrame:
    """The calls of all cases with these IVRs: one table of them is faster than one of each."""
    return frame(*a_day_apart([case for case in CASES if case.ivr == ivr]))


@cache
def legs_of(ivr: tuple[str, ...]) -> pl.DataFrame:
    return legs(calls_of(ivr), options=MetricOptions(ivr_numbers=ivr))


@cache
def facts_by_case(ivr: tuple[str, ...], wait_from: Any) -> dict[str, dict[str, Any]]:
    table = facts(calls_of(ivr), options=MetricOptions(ivr_numbers=ivr, wait_from=wait_from))
    return {row["id"]: row for row in table.iter_rows(named=True)}


@pytest.mark.slow
@by_case
def test_outcomes_of_legs(case: Case):
    result = legs_of(case.ivr).filter(call_id=case.name)

    assert result["outcome"].to_list() == list(case.outcomes)
    assert result["target_index"].to_list() == list(range(len(case.outcomes)))


@pytest.mark.slow
@by_case
def test_offers_of_calls(case: Case):
    result = offers(case.frame(), options=options(case)).filter(
        pl.col("call_id") == case.call["id"]
    )

    assert result.drop("call_id", "kind", "talk_s").sort(
        "offered_at", "target_index", nulls_last=True
    ).to_dicts() == [
        {
            "target_index": offer.first,
            "target_number": offer.target_number,
            "offered_at": moment(offer.at),
            "outcome": offer.outcome,
            "ring_s": offer.ring_s,
            "trunk_name": offer.trunk,
            "fail_code": offer.code,
            "legs": offer.legs,
            "busy": offer.busy,
        }
        for offer in case.offers
    ]
    talks = result.sort("offered_at", "target_index", nulls_last=True)["talk_s"].to_list()
    assert talks == [pytest.approx(offer.talk_s) for offer in case.offers]


@pytest.mark.slow
@by_case
@pytest.mark.parametrize("wait_from", ["started_at", "first_ring"])
def test_facts_of_calls(case: Case, wait_from: str):
    result = facts_by_case(case.ivr, wait_from)[case.name]

    wait_s = case.wait_s if wait_from == "started_at" else case.ring_wait_s
    assert [kind for kind in ("answered", "missed", "unknown", "running") if result[kind]] == [
        case.kind
    ]
    assert result["wait_s"] == pytest.approx(wait_s)
    assert result["talk_s"] == pytest.approx(case.talk_s)
    assert result["agent_talk_s"] == pytest.approx(case.agent_talk_s)


def test_every_call_measure_of_twelve_calls():
    result = summarize(frame(*TWELVE_CALLS), measures=list(TWELVE_CALLS_MEASURES)).row(
        0, named=True
    )

    assert result == {name: pytest.approx(value) for name, value in TWELVE_CALLS_MEASURES.items()}


@pytest.mark.parametrize(("variant", "expected"), TWELVE_CALLS_SERVICE_LEVELS.items())
def test_the_six_service_levels_of_twelve_calls(variant: str, expected: float):
    result = summarize(
        frame(*TWELVE_CALLS), measures=["service_level"], options=MetricOptions(variant=variant)
    )

    assert result.item() == pytest.approx(expected)


def test_every_offer_measure_of_six_calls():
    result = summarize(
        frame(*SIX_CALLS),
        measures=list(SIX_CALLS_OFFERS),
        options=MetricOptions(ivr_numbers=SIX_CALLS_IVR),
    )

    assert result.row(0, named=True) == {
        name: pytest.approx(value) for name, value in SIX_CALLS_OFFERS.items()
    }


def test_every_offer_measure_by_number():
    table = summarize(
        frame(*SIX_CALLS),
        ["target_number"],
        list(SIX_CALLS_OFFERS),
        options=MetricOptions(ivr_numbers=SIX_CALLS_IVR),
    )

    rows = {row.pop("target_number"): row for row in table.to_dicts()}
    assert rows == {
        number: {name: pytest.approx(value) for name, value in row.items()}
        for number, row in SIX_CALLS_OFFERS_BY_NUMBER.items()
    }


def test_without_calls_sums_are_0_and_other_measures_null():
    expected = NO_CALLS_MEASURES | NO_OFFERS_MEASURES

    assert summarize(frame(), measures=list(expected)).row(0, named=True) == expected


def test_offers_have_the_columns_of_the_schema():
    assert offers(frame(*SIX_CALLS)).schema == pl.Schema(schema.OFFERS_SCHEMA)
    assert offers(frame()).schema == pl.Schema(schema.OFFERS_SCHEMA)
