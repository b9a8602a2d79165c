"""Local time: 18:30 UTC is already tomorrow in Ho Chi Minh City."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics import local_time
from etelecom_analytics.errors import QueryError, UnknownName


def local(moment: datetime, time_zone: str = local_time.HOME_ZONE) -> dict[str, object]:
    calls = pl.DataFrame({"started_at": [moment]}, schema={"started_at": pl.Datetime("us", "UTC")})
    return calls.select(
        **{name: dimension(time_zone) for name, dimension in local_time.LOCAL_DIMENSIONS.items()}
    ).row(0, named=True)


def test_dimensions_are_in_local_time():
    assert local(datetime(2026, 10, 31, 18, 31, tzinfo=UTC)) == {
        "hour": 1,
        "half_hour": 3,
        "quarter_hour": 6,
        "weekday": 7,
        "day": date(2026, 11, 1),
        "week": date(2026, 10, 26),
        "month": date(2026, 11, 1),
    }


@pytest.mark.slow
@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    time_zone=st.sampled_from([local_time.HOME_ZONE, "America/New_York"]),
)
def test_dimensions_agree_with_datetime(moment: datetime, time_zone: str):
    expected = moment.replace(tzinfo=UTC).astimezone(local_time.zone(time_zone))

    result = local(moment.replace(tzinfo=UTC), time_zone)
    assert result["day"] == expected.date()
    assert (result["hour"], result["half_hour"], result["quarter_hour"]) == (
        expected.hour,
        expected.hour * 2 + expected.minute // 30,
        expected.hour * 4 + expected.minute // 15,
    )
    assert result["weekday"] == expected.isoweekday()
    assert result["week"] == date.fromisocalendar(*expected.isocalendar()[:2], 1)
    assert result["month"] == expected.date().replace(day=1)


def test_dimensions_have_small_dtypes():
    schema = pl.LazyFrame(schema={"started_at": pl.Datetime("us", "UTC")}).select(
        **{name: dimension("UTC") for name, dimension in local_time.LOCAL_DIMENSIONS.items()}
    )

    assert schema.collect_schema() == pl.Schema(
        {
            "hour": pl.Int8,
            "half_hour": pl.Int8,
            "quarter_hour": pl.Int8,
            "weekday": pl.Int8,
            "day": pl.Date,
            "week": pl.Date,
            "month": pl.Date,
        }
    )


@given(
    moment=st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1)),
    time_zone=st.sampled_from([local_time.HOME_ZONE, "America/New_York", "UTC"]),
)
def test_moment_text_is_parsed_to_the_same_moment(moment: datetime, time_zone: str):
    aware = moment.replace(tzinfo=UTC)

    assert (
        local_time.parse_moment(local_time.moment_text(aware, time_zone), time_zone, "date_from")
        == aware
    )


def test_text_of_a_repeated_hour_has_its_offset():
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)  # the second 01:30 in New York

    assert local_time.moment_text(second, "America/New_York") == "2026-11-01T01:30:00-05:00"


def test_unknown_time_zone_is_an_error():
    with pytest.raises(UnknownName, match="Did you mean Asia/Ho_Chi_Minh"):
        local_time.zone("asia/ho_chi_minh")


@given(
    day=st.dates(date(1950, 1, 1), date(2100, 1, 1)),
    clock=st.sampled_from(["", " 8:30", "T08:30:15", "  23:59+02:00"]),
)
def test_day_comes_first_in_a_date_with_slashes(day: date, clock: str):
    """Also in an ambiguous one: 02/11/2026 is in November."""
    iso = day.isoformat() + clock.replace(" 8", "T08").strip().replace("23:59", "T23:59")
    expected = local_time.parse_moment(iso, "Asia/Ho_Chi_Minh", "date_from")

    for text in (f"{day:%d/%m/%Y}{clock}", f" {day.day}/{day.month}/{day.year}{clock} "):
        assert local_time.parse_moment(text, "Asia/Ho_Chi_Minh", "date_from") == expected
    assert local_time.parse_day(f"{day:%d/%m/%Y}") == local_time.parse_day(str(day)) == day


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("13/14/2026", "month 14 of 2026 has no day 13 (the day comes first)."),
        ("02/13/2026", "month 13 of 2026 has no day 02 (the day comes first)."),
        ("31/2/2026", "month 2 of 2026 has no day 31 (the day comes first)."),
        ("02/11/26", '"01/11/2026" (day first)'),
        ("02/11/2026 25:00", '"01/11/2026" (day first)'),
        ("٠٢/11/2026", '"01/11/2026" (day first)'),
    ],
)
def test_dates_that_do_not_exist_are_one_sentence(text: str, message: str):
    with pytest.raises(QueryError) as caught:
        local_time.parse_moment(text, "Asia/Ho_Chi_Minh", "date_to")

    assert message in str(caught.value)
    assert caught.value.field == "date_to"
    assert "\n" not in str(caught.value)
    with pytest.raises(ValueError, match=r"."):
        local_time.parse_day(text)
