"""Measures of journeys, callers, traffic and staffing share one contract of inputs and results."""

import copy
import dataclasses
import inspect
import pickle
import re
from collections.abc import Callable
from datetime import timedelta
from types import MappingProxyType
from typing import Any, get_args, get_type_hints

import polars as pl
import polars.selectors as cs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics import metrics
from etelecom_analytics.errors import InputError
from etelecom_analytics.metrics import Selection

NUMBER = "0912345678"
CALLS = et.sample_logs().calls
OPTIONS = et.MetricOptions(ivr_numbers=("8000", "8100"))

LAZY: list[Callable[..., Any]] = [
    metrics.service_levels,
    metrics.service_level_curve,
    metrics.lost_calls,
    metrics.hunt_paths,
    metrics.missed_ledger,
    metrics.callback_rate,
    metrics.time_to_callback,
    metrics.repeat_rate,
    metrics.patience,
    metrics.erlangs,
    metrics.busy_hours,
    metrics.busy_hour,
    metrics.trunk_peaks,
    metrics.fail_codes,
    metrics.update_lag,
]
"""Functions whose result is lazy for a LazyFrame."""


def call_phases(calls: Any, call_id: str = "", **other: Any) -> pl.DataFrame:
    """The phases of the first call, unless another is requested."""
    return metrics.call_phases(calls, call_id or CALLS["id"][0], **other)


COLLECTING: list[Callable[..., Any]] = [
    metrics.funnel,
    metrics.wait_seconds,
    metrics.ring_seconds,
    metrics.erlangs_profile,
    metrics.concurrency,
    metrics.agents_by_interval,
    metrics.staffing_backtest,
    call_phases,
]
"""Functions that collect, whatever the input."""

WITH_BY = [
    (metrics.callback_rate, "hour"),
    (metrics.repeat_rate, "hour"),
    (metrics.time_to_callback, "hour"),
    (metrics.patience, "hour"),
    (metrics.fail_codes, "trunk_name"),
    (metrics.erlangs_profile, "weekday"),
]
WITH_CONFIDENCE = [
    function
    for function in (*LAZY, *COLLECTING)
    if "confidence" in inspect.signature(function).parameters
]


def name_of(function: object) -> str | None:
    return function.__name__ if inspect.isfunction(function) else None


def tables_of(result: Any) -> list[pl.DataFrame]:
    """The tables of a result."""
    if isinstance(result, pl.DataFrame | pl.LazyFrame):
        return [result.lazy().collect()]
    values = [getattr(result, field.name) for field in dataclasses.fields(result)]
    return [value for value in values if isinstance(value, pl.DataFrame)]


# Input.


@pytest.mark.slow
@pytest.mark.parametrize("function", LAZY, ids=name_of)
def test_a_lazy_frame_gives_a_lazy_frame_and_other_tables_a_data_frame(function: Any):
    expected = function(CALLS)
    of_selection, of_lazy = function(Selection(CALLS)), function(CALLS.lazy())

    assert isinstance(expected, pl.DataFrame)
    assert isinstance(of_selection, pl.DataFrame)
    assert isinstance(of_lazy, pl.LazyFrame)
    assert_frame_equal(of_selection, expected)
    assert_frame_equal(of_lazy.collect(), expected)


@pytest.mark.slow
@pytest.mark.parametrize("function", COLLECTING, ids=name_of)
def test_functions_that_collect_say_so(function: Any):
    expected = function(CALLS)

    assert not isinstance(expected, pl.LazyFrame)
    for same in (Selection(CALLS), CALLS.lazy()):
        result = function(same)
        assert type(result) is type(expected)
        for table, other in zip(tables_of(result), tables_of(expected), strict=True):
            assert_frame_equal(table, other)
    described = metrics.call_phases if function is call_phases else function
    assert "Collects." in inspect.getdoc(described).partition("Args:")[0]


@pytest.mark.slow
@pytest.mark.parametrize("function", [*LAZY, metrics.funnel], ids=name_of)
def test_a_part_of_a_selection_is_that_part_of_the_table(function: Any):
    inbound = pl.col("direction") == "in"

    part = Selection(CALLS).where(inbound)
    assert_frame_equal(function(part), function(CALLS.filter(inbound)))


