"""CallQuery has one meaning for the API, frames and code, and rejects invalid fields."""

from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import etelecom_analytics as et
from etelecom_analytics import schema
from etelecom_analytics.errors import QueryError, UnknownName
from etelecom_analytics.query import COMPARISONS

EVERYTHING: dict[str, Any] = {
    "date_from": "2026-11-01",
    "date_to": "2026-11-08T08:30",
    "direction": "in",
    "call_state": "not_answered",
    "call_number": "0900000001",
    "duration": ("less_than_or_equal_to", 30),
    "extension_ids": ["1140000000000000003", "1140000000000000004"],
    "user_id": "1150000000000000011",
    "hotline_ids": ["7"],
    "department_id": "9",
    "external_id": "ext-1",
    "external_session_id": "session-1",
}


def frame(**columns: list[object]) -> pl.DataFrame:
    height = len(next(iter(columns.values())))
    return pl.DataFrame(
        {name: columns.get(name, [None] * height) for name in schema.CALL_SCHEMA},
        schema=schema.CALL_SCHEMA,
    )


def test_to_filter_has_the_twelve_fields_of_the_api():
    assert et.CallQuery(**EVERYTHING).to_filter() == EVERYTHING | {
        "date_from": "2026-11-01T00:00:00+07:00",
        "date_to": "2026-11-08T08:30:00+07:00",
        "duration": {"comparison": "less_than_or_equal_to", "value": 30},
    }


def test_to_filter_has_only_fields_that_are_set():
    assert et.CallQuery().to_filter() == {}
    assert et.CallQuery(call_number="", extension_ids=()).to_filter() == {}


@pytest.mark.parametrize(
    "value",
    [
        date(2026, 11, 2),
        "2026-11-02",
        "2026-11-02T00:00",
        "2026-11-02 00:00:00",
        "2026-11-01T17:00:00Z",
        "2026-11-02T01:00:00+08:00",
        datetime(2026, 11, 1, 17, tzinfo=UTC),
        datetime(2026, 11, 2, tzinfo=ZoneInfo("Asia/Ho_Chi_Minh")),
        datetime(2026, 11, 2),
    ],
)
def test_date_has_many_notations(value: Any):
    assert et.CallQuery(date_from=value) == et.CallQuery(date_from="2026-11-02")
    assert et.CallQuery(date_from=value).date_from == datetime(2026, 11, 1, 17, tzinfo=UTC)


def test_date_is_in_the_time_zone_of_the_query():
    assert et.CallQuery(date_from="2026-11-02", time_zone="Europe/Berlin").to_filter() == {
        "date_from": "2026-11-02T00:00:00+01:00"
    }


def test_fractions_of_a_second_are_rounded_outwards():
    query = et.CallQuery(date_from="2026-11-01T00:00:00.7", date_to="2026-11-02T00:00:00.2")

    assert query.to_filter() == {
        "date_from": "2026-11-01T00:00:00+07:00",
        "date_to": "2026-11-02T00:00:01+07:00",
    }


def test_an_offset_with_seconds_is_sent_as_utc():
    """Local mean time of Saigon was 7:06:30 ahead of UTC, which RFC 3339 cannot express."""
    assert et.CallQuery(date_from="1905-01-01").to_filter() == {
        "date_from": "1904-12-31T16:53:30+00:00"
    }


@pytest.mark.parametrize(
    ("arguments", "field", "message"),
    [
        ({"direction": "inbound"}, "direction", "unknown, in, out, ext, ext_in, ext_out"),
        ({"call_state": "missed"}, "call_state", "unknown, answered, not_answered"),
        ({"date_from": "2026-13-01"}, "date_from", "2026-11-01"),
        ({"date_from": "last week"}, "date_from", "2026-11-01"),
        ({"date_to": 20261101}, "date_to", "2026-11-01"),
        ({"date_to": "0001-01-01"}, "date_to", "1900"),
        ({"date_from": "2026-11-02", "date_to": "2026-11-02"}, "date_to", "the day after"),
        ({"date_from": "2026-11-03", "date_to": "2026-11-02"}, "date_to", "must be before"),
        ({"duration": ("<", 30)}, "duration", "less_than_or_equal_to"),
        ({"duration": ("less_than", -1)}, "duration", "whole seconds"),
        ({"duration": ("less_than", 1.5)}, "duration", "whole seconds"),
        ({"duration": ("less_than", True)}, "duration", "whole seconds"),
        ({"duration": 30}, "duration", "whole seconds"),
        ({"extension_ids": "1140000000000000003"}, "extension_ids", "a list of ids"),
        ({"extension_ids": ["12a"]}, "extension_ids", "19 digits"),
        ({"hotline_ids": [7]}, "hotline_ids", "text"),
        ({"user_id": 7}, "user_id", "text"),
        ({"user_id": "0"}, "user_id", "19 digits"),
        ({"user_id": ""}, "user_id", "19 digits"),
        ({"department_id": str(2**63)}, "department_id", "19 digits"),
        ({"department_id": "٣"}, "department_id", "19 digits"),
        ({"call_number": "09\n00"}, "call_number", "one line"),
        ({"external_id": 5}, "external_id", "text"),
    ],
)
def test_invalid_field_is_an_error_with_name_and_allowed_values(
    arguments: dict[str, Any], field: str, message: str
):
    with pytest.raises(QueryError, match=message) as caught:
        et.CallQuery(**arguments)
    assert caught.value.field == field
    assert field in str(caught.value)


