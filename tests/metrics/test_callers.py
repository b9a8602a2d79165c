"""Callers: the missed ledger and its rates by hand, against a second reckoning in plain Python, and what holds for any calls."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from cases import Record, call, frame, moment, talk
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MetricOptions, facts
from etelecom_analytics.metrics.callers import (
    callback_rate,
    missed_ledger,
    repeat_rate,
    time_to_callback,
)
from etelecom_analytics.metrics.survival import kaplan_meier, median_survival
from etelecom_analytics.phone_numbers import normalize
from etelecom_analytics.simulator import Simulation

HOUR = 3600.0
ANNA, BINH = "0912000001", "0912000002"
FORMS = (ANNA, "+84912000001", "84 912 000 001")


def missed(call_id: str, start: float, end: float | None, caller: str | None = ANNA) -> Record:
    return call(call_id, start=start, ended=end, caller=caller)


def answered(
    call_id: str, start: float, end: float | None = None, caller: str | None = ANNA
) -> Record:
    return call(
        call_id,
        state="answered",
        start=start,
        ended=start + 60 if end is None else end,
        duration=30,
        caller=caller,
    )


def out(call_id: str, start: float, *, reached: bool = False, number: str | None = ANNA) -> Record:
    state = "answered" if reached else "not_answered"
    return call(
        call_id, state=state, start=start, ended=start + 30, direction="out", caller="101"
    ) | {"callee": number}


def as_of(seconds: float) -> MetricOptions:
    return MetricOptions(as_of=moment(seconds))


def row(calls: Sequence[Record], call_id: str = "m", *, at: float = 100 * HOUR) -> dict[str, Any]:
    """The ledger's row of a call, looked at long after it."""
    return missed_ledger(frame(*calls), options=as_of(at)).row(
        by_predicate=pl.col("id") == call_id, named=True
    )


# The ledger, by hand.


def test_the_first_later_event_wins():
    called_back = row([missed("m", 0, 20), out("o", 300, reached=True), answered("a", 600)])
    served = row([missed("m", 0, 20), answered("a", 200), out("o", 300)])
    still_open = row([missed("m", 0, 20), missed("again", 90, 99)])

    assert (called_back["outcome"], called_back["resolved_at"], called_back["resolved_by"]) == (
        "called_back",
        moment(300),
        "o",
    )
    assert (called_back["resolved_after_s"], called_back["reached"]) == (280.0, True)
    assert (served["outcome"], served["resolved_at"], served["resolved_by"], served["reached"]) == (
        "served",
        moment(200),
        "a",
        None,
    )
    assert (still_open["outcome"], still_open["resolved_at"], still_open["resolved_by"]) == (
        "open",
        None,
        None,
    )
    assert (still_open["resolved_after_s"], still_open["reached"], still_open["age_s"]) == (
        None,
        None,
        100 * HOUR - 20,
    )


def test_at_a_tie_served_wins():
    both = row([missed("m", 0, 20), out("o", 300, reached=True), answered("a", 300)])

    assert (both["outcome"], both["resolved_by"], both["reached"]) == ("served", "a", None)


@pytest.mark.parametrize(
    ("start", "outcome"), [(19.999999, "open"), (20, "open"), (20.000001, "called_back")]
)
def test_only_what_starts_after_the_end_counts(start: float, outcome: str):
    assert row([missed("m", 0, 20), out("o", start)])["outcome"] == outcome


def test_of_two_call_backs_at_one_moment_the_one_that_reached_the_caller_counts():
    found = row([missed("m", 0, 20), out("a", 300), out("b", 300, reached=True)])

    assert (found["resolved_by"], found["reached"], found["attempts"]) == ("b", True, 2)


def test_where_clocks_differ_a_call_is_not_its_own_successor():
    """It began after it ended."""
    assert row([missed("m", 50, 20)])["came_again"] == 0
    assert row([missed("m", 50, 20), out("o", 30)])["came_again"] == 0
    others = [out("o1", 0), out("o2", 1), missed("n", 0, 5)]
    found = row([*others, missed("m", 50, 20, BINH), out("o", 60, number=BINH)])
    assert (found["outcome"], found["attempts"], found["came_again"]) == ("called_back", 1, 0)


def test_a_call_back_that_reached_nobody_is_one():
    tried = row([missed("m", 0, 20), out("o", 300), answered("a", 600)])

    assert (tried["outcome"], tried["reached"], tried["attempts"]) == ("called_back", False, 1)


