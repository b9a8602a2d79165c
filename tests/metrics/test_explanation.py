"""explain agrees with summarize for every measure and cell, and lists the calls."""

import math
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.call_cases import SIX_CALLS, SIX_CALLS_IVR, TWELVE_CALLS, call, frame
from support.examples import examples, some

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import DIMENSIONS, MEASURES, Selection, explain, summarize
from etelecom_analytics.metrics.registry import Mean, Quantile, Ratio, Total
from etelecom_analytics.simulator import Simulation

LEG_DIMENSIONS = ("target_number", "trunk_name", "outcome", "fail_code")

cells = st.sampled_from(
    [
        (name, by)
        for name, each in MEASURES.items()
        for by in DIMENSIONS
        if each.grain != "calls" or by not in LEG_DIMENSIONS
    ]
)
some_places = st.lists(st.integers(0, 1499), unique=True, min_size=1, max_size=80)


def numbers(explanation: et.metrics.Explanation) -> tuple[Any, ...]:
    return (
        explanation.value,
        explanation.numerator,
        explanation.denominator,
        explanation.low,
        explanation.high,
    )


@pytest.mark.slow
@examples(150)
@given(cell_of=cells, places=some_places, draw=st.data())
def test_explain_agrees_with_every_cell(
    cell_of: tuple[str, str],
    places: list[int],
    draw: st.DataObject,
    calls: pl.DataFrame,
    simulation: Simulation,
):
    name, by = cell_of
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    some = calls[places]
    table = summarize(some, [by], [name], options=options, confidence=True)
    if table.is_empty():
        return
    cell = table.row(draw.draw(st.integers(0, table.height - 1)))
    explanation = explain(some, name, at={by: cell[0]}, options=options)

    # Polars divides a sum differently in a group and alone: the last bit may differ.
    for value, expected in zip(numbers(explanation), cell[1:], strict=False):
        assert value == expected or math.isclose(value, expected, rel_tol=1e-12)
    assert_rows_give_the_value(explanation)


_NOT_SIMULATED = (
    *("unknown", "wait_unknown", "calls_too_long", "legs_outside", "owner_assumed"),
    *("transfers", "forwards"),
)


@pytest.mark.slow
@pytest.mark.parametrize("name", some([*MEASURES], at_least=30))
def test_explain_agrees_with_the_summary_of_all_calls(
    name: str, calls: pl.DataFrame, simulation: Simulation
):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    row = summarize(calls, measures=[name], options=options, confidence=True).row(0)
    explanation = explain(calls, name, options=options)

    assert numbers(explanation)[: len(row)] == row
    assert explanation.n > 0 or name in _NOT_SIMULATED
    assert_rows_give_the_value(explanation)
    assert numbers(explain(Selection(calls), name, options=options)) == numbers(explanation)
    assert explain(calls.lazy().reverse(), name, options=options).rows.equals(explanation.rows)


def assert_rows_give_the_value(explanation: et.metrics.Explanation) -> None:
    """Check that the rows of an explanation give its value."""
    assert explanation.n == explanation.rows.height == len(explanation.denominator_ids)
    assert list(explanation.denominator_ids) == sorted(explanation.denominator_ids)
    assert ("target_number" in explanation.rows.columns) == (explanation.measure.grain != "calls")
    match explanation.measure.aggregation:
        case Ratio():
            assert (len(explanation.numerator_ids), explanation.n) == (
                explanation.numerator,
                explanation.denominator,
            )
            assert explanation.value == (
                pytest.approx(explanation.numerator / explanation.n) if explanation.n else None
            )
        case Mean():
            assert explanation.value == (
                pytest.approx(explanation.rows["seconds"].mean()) if explanation.n else None
            )
        case Quantile(_, share):
            quantile = explanation.rows["seconds"].quantile(
                share, interpolation="linear"
            )  # in a series it may differ in the last bit
            assert explanation.value == (
                pytest.approx(quantile, rel=1e-12) if explanation.n else None
            )
        case Total():
            assert explanation.value == pytest.approx(
                explanation.rows["seconds"].sum()
                if "seconds" in explanation.rows.columns
                else explanation.n
            )


