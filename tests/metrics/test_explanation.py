"""explain agrees with summarize for every measure and every cell, and names the calls behind it."""

import math
from datetime import date, datetime
from typing import Any

import polars as pl
import pytest
from cases import SIX_CALLS, SIX_CALLS_IVR, TWELVE_CALLS, call, frame
from hypothesis import given, settings
from hypothesis import strategies as st

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


def numbers(why: et.metrics.Explanation) -> tuple[Any, ...]:
    return why.value, why.numerator, why.denominator, why.low, why.high


@settings(max_examples=150)
@given(asked=cells, places=some_places, draw=st.data())
def test_a_cell_explained_is_the_cell(
    asked: tuple[str, str],
    places: list[int],
    draw: st.DataObject,
    calls: pl.DataFrame,
    simulation: Simulation,
):
    name, by = asked
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    some = calls[places]
    table = summarize(some, [by], [name], options=options, confidence=True)
    if table.is_empty():
        return
    cell = table.row(draw.draw(st.integers(0, table.height - 1)))
    why = explain(some, name, at={by: cell[0]}, options=options)

    # A sum of whole microseconds is divided once, in a group by another way than alone: the last
    # bit may differ.
    for mine, expected in zip(numbers(why), cell[1:], strict=False):
        assert mine == expected or math.isclose(mine, expected, rel_tol=1e-12)
    _behind_it(why)


@pytest.mark.parametrize("name", MEASURES)
def test_all_calls_explained_are_the_whole(name: str, calls: pl.DataFrame, simulation: Simulation):
    options = et.MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    row = summarize(calls, measures=[name], options=options, confidence=True).row(0)
    why = explain(calls, name, options=options)

    assert numbers(why)[: len(row)] == row
    assert why.n > 0 or name in ("unknown", "wait_unknown")
    _behind_it(why)
    assert numbers(explain(Selection(calls), name, options=options)) == numbers(why)
    assert explain(calls.lazy().reverse(), name, options=options).behind.equals(why.behind)


