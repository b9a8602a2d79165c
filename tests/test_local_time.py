"""Local time: 18:30 UTC is already tomorrow in Ho Chi Minh City."""

from datetime import UTC, date, datetime

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etelecom_analytics import local_time
from etelecom_analytics.errors import UnknownName


def local(moment: datetime, time_zone: str = local_time.HOME_ZONE) -> dict[str, object]:
    calls = pl.DataFrame({"started_at": [moment]}, schema={"started_at": pl.Datetime("us", "UTC")})
    return calls.select(
        **{name: of(time_zone) for name, of in local_time.LOCAL_DIMENSIONS.items()}
    ).row(0, named=True)


def test_every_dimension_is_that_of_the_callers_clock():
    assert local(datetime(2026, 10, 31, 18, 31, tzinfo=UTC)) == {
        "hour": 1,
        "quarter_hour": 6,
        "weekday": 7,
        "day": date(2026, 11, 1),
        "week": date(2026, 10, 26),
        "month": date(2026, 11, 1),
    }


@given(
    moment=st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)),
    time_zone=st.sampled_from([local_time.HOME_ZONE, "America/New_York"]),
)
def test_the_dimensions_agree_with_pythons_own_calendar(moment: datetime, time_zone: str):
    there = moment.replace(tzinfo=UTC).astimezone(local_time.zone(time_zone))

    found = local(moment.replace(tzinfo=UTC), time_zone)
    assert found["day"] == there.date()
    assert (found["hour"], found["quarter_hour"]) == (
        there.hour,
        there.hour * 4 + there.minute // 15,
    )
    assert found["weekday"] == there.isoweekday()
    assert found["week"] == date.fromisocalendar(*there.isocalendar()[:2], 1)
    assert found["month"] == there.date().replace(day=1)


def test_dimensions_have_small_types():
    schema = pl.LazyFrame(schema={"started_at": pl.Datetime("us", "UTC")}).select(
        **{name: of("UTC") for name, of in local_time.LOCAL_DIMENSIONS.items()}
    )

    assert schema.collect_schema() == pl.Schema(
        {
            "hour": pl.Int8,
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
def test_a_moments_text_is_read_back(moment: datetime, time_zone: str):
    aware = moment.replace(tzinfo=UTC)

    assert (
        local_time.parse_moment(local_time.moment_text(aware, time_zone), time_zone, "date_from")
        == aware
    )


def test_an_hour_that_comes_twice_keeps_its_offset():
    second = datetime(2026, 11, 1, 6, 30, tzinfo=UTC)  # 1:30 for the second time in New York

    assert local_time.moment_text(second, "America/New_York") == "2026-11-01T01:30:00-05:00"


def test_an_unknown_zone_is_an_error():
    with pytest.raises(UnknownName, match="Did you mean Asia/Ho_Chi_Minh"):
        local_time.zone("asia/ho_chi_minh")
