"""The missed ledger and its rates match hand-written cases and a Python implementation."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.call_cases import Record, call, frame, moment, talk
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics.errors import InputError, UnknownName
from etelecom_analytics.metrics import MetricOptions, facts
from etelecom_analytics.metrics.callers import callback_rate, repeat_rate, time_to_callback
from etelecom_analytics.metrics.ledger import missed_ledger
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
    """The row of a call in the ledger, by default long after the call."""
    return missed_ledger(frame(*calls), options=as_of(at)).row(
        by_predicate=pl.col("id") == call_id, named=True
    )


# Hand-written cases of the ledger.


def test_the_first_later_event_is_the_outcome():
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


def test_served_wins_a_tie():
    both = row([missed("m", 0, 20), out("o", 300, reached=True), answered("a", 300)])

    assert (both["outcome"], both["resolved_by"], both["reached"]) == ("served", "a", None)


@pytest.mark.parametrize(
    ("start", "outcome"), [(19.999999, "open"), (20, "open"), (20.000001, "called_back")]
)
def test_only_calls_after_the_end_count(start: float, outcome: str):
    assert row([missed("m", 0, 20), out("o", start)])["outcome"] == outcome


def test_of_two_simultaneous_callbacks_the_answered_one_counts():
    result = row([missed("m", 0, 20), out("a", 300), out("b", 300, reached=True)])

    assert (result["resolved_by"], result["reached"], result["attempts"]) == ("b", True, 2)


def test_a_call_that_begins_after_its_end_does_not_repeat_itself():
    """Clocks may differ."""
    assert row([missed("m", 50, 20)])["missed_again"] == 0
    assert row([missed("m", 50, 20), out("o", 30)])["missed_again"] == 0
    others = [out("o1", 0), out("o2", 1), missed("n", 0, 5)]
    result = row([*others, missed("m", 50, 20, BINH), out("o", 60, number=BINH)])
    assert (result["outcome"], result["attempts"], result["missed_again"]) == ("called_back", 1, 0)


def test_a_callback_without_an_answer_counts():
    result = row([missed("m", 0, 20), out("o", 300), answered("a", 600)])

    assert (result["outcome"], result["reached"], result["attempts"]) == ("called_back", False, 1)


def test_attempts_end_with_the_first_talk():
    attempts = [out("o1", 300), out("o2", 400), out("o3", 500, reached=True), out("o4", 600)]

    assert row([missed("m", 0, 20), *attempts])["attempts"] == 3
    assert (
        row([missed("m", 0, 20), *attempts[:2], answered("a", 450), *attempts[2:]])["attempts"] == 2
    )
    assert row([missed("m", 0, 20), *attempts[:2]])["attempts"] == 2
    assert row([missed("m", 0, 20), *attempts], at=310)["attempts"] == 1
    assert row([out("before", -50), missed("m", 0, 20), out("during", 10)])["attempts"] == 0


def test_further_missed_calls_count_until_the_outcome():
    calls = [
        missed("m", 0, 20),
        missed("m2", 50, 60),
        missed("m3", 70, 80),
        out("o", 100),
        missed("later", 200, 210),
    ]

    assert [row(calls, call_id)["missed_again"] for call_id in ("m", "m2", "m3", "later")] == [
        2,
        1,
        0,
        0,
    ]
    assert row(calls, "m3")["resolved_by"] == "o"


def test_all_forms_of_a_number_are_the_same_caller():
    result = row([missed("m", 0, 20, FORMS[1]), out("o", 300, number=FORMS[2])])

    assert (result["caller"], result["number"], result["outcome"]) == (
        FORMS[1],
        ANNA,
        "called_back",
    )
    assert (
        row([missed("m", 0, 20), out("o", 300, number=BINH), answered("a", 400, caller=BINH)])[
            "outcome"
        ]
        == "open"
    )


@pytest.mark.parametrize("caller", [None, "anonymous", "+", ""])
def test_withheld_callers_have_no_row_and_no_history(caller: str | None):
    calls = frame(
        missed("m", 0, 20, caller),
        answered("a", 300, caller=caller),
        out("o", 300, number=caller),
        missed("n", 900, 930, caller),
    )

    assert missed_ledger(calls, options=as_of(1000)).is_empty()
    assert repeat_rate(calls, options=as_of(90 * HOUR)).row(0) == (None, 0, 0, None, None)


def test_only_missed_inbound_calls_have_a_row():
    """Running, unknown, internal and outbound calls have none."""
    calls = frame(
        call("running", start=0, ended=None, caller=ANNA),
        call("unknown", start=0, ended=9, state="unknown", caller=ANNA),
        call("internal", start=0, ended=9, direction="ext", caller="101"),
        out("o", 0),
        answered("a", 0),
        missed("m", 0, 9),
    )

    assert missed_ledger(calls)["id"].to_list() == ["m"]


def test_a_call_answered_by_the_ivr_only_is_missed():
    by_ivr = call(
        "i", talk("9000", 0, 1, 20), state="answered", start=0, ended=20, shift=500, caller=ANNA
    )
    calls = frame(missed("m", 0, 20), by_ivr)

    options = MetricOptions(ivr_numbers=("9000",), as_of=moment(1000))
    assert missed_ledger(calls, options=options).select("id", "outcome", "missed_again").rows() == [
        ("i", "open", 0),
        ("m", "open", 1),
    ]
    assert row([missed("m", 0, 20), by_ivr])["outcome"] == "served"


def test_calls_after_as_of_are_ignored():
    calls = [
        missed("m", 0, 20),
        missed("later", 500, 510),
        out("o", 300),
        missed("ends later", 100, 400),
    ]

    at_200 = missed_ledger(frame(*calls), options=as_of(200))
    assert at_200.select("id", "outcome", "age_s", "missed_again").rows() == [
        ("ends later", "open", 0, 0),
        ("m", "open", 180, 1),
    ]
    assert row(calls, at=300)["outcome"] == "called_back"
    assert row(calls, at=299.9)["outcome"] == "open"


def test_as_of_defaults_to_the_latest_start():
    calls = frame(
        missed("m", 0, 20), call("x", start=7_220, ended=None, direction="ext_out", caller="101")
    )

    assert missed_ledger(calls)["age_s"].to_list() == [7_200]


def test_the_ledger_is_sorted_newest_first():
    calls = frame(missed("a", 0, 20), missed("c", 50, 60, BINH), missed("b", 50, 60))

    assert missed_ledger(calls)["id"].to_list() == ["b", "c", "a"]


# Hand-written cases of the rates.


def test_callback_rate_counts_calls_that_had_the_full_time():
    calls = frame(
        missed("in time", 0, 20),
        out("o", 20 + 24 * HOUR),  # exactly 24 h
        missed("too late", 0, 20, BINH),
        out("o2", 20.000001 + 24 * HOUR, number=BINH),
        missed("too young", 30, 40, "0912000003"),
        missed("never", 0, 20, "0912000004"),
    )
    rate = callback_rate(calls, options=as_of(20 + 24 * HOUR + 0.5))

    assert rate.columns == ["value", "numerator", "denominator", "low", "high"]
    assert rate.row(0)[:3] == (1 / 3, 1, 3)
    assert callback_rate(calls, options=as_of(20 + 24 * HOUR)).row(0)[:3] == (1 / 3, 1, 3)
    assert callback_rate(calls, options=as_of(20 + 24 * HOUR - 0.000001)).row(0)[:3] == (None, 0, 0)
    assert callback_rate(calls, within="25h", options=as_of(30 * HOUR)).row(0)[:3] == (0.5, 2, 4)
    assert callback_rate(calls, within="30m", options=as_of(20 + 24 * HOUR + 0.5)).row(0)[:3] == (
        0,
        0,
        4,
    )


def test_repeat_rate_counts_calls_that_had_the_full_time():
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


def test_simultaneous_calls_are_not_repeat_calls():
    calls = frame(answered("a", 0), missed("b", 0, 9), missed("c", 100, 109, BINH))

    assert repeat_rate(calls, options=as_of(24 * HOUR)).row(0)[:3] == (0, 0, 2)


def test_rates_have_wilsons_interval():
    """The interval of 10 of 10 is 0.7224672001 to 1."""
    calls = [
        record
        for n in range(10)
        for record in (
            missed(f"m{n}", 0, 20, f"091200001{n}"),
            out(f"o{n}", 60, number=f"091200001{n}"),
        )
    ]

    assert callback_rate(frame(*calls), options=as_of(25 * HOUR)).row(0) == pytest.approx(
        (1, 10, 10, 0.7224672001, 1), abs=6e-11
    )


def test_rates_use_the_dimensions_of_the_first_call():
    calls = frame(missed("m", 0, 20), out("o", 300), missed("n", HOUR, HOUR + 5, BINH))
    rate = callback_rate(calls, ["hour", "direction"], options=as_of(100 * HOUR))

    assert rate.select("hour", "direction", "value", "numerator", "denominator").rows() == [
        (8, "in", 1, 1, 1),
        (9, "in", 0, 0, 1),
    ]
    assert repeat_rate(calls, ["hour"], options=as_of(100 * HOUR))["denominator"].to_list() == [
        1,
        1,
    ]


def test_time_to_callback_is_a_survival_table():
    calls = frame(missed("m", 0, 20), out("o", 320), missed("n", 0, 100, BINH))
    table = time_to_callback(calls, options=as_of(1100))

    assert table.select("time_s", "at_risk", "events", "censored").rows() == [
        (0, 2, 0, 0),
        (300, 2, 1, 0),
        (1000, 1, 0, 1),
    ]
    assert median_survival(table)["median_s"].item() == 300


# Comparison with a Python implementation.


def with_facts(calls: pl.DataFrame, options: MetricOptions) -> list[dict[str, Any]]:
    """Calls with their facts, joined by position, because facts keep the order of a frame."""
    return [
        one | two
        for one, two in zip(calls.to_dicts(), facts(calls, options=options).to_dicts(), strict=True)
    ]


def number_of(record: dict[str, Any]) -> str | None:
    column = {"in": "caller", "out": "callee"}.get(record["direction"])
    text = record[column] if column else None
    return normalize(text) if text and any(letter.isdigit() for letter in text) else None


def python_results(
    calls: pl.DataFrame, options: MetricOptions
) -> tuple[dict[str, tuple[Any, ...]], list[tuple[bool, datetime]], datetime | None]:
    """The ledger, the repeat calls and as_of, call by call from their definitions."""
    rows = with_facts(calls, options)
    starts = [record["started_at"] for record in rows if record["started_at"] is not None]
    until = options.as_of or max(starts, default=None)
    known = [
        record
        for record in rows
        if record["started_at"] is not None and record["started_at"] <= until and number_of(record)
    ]
    ledger, repeats = {}, []
    for record in known:
        others = [
            other
            for other in known
            if number_of(other) == number_of(record) and other is not record
        ]
        inbound = [other for other in others if other["direction"] == "in"]
        if record["direction"] == "in":
            start = record["started_at"]
            repeats.append(
                (
                    any(
                        start < other["started_at"] <= start + timedelta(hours=24)
                        for other in inbound
                    ),
                    start,
                )
            )
        if record["direction"] == "in" and record["missed"]:
            end = record["ended_at"]
            served = [
                other["started_at"]
                for other in inbound
                if other["answered"] and other["started_at"] > end
            ]
            outs = [
                other
                for other in others
                if other["direction"] == "out" and other["started_at"] > end
            ]
            talks = served + [other["started_at"] for other in outs if other["answered"]]
            called = [other["started_at"] for other in outs]
            last = min(served + called, default=until)
            outcome = (
                "open" if not served + called else "served" if last in served else "called_back"
            )
            ledger[record["id"]] = (
                outcome,
                None if outcome == "open" else last,
                None if outcome == "open" else (last - end) / timedelta(seconds=1),
                any(other["answered"] for other in outs if other["started_at"] == last)
                if outcome == "called_back"
                else None,
                max(0.0, (until - end) / timedelta(seconds=1)),
                sum(at <= min(talks, default=until) for at in called),
                sum(end < other["started_at"] <= last for other in inbound if other["missed"]),
            )
    return ledger, repeats, until


def share(flags: Sequence[bool]) -> tuple[float | None, int, int]:
    return (sum(flags) / len(flags) if flags else None, sum(flags), len(flags))


moments = st.one_of(st.none(), st.integers(0, 60))
some_calls = st.lists(
    st.builds(
        lambda direction, number, state, start, length: (direction, number, state, start, length),
        direction=st.sampled_from(["in", "in", "out", "ext_in", None]),
        number=st.sampled_from([*FORMS, BINH, "anonymous", None]),
        state=st.sampled_from(["answered", "not_answered", "not_answered", "unknown", None]),
        start=moments,
        length=st.one_of(st.none(), st.integers(-2, 6)),
    ),
    max_size=24,
)


def frame_of(cases: Sequence[tuple[Any, ...]]) -> pl.DataFrame:
    """Calls at whole hours, so that some coincide; some end before they begin."""
    rows = []
    for position, (direction, other, state, start, length) in enumerate(cases):
        begin = None if start is None else start * HOUR
        end = None if length is None else ((start or 0) + length) * HOUR
        number = (
            {"caller": other, "callee": "19000123"}
            if direction != "out"
            else {"caller": "101", "callee": other}
        )
        rows.append(
            call(f"{position:03d}", state=state, start=begin, ended=end, direction=direction)
            | number
        )
    return frame(*rows)


@pytest.mark.slow
@examples(120)
@given(cases=some_calls, at=moments)
def test_ledger_and_rates_match_a_python_implementation(
    cases: list[tuple[Any, ...]], at: int | None
):
    calls, options = frame_of(cases), MetricOptions(as_of=None if at is None else moment(at * HOUR))
    expected, repeats, until = python_results(calls, options)

    ledger = missed_ledger(calls, options=options)
    columns = (
        "outcome",
        "resolved_at",
        "resolved_after_s",
        "reached",
        "age_s",
        "attempts",
        "missed_again",
    )
    assert {
        record["id"]: tuple(record[name] for name in columns) for record in ledger.to_dicts()
    } == expected
    assert ledger["id"].to_list() == sorted(
        expected, key=lambda call_id: (-cases[int(call_id)][3], call_id)
    )

    in_time = [
        after is not None and after <= 24 * HOUR
        for _, _, after, _, age, *_ in expected.values()
        if age >= 24 * HOUR
    ]
    assert callback_rate(calls, options=options).row(0)[:3] == share(in_time)
    followed = [again for again, start in repeats if start <= until - timedelta(hours=24)]
    assert repeat_rate(calls, options=options).row(0)[:3] == share(followed)


@pytest.mark.slow
@examples(25)
@given(cases=some_calls)
def test_time_to_callback_matches_the_ledger(cases: list[tuple[Any, ...]]):
    calls = frame_of(cases)
    ledger = missed_ledger(calls)

    open_or_not = ledger.select(
        time_s=pl.coalesce("resolved_after_s", "age_s"), event=pl.col("outcome") != "open"
    )
    assert_frame_equal(time_to_callback(calls), kaplan_meier(open_or_not))


@pytest.mark.slow
@examples(25)
@given(cases=some_calls, seed=st.integers(0, 9))
def test_results_do_not_depend_on_row_order(cases: list[tuple[Any, ...]], seed: int):
    calls = frame_of(cases)
    shuffled = calls.sample(fraction=1, shuffle=True, seed=seed)

    for function in (missed_ledger, repeat_rate, callback_rate, time_to_callback):
        assert function(shuffled).equals(function(calls))


# Simulated calls.

by_function = pytest.mark.parametrize(
    "function",
    [missed_ledger, repeat_rate, callback_rate, time_to_callback],
    ids=lambda function: function.__name__,
)
by_dimension = pytest.mark.parametrize(
    "function",
    [repeat_rate, callback_rate, time_to_callback],
    ids=lambda function: function.__name__,
)


def test_every_missed_caller_has_a_row(simulation: Simulation):
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


@pytest.mark.slow
@by_function
def test_lazy_frames_on_both_engines(function: Callable[..., Any], calls: pl.DataFrame):
    expected = function(calls)

    assert isinstance(function(calls.lazy()), pl.LazyFrame)
    assert_frame_equal(function(calls.lazy()).collect(), expected)
    assert_frame_equal(function(calls.lazy()).collect(engine="streaming"), expected)


@pytest.mark.slow
@by_function
def test_no_calls_and_null_rows_give_the_same_schema(
    function: Callable[..., Any], calls: pl.DataFrame
):
    for empty in (
        calls.clear(),
        calls.clear(1),
        calls.clear(3).with_columns(id=pl.lit("1")),
        calls.head(1),
    ):
        assert function(empty).schema == function(calls).schema
    rates = {repeat_rate, callback_rate}
    assert function(calls.clear()).rows() == (
        [(None, 0, 0, None, None)] if function in rates else []
    )


@pytest.mark.slow
@by_dimension
@pytest.mark.parametrize("by", [["hour"], ["day", "callee"], ["caller"]])
def test_groups_are_those_of_the_missed_or_first_calls(
    function: Callable[..., Any], by: list[str], calls: pl.DataFrame
):
    table = function(calls, by)

    assert table.columns[: len(by)] == by
    assert table.equals(table.sort(by, nulls_last=True, maintain_order=True))
    counts = "events" if function is time_to_callback else "numerator"
    assert table[counts].sum() == function(calls)[counts].sum() > 0


@by_dimension
def test_group_by_names_if_calls_carry_them(function: Callable[..., Any], calls: pl.DataFrame):
    with pytest.raises(InputError, match=r"carry no user: join it with logs\.with_names"):
        function(calls, ["user"])
    named = calls.with_columns(user=pl.col("callee"))
    assert_frame_equal(
        function(named, ["user"]), function(calls, ["callee"]).rename({"callee": "user"})
    )


@by_dimension
def test_invalid_dimensions_raise_helpful_errors(function: Callable[..., Any], calls: pl.DataFrame):
    with pytest.raises(UnknownName, match="Did you mean hour"):
        function(calls, ["hours"])
    with pytest.raises(InputError, match="by is a name"):
        function(calls, 3)


@pytest.mark.parametrize("within", [0, 24, "24", True, "0912345678", timedelta(0)])
def test_within_must_be_a_length_of_time(within: Any, calls: pl.DataFrame):
    for function in (repeat_rate, callback_rate):
        with pytest.raises(InputError, match="within is a length of time") as caught:
            function(calls, within=within)
        assert "0912345678" not in str(caught.value)


@pytest.mark.slow
def test_within_is_text_or_a_timedelta(calls: pl.DataFrame):
    for function in (repeat_rate, callback_rate):
        of_two_days = function(calls, within="2d")
        assert function(calls, within=timedelta(hours=48)).equals(of_two_days)
        assert function(calls, within="48h").equals(of_two_days)
        assert function(calls).equals(function(calls, within="24h"))
        assert not function(calls).equals(of_two_days)


# as_of.


def test_as_of_without_an_offset_is_local_to_the_zone():
    here = MetricOptions(as_of=datetime(2026, 11, 8, 9))

    assert here.as_of == datetime(2026, 11, 8, 2, tzinfo=UTC)
    assert here == MetricOptions(as_of=datetime(2026, 11, 8, 2, tzinfo=UTC))
    assert len({here, MetricOptions(as_of=datetime(2026, 11, 8, 2, tzinfo=UTC))}) == 1
    assert et.MetricOptions().as_of is None


@pytest.mark.parametrize("value", ["soon", 20261108, True])
def test_as_of_must_be_a_date_or_time(value: Any):
    with pytest.raises(InputError, match="as_of must be a date"):
        MetricOptions(as_of=value)