def test_attempts_end_with_the_first_talk():
    tries = [out("o1", 300), out("o2", 400), out("o3", 500, reached=True), out("o4", 600)]

    assert row([missed("m", 0, 20), *tries])["attempts"] == 3
    assert row([missed("m", 0, 20), *tries[:2], answered("a", 450), *tries[2:]])["attempts"] == 2
    assert row([missed("m", 0, 20), *tries[:2]])["attempts"] == 2
    assert row([missed("m", 0, 20), *tries], at=310)["attempts"] == 1
    assert row([out("before", -50), missed("m", 0, 20), out("during", 10)])["attempts"] == 0


def test_coming_again_and_being_missed_is_counted_until_the_outcome():
    comes = [
        missed("m", 0, 20),
        missed("m2", 50, 60),
        missed("m3", 70, 80),
        out("o", 100),
        missed("later", 200, 210),
    ]

    assert [row(comes, which)["came_again"] for which in ("m", "m2", "m3", "later")] == [2, 1, 0, 0]
    assert row(comes, "m3")["resolved_by"] == "o"


def test_a_caller_is_one_in_every_form_of_his_number():
    found = row([missed("m", 0, 20, FORMS[1]), out("o", 300, number=FORMS[2])])

    assert (found["caller"], found["number"], found["outcome"]) == (FORMS[1], ANNA, "called_back")
    assert (
        row([missed("m", 0, 20), out("o", 300, number=BINH), answered("a", 400, caller=BINH)])[
            "outcome"
        ]
        == "open"
    )


@pytest.mark.parametrize("caller", [None, "anonymous", "+", ""])
def test_a_withheld_caller_has_no_row_and_no_history(caller: str | None):
    calls = frame(
        missed("m", 0, 20, caller),
        answered("a", 300, caller=caller),
        out("o", 300, number=caller),
        missed("n", 900, 930, caller),
    )

    assert missed_ledger(calls, options=as_of(1000)).is_empty()
    assert repeat_rate(calls, options=as_of(90 * HOUR)).row(0) == (None, 0, 0, None, None)


def test_only_missed_in_calls_have_a_row():
    """Not running ones, unknown ones, internal ones, or calls of ours."""
    calls = frame(
        call("running", start=0, ended=None, caller=ANNA),
        call("unknown", start=0, ended=9, state="unknown", caller=ANNA),
        call("internal", start=0, ended=9, direction="ext", caller="101"),
        out("o", 0),
        answered("a", 0),
        missed("m", 0, 9),
    )

    assert missed_ledger(calls)["id"].to_list() == ["m"]


def test_answered_by_the_ivr_only_is_missed_and_serves_nobody():
    by_ivr = call(
        "i", talk("9000", 0, 1, 20), state="answered", start=0, ended=20, shift=500, caller=ANNA
    )
    calls = frame(missed("m", 0, 20), by_ivr)

    options = MetricOptions(ivr_numbers=("9000",), as_of=moment(1000))
    assert missed_ledger(calls, options=options).select("id", "outcome", "came_again").rows() == [
        ("i", "open", 0),
        ("m", "open", 1),
    ]
    assert row([missed("m", 0, 20), by_ivr])["outcome"] == "served"


def test_what_began_after_as_of_is_not_known_yet():
    calls = [
        missed("m", 0, 20),
        missed("later", 500, 510),
        out("o", 300),
        missed("ends later", 100, 400),
    ]

    at_200 = missed_ledger(frame(*calls), options=as_of(200))
    assert at_200.select("id", "outcome", "age_s", "came_again").rows() == [
        ("ends later", "open", 0, 0),
        ("m", "open", 180, 1),
    ]
    assert row(calls, at=300)["outcome"] == "called_back"
    assert row(calls, at=299.9)["outcome"] == "open"


def test_as_of_is_the_latest_start_of_any_call():
    calls = frame(
        missed("m", 0, 20), call("x", start=7_220, ended=None, direction="ext_out", caller="101")
    )

    assert missed_ledger(calls)["age_s"].to_list() == [7_200]


def test_the_ledger_is_newest_first():
    calls = frame(missed("a", 0, 20), missed("c", 50, 60, BINH), missed("b", 50, 60))

    assert missed_ledger(calls)["id"].to_list() == ["b", "c", "a"]


# Rates, by hand.


