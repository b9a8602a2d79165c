"""The SQL measures agree with the hand-written cases and with known values of real calls."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from support import sql_oracle as sql
from support import sql_oracle_metrics as oracle
from support.call_cases import (
    BASE,
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
    Record,
    a_day_apart,
    call,
    frame,
    moment,
    ringing,
    talk,
)
from support.real_calls import needs_real_calls, real_calls

by_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    return tmp_path / "calls.parquet"


def write(parquet: Path, *calls: Record) -> Path:
    frame(*calls).write_parquet(parquet)
    return parquet


def epoch_us(seconds: float | None) -> int | None:
    at = moment(seconds)
    return (
        None
        if at is None
        else round((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1_000_000)
    )


def test_case_names_are_unique():
    assert len({case.name for case in CASES}) == len(CASES)


@dataclass(frozen=True)
class SqlResult:
    """Outcomes, offers (with `offered_at` on day 0) and facts by wait_from of one case."""

    outcomes: list[str]
    offers: list[dict[str, Any]]
    facts: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, SqlResult]:
    """The results by case name, computed together for equal ivr_numbers, which is faster."""
    by_name: dict[str, SqlResult] = {}
    for ivr in {case.ivr for case in CASES}:
        cases = [case for case in CASES if case.ivr == ivr]
        parquet = write(tmp_path_factory.mktemp("cases") / "calls.parquet", *a_day_apart(cases))
        legs = sql.leg_outcomes(parquet, ivr)
        # A talk that still runs ends before the offers of the next days.
        offers = sql.offers(parquet, ivr, as_of=BASE)
        facts = {
            wait_from: {
                row["id"]: row
                for row in oracle.facts(parquet, wait_from=wait_from, ivr_numbers=ivr)
            }
            for wait_from in ("started_at", "first_ring")
        }
        for day, case in enumerate(cases):
            case_legs = [row for row in legs if row[0] == case.name]
            assert [row[1] for row in case_legs] == list(range(len(case_legs)))
            by_name[case.name] = SqlResult(
                [row[2] for row in case_legs],
                [
                    {name: row[name] for name in row if name not in ("kind", "owner_assumed")}
                    | {"offered_at": row["offered_at"] and row["offered_at"] - day * 86_400_000_000}
                    for row in offers
                    if row["call_id"] == case.name
                ],
                {wait_from: rows[case.name] for wait_from, rows in facts.items()},
            )
    return by_name


@pytest.mark.slow
@by_case
def test_outcomes_of_legs(case: Case, results: dict[str, SqlResult]):
    assert results[case.name].outcomes == list(case.outcomes)


@by_case
def test_offers_of_calls(case: Case, results: dict[str, SqlResult]):
    assert results[case.name].offers == [
        {
            "call_id": case.name,
            "target_index": offer.first,
            "target_number": offer.target_number,
            "outcome": offer.outcome,
            "offered_at": epoch_us(offer.at),
            "ring_s": offer.ring_s,
            "talk_s": offer.talk_s
            if offer.talk_s is None
            else pytest.approx(offer.talk_s, abs=1e-9),
            "trunk_name": offer.trunk,
            "fail_code": offer.code,
            "legs": offer.legs,
            "busy": offer.busy,
        }
        for offer in case.offers
    ]


@pytest.mark.slow
@by_case
@pytest.mark.parametrize("wait_from", ["started_at", "first_ring"])
def test_facts_of_a_call(case: Case, wait_from: str, results: dict[str, SqlResult]):
    wait_s = case.wait_s if wait_from == "started_at" else case.ring_wait_s

    result = results[case.name].facts[wait_from]

    assert [kind for kind in ("answered", "missed", "unknown", "running") if result[kind]] == [
        case.kind
    ]
    assert result["missed"] == (
        result["abandoned"] + result["ended_by_pbx"] + result["end_unknown"] == 1
    )
    assert result["wait_s"] == pytest.approx(wait_s)
    assert result["wait_unknown"] == (case.kind in ("answered", "missed") and wait_s is None)
    assert result["talk_s"] == case.talk_s
    assert result["agent_talk_s"] == pytest.approx(case.agent_talk_s)


def test_every_call_measure_of_twelve_calls(parquet: Path):
    write(parquet, *TWELVE_CALLS)

    (result,) = sql.call_measures(parquet)

    expected = TWELVE_CALLS_MEASURES | {"service_level": TWELVE_CALLS_SERVICE_LEVELS["offered"]}
    assert {name: result[name] for name in expected} == pytest.approx(expected)
    assert tuple(result) == sql.CALL_MEASURES


@pytest.mark.parametrize(("variant", "expected"), TWELVE_CALLS_SERVICE_LEVELS.items())
def test_the_six_service_levels_of_twelve_calls(variant: str, expected: float, parquet: Path):
    write(parquet, *TWELVE_CALLS)

    (result,) = sql.call_measures(parquet, variant=variant)

    assert result["service_level"] == pytest.approx(expected)


def test_every_offer_measure_of_six_calls(parquet: Path):
    write(parquet, *SIX_CALLS)

    (result,) = sql.offer_measures(parquet, ivr_numbers=SIX_CALLS_IVR)

    assert result == pytest.approx(SIX_CALLS_OFFERS | {"owner_assumed": 0})
    assert tuple(result) == sql.OFFER_MEASURES


def test_every_offer_measure_by_number(parquet: Path):
    write(parquet, *SIX_CALLS)

    result = sql.offer_measures(parquet, "target_number", ivr_numbers=SIX_CALLS_IVR)

    assert {row.pop("target_number"): row for row in result} == {
        number: pytest.approx(expected | {"owner_assumed": 0})
        for number, expected in SIX_CALLS_OFFERS_BY_NUMBER.items()
    }


def test_without_calls_sums_are_0_and_other_measures_null(parquet: Path):
    write(parquet)

    (calls,), (offers,) = sql.call_measures(parquet), sql.offer_measures(parquet)
    assert {name: calls[name] for name in NO_CALLS_MEASURES} == NO_CALLS_MEASURES
    assert {name: offers[name] for name in NO_OFFERS_MEASURES} == NO_OFFERS_MEASURES
    assert sql.call_measures(parquet, "hour") == []
    assert sql.offer_measures(parquet, "outcome") == []


def test_local_time_is_seven_hours_ahead(parquet: Path):
    # BASE is 08:00 local time on Monday, 2026-11-02: midnight is 8 hours before.
    midnight = -8 * 3600.0
    write(
        parquet,
        call("sunday", shift=midnight, start=-0.000001, ended=9),
        call("monday", shift=midnight, start=0.0, ended=9),
        call("quarter", shift=midnight, start=900.0, ended=909),
        call("timeless", start=None, ended=9),
    )

    def keys(by: str) -> list[object]:
        return [(row[by], row["calls"]) for row in sql.call_measures(parquet, by)]

    assert keys("hour") == [(0, 2), (23, 1), (None, 1)]
    assert keys("quarter_hour") == [(0, 1), (1, 1), (95, 1), (None, 1)]
    assert keys("weekday") == [(1, 2), (7, 1), (None, 1)]
    assert keys("day") == [(date(2026, 11, 1), 1), (date(2026, 11, 2), 2), (None, 1)]
    assert keys("week") == [(date(2026, 10, 26), 1), (date(2026, 11, 2), 2), (None, 1)]
    assert keys("month") == [(date(2026, 11, 1), 3), (None, 1)]


def test_categories_are_in_schema_order_with_nulls_last(parquet: Path):
    directions = [None, "ext", "in", "unknown", "out", "ext_in"]
    write(
        parquet,
        *(call(f"c{n}", direction=direction, ended=9) for n, direction in enumerate(directions)),
    )

    assert [row["direction"] for row in sql.call_measures(parquet, "direction")] == [
        "unknown",
        "in",
        "out",
        "ext",
        "ext_in",
        None,
    ]


@pytest.fixture(scope="module")
def all_cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("all") / "calls.parquet", *a_day_apart(CASES))


@pytest.mark.slow
@pytest.mark.parametrize("by", sql.OFFER_DIMENSIONS)
def test_groups_contain_every_call_and_offer_once(by: str, all_cases: Path):
    if by in sql.CALL_DIMENSIONS:
        (whole,) = sql.call_measures(all_cases)
        parts = sql.call_measures(all_cases, by)
        for name in (
            "calls",
            "offered",
            "answered",
            "missed",
            "short_abandoned",
            "unknown",
            "running",
            "wait_unknown",
            "talk_s",
        ):
            assert sum(row[name] for row in parts) == whole[name]
        assert whole["calls"] == sum(
            whole[kind] for kind in ("running", "unknown", "answered", "missed")
        )
    (whole,) = sql.offer_measures(all_cases)
    parts = sql.offer_measures(all_cases, by)
    for name in ("offers", "answered_offers", "rna", "busy_offers", "ring_wasted_s", "leg_talk_s"):
        assert sum(row[name] for row in parts) == pytest.approx(whole[name])


def test_a_threshold_may_have_fractions(parquet: Path):
    write(parquet, call("late", talk("101", 0, 20.4, 60), state="answered", ended=60, duration=39))

    def level(threshold_s: float) -> object:
        return sql.call_measures(parquet, threshold_s=threshold_s)[0]["service_level"]

    assert [level(20), level(20.4), level(20.399999)] == [0, 1, 0]


def test_an_unknown_dimension_raises(parquet: Path):
    write(parquet, call("one", ended=9))

    with pytest.raises(ValueError, match="target_number"):
        sql.call_measures(parquet, "target_number")
    with pytest.raises(ValueError, match="nonsense"):
        sql.offer_measures(parquet, "nonsense")


def test_at_a_tie_the_end_is_first(parquet: Path):
    # 0-10 and 10-20 do not overlap; 5-5 and the running call use no line; 30-40 and 31-41 overlap.
    write(
        parquet,
        call("a", start=0, ended=10), call("b", start=10, ended=20), call("c", start=5, ended=5),
        call("d", start=6),
        call("e", start=30, ended=40), call("f", start=31, ended=41),
    )  # fmt: skip

    assert sql.peak_concurrency(parquet) == (2, epoch_us(31))


def test_patience_by_hand(parquet: Path):
    # Of 4 one leaves at 2; of 3 at 5 one leaves and one is answered; the last one leaves at 9: 3/4,
    # x 2/3, x 0.
    write(
        parquet,
        call("q2", ended=2), call("q5", ended=5), call("a5", talk("101", 0, 5, 9), state="answered",
            ended=9),
        call("q9", ringing("101", 0, 9), ended=9),
    )  # fmt: skip

    result = sql.patience(parquet)

    assert [(row["time_s"], row["at_risk"], row["events"], row["censored"]) for row in result] == [
        (2, 4, 1, 0),
        (5, 3, 1, 1),
        (9, 1, 1, 0),
    ]
    assert [row["survival"] for row in result] == pytest.approx([3 / 4, 1 / 2, 0])


@pytest.fixture(scope="module")
def real_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parquet = tmp_path_factory.mktemp("real") / "calls.parquet"
    real_calls().write_parquet(parquet)
    return parquet


@needs_real_calls
def test_the_call_measures_of_real_calls(real_parquet: Path):
    (result,) = sql.call_measures(real_parquet)

    exact = {
        "calls": 33_066,
        "answered": 27_162,
        "short_abandoned": 478,
        "wait_p50_s": 16,
        "wait_p90_s": 136,
        "talk_s": 4_790_100,
        "talk_p50_s": 107,
        "talk_p90_s": 408,
    }
    assert {name: result[name] for name in exact} == exact
    means = {
        "answer_rate": 0.821448013,
        "asa_s": 48.520138429,
        "abandon_wait_s": 61.983231707,
        "talk_avg_s": 176.352993152,  # 4,790,100 / 27,162 = 176.35299315219...
    }
    assert {name: round(result[name], 9) for name in means} == means
    (from_first_ring,) = sql.call_measures(real_parquet, wait_from="first_ring")
    assert round(from_first_ring["asa_s"], 9) == 40.085928871


@needs_real_calls
@pytest.mark.parametrize(
    ("variant", "expected"), [("offered", 0.456995101), ("answered_only", 0.556328694)]
)
def test_the_service_levels_of_real_calls(variant: str, expected: float, real_parquet: Path):
    (result,) = sql.call_measures(real_parquet, variant=variant)

    assert round(result["service_level"], 9) == expected


@needs_real_calls
def test_the_peak_and_the_patience_of_real_calls(real_parquet: Path):
    at = datetime(1999, 2, 3, 11, 29, 11, tzinfo=UTC)
    assert sql.peak_concurrency(real_parquet) == (28, round(at.timestamp()) * 1_000_000)

    survival = sql.patience(real_parquet)
    assert (
        round(next(row["survival"] for row in reversed(survival) if row["time_s"] <= 20), 9)
        == 0.919666595
    )
    assert next(row["time_s"] for row in survival if row["survival"] <= 0.5) == 232
