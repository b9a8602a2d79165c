"""Calls whose first measures were wrong or misleading, with what is right.

Each file in `tests/cases/calls` has raw call logs and `expected`. A server serves them, so that the
whole path from HTTP to the measure is tested.
"""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et

CASES = Path(__file__).parents[1] / "cases" / "calls"


class Case:
    """The calls of a file, fetched over HTTP, with its options and names."""

    def __init__(self, name: str) -> None:
        case: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text("utf-8"))
        self.options = et.MetricOptions(**case.get("options", {}))
        with et.simulator.serve(case["call_logs"]) as server:
            client = et.Client(server.base_url, server.api_key)
            logs = et.fetch_calls(
                client,
                et.CallQuery(date_from="2026-10-01", date_to="2026-12-01"),
                progress=False,
            )
        if "names" in case:
            logs = logs.with_names(
                pl.DataFrame(case["names"]["extensions"]), pl.DataFrame(case["names"]["users"])
            )
        self.calls = logs.calls

    def measures(self, *names: str) -> tuple[Any, ...]:
        """These measures of all calls."""
        return et.summarize(self.calls, measures=list(names), options=self.options).row(0)

    def by(self, dimension: str, *names: str) -> list[tuple[Any, ...]]:
        """These measures by a dimension."""
        return et.summarize(self.calls, dimension, list(names), options=self.options).rows()


def test_legs_in_another_zone_give_no_wait() -> None:
    case = Case("01_legs_7h_before_their_call")
    assert case.measures("answered", "asa_s", "service_level", "wait_unknown", "legs_outside") == (
        (1, None, None, 1, 1)
    )


def test_offers_belong_to_whom_they_rang() -> None:
    case = Case("02_offers_by_user")
    names = ("offers", "answered_offers", "rna", "fair_answer_rate")
    expected = [(1, 0, 1, 0.0), (1, 1, 0, 1.0)]
    for dimension, keys in (
        ("user", ("An", "Binh")),
        ("user_id", ("7", "8")),
        ("extension_id", ("1", "2")),
        ("extension_number", ("101", "102")),
        ("target_number", ("101", "102")),
    ):
        rows = [(key, *row) for key, row in zip(keys, expected, strict=True)]
        assert case.by(dimension, *names) == rows
    assert case.by("user", "answered") == [("Binh", 1)]


def test_hidden_callers_are_not_one_caller() -> None:
    case = Case("03_hidden_callers_are_one_caller")
    assert et.metrics.missed_ledger(case.calls).height == 0
    assert et.metrics.repeat_rate(case.calls, within="3h")["denominator"].item() == 0
    assert case.measures("unknown_callers") == (5,)


def test_a_pickup_is_answered_elsewhere() -> None:
    case = Case("04_call_pickup")
    offers = et.metrics.offers(case.calls).select("target_number", "outcome").rows()
    assert offers == [("101", "answered_elsewhere"), ("102", "answered")]
    assert case.by("target_number", "rna", "fair_answer_rate", "ring_wasted_s") == [
        ("101", 0, None, 0.0),
        ("102", 0, 1.0, 0.0),
    ]


def test_an_internal_call_in_two_logs_is_one() -> None:
    case = Case("06_internal_call_twice")
    assert case.measures("calls", "internal_twice", "talk_s") == (1, 1, 595.0)
    assert et.metrics.concurrency(case.calls).peak == 1
    assert et.metrics.erlangs(case.calls)["erlangs"].sum() == pytest.approx(1 / 6)
    assert case.by("target_number", "offers", "leg_talk_s") == [("102", 1, 595.0)]


def test_a_call_of_5_days_gives_no_talk_and_no_load() -> None:
    case = Case("07_ended_call_of_5_days")
    assert case.measures("answered", "calls_too_long", "talk_avg_s", "agent_talk_avg_s") == (
        (1, 1, None, None)
    )
    assert case.measures("leg_talk_s", "talk_with_agents_s") == (0.0, 0.0)
    assert et.metrics.concurrency(case.calls).peak == 0
    assert et.metrics.erlangs(case.calls)["erlangs"].sum() == 0
    assert et.metrics.agents_by_interval(case.calls)["agents_needed"].max() == 0


def test_a_duration_above_its_call_is_unknown() -> None:
    case = Case("08_duration_longer_than_its_call")
    assert case.measures("answered", "talk_s", "talk_avg_s") == (1, 0.0, None)


def test_a_negative_duration_is_unknown() -> None:
    case = Case("09_negative_duration")
    assert case.measures("answered", "talk_s", "talk_avg_s", "ring_avg_s") == (2, 110.0, 110.0, 10)


def test_talk_after_a_transfer_is_not_the_agents() -> None:
    case = Case("11_blind_transfer_to_outside")
    assert case.by("extension_id", "talk_s", "agent_talk_s", "leg_talk_s") == [
        ("1", 3710.0, 110.0, 110.0)
    ]
    assert case.measures("transfers", "forwards") == (1, 0)
    assert case.by("target_number", "offers") == [("101", 1)]


def test_all_notations_of_a_number_are_one_caller() -> None:
    case = Case("12_outside_forms_of_one_number")
    ledger = et.metrics.missed_ledger(case.calls)
    assert ledger.select("outcome", "resolved_by", "reached").rows() == [("called_back", "2", True)]
    for call in range(2, 8):
        one = case.calls.filter(pl.col("id").is_in(["1", str(call)]))
        assert et.metrics.missed_ledger(one)["outcome"].to_list() == ["called_back"]


def test_a_listed_number_may_be_written_otherwise() -> None:
    assert Case("14_ivr_number_written_otherwise").measures("answered", "missed") == (0, 1)


def test_waits_and_talk_of_a_queue() -> None:
    case = Case("16_queue_wait_and_talk")
    measures = ("asa_s", "service_level", "talk_avg_s", "agent_talk_avg_s")
    assert case.measures(*measures) == (25.0, 0.25, 76.0, 41.0)


def test_a_leg_that_never_ended_gives_no_talk() -> None:
    case = Case("17_stale_leg")
    assert case.measures("answered", "legs_outside", "agent_talk_s", "leg_talk_s") == (
        (1, 1, 0.0, 0.0)
    )


def test_a_leg_belongs_to_the_user_of_its_time() -> None:
    case = Case("20_reassigned_extension")
    assert case.by("user", "answered", "offers") == [("An", 1, 1)]
    assert case.calls["target_names"].to_list() == [["An"]]
    assert case.measures("owner_assumed") == (0,)


def test_every_case_has_a_test() -> None:
    text = Path(__file__).read_text("utf-8")
    assert [file.stem for file in CASES.glob("*.json") if f'"{file.stem}"' not in text] == []