def test_ids_by_hand():
    twelve = frame(*TWELVE_CALLS)
    level = explain(twelve, "service_level", options=et.MetricOptions(variant="no_short"))

    assert (level.numerator_ids, level.denominator_ids) == (
        ("a1", "a2"),
        ("a1", "a2", "a3", "a4", "m2", "m3", "m4"),
    )
    assert (level.formula, level.source) == ("a<=T / (a + q - s)", "Genesys, short abandons off")
    assert explain(twelve, "asa_s").denominator_ids == ("a1", "a2", "a3", "a4")
    assert explain(twelve, "recording_coverage").numerator_ids == ("a1", "a2")
    assert explain(twelve, "short_abandoned").numerator_ids == ("m1",)
    assert explain(twelve, "answered", at={"extension_id": "12"}).denominator_ids == (
        "a3",
        "a4",
        "a5",
    )
    assert explain(twelve, "offered", at={"extension_id": None}).n == 5


def test_rows_of_offers_have_their_number():
    explanation = explain(
        frame(*SIX_CALLS), "fair_answer_rate", options=et.MetricOptions(ivr_numbers=SIX_CALLS_IVR)
    )

    assert explanation.rows.rows() == [
        ("x1", "101", True), ("x2", "101", False), ("x2", "102", False), ("x3", "101", False),
        ("x3", "102", False),
    ]  # fmt: skip
    assert explanation.denominator_ids == ("x1", "x2", "x2", "x3", "x3")
    busy = explain(
        frame(*SIX_CALLS),
        "busy_offers",
        at={"target_number": "101"},
        options=et.MetricOptions(ivr_numbers=SIX_CALLS_IVR),
    )
    assert (busy.value, busy.rows.rows()) == (1, [("x2", "101")])


def test_two_dimensions_and_days_as_text(calls: pl.DataFrame):
    day, hour, value = summarize(calls, ["day", "hour"], ["asa_s"]).row(3)

    for value_of_day in (day, day.isoformat()):
        assert explain(calls, "asa_s", at={"day": value_of_day, "hour": hour}).value == value


def test_a_group_without_calls_has_no_value(calls: pl.DataFrame):
    no_day = {"day": date(1999, 1, 1)}

    assert numbers(explain(calls, "answer_rate", at=no_day)) == (None, 0, 0, None, None)
    assert explain(calls, "asa_s", at=no_day).value is None
    assert (
        explain(calls, "offers", at=no_day).value,
        explain(calls, "talk_s", at=no_day).value,
    ) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("name", some([*MEASURES], at_least=30))
def test_no_calls_have_no_rows(name: str, calls: pl.DataFrame):
    schema = explain(calls, name).rows.schema
    for empty in (calls.clear(), calls.clear(2)):
        explanation = explain(empty, name)
        assert numbers(explanation)[0] == summarize(empty, measures=[name]).item()
        assert explanation.n == (2 if name in ("calls", "running") and empty.height else 0)
        assert explanation.rows.schema == schema
        assert repr(explanation)
    assert (
        numbers(explain(calls.head(1), name))[0] == summarize(calls.head(1), measures=[name]).item()
    )


def test_repr():
    explanation = explain(frame(*TWELVE_CALLS), "service_level", at={"hour": 8})

    assert repr(explanation) == "\n".join([
        "Explanation",
        "  measure    service_level: Service level, share",
        "  formula    a<=T / (a + q) (Genesys, base setting)",
        "  where      T = 20 s, m = 10 s, s: below 5 s, waits from started_at",
        "  group      hour 8",
        "  value      2 / 8 = 25.0 %, 95 % interval: 7.1 % to 59.1 %",
        "  counted    8 calls: a1, a2, a3, a4, m1 and 3 more",
        "  numerator  2 of them: a1, a2",
    ])  # fmt: skip
    assert "mean of the wait of answered calls" in repr(explain(frame(*TWELVE_CALLS), "asa_s"))
    assert "21.4 s, n = 4" in repr(explain(frame(*TWELVE_CALLS), "asa_s"))


