"""The second reckoning against what was derived by hand, and against the values that the definitions give for real calls."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import sql_oracle as sql
from cases import (
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
from real_calls import needs_real_calls, real_calls

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


def test_every_case_has_a_name_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES)


@dataclass(frozen=True)
class Reckoned:
    """What the SQL makes of one case: its leg outcomes, its offers with `offered_at` on the case's own day, its measures by wait_from."""

    outcomes: list[str]
    offers: list[dict[str, Any]]
    measures: dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def reckoned(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Reckoned]:
    """Every case by its name. Those of the same ivr_numbers are asked together: hundreds of small databases cost half a minute."""
    found: dict[str, Reckoned] = {}
    for ivr in {case.ivr for case in CASES}:
        cases = [case for case in CASES if case.ivr == ivr]
        parquet = write(tmp_path_factory.mktemp("cases") / "calls.parquet", *a_day_apart(cases))
        legs, offers = sql.leg_outcomes(parquet, ivr), sql.offers(parquet, ivr)
        measures = {
            wait_from: {
                row["caller"]: row
                for row in sql.call_measures(
                    parquet, "caller", wait_from=wait_from, ivr_numbers=ivr
                )
            }
            for wait_from in ("started_at", "first_ring")
        }
        for day, case in enumerate(cases):
            mine = [row for row in legs if row[0] == case.name]
            assert [row[1] for row in mine] == list(range(len(mine)))
            found[case.name] = Reckoned(
                [row[2] for row in mine],
                [
                    row
                    | {"offered_at": row["offered_at"] and row["offered_at"] - day * 86_400_000_000}
                    for row in offers
                    if row["call_id"] == case.name
                ],
                {wait_from: rows[case.name] for wait_from, rows in measures.items()},
            )
    return found


@by_case
def test_legs_end_as_derived_by_hand(case: Case, reckoned: dict[str, Reckoned]):
    assert reckoned[case.name].outcomes == list(case.outcomes)


