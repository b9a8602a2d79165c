"""An archive recovers from a wrong clock, and states how far the clock was wrong."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from support.damage import week

import etelecom_analytics as et
from etelecom_analytics.archive.certificates import Certificate
from etelecom_analytics.simulator import serve

ClientOf = Callable[..., et.Client]

_MODULES_WITH_CLOCK = ("api.client", "api.run", "archive.archive", "archive.verification")


@contextmanager
def clock_ahead(offset: timedelta) -> Iterator[None]:
    """Make this machine's clock wrong by an offset; the server's clock stays right."""

    class WrongClock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime.now(tz) + offset

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in _MODULES_WITH_CLOCK:
            patch.setattr(f"etelecom_analytics.{name}.datetime", WrongClock)
        yield


def recent(days: int) -> list[dict[str, str]]:
    """Three calls a day, up to an hour ago."""
    now = datetime.now(UTC).replace(microsecond=0)
    return [
        {
            "id": str(10 * day + number),
            "started_at": (now - timedelta(days=day, hours=number)).isoformat(),
        }
        for day in range(days)
        for number in range(1, 4)
    ]


@pytest.mark.slow
def test_archive_recovers_from_a_first_sync_30_days_ahead(client_of: ClientOf, tmp_path: Path):
    rows = recent(8)
    archive = et.Archive(tmp_path / "calls")
    since = (datetime.now(UTC) - timedelta(days=10)).date()
    with serve(rows[6:]) as server, clock_ahead(timedelta(days=30)):
        report = archive.sync(client_of(server), since=since, progress=False)
    assert "clock      This machine's clock is 30 days ahead of the server's" in repr(report)
    assert report.fetched > 35

    assert archive.status().days == 0
    assert set(archive.verify()["problem"]) == {"future certificate"}
    with serve(rows) as server, pytest.warns(UserWarning, match="in the future"):
        archive.sync(client_of(server), progress=False)
    assert set(archive.scan().collect()["id"]) == {row["id"] for row in rows}
    assert archive.verify().is_empty()
    assert archive.status().complete_through > datetime.now(UTC) - timedelta(minutes=1)


@pytest.mark.slow
def test_days_fetched_ahead_are_not_complete_when_their_time_comes(
    client_of: ClientOf, tmp_path: Path
):
    """The certificate states the server's time, so it is known that the day had not begun."""
    with serve(recent(3)) as server:
        server.clock_offset = timedelta(days=-30)  # as if this machine's clock were 30 days ahead
        archive = et.Archive(tmp_path / "calls")
        since = (datetime.now(UTC) - timedelta(days=5)).date()
        with pytest.warns(UserWarning, match="This machine's clock is 30 days ahead of"):
            report = archive.sync(client_of(server), since=since, progress=False)

    assert report.clock_offset < timedelta(days=-29)
    assert not archive.days()["complete"].any()
    certificate = Certificate.from_json(archive.days()["certificate"][0])
    assert abs(certificate.clock_offset - report.clock_offset) < timedelta(seconds=3)
    assert not certificate.complete
    with serve(recent(3)) as server:
        assert archive.sync(client_of(server), progress=False).fetched == archive.status().days


@pytest.mark.slow
@pytest.mark.parametrize(
    ("offset", "text"),
    [
        (timedelta(minutes=4), ""),
        (timedelta(minutes=-4), ""),
        (timedelta(minutes=7), "7 min behind the server's"),
        (timedelta(minutes=-7), "7 min ahead of the server's"),
    ],
)
def test_difference_of_more_than_5_minutes_is_reported(
    offset: timedelta, text: str, client_of: ClientOf, tmp_path: Path
):
    archive = et.Archive(tmp_path / "calls")
    with serve(week(3)) as server:
        server.clock_offset = offset
        client = client_of(server)
        assert client.clock_offset is None
        options = {"since": "2024-01-01", "until": "2024-01-08", "progress": False}
        if text:
            with pytest.warns(UserWarning, match=text):
                report = archive.sync(client, **options)
        else:
            report = archive.sync(client, **options)

    assert abs(report.clock_offset - offset) < timedelta(seconds=3)
    assert text in repr(report)
    assert ("clock" in repr(report)) == bool(text)


@pytest.mark.slow
def test_order_of_certificates_is_that_of_versions(client_of: ClientOf, tmp_path: Path):
    """A sync with a clock that is a year behind is still newer than the one before it."""
    rows = recent(4)
    with serve(rows) as server:
        archive = et.Archive(tmp_path / "calls")
        since = (datetime.now(UTC) - timedelta(days=10)).date()
        archive.sync(client_of(server), since=since, progress=False)
        server.change({**rows[3], "note": "changed"})  # of yesterday
        with clock_ahead(timedelta(hours=-3)):
            archive.sync(client_of(server), progress=False)
    # Depending on the time of day, the wrong clock does not reach the last day yet.
    reached = (datetime.now(UTC) - timedelta(hours=3)).astimezone(
        ZoneInfo(archive.options.time_zone)
    )
    days = archive.days().filter(pl.col("local_day") <= reached.date())

    assert archive.verify().is_empty()
    certificates = [Certificate.from_json(text) for text in days["certificate"]]
    newest = max(each.report.began_at for each in certificates[-3:])
    assert newest < datetime.now(UTC) - timedelta(hours=2)
    assert archive.scan().collect()["note"].to_list().count("changed") == 1