def test_the_callback_rate_counts_what_had_its_time():
    calls = frame(
        missed("in time", 0, 20),
        out("o", 20 + 24 * HOUR),  # 24 h to the microsecond
        missed("too late", 0, 20, BINH),
        out("o2", 20.000001 + 24 * HOUR, number=BINH),
        missed("too young", 30, 40, "0912000003"),
        missed("never", 0, 20, "0912000004"),
    )
    rate = callback_rate(calls, options=as_of(20 + 24 * HOUR + 0.5))

    assert rate.columns == ["value", "num", "den", "low", "high"]
    assert rate.row(0)[:3] == (1 / 3, 1, 3)
    assert callback_rate(calls, options=as_of(20 + 24 * HOUR)).row(0)[:3] == (1 / 3, 1, 3)
    assert callback_rate(calls, options=as_of(20 + 24 * HOUR - 0.000001)).row(0)[:3] == (None, 0, 0)
    assert callback_rate(calls, within_h=25, options=as_of(30 * HOUR)).row(0)[:3] == (0.5, 2, 4)
    assert callback_rate(calls, within_h=0.5, options=as_of(20 + 24 * HOUR + 0.5)).row(0)[:3] == (
        0,
        0,
        4,
    )


def test_the_repeat_rate_counts_any_call_and_needs_its_time():
    calls = frame(
        answered("first", 0),
        missed("24 h later", 24 * HOUR, 24 * HOUR + 9, FORMS[1]),
        missed("too late", 48 * HOUR + 0.000001, 49 * HOUR, FORMS[2]),
        answered("another", 0, caller=BINH),
        out("ours", 5, number=BINH),
    )

    rate = repeat_rate(calls, options=as_of(48 * HOUR))
    assert rate.row(0)[:3] == (1 / 3, 1, 3)
    assert (rate["low"].item(), rate["high"].item()) == pytest.approx(
        (0.0614919, 0.7923404), abs=1e-6
    )
    assert repeat_rate(calls, options=as_of(48 * HOUR - 0.000001)).row(0)[:3] == (0.5, 1, 2)


def test_two_calls_at_one_moment_do_not_follow_each_other():
    calls = frame(answered("a", 0), missed("b", 0, 9), missed("c", 100, 109, BINH))

    assert repeat_rate(calls, options=as_of(24 * HOUR)).row(0)[:3] == (0, 0, 2)


def test_wilsons_interval_stands_beside_the_rate():
    """10 of 10 are within .7224672001 and 1."""
    calls = [
        each
        for n in range(10)
        for each in (
            missed(f"m{n}", 0, 20, f"091200001{n}"),
            out(f"o{n}", 60, number=f"091200001{n}"),
        )
    ]

    assert callback_rate(frame(*calls), options=as_of(25 * HOUR)).row(0) == pytest.approx(
        (1, 10, 10, 0.7224672001, 1), abs=6e-11
    )


def test_rates_by_dimensions_of_the_first_call():
    calls = frame(missed("m", 0, 20), out("o", 300), missed("n", HOUR, HOUR + 5, BINH))
    rate = callback_rate(calls, ["hour", "direction"], options=as_of(100 * HOUR))

    assert rate.select("hour", "direction", "value", "num", "den").rows() == [
        (8, "in", 1, 1, 1),
        (9, "in", 0, 0, 1),
    ]
    assert repeat_rate(calls, ["hour"], options=as_of(100 * HOUR))["den"].to_list() == [1, 1]


def test_the_time_to_call_back_is_survival():
    calls = frame(missed("m", 0, 20), out("o", 320), missed("n", 0, 100, BINH))
    table = time_to_callback(calls, options=as_of(1100))

    assert table.select("time_s", "at_risk", "events", "censored").rows() == [
        (0, 2, 0, 0),
        (300, 2, 1, 0),
        (1000, 1, 0, 1),
    ]
    assert median_survival(table)["median_s"].item() == 300


# Against plain Python.


def told(calls: pl.DataFrame, options: MetricOptions) -> list[dict[str, Any]]:
    """Calls beside their facts, by place, since facts keep the order of a frame."""
    return [
        one | two
        for one, two in zip(calls.to_dicts(), facts(calls, options=options).to_dicts(), strict=True)
    ]


def number_of(each: dict[str, Any]) -> str | None:
    text = (
        each["caller"]
        if each["direction"] == "in"
        else each["callee"]
        if each["direction"] == "out"
        else None
    )
    return normalize(text) if text and any(letter.isdigit() for letter in text) else None