@pytest.mark.parametrize(
    "field",
    [
        "extension_ids",
        "user_id",
        "direction",
        "date_from",
        "duration",
        "time_zone",
        "department_id",
    ],
)
def test_error_does_not_repeat_a_phone_number(field: str):
    value: Any = ["0900000001"] if field == "extension_ids" else "0900000001"

    with pytest.raises((QueryError, UnknownName)) as caught:
        et.CallQuery(**{field: value})
    with pytest.raises(UnknownName) as unknown:
        et.CallQuery.from_dict({"0900000001": value})
    assert "90000" not in str(caught.value) + str(unknown.value)


def test_unknown_time_zone_has_a_suggestion():
    with pytest.raises(UnknownName, match="Asia/Ho_Chi_Minh"):
        et.CallQuery(time_zone="Asia/Ho_Chi_Min")


def test_unknown_field_in_a_dict_has_a_suggestion():
    with pytest.raises(UnknownName, match="date_from"):
        et.CallQuery.from_dict({"date_form": "2026-11-01"})


_days = st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1))
_zones = st.sampled_from(
    ["Asia/Ho_Chi_Minh", "UTC", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe"]
)
_ids = st.integers(1, 2**63 - 1).map(str)
_fields = st.fixed_dictionaries(
    {"time_zone": _zones},
    optional={
        "date_from": _days
        | _days.map(datetime.date)
        | _days.map(lambda day: day.replace(tzinfo=timezone(timedelta(hours=-3)))),
        "direction": st.sampled_from(schema.DIRECTIONS),
        "call_state": st.sampled_from(schema.CALL_STATES),
        "call_number": st.text("0123456789+", min_size=1, max_size=12),
        "duration": st.tuples(st.sampled_from(list(COMPARISONS)), st.integers(0, 9999)),
        "extension_ids": st.lists(_ids, max_size=3),
        "user_id": _ids,
        "hotline_ids": st.lists(_ids, max_size=3),
        "department_id": _ids,
        "external_id": st.text("abc'\"\\{}é ", max_size=6).filter(
            lambda text: not text or text.strip()
        ),
        "external_session_id": st.text("xyz-", max_size=6),
    },
)


@given(fields=_fields)
def test_dict_and_code_recreate_the_query(fields: dict[str, Any]):
    query = et.CallQuery(**fields)
    namespace: dict[str, Any] = {}
    exec(query.code(), namespace)  # noqa: S102  # as a user would do

    assert et.CallQuery.from_dict(query.to_dict()) == query
    assert namespace["query"] == query
    assert hash(namespace["query"]) == hash(query)
    assert namespace["query"].to_filter() == query.to_filter()


def test_code_is_formatted_like_handwritten_code():
    assert et.CallQuery(date_from="2026-11-01", direction="in").code() == (
        "import etelecom_analytics as et\n\n"
        'query = et.CallQuery(date_from="2026-11-01", direction="in", '
        'time_zone="Asia/Ho_Chi_Minh")\n'
    )
    assert et.CallQuery(**EVERYTHING).code().count("\n") == 17


def test_str_and_repr_hide_the_phone_number():
    query = et.CallQuery(**EVERYTHING)

    assert "0900000001" not in repr(query) + str(query)
    assert (
        str(et.CallQuery(direction="in", date_from="2026-11-01"))
        == "inbound direction, from 2026-11-01 (Asia/Ho_Chi_Minh)"
    )
    assert str(et.CallQuery()) == "all calls (Asia/Ho_Chi_Minh)"


def test_to_expr_is_half_open_and_keeps_null_starts():
    starts = [datetime(2026, 11, 1, 17, tzinfo=UTC), datetime(2026, 11, 2, 17, tzinfo=UTC), None]
    calls = frame(id=["first", "last", "unknown"], started_at=starts)

    assert calls.filter(et.CallQuery(date_from="2026-11-02", date_to="2026-11-03").to_expr())[
        "id"
    ].to_list() == ["first", "unknown"]


def test_to_expr_compares_normalized_numbers():
    calls = frame(
        id=list("abcde"),
        caller=["0900000001", "+84 900 000 001", None, "84900000001", "1001"],
        callee=[None, "1", "0084900000001", "2", "3"],
    )

    assert calls.filter(et.CallQuery(call_number="+84900000001").to_expr())["id"].to_list() == [
        "a",
        "b",
        "c",
        "d",
    ]
    assert calls.filter(et.CallQuery(call_number="1001").to_expr())["id"].to_list() == ["e"]


def test_null_does_not_match_a_filter():
    calls = frame(
        id=["known", "null"], direction=["in", None], duration=[10, None], extension_id=["7", None]
    )

    for arguments in (
        {"direction": "in"},
        {"duration": ("less_than", 20)},
        {"extension_ids": ["7", "8"]},
    ):
        assert calls.filter(et.CallQuery(**arguments).to_expr())["id"].to_list() == ["known"]


@pytest.mark.parametrize(("field", "value"), [("hotline_ids", ["7"]), ("department_id", "9")])
def test_field_that_calls_do_not_contain_cannot_filter_a_table(field: str, value: Any):
    with pytest.raises(QueryError, match=f"{field} cannot filter a table.*request to the API"):
        et.CallQuery(**{field: value}).to_expr()


def test_expression_works_on_lazy_frames(calls: pl.DataFrame):
    expression = et.CallQuery(
        direction="in", duration=("greater_than", 60), date_from="2026-11-03"
    ).to_expr()

    assert (
        calls.lazy().filter(expression).collect(engine="streaming").equals(calls.filter(expression))
    )


def test_ids_that_may_be_phone_numbers_are_masked():
    query = et.CallQuery(user_id="912345678", extension_ids=["101", "84912345678"])
    assert "user_id='91…'" in repr(query)
    assert "extension_ids=['101', '84…']" in repr(query)
    assert str(query).startswith("extension 101 or 84…, user 91…")

    long = et.CallQuery(hotline_ids=["1234567890123456789"], department_id="1234567890123456789")
    assert repr(long).count("'1234567890123456789'") == 2
