"""Tables that users pass in are converted, or refused in one sentence."""

from datetime import timedelta
from typing import Any

import polars as pl
import polars.selectors as cs
import pytest
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.frames import checked_calls
from etelecom_analytics.local_time import parse_span
from etelecom_analytics.metrics.confidence import confidence_level, z_of
from etelecom_analytics.metrics.dimensions import as_names
from etelecom_analytics.phone_numbers import describe

CALLS = et.sample_logs().calls
NUMBER = "0912345678"


def legs_with(field: str, expression: pl.Expr) -> pl.Expr:
    return pl.col("call_targets").list.eval(
        pl.element().struct.with_fields(expression.alias(field))
    )


def test_a_frame_of_the_right_types_is_returned_unchanged():
    assert checked_calls(CALLS) is CALLS


EQUIVALENT = {
    "times in another zone": cs.datetime().dt.convert_time_zone("Asia/Ho_Chi_Minh"),
    "nanoseconds": cs.datetime().dt.cast_time_unit("ns"),
    "Enum as String": cs.by_dtype(pl.Enum).cast(pl.String),
    "Enum as Categorical": cs.by_dtype(pl.Enum).cast(pl.String).cast(pl.Categorical),
    "String as Categorical": cs.string().cast(pl.Categorical),
    "wider integers": pl.col("duration").cast(pl.Int64),
    "whole floats": pl.col("duration").cast(pl.Float64),
    "ids as integers": pl.col("id").cast(pl.Int64),
    "legs with times in another zone": legs_with(
        "add_time", pl.element().struct.field("add_time").dt.convert_time_zone("Asia/Tokyo")
    ),
    "legs with other integers": legs_with(
        "fail_code", pl.element().struct.field("fail_code").cast(pl.Int64)
    ),
}


@pytest.mark.parametrize("changed", EQUIVALENT.values(), ids=EQUIVALENT)
@pytest.mark.parametrize("lazy", [False, True], ids=["eager", "lazy"])
def test_other_types_of_the_same_values_are_converted(changed: pl.Expr, lazy: bool):
    calls = CALLS.with_columns(changed)
    assert calls.schema != CALLS.schema

    result = checked_calls(calls.lazy() if lazy else calls)
    assert isinstance(result, pl.LazyFrame if lazy else pl.DataFrame)
    assert_frame_equal(result.lazy().collect(), CALLS)


def test_a_table_that_went_through_pandas_is_converted():
    result = checked_calls(pl.from_pandas(CALLS.to_pandas()))

    assert_frame_equal(result.lazy().collect(), CALLS)


def test_measures_of_an_equivalent_table_are_equal():
    zoned = CALLS.with_columns(cs.datetime().dt.convert_time_zone("Asia/Ho_Chi_Minh"))
    text = CALLS.with_columns(cs.by_dtype(pl.Enum).cast(pl.String))

    for by in ("day", "direction", "call_state"):
        expected = et.summarize(CALLS, by=by)
        assert_frame_equal(et.summarize(zoned, by=by), expected)
        assert_frame_equal(et.summarize(text, by=by), expected)


REFUSED: dict[str, tuple[Any, str]] = {
    "no table": ([1, 2], "got list"),
    "None": (None, "got NoneType"),
    "CallLogs": (et.sample_logs(), "pass logs.calls"),
    "pandas": (type("DataFrame", (), {"__module__": "pandas.core.frame"})(), "pl.from_pandas"),
    "Arrow": (type("Table", (), {"__module__": "pyarrow.lib"})(), "pl.from_arrow"),
    "a missing column": (CALLS.drop("ended_at"), "no column ended_at"),
    "a renamed column": (CALLS.rename({"started_at": "start"}), "no column started_at"),
    "naive times": (
        CALLS.with_columns(cs.datetime().dt.replace_time_zone(None)),
        "no time zone",
    ),
    "text times": (CALLS.with_columns(pl.col("started_at").cast(pl.String)), "as text"),
    "dates": (CALLS.with_columns(pl.col("started_at").dt.date()), "times with a time zone"),
    "numbers as callers": (CALLS.with_columns(caller=pl.lit(912345678)), "leading zeros"),
    "text as a duration": (CALLS.with_columns(duration=pl.lit(NUMBER)), "cannot become Int32"),
    "text as legs": (CALLS.with_columns(call_targets=pl.lit("x")), "list of structs"),
    "legs without a field": (
        CALLS.with_columns(
            call_targets=pl.col("call_targets").list.eval(
                pl.struct(pl.element().struct.field("status"))
            )
        ),
        "no columns target_number, add_time",
    ),
}


@pytest.mark.parametrize(("calls", "message"), REFUSED.values(), ids=REFUSED)
def test_other_tables_are_refused_in_one_sentence(calls: Any, message: str):
    with pytest.raises(InputError, match=message) as caught:
        checked_calls(calls)

    text = str(caught.value)
    assert "\n" not in text
    assert NUMBER not in text
    assert text.endswith((".", "...")), text


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("24h", timedelta(hours=24)),
        ("3d", timedelta(days=3)),
        (" 90 s ", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("2w", timedelta(weeks=2)),
        (timedelta(hours=5), timedelta(hours=5)),
    ],
)
def test_a_span_is_a_timedelta_or_text(text: Any, span: timedelta):
    assert parse_span(text, "within") == span


@pytest.mark.parametrize("value", [24, "24", "-1h", "0h", NUMBER, None, timedelta(0), "1 month"])
def test_another_span_is_refused(value: Any):
    with pytest.raises(
        InputError, match=r'^within is a length of time above 0: .* "24h"'
    ) as caught:
        parse_span(value, "within")
    assert NUMBER not in str(caught.value)


def test_names_are_one_name_or_a_sequence():
    assert as_names("day", "by") == ["day"]
    assert as_names(["day", "hour"], "by") == as_names(("day", "hour"), "by") == ["day", "hour"]
    assert as_names([], "by") == []
    for wrong in (3, ["day", 3], {"day"}, ["day", "day"], None):
        with pytest.raises(InputError, match=r"^by (is a name|names a column twice)"):
            as_names(wrong, "by")  # type: ignore[arg-type]


def test_confidence_is_a_switch_or_a_level():
    assert confidence_level(False) is None
    assert confidence_level(True) == 0.95
    assert confidence_level(0.9) == 0.9
    for wrong in (1, 0, 1.0, 0.0, 95, "0.9", None):
        with pytest.raises(InputError, match=r"^confidence is False, True for 95 %"):
            confidence_level(wrong)
    assert z_of(0.9) == pytest.approx(1.6448536269514722)
    assert z_of(0.95) == 1.959963984540054


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (120, "120"),
        (NUMBER, "'09…'"),
        (int(NUMBER), "91…"),
        ([NUMBER, "101"], "list of 2: '09…', '101'"),
        (CALLS, "DataFrame"),
        (None, "None"),
        ("x" * 200, "'" + "x" * 58 + "…"),
    ],
)
def test_a_rejected_value_is_shown_short_and_masked(value: Any, text: str):
    assert describe(value) == text