def plainly(
    calls: pl.DataFrame, options: MetricOptions
) -> tuple[dict[str, tuple[Any, ...]], list[tuple[bool, datetime]], datetime | None]:
    """The ledger, the repeats and as of, call by call, as they are defined."""
    rows = told(calls, options)
    starts = [each["started_at"] for each in rows if each["started_at"] is not None]
    until = options.as_of or max(starts, default=None)
    known = [
        each
        for each in rows
        if each["started_at"] is not None and each["started_at"] <= until and number_of(each)
    ]
    ledger, repeats = {}, []
    for each in known:
        same = [
            other for other in known if number_of(other) == number_of(each) and other is not each
        ]
        comes = [other for other in same if other["direction"] == "in"]
        if each["direction"] == "in":
            start = each["started_at"]
            repeats.append(
                (
                    any(
                        start < other["started_at"] <= start + timedelta(hours=24)
                        for other in comes
                    ),
                    start,
                )
            )
        if each["direction"] == "in" and each["missed"]:
            end = each["ended_at"]
            served = [
                other["started_at"]
                for other in comes
                if other["answered"] and other["started_at"] > end
            ]
            outs = [
                other for other in same if other["direction"] == "out" and other["started_at"] > end
            ]
            talks = served + [other["started_at"] for other in outs if other["answered"]]
            called = [other["started_at"] for other in outs]
            last = min(served + called, default=until)
            outcome = (
                "open" if not served + called else "served" if last in served else "called_back"
            )
            ledger[each["id"]] = (
                outcome,
                None if outcome == "open" else last,
                None if outcome == "open" else (last - end) / timedelta(seconds=1),
                any(other["answered"] for other in outs if other["started_at"] == last)
                if outcome == "called_back"
                else None,
                max(0.0, (until - end) / timedelta(seconds=1)),
                sum(at <= min(talks, default=until) for at in called),
                sum(end < other["started_at"] <= last for other in comes if other["missed"]),
            )
    return ledger, repeats, until


def share(held: Sequence[bool]) -> tuple[float | None, int, int]:
    return (sum(held) / len(held) if held else None, sum(held), len(held))


moments = st.one_of(st.none(), st.integers(0, 60))
some_calls = st.lists(
    st.builds(
        lambda direction, who, state, start, length: (direction, who, state, start, length),
        direction=st.sampled_from(["in", "in", "out", "ext_in", None]),
        who=st.sampled_from([*FORMS, BINH, "anonymous", None]),
        state=st.sampled_from(["answered", "not_answered", "not_answered", "unknown", None]),
        start=moments,
        length=st.one_of(st.none(), st.integers(-2, 6)),
    ),
    max_size=24,
)