@by_case
def test_legs_are_gathered_into_offers_as_derived_by_hand(
    case: Case, reckoned: dict[str, Reckoned]
):
    assert reckoned[case.name].offers == [
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


@by_case
@pytest.mark.parametrize("wait_from", ["started_at", "first_ring"])
def test_a_call_counts_as_derived_by_hand(
    case: Case, wait_from: str, reckoned: dict[str, Reckoned]
):
    wait_s = case.wait_s if wait_from == "started_at" else case.ring_wait_s

    found = reckoned[case.name].measures[wait_from]

    assert [kind for kind in ("answered", "missed", "unknown", "running") if found[kind]] == [
        case.kind
    ]
    assert found["asa_s"] == (
        pytest.approx(wait_s) if case.kind == "answered" and wait_s is not None else None
    )
    assert found["abandon_wait_s"] == (
        pytest.approx(wait_s) if case.kind == "missed" and wait_s is not None else None
    )
    assert found["wait_unknown"] == (case.kind in ("answered", "missed") and wait_s is None)
    assert (found["talk_s"], found["talk_avg_s"]) == (case.talk_s or 0, case.talk_s)
    assert found["agent_talk_s"] == pytest.approx(case.agent_talk_s or 0)
    assert found["agent_talk_avg_s"] == (
        None if case.agent_talk_s is None else pytest.approx(case.agent_talk_s)
    )


def test_every_call_measure_of_twelve_calls(parquet: Path):
    write(parquet, *TWELVE_CALLS)

    (found,) = sql.call_measures(parquet)

    assert found == pytest.approx(
        TWELVE_CALLS_MEASURES | {"service_level": TWELVE_CALLS_SERVICE_LEVELS["offered"]}
    )
    assert tuple(found) == sql.CALL_MEASURES


@pytest.mark.parametrize(("variant", "expected"), TWELVE_CALLS_SERVICE_LEVELS.items())
def test_the_six_service_levels_of_twelve_calls(variant: str, expected: float, parquet: Path):
    write(parquet, *TWELVE_CALLS)

    (found,) = sql.call_measures(parquet, variant=variant)

    assert found["service_level"] == pytest.approx(expected)


def test_every_offer_measure_of_six_calls(parquet: Path):
    write(parquet, *SIX_CALLS)

    (found,) = sql.offer_measures(parquet, ivr_numbers=SIX_CALLS_IVR)

    assert found == pytest.approx(SIX_CALLS_OFFERS)
    assert tuple(found) == sql.OFFER_MEASURES


def test_every_offer_measure_by_number(parquet: Path):
    write(parquet, *SIX_CALLS)

    found = sql.offer_measures(parquet, "target_number", ivr_numbers=SIX_CALLS_IVR)

    assert {row.pop("target_number"): row for row in found} == {
        number: pytest.approx(expected) for number, expected in SIX_CALLS_OFFERS_BY_NUMBER.items()
    }


def test_nothing_is_counted_0_and_otherwise_null(parquet: Path):
    write(parquet)

    assert sql.call_measures(parquet) == [NO_CALLS_MEASURES]
    assert sql.offer_measures(parquet) == [NO_OFFERS_MEASURES]
    assert sql.call_measures(parquet, "hour") == []
    assert sql.offer_measures(parquet, "outcome") == []


def test_local_time_is_seven_hours_ahead(parquet: Path):
    # BASE is 08:00 there on Monday, 2026-11-02: its midnight lies 8 hours before, and Sunday ends a
    # microsecond earlier.
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


def test_words_come_in_their_order_and_nulls_last(parquet: Path):
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


@pytest.mark.parametrize("by", sql.OFFER_DIMENSIONS)
def test_groups_hold_every_call_and_every_offer_once(by: str, parquet: Path):
    write(parquet, *a_day_apart(CASES))

    if by in sql.CALL_DIMENSIONS:
        (whole,) = sql.call_measures(parquet)
        parts = sql.call_measures(parquet, by)
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
    (whole,) = sql.offer_measures(parquet)
    parts = sql.offer_measures(parquet, by)
    for name in ("offers", "answered_offers", "rna", "busy_offers", "ring_wasted_s", "leg_talk_s"):
        assert sum(row[name] for row in parts) == pytest.approx(whole[name])


def test_a_threshold_may_have_fractions(parquet: Path):
    write(parquet, call("late", talk("101", 0, 20.4, 60), state="answered", ended=60, duration=39))

    def level(threshold_s: float) -> object:
        return sql.call_measures(parquet, threshold_s=threshold_s)[0]["service_level"]

    assert [level(20), level(20.4), level(20.399999)] == [0, 1, 0]


def test_a_dimension_that_is_none_is_refused(parquet: Path):
    write(parquet, call("one", ended=9))

    with pytest.raises(ValueError, match="target_number"):
        sql.call_measures(parquet, "target_number")
    with pytest.raises(ValueError, match="nonsense"):
        sql.offer_measures(parquet, "nonsense")


def test_at_a_tie_the_end_comes_first(parquet: Path):
    # 0-10 and 10-20 never overlap; 5-5 and the running call hold no line; 30-40 and 31-41 do
    # overlap.
    write(
        parquet,
        call("a", start=0, ended=10), call("b", start=10, ended=20), call("c", start=5, ended=5), call("d", start=6),
        call("e", start=30, ended=40), call("f", start=31, ended=41),
    )  # fmt: skip

    assert sql.peak_concurrency(parquet) == (2, epoch_us(31))


def test_patience_by_hand(parquet: Path):
    # Of 4 one leaves at 2; of 3 at 5 one leaves and one is answered; the last one leaves at 9: 3/4,
    # x 2/3, x 0.
    write(
        parquet,
        call("q2", ended=2), call("q5", ended=5), call("a5", talk("101", 0, 5, 9), state="answered", ended=9),
        call("q9", ringing("101", 0, 9), ended=9),
    )  # fmt: skip

    found = sql.patience(parquet)

    assert [(row["time_s"], row["at_risk"], row["events"], row["censored"]) for row in found] == [
        (2, 4, 1, 0),
        (5, 3, 1, 1),
        (9, 1, 1, 0),
    ]
    assert [row["survival"] for row in found] == pytest.approx([3 / 4, 1 / 2, 0])


@pytest.fixture(scope="module")
def real_parquet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parquet = tmp_path_factory.mktemp("real") / "calls.parquet"
    real_calls().write_parquet(parquet)
    return parquet


@needs_real_calls
def test_the_call_measures_of_real_calls(real_parquet: Path):
    (found,) = sql.call_measures(real_parquet)

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
    assert {name: found[name] for name in exact} == exact
    means = {
        "answer_rate": 0.821448013,
        "asa_s": 48.520138429,
        "abandon_wait_s": 61.983231707,
        "talk_avg_s": 176.352993152,  # 4,790,100 / 27,162 = 176.35299315219...
    }
    assert {name: round(found[name], 9) for name in means} == means
    (from_first_ring,) = sql.call_measures(real_parquet, wait_from="first_ring")
    assert round(from_first_ring["asa_s"], 9) == 40.085928871


@needs_real_calls
@pytest.mark.parametrize(
    ("variant", "expected"), [("offered", 0.456995101), ("answered_only", 0.556328694)]
)
def test_the_service_levels_of_real_calls(variant: str, expected: float, real_parquet: Path):
    (found,) = sql.call_measures(real_parquet, variant=variant)

    assert round(found["service_level"], 9) == expected


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