ENUM_AS_TEXT = cs.by_dtype(pl.Enum).cast(pl.String)
EQUIVALENT = {
    "another zone, Enum as String": [
        cs.datetime().dt.convert_time_zone("Asia/Ho_Chi_Minh"),
        ENUM_AS_TEXT,
    ],
    "nanoseconds, Enum as Categorical": [
        cs.datetime().dt.cast_time_unit("ns"),
        ENUM_AS_TEXT.cast(pl.Categorical),
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("changed", EQUIVALENT.values(), ids=EQUIVALENT)
@pytest.mark.parametrize("function", [*LAZY, *COLLECTING], ids=name_of)
def test_tables_of_other_types_give_equal_results(function: Any, changed: list[pl.Expr]):
    results = tables_of(function(CALLS.with_columns(changed)))

    for table, expected in zip(results, tables_of(function(CALLS)), strict=True):
        assert_frame_equal(table, expected)


REFUSED = {
    "a list": ([1, 2], "got list"),
    "CallLogs": (et.sample_logs(), "pass logs.calls"),
    "a missing column": (CALLS.drop("started_at", "call_targets"), "no column"),
    "naive times": (
        CALLS.with_columns(cs.datetime().dt.replace_time_zone(None)).with_columns(
            call_targets=pl.lit(0)
        ),
        "no time zone|list of structs",
    ),
}


@pytest.mark.parametrize(("calls", "message"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("function", [*LAZY, *COLLECTING], ids=name_of)
def test_other_tables_are_refused_in_one_sentence(function: Any, calls: Any, message: str):
    with pytest.raises(InputError, match=message) as caught:
        function(calls)

    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(("function", "dimension"), WITH_BY, ids=lambda value: name_of(value))
def test_by_is_one_name_or_a_sequence(function: Any, dimension: str):
    expected = function(CALLS, [dimension])

    assert expected.columns[0] == dimension
    for by in (dimension, (dimension,)):
        assert_frame_equal(function(CALLS, by), expected)
    for wrong in (3, None, {dimension}, [dimension, dimension]):
        with pytest.raises(InputError, match=r"^by "):
            function(CALLS, wrong)


def test_survival_tables_take_one_name_or_a_sequence():
    table = metrics.patience(CALLS, "hour")

    assert metrics.median_survival(table, "hour").equals(metrics.median_survival(table, ["hour"]))
    times = table.select("hour", "time_s", event=pl.col("events") > 0)
    assert metrics.kaplan_meier(times, "hour").equals(metrics.kaplan_meier(times, ("hour",)))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([1.0], "times must be a Polars DataFrame or LazyFrame; got list"),
        (pl.DataFrame({"time_s": [1.0]}), "times has no column event"),
        (pl.DataFrame({"time_s": ["1"], "event": [True]}), "a column time_s of seconds"),
        (pl.DataFrame({"time_s": [1], "event": [1]}), "a Boolean column event"),
    ],
)
def test_other_tables_of_times_are_refused(table: Any, message: str):
    with pytest.raises(InputError, match=message):
        metrics.kaplan_meier(table)


def test_limit_is_the_number_of_rows():
    paths, busy = metrics.hunt_paths(CALLS, limit=10**6), metrics.concurrency(CALLS)

    for limit in (3, 5):
        assert metrics.hunt_paths(CALLS, limit=limit).equals(paths.head(limit))
        assert 1 <= metrics.concurrency_peaks(busy, limit=limit).height <= limit
    for wrong in (0, 2, -1, 2.5, "3", True, None):
        with pytest.raises(InputError, match="limit is a number of rows of at least 3"):
            metrics.concurrency_peaks(busy, limit=wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="result is a result of concurrency"):
        metrics.concurrency_peaks(CALLS)  # type: ignore[arg-type]


# Ratios.


def ratios_of(table: pl.DataFrame) -> list[tuple[str, str, str, str, str]]:
    """The columns value, numerator, denominator, low and high of each ratio of a table."""
    wide = [name.removesuffix("_num") for name in table.columns if name.endswith("_num")]
    ratios = [
        (name, *(f"{name}_{part}" for part in ("num", "den", "low", "high"))) for name in wide
    ]
    if "numerator" in table.columns:
        ratios.append(("value", "numerator", "denominator", "low", "high"))
    return ratios


RATIOS = {
    metrics.service_levels: 1,
    metrics.service_level_curve: 1,
    metrics.callback_rate: 1,
    metrics.repeat_rate: 1,
    metrics.hunt_paths: 2,
    metrics.fail_codes: 1,
    metrics.funnel: 1,
    metrics.wait_seconds: 2,
    metrics.ring_seconds: 2,
}


@pytest.mark.parametrize(("function", "number"), RATIOS.items(), ids=name_of)
def test_ratios_have_a_value_two_counts_and_an_interval(function: Any, number: int):
    table = tables_of(function(CALLS, options=OPTIONS))[-1]
    ratios = ratios_of(table)

    assert len(ratios) == number
    for value, above, below, low, high in ratios:
        position = table.columns.index(value)
        assert table.columns[position : position + 5] == [value, above, below, low, high]
        assert table.schema[above] == table.schema[below] == pl.Int64
        known = table.filter(pl.col(below) > 0)
        assert known.height
        assert_frame_equal(
            known.select(value),
            known.select((pl.col(above) / pl.col(below)).alias(value)),
        )
        assert known.select(pl.col(value).is_between(low, high).all()).item()
        assert table.filter(pl.col(below).fill_null(0) == 0)[value].null_count() == (
            table.height - known.height
        )


@pytest.mark.slow
@pytest.mark.parametrize("function", [*LAZY, *COLLECTING], ids=name_of)
def test_every_share_has_its_counts(function: Any):
    """A column named share or rate is a ratio."""
    for table in tables_of(function(CALLS)):
        shares = [name for name in table.columns if re.search(r"(share|rate|up_to)$", name)]
        assert set(shares) <= {value for value, *_ in ratios_of(table)}


def test_shares_of_quality_checks_have_their_counts_and_no_interval():
    """All calls are checked, none are sampled."""
    table = metrics.data_quality(et.sample_logs())

    assert table.columns == [
        *("check", "meaning", "count"),
        *("share", "share_num", "share_den"),
        "examples",
    ]
    assert table["count"].equals(table["share_num"], null_equal=True)


@pytest.mark.slow
@pytest.mark.parametrize("function", [*LAZY, *COLLECTING], ids=name_of)
def test_columns_of_durations_end_in_s(function: Any):
    durations = re.compile(
        r"(^|_)(wait|ring|talk|lag|age|time|asa|duration|lost|seconds|after)($|_)"
    )
    for table in tables_of(function(CALLS)):
        for name, dtype in table.schema.items():
            is_number = dtype.is_numeric() or dtype == pl.List(pl.Float64)
            if is_number and durations.search(name):
                assert name.endswith("_s"), name


# Confidence.


@pytest.mark.slow
def test_every_function_with_an_interval_takes_a_level():
    with_interval = [
        function
        for function in (*LAZY, *COLLECTING)
        if any(
            re.search("(^|_)low", name) for t in tables_of(function(CALLS)) for name in t.columns
        )
    ]

    assert with_interval == WITH_CONFIDENCE
    assert len(WITH_CONFIDENCE) == 12


def interval_columns(table: pl.DataFrame, end: str) -> list[str]:
    return [name for name in table.columns if re.search(rf"(^|_){end}(_s)?$", name)]


@pytest.mark.slow
@pytest.mark.parametrize("function", WITH_CONFIDENCE, ids=name_of)
def test_confidence_is_a_switch_or_a_level(function: Any):
    at_95, at_80, none = (
        tables_of(function(CALLS, options=OPTIONS, confidence=level))[-1]
        for level in (True, 0.8, False)
    )
    default, as_number = (
        tables_of(function(CALLS, options=OPTIONS, **level))[-1]
        for level in ({}, {"confidence": 0.95})
    )
    ends = interval_columns(at_95, "low") + interval_columns(at_95, "high")

    assert_frame_equal(default, at_95)
    assert_frame_equal(as_number, at_95)
    assert_frame_equal(none, at_95.drop(ends))
    assert_frame_equal(at_80.drop(ends), none)
    for low in interval_columns(at_95, "low"):
        high = re.sub(r"low(_s)?$", r"high\1", low)
        widths = [table[high] - table[low] for table in (at_95, at_80)]
        assert (widths[0] >= widths[1]).all()
        assert (widths[0] > widths[1]).any()
    for wrong in (95, 1.5, "0.9", None):
        with pytest.raises(InputError, match=r"^confidence is False, True"):
            tables_of(function(CALLS, confidence=wrong))


def test_the_median_has_no_interval_without_confidence():
    table = metrics.patience(CALLS, options=OPTIONS)
    without = metrics.patience(CALLS, options=OPTIONS, confidence=False)

    assert metrics.median_survival(table).columns == ["n", "events", "median_s", "low_s", "high_s"]
    assert_frame_equal(
        metrics.median_survival(without), metrics.median_survival(table).drop("low_s", "high_s")
    )


# Results.


def copies_of(value: Any) -> list[Any]:
    """The value after pickling, after a copy, and after a deep copy."""
    unpickled = pickle.loads(pickle.dumps(value))  # noqa: S301  # our own bytes
    return [unpickled, copy.copy(value), copy.deepcopy(value)]


RESULTS = {
    "Concurrency": (lambda: metrics.concurrency(CALLS), lambda: metrics.concurrency(CALLS[:50])),
    "WaitSeconds": (lambda: metrics.wait_seconds(CALLS), lambda: metrics.wait_seconds(CALLS[:50])),
    "RingSeconds": (lambda: metrics.ring_seconds(CALLS), lambda: metrics.ring_seconds(CALLS[:50])),
    "SipCode": (lambda: metrics.sip_code(486), lambda: metrics.sip_code(503)),
}


@pytest.mark.parametrize(("make", "make_other"), RESULTS.values(), ids=RESULTS)
def test_results_can_be_compared_pickled_and_copied(make: Any, make_other: Any):
    result, other = make(), make_other()

    for same in (make(), *copies_of(result)):
        assert (same == result, same != result) == (True, False)
    assert (result == other, result != other) == (False, True)
    assert (result == 3, result == None) == (False, False)  # noqa: E711  # the operator is tested
    assert metrics.concurrency(CALLS) != metrics.wait_seconds(CALLS)


def test_results_with_other_types_of_columns_differ():
    busy = metrics.concurrency(CALLS)
    over_time = busy.over_time.with_columns(pl.col("calls").cast(pl.Int32))

    assert dataclasses.replace(busy, over_time=over_time) != busy
    assert dataclasses.replace(busy, over_time=busy.over_time.clone()) == busy


def test_constants_can_be_pickled_and_copied():
    constants = {
        name: value
        for name in metrics.__all__
        if isinstance(value := getattr(metrics, name), MappingProxyType | tuple | dict)
    }

    assert {"CHECKS", "FUNNEL", "LOST_STAGES", "SIDES"} <= set(constants)
    for value in constants.values():
        for same in copies_of(value):
            assert (type(same), same) == (type(value), value)


@pytest.mark.parametrize("function", [*LAZY, *COLLECTING, metrics.sip_code], ids=name_of)
def test_every_type_that_is_returned_is_public(function: Any):
    returned = get_type_hints(function)["return"]
    own = [
        each
        for each in get_args(returned) or (returned,)
        if each.__module__.startswith("etelecom_analytics")
    ]

    for each in own:
        assert getattr(metrics, each.__name__) is each


# Messages.

NO_NUMBERS = [
    lambda text: metrics.agents_needed(CALLS, 120),
    lambda text: metrics.agents_needed(text, 120),
    lambda text: metrics.agents_needed(5, text),
    lambda text: metrics.agents_needed(5, 120, target=text),
    lambda text: metrics.agents_needed(float(int(text)) + 1e9, 120),
    lambda text: metrics.erlang_b(5, text),
    lambda text: metrics.erlang_c_service_level(5, 6, 120, text),
    lambda text: metrics.agents_by_interval(CALLS, agents=text),
    lambda text: metrics.agents_by_interval(CALLS, interval=text),
    lambda text: metrics.hunt_paths(CALLS, limit=text),
    lambda text: metrics.hunt_paths(CALLS, limit=-int(text) - 1),
    lambda text: metrics.callback_rate(CALLS, within=text),
    lambda text: metrics.repeat_rate(CALLS, within=int(text)),
    lambda text: metrics.callback_rate(CALLS, by=text),
    lambda text: metrics.call_phases(CALLS, text),
    lambda text: metrics.call_phases(CALLS, int(text)),
    lambda text: metrics.service_level_curve(CALLS, thresholds_s=text),
    lambda text: metrics.service_level_curve(CALLS, thresholds_s=[text]),
    lambda text: metrics.service_levels(CALLS, confidence=text),
    lambda text: metrics.concurrency(CALLS, trunk=int(text)),
    lambda text: metrics.concurrency_peaks(metrics.concurrency(CALLS), limit=text),
    lambda text: metrics.erlangs_profile(CALLS, coverage=text),
    lambda text: metrics.erlangs_profile(CALLS, by=text),
    lambda text: metrics.kaplan_meier(text),
    lambda text: metrics.kaplan_meier(pl.DataFrame({"time_s": [1], "event": [True]}), by=text),
    lambda text: metrics.median_survival(metrics.patience(CALLS), by=text),
    lambda text: metrics.sip_code(text),
    lambda text: metrics.funnel(text),
    lambda text: metrics.data_quality(text),
]


@pytest.mark.parametrize("function", NO_NUMBERS)
@examples(10)
@given(text=st.text("0123456789", min_size=6, max_size=15))
def test_no_message_shows_a_number(function: Callable[[str], Any], text: str):
    with pytest.raises(InputError) as caught:
        function(text)

    message = str(caught.value)
    assert not re.search(r"\d{6}", message), message
    assert "\n" not in message
    assert len(message) < 400


def test_an_unknown_trunk_has_no_lines():
    assert metrics.concurrency(CALLS, trunk=NUMBER).peak == 0


@pytest.mark.parametrize("within", ["90m", timedelta(minutes=90)])
def test_spans_are_text_or_timedeltas(within: Any):
    rate = metrics.callback_rate(CALLS, within=within, options=OPTIONS)
    ledger = metrics.missed_ledger(CALLS, options=OPTIONS).filter(pl.col("age_s") >= 5_400)

    assert rate["denominator"].item() == ledger.height
    assert rate["numerator"].item() == (ledger["resolved_after_s"] <= 5_400).sum() > 0