def _behind_it(why: et.metrics.Explanation) -> None:
    """The rows behind a number give the number."""
    assert why.n == why.behind.height == len(why.denominator_ids)
    assert list(why.denominator_ids) == sorted(why.denominator_ids)
    assert ("target_number" in why.behind.columns) == (why.measure.grain != "calls")
    match why.measure.made_of:
        case Ratio():
            assert (len(why.numerator_ids), why.n) == (why.numerator, why.denominator)
            assert why.value == (pytest.approx(why.numerator / why.n) if why.n else None)
        case Mean():
            assert why.value == (pytest.approx(why.behind["seconds"].mean()) if why.n else None)
        case Quantile(_, share):
            quantile = why.behind["seconds"].quantile(
                share, interpolation="linear"
            )  # in a series it may differ in the last bit
            assert why.value == (pytest.approx(quantile, rel=1e-12) if why.n else None)
        case Total():
            assert why.value == pytest.approx(
                why.behind["seconds"].sum() if "seconds" in why.behind.columns else why.n
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


def test_offers_are_told_with_their_number():
    why = explain(
        frame(*SIX_CALLS), "fair_answer_rate", options=et.MetricOptions(ivr_numbers=SIX_CALLS_IVR)
    )

    assert why.behind.rows() == [
        ("x1", "101", True), ("x2", "101", False), ("x2", "102", False), ("x3", "101", False), ("x3", "102", False),
        ("x4", "0900000002", False),
    ]  # fmt: skip
    assert why.denominator_ids == ("x1", "x2", "x2", "x3", "x3", "x4")
    busy = explain(
        frame(*SIX_CALLS),
        "busy_offers",
        at={"target_number": "101"},
        options=et.MetricOptions(ivr_numbers=SIX_CALLS_IVR),
    )
    assert (busy.value, busy.behind.rows()) == (1, [("x2", "101")])


def test_two_dimensions_and_days_as_text(calls: pl.DataFrame):
    day, hour, value = summarize(calls, ["day", "hour"], ["asa_s"]).row(3)

    for given_day in (day, day.isoformat()):
        assert explain(calls, "asa_s", at={"day": given_day, "hour": hour}).value == value


def test_a_group_without_calls_is_of_nothing(calls: pl.DataFrame):
    nowhere = {"day": date(1999, 1, 1)}

    assert numbers(explain(calls, "answer_rate", at=nowhere)) == (None, 0, 0, None, None)
    assert explain(calls, "asa_s", at=nowhere).value is None
    assert (
        explain(calls, "offers", at=nowhere).value,
        explain(calls, "talk_s", at=nowhere).value,
    ) == (0, 0)


@pytest.mark.parametrize("name", MEASURES)
def test_of_nothing_nothing_is_behind(name: str, calls: pl.DataFrame):
    for nothing in (calls.clear(), calls.clear(2)):
        why = explain(nothing, name)
        assert numbers(why)[0] == summarize(nothing, measures=[name]).item()
        assert why.n == (2 if name in ("calls", "running") and nothing.height else 0)
        assert why.behind.schema == explain(calls, name).behind.schema
        assert repr(why)
    assert (
        numbers(explain(calls.head(1), name))[0] == summarize(calls.head(1), measures=[name]).item()
    )


def test_it_is_told_the_same_each_time():
    why = explain(frame(*TWELVE_CALLS), "service_level", at={"hour": 8})

    assert repr(why) == "\n".join([
        "Explanation",
        "  measure    service_level: Service level, share",
        "  formula    a<=T / (a + q) (Genesys, base setting)",
        "  where      T = 20 s, m = 10 s, s: below 5 s, waits from started_at",
        "  at         hour 8",
        "  value      2 / 8 = 0.2500, 95 %: 0.0715 to 0.5907",
        "  behind it  8 calls: a1, a2, a3, a4, m1 and 3 more",
        "  above      2 of them: a1, a2",
    ])  # fmt: skip
    assert "mean of the wait of answered calls" in repr(explain(frame(*TWELVE_CALLS), "asa_s"))
    assert "21.350 s, n = 4" in repr(explain(frame(*TWELVE_CALLS), "asa_s"))


def test_what_came_from_outside_stays_text_and_numbers_are_masked():
    bad = "<script>alert(1)</script>"
    why = explain(
        frame(call(bad, ended=9, caller=bad), call("2\n", ended=9, caller="0912345678")),
        "missed",
        at={"caller": bad},
    )

    assert "<script>" not in why._repr_html_()
    assert "&lt;script&gt;" in why._repr_html_()
    assert "0912345678" not in repr(
        explain(
            frame(call("2", ended=9, caller="0912345678")), "missed", at={"caller": "0912345678"}
        )
    )
    assert "\n" not in repr(explain(frame(call("2\n3", ended=9)), "missed")).splitlines()[-1]


@pytest.mark.parametrize(
    ("measure", "at", "kind", "says"),
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
def test_what_is_wrong_is_an_error_that_helps(
    measure: str, at: Any, kind: type[Exception], says: str, calls: pl.DataFrame
):
    with pytest.raises(kind, match=says):
        explain(calls, measure, at=at)


def test_the_group_may_be_told_as_summarize_is_asked(calls: pl.DataFrame):
    told = explain(calls, "answer_rate", at={"hour": 9, "direction": "in"})

    again = explain(calls, "answer_rate", by=["hour", "direction"], at=[9, "in"])
    assert (again.at, again.behind.equals(told.behind)) == (told.at, True)
    row = summarize(calls, ["hour", "direction"], ["answer_rate"]).filter(
        pl.col("hour") == 9, pl.col("direction") == "in"
    )
    assert again.value == pytest.approx(row["answer_rate"].item(), abs=1e-12)


@pytest.mark.parametrize(
    ("by", "at"),
    [
        (["hour"], []),
        ([], [9]),
        (["hour"], {"hour": 9}),
        ("hour", [9]),
        (["hour"], "9"),
        (["hour"], 9),
    ],
)
def test_a_group_without_a_value_for_each_dimension_is_refused(
    by: Any, at: Any, calls: pl.DataFrame
):
    with pytest.raises(InputError, match=r"with a value for each"):
        explain(calls, "answer_rate", by=by, at=at)


def test_what_is_no_table_of_calls_is_an_error_that_helps():
    with pytest.raises(InputError, match=r"such as logs\.calls"):
        explain([1], "calls")