def frame_of(drawn: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Calls at whole hours, so that moments meet; some end before they begin."""
    rows = []
    for place, (direction, who, state, start, length) in enumerate(drawn):
        begin = None if start is None else start * HOUR
        end = None if length is None else ((start or 0) + length) * HOUR
        number = (
            {"caller": who, "callee": "19000123"}
            if direction != "out"
            else {"caller": "101", "callee": who}
        )
        rows.append(
            call(f"{place:03d}", state=state, start=begin, ended=end, direction=direction) | number
        )
    return frame(*rows)


@settings(max_examples=120)
@given(drawn=some_calls, at=moments)
def test_ledger_and_rates_are_what_they_are_defined_as(
    drawn: list[tuple[Any, ...]], at: int | None
):
    calls, options = frame_of(drawn), MetricOptions(as_of=None if at is None else moment(at * HOUR))
    expected, repeats, until = plainly(calls, options)

    ledger = missed_ledger(calls, options=options)
    columns = (
        "outcome",
        "resolved_at",
        "resolved_after_s",
        "reached",
        "age_s",
        "attempts",
        "came_again",
    )
    assert {
        each["id"]: tuple(each[name] for name in columns) for each in ledger.to_dicts()
    } == expected
    assert ledger["id"].to_list() == sorted(
        expected, key=lambda call_id: (-drawn[int(call_id)][3], call_id)
    )

    in_time = [
        after is not None and after <= 24 * HOUR
        for _, _, after, _, age, *_ in expected.values()
        if age >= 24 * HOUR
    ]
    assert callback_rate(calls, options=options).row(0)[:3] == share(in_time)
    followed = [again for again, start in repeats if start <= until - timedelta(hours=24)]
    assert repeat_rate(calls, options=options).row(0)[:3] == share(followed)


@settings(max_examples=25)
@given(drawn=some_calls)
def test_the_time_to_call_back_is_the_ledgers(drawn: list[tuple[Any, ...]]):
    calls = frame_of(drawn)
    ledger = missed_ledger(calls)

    open_or_not = ledger.select(
        time_s=pl.coalesce("resolved_after_s", "age_s"), event=pl.col("outcome") != "open"
    )
    assert_frame_equal(time_to_callback(calls), kaplan_meier(open_or_not))


@settings(max_examples=25)
@given(drawn=some_calls, seed=st.integers(0, 9))
def test_the_order_of_calls_changes_nothing(drawn: list[tuple[Any, ...]], seed: int):
    calls = frame_of(drawn)
    shuffled = calls.sample(fraction=1, shuffle=True, seed=seed)

    for of in (missed_ledger, repeat_rate, callback_rate, time_to_callback):
        assert of(shuffled).equals(of(calls))


# Simulated calls.

by_function = pytest.mark.parametrize(
    "of", [missed_ledger, repeat_rate, callback_rate, time_to_callback], ids=lambda of: of.__name__
)
by_dimension = pytest.mark.parametrize(
    "of", [repeat_rate, callback_rate, time_to_callback], ids=lambda of: of.__name__
)


def test_every_missed_caller_has_his_row(simulation: Simulation):
    options = MetricOptions(ivr_numbers=simulation.truth.ivr_numbers)
    ledger = missed_ledger(simulation.calls, options=options)

    lost = simulation.calls.join(
        simulation.truth.calls.filter(pl.col("lost_in").is_not_null()),
        left_on="id",
        right_on="call_id",
        how="semi",
    )
    assert set(ledger["id"]) == set(lost.filter(pl.col("caller").is_not_null())["id"])
    assert set(ledger["outcome"]) == {"called_back", "served", "open"}


@by_function
def test_a_lazy_frame_agrees_on_both_engines(of: Callable[..., Any], calls: pl.DataFrame):
    expected = of(calls)

    assert isinstance(of(calls.lazy()), pl.LazyFrame)
    assert_frame_equal(of(calls.lazy()).collect(), expected)
    assert_frame_equal(of(calls.lazy()).collect(engine="streaming"), expected)


@by_function
def test_nothing_and_nulls_give_the_same_types(of: Callable[..., Any], calls: pl.DataFrame):
    for nothing in (
        calls.clear(),
        calls.clear(1),
        calls.clear(3).with_columns(id=pl.lit("1")),
        calls.head(1),
    ):
        assert of(nothing).schema == of(calls).schema
    rates = {repeat_rate, callback_rate}
    assert of(calls.clear()).rows() == ([(None, 0, 0, None, None)] if of in rates else [])


@by_dimension
@pytest.mark.parametrize("by", [["hour"], ["day", "callee"], ["caller"]])
def test_groups_are_those_of_the_missed_or_first_calls(
    of: Callable[..., Any], by: list[str], calls: pl.DataFrame
):
    table = of(calls, by)

    assert table.columns[: len(by)] == by
    assert table.equals(table.sort(by, nulls_last=True, maintain_order=True))
    counts = "events" if of is time_to_callback else "num"
    assert table[counts].sum() == of(calls)[counts].sum() > 0


@by_dimension
def test_by_names_where_calls_carry_them(of: Callable[..., Any], calls: pl.DataFrame):
    with pytest.raises(InputError, match=r"carry no user: join it with logs\.with_names"):
        of(calls, ["user"])
    named = calls.with_columns(user=pl.col("callee"))
    assert_frame_equal(of(named, ["user"]), of(calls, ["callee"]).rename({"callee": "user"}))


@by_dimension
def test_what_is_wrong_is_an_error_that_helps(of: Callable[..., Any], calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="Did you mean hour"):
        of(calls, ["hours"])
    with pytest.raises(InputError, match="list of names"):
        of(calls, "hour")


@pytest.mark.parametrize("hours", [0, -1, float("nan"), float("inf"), True, "24"])
def test_hours_are_hours(hours: Any, calls: pl.DataFrame):
    for of in (repeat_rate, callback_rate):
        with pytest.raises(InputError, match="number of hours above 0"):
            of(calls, within_h=hours)


# as_of.


def test_as_of_without_an_offset_is_local_to_the_zone():
    here = MetricOptions(as_of=datetime(2026, 11, 8, 9))  # that is the point

    assert here.as_of == datetime(2026, 11, 8, 2, tzinfo=UTC)
    assert here == MetricOptions(as_of=datetime(2026, 11, 8, 2, tzinfo=UTC))
    assert len({here, MetricOptions(as_of=datetime(2026, 11, 8, 2, tzinfo=UTC))}) == 1
    assert et.MetricOptions().as_of is None


@pytest.mark.parametrize("wrong", ["soon", 20261108, True])
def test_as_of_is_a_moment(wrong: Any):
    with pytest.raises(InputError, match="as_of must be a date"):
        MetricOptions(as_of=wrong)
