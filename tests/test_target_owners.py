"""The owner of a leg is the person who had its number when the leg began."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from support.call_cases import BASE, Record, call, frame, leg, ringing, talk

from etelecom_analytics.names import with_names

CHANGE = BASE + timedelta(seconds=100)
USERS = pl.DataFrame(
    {
        "user_id": ["7", "8"],
        "full_name": ["An", "Binh"],
        "short_name": ["", ""],
        "department_id": ["1", "1"],
    }
)
EXTENSIONS = pl.DataFrame(
    {
        "id": ["1", "2"],
        "extension_number": ["101", "101"],
        "hotline_id": ["9", "9"],
        "user_id": ["7", "8"],
        "created_at": [datetime(2020, 1, 1, tzinfo=UTC), CHANGE],
        "expires_at": [CHANGE, None],
    },
    schema_overrides={"expires_at": pl.Datetime("us", "UTC")},
)


@pytest.mark.parametrize(
    ("started", "rung", "expected"),
    [
        (0, ringing("101", 10, 30), "7"),
        (0, ringing("101", 99.999999, 130), "7"),
        (0, ringing("101", 100, 130), "8"),
        (0, leg("101", None, 120, None, 140), "8"),
        (0, leg("101", None, None, 150, 160, status="ANSWERED"), "8"),
        (0, leg("101"), "7"),
        (120, leg("101"), "8"),
        # Times that cannot be: a leg begins within its call.
        (120, ringing("101", -25_200, -25_180), "8"),
        (0, ringing("101", 25_200, 25_220), "8"),
    ],
)
def test_owner_of_a_leg_around_a_change_of_hands(started: float, rung: Record, expected: str):
    calls = frame(call("1", talk("102", 0, 5, 9), rung, start=started, ended=200))
    named = with_names(calls, extensions=EXTENSIONS, users=USERS, hotlines=None)
    owners = named["target_owners"][0].to_list()

    assert owners[0] is None
    assert (owners[1]["user_id"], owners[1]["owner_assumed"]) == (expected, False)