def test_repr_escapes_html_and_masks_numbers():
    bad = "<script>alert(1)</script>"
    explanation = explain(
        frame(call(bad, ended=9, caller=bad), call("2\n", ended=9, caller="0912345678")),
        "missed",
        at={"caller": bad},
    )

    assert "<script>" not in explanation._repr_html_()
    assert "&lt;script&gt;" in explanation._repr_html_()
    assert "0912345678" not in repr(
        explain(
            frame(call("2", ended=9, caller="0912345678")), "missed", at={"caller": "0912345678"}
        )
    )
    assert "\n" not in repr(explain(frame(call("2\n3", ended=9)), "missed")).splitlines()[-1]


@pytest.mark.parametrize(
    ("measure", "at", "error", "message"),
    [
        ("answer_rat", {}, UnknownName, "Did you mean answer_rate"),
        ("answer_rate", {"hours": 9}, UnknownName, "Did you mean hour"),
        ("answer_rate", {"target_number": "101"}, InputError, "a call has many legs"),
        ("answer_rate", {"user": "An"}, InputError, r"logs\.with_names"),
        ("answer_rate", ["hour"], InputError, 'at={"hour": 9}'),
        ("answer_rate", {"hour": "nine"}, InputError, "hour is Int8; got 'nine'"),
        ("answer_rate", {"hour": 300}, InputError, "hour is Int8"),
        ("answer_rate", {"hour": True}, InputError, "hour is Int8"),
        ("answer_rate", {"day": "yesterday"}, InputError, "day is Date"),
        ("answer_rate", {"day": 5}, InputError, "day is Date"),
        ("answer_rate", {"day": datetime(2026, 11, 2, 9)}, InputError, "day is Date"),
        ("answer_rate", {"direction": "inn"}, InputError, "one of unknown, in, out"),
        ("answer_rate", {"caller": 84912345678}, InputError, "caller is String; got 84"),
    ],
)
def test_invalid_arguments_raise_a_helpful_error(
    measure: str, at: Any, error: type[Exception], message: str, calls: pl.DataFrame
):
    with pytest.raises(error, match=message):
        explain(calls, measure, at=at)


def test_a_group_may_be_two_lists_or_a_mapping(calls: pl.DataFrame):
    expected = explain(calls, "answer_rate", at={"hour": 9, "direction": "in"})

    again = explain(calls, "answer_rate", by=["hour", "direction"], at=[9, "in"])
    assert (again.at, again.rows.equals(expected.rows)) == (expected.at, True)
    row = summarize(calls, ["hour", "direction"], ["answer_rate"]).filter(
        pl.col("hour") == 9, pl.col("direction") == "in"
    )
    assert again.value == pytest.approx(row["answer_rate"].item(), abs=1e-12)


@pytest.mark.parametrize(
    ("by", "at"),
    [
        (["hour"], []),
        ([], [9]),
        ([], 9),
        ("hour", ()),
        (["hour", "weekday"], [9]),
        (["hour", "weekday"], 9),
        ("hour", {"weekday": 1}),
    ],
)
def test_a_group_needs_a_value_for_each_dimension(by: Any, at: Any, calls: pl.DataFrame):
    with pytest.raises(InputError, match=r"one value for each dimension"):
        explain(calls, "answer_rate", by=by, at=at)


def test_one_dimension_has_one_value(calls: pl.DataFrame):
    expected = explain(calls, "answer_rate", by=["hour"], at=[9])

    assert expected.n
    for by, at in (("hour", 9), ("hour", [9]), (["hour"], 9), ("hour", {"hour": 9})):
        assert explain(calls, "answer_rate", by=by, at=at) == expected
    assert explain(calls, "answer_rate", at={"hour": 9}) == expected
    assert explain(calls, "answer_rate", by="hour", at=10) != expected


def test_calls_must_be_a_table():
    with pytest.raises(InputError, match=r"such as logs\.calls"):
        explain([1], "calls")
