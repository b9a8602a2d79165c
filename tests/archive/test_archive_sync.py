"""Sync: afterwards the archive equals the server, and no day is fetched needlessly."""

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from support.examples import examples

import etelecom_analytics as et
from etelecom_analytics import archive as archives
from etelecom_analytics.archive import sync
from etelecom_analytics.archive.certificates import Certificate
from etelecom_analytics.archive.folder import exclusive_lock
from etelecom_analytics.errors import (
    ArchiveBusy,
    ArchiveError,
    DataLossError,
    InputError,
    NoAnswer,
    Unauthenticated,
)
from etelecom_analytics.frames import in_order
from etelecom_analytics.local_time import midnight
from etelecom_analytics.simulator import Answer, CallLogServer, faults, serve

ClientOf = Callable[..., et.Client]
SINCE, UNTIL = "2024-01-01", "2024-01-09"
ALL_DAYS = "90000d"


def calls_of(archive: et.Archive, **options: Any) -> pl.DataFrame:
    return in_order(archive.scan(**options).collect())


def requested_days(server: CallLogServer) -> set[str]:
    """The first local days of UTC+7 that were requested; a request begins some seconds earlier."""
    zone = timezone(timedelta(hours=7, minutes=1))
    moments = (request.body["filter"]["date_from"] for request in server.requests)
    return {datetime.fromisoformat(text).astimezone(zone).date().isoformat() for text in moments}


def rows_on_day(server: CallLogServer, day: str, limit: int = 10**6) -> list[dict[str, Any]]:
    """The first rows of the server that started on this day of UTC+7."""
    noon = datetime.fromisoformat(f"{day}T12:00:00+07:00")
    return [
        row
        for row in server.rows
        if abs(datetime.fromisoformat(row["started_at"]) - noon) < timedelta(hours=12)
    ][:limit]


@pytest.mark.slow
def test_archive_equals_the_server(
    archive: et.Archive, past_client: et.Client, past_calls: pl.DataFrame
):
    assert_frame_equal(calls_of(archive), past_calls)
    status = archive.status()
    assert (status.days, status.rows, status.gaps) == (8, past_calls.height, ())
    assert (status.first_day, status.last_day) == (date(2024, 1, 1), date(2024, 1, 8))
    assert status.complete_through == datetime(2024, 1, 8, 17, tzinfo=UTC)
    assert status.bytes > 0
    assert status.bytes_on_disk > status.bytes
    assert "complete   through 2024-01-09 00:00+07:00" in repr(status)
    assert "<table>" in status._repr_html_()


@pytest.mark.slow
def test_second_sync_sends_no_request_and_changes_nothing(
    archive: et.Archive, past_client: et.Client, past_server: CallLogServer
):
    before = archive.status()
    past_server.forget()
    report = archive.sync(past_client, until=UNTIL)

    assert past_server.requests == []
    assert report.fetched == 0
    assert archive.status() == before


@pytest.mark.slow
def test_only_changed_days_are_written(
    archive: et.Archive, past_client: et.Client, past_server: CallLogServer
):
    past_server.change(
        *[{**row, "duration": 77} for row in rows_on_day(past_server, "2024-01-03", 4)]
    )
    version = archive.status().version
    report = archive.sync(past_client, until=UNTIL, lookback=ALL_DAYS)

    assert report.replaced == [date(2024, 1, 3)]
    assert (len(report.unchanged), report.added, report.changed, report.gone) == (7, 0, 4, 0)
    assert archive.status().version == version + 1
    assert calls_of(archive).filter(pl.col("duration") == 77).height >= 4


@pytest.mark.slow
def test_only_missing_days_are_fetched(
    archive: et.Archive, past_client: et.Client, past_server: CallLogServer
):
    et.fetch_calls(past_client, et.CallQuery(date_from=SINCE, date_to=UNTIL))  # checks the dates
    past_server.forget()
    archive.sync(past_client, since="2023-12-30", until=UNTIL)

    assert requested_days(past_server) == {"2023-12-30", "2023-12-31"}
    assert archive.days()["local_day"].to_list() == [
        date(2023, 12, 30) + timedelta(days=number) for number in range(10)
    ]


def test_day_is_settled_if_fetched_long_enough_after_its_end(past_client: et.Client):
    report = et.fetch_calls(
        past_client, et.CallQuery(date_from="2024-01-03", date_to="2024-01-04")
    ).report
    end = datetime(2024, 1, 3, 17, tzinfo=UTC)

    def fetched_after(delay: timedelta) -> Certificate:
        at = end + delay
        return Certificate(
            day=date(2024, 1, 3),
            time_zone="Asia/Ho_Chi_Minh",
            report=replace(report, began_at=at, complete_to=min(at, end)),
        )

    lookback = timedelta(days=3)
    assert not fetched_after(timedelta(hours=-1)).complete
    assert fetched_after(timedelta(hours=1)).complete
    assert not fetched_after(timedelta(hours=1)).settled(lookback)
    assert not fetched_after(timedelta(days=2.9)).settled(lookback)
    assert fetched_after(timedelta(days=3)).settled(lookback)


def test_today_is_unfinished_and_fetched_again(client_of: ClientOf, tmp_path: Path):
    now = datetime.now(UTC)
    rows = [{"id": "1", "started_at": (now - timedelta(minutes=1)).isoformat()}]
    with serve(rows) as server:
        archive = et.Archive(tmp_path / "calls", time_zone="UTC")
        begin = (now - timedelta(days=1)).date()
        report = archive.sync(client_of(server), since=begin)
        status = archive.status()
        again = archive.sync(client_of(server), lookback="1s")

    assert report.unfinished == [status.last_day]
    assert "unfinished" in repr(report)
    assert status.gaps[-1].end == midnight(status.last_day + timedelta(days=1), "UTC")
    assert status.complete_through == status.gaps[-1].begin >= now
    assert again.fetched == 1
    assert archive.days()["complete"].to_list()[0]
    assert calls_of(archive)["id"].to_list() == ["1"]


def test_certificates_describe_the_fetch_of_each_day(archive: et.Archive, past_calls: pl.DataFrame):
    days = archive.days()

    assert days["rows"].sum() == past_calls.height
    assert days["complete"].all()
    assert days["pages"].min() >= 1
    for text in days["certificate"]:
        certificate = Certificate.from_json(text)
        assert certificate.to_json() == text
        assert all(window.whole for window in certificate.report.windows)
        report = certificate.report
        assert report.received == report.rows + report.repeated + report.outside + len(
            report.set_aside
        )


def test_certificates_contain_drift_and_unreadable_records(client_of: ClientOf, tmp_path: Path):
    moment = "2024-01-01T10:00:00+07:00"
    with serve(
        [{"id": 5, "started_at": moment, "duration": "x"}, {"started_at": moment}]
    ) as server:
        archive = et.Archive(tmp_path / "calls")
        archive.sync(client_of(server), since="2024-01-01", until="2024-01-02")
        logs = et.read_snapshot(archive.snapshot(None, tmp_path / "snap"))

    assert archive.days().select("rows", "set_aside").row(0) == (1, 1)
    assert archive.days()["drift"][0] > 0
    assert logs.report.drift
    assert logs.report.set_aside[0].record == {"started_at": moment}


@pytest.mark.slow
def test_certificates_survive_loss_of_their_file_or_of_old_commits(
    archive: et.Archive, past_client: et.Client
):
    days = archive.days().drop("fetched_at", "certificate")
    (archive.path / "_certificates.parquet").write_bytes(b"damaged")
    assert_frame_equal(
        archive.days().drop("fetched_at", "certificate"), days.filter(pl.col("rows") > 0)
    )

    archive.sync(past_client, since=SINCE, until=UNTIL)
    archive.compact()
    assert_frame_equal(archive.days().drop("fetched_at", "certificate"), days)
    for path in (archive.path / "_delta_log").glob("*.json"):
        if int(path.stem) < archive.status().version:
            path.unlink()  # as a log clean-up does after a checkpoint
    assert_frame_equal(archive.days().drop("fetched_at", "certificate"), days)
    assert archive.scan().collect().height == days["rows"].sum()


# Losses.


def fewer(calls: pl.DataFrame, day: str, share: float) -> pl.DataFrame:
    """The calls, without this share of those on a day of UTC+7."""
    is_on_day = pl.col("started_at").dt.convert_time_zone(
        "Asia/Ho_Chi_Minh"
    ).dt.date() == date.fromisoformat(day)
    on_day = calls.filter(is_on_day)
    return in_order(
        pl.concat([calls.filter(~is_on_day), on_day.head(round(on_day.height * (1 - share)))])
    )


@pytest.mark.slow
def test_days_that_would_lose_calls_are_not_replaced(
    archive: et.Archive, client_of: ClientOf, past_calls: pl.DataFrame
):
    less = fewer(past_calls, "2024-01-03", 0.5).with_columns(note=pl.lit("new"))
    with serve(less) as server:
        with pytest.raises(
            DataLossError, match=r"2024-01-03 \(\d+ of \d+ calls\).*accept_loss=True"
        ) as caught:
            archive.sync(client_of(server), until=UNTIL, lookback=ALL_DAYS)
        stored, gone = caught.value.losses[date(2024, 1, 3)]
        assert stored > gone > 5
        assert len(caught.value.report.replaced) == 6  # the other days are stored
        stored_calls = calls_of(archive)
        assert stored_calls.height == past_calls.height
        assert stored_calls.filter(pl.col("note").ne_missing(pl.lit("new"))).height == stored
        archive.sync(client_of(server), until=UNTIL, lookback=ALL_DAYS, accept_loss=True)
    assert_frame_equal(calls_of(archive), less)


@pytest.mark.slow
def test_server_without_calls_removes_nothing(
    archive: et.Archive, client_of: ClientOf, past_calls: pl.DataFrame
):
    with serve([]) as server, pytest.raises(DataLossError) as caught:
        archive.sync(client_of(server), until=UNTIL, lookback=ALL_DAYS)
    assert len(caught.value.losses) == 7
    assert_frame_equal(calls_of(archive), past_calls)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stored", "gone", "refused"),
    [(1000, 20, False), (1000, 21, True), (10, 5, False), (10, 6, True), (300, 6, False)],
)
def test_loss_limits_are_two_percent_and_five_calls(
    stored: int, gone: int, refused: bool, client_of: ClientOf, tmp_path: Path
):
    begin = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [
        {"id": str(1 + number), "started_at": (begin + timedelta(minutes=number)).isoformat()}
        for number in range(stored)
    ]
    archive = et.Archive(tmp_path / "calls")
    with serve(rows) as server:
        archive.sync(client_of(server), since="2024-01-01", until="2024-01-02")
    with serve(rows[gone:]) as server, pytest.raises(DataLossError) if refused else nullcontext():
        archive.sync(client_of(server), until="2024-01-02", lookback=ALL_DAYS)
    assert archive.scan().collect().height == (stored if refused else stored - gone)


# Unreadable start times.


def with_unreadable_starts(request: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
    """Make the start times of some calls unreadable; the server still filters by the real ones."""
    for row in answer["call_logs"]:
        if row["id"].endswith("0"):
            row["started_at"] = "yesterday"
    return answer


def test_call_with_an_unreadable_start_is_stored_once_on_the_day_of_its_request(
    client_of: ClientOf, tmp_path: Path
):
    moments = [
        "2024-01-01T10:00:00+07:00",
        "2024-01-02T00:00:00+07:00",
        "2024-01-02T09:00:00+07:00",
    ]
    rows = [{"id": f"{number + 1}0", "started_at": moment} for number, moment in enumerate(moments)]
    with serve(
        [*rows, {"id": "7", "started_at": moments[2]}], rewrite=with_unreadable_starts
    ) as server:
        archive = et.Archive(tmp_path / "calls")
        for _ in range(2):
            archive.sync(
                client_of(server), since="2024-01-01", until="2024-01-04", lookback=ALL_DAYS
            )
    rows_by_id = archive.scan(facts=True).collect().sort("id")

    assert rows_by_id["id"].to_list() == ["10", "20", "30", "7"]
    days = dict(rows_by_id.select("id", "local_day").rows())
    assert (days["10"], days["30"], days["7"]) == (
        date(2024, 1, 1),
        date(2024, 1, 2),
        date(2024, 1, 2),
    )
    assert rows_by_id["started_at"].null_count() == 3


# Errors.


@pytest.mark.slow
def test_sync_continues_after_the_server_dies(
    client_of: ClientOf, past_calls: pl.DataFrame, tmp_path: Path
):
    archive = et.Archive(tmp_path / "calls")
    with serve(past_calls) as server:
        server.die_after = 2 + 7  # two requests check the dates
        with pytest.raises(
            archives.IncompleteSync, match="complete in the archive: sync again for the rest"
        ) as caught:
            archive.sync(
                client_of(server, retry=et.Retry(attempts=1)), since=SINCE, until=UNTIL, workers=2
            )
    assert isinstance(caught.value.cause, NoAnswer)
    assert 0 < caught.value.report.fetched < 8
    stored_calls = calls_of(archive)
    day = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh").dt.date()
    stored = stored_calls.select(day.unique()).to_series()
    assert 0 < stored_calls.height < past_calls.height
    assert_frame_equal(stored_calls, past_calls.filter(day.is_in(stored.implode())))
    with serve(past_calls) as server:
        report = archive.sync(
            client_of(server), since=SINCE, until=UNTIL, resume=caught.value.partials
        )
    assert report.fetched == 8 - caught.value.report.fetched
    assert_frame_equal(calls_of(archive), past_calls)


def test_resume_does_not_fetch_partial_days_again(client_of: ClientOf, tmp_path: Path):
    moments = [
        datetime(2024, 1, 1, 3, tzinfo=UTC) + timedelta(seconds=number) for number in range(900)
    ]
    rows = [
        {"id": str(number + 1), "started_at": moment.isoformat()}
        for number, moment in enumerate(moments)
    ]
    archive = et.Archive(tmp_path / "calls")
    with serve(rows) as server:
        server.die_after = 6
        with pytest.raises(archives.IncompleteSync) as caught:
            archive.sync(
                client_of(server, retry=et.Retry(attempts=1)),
                since=SINCE,
                until="2024-01-02",
                workers=1,
            )
    assert archive.scan().collect().is_empty()
    assert 0 < caught.value.partials[0].calls.height < 900
    with serve(rows) as server:
        archive.sync(
            client_of(server),
            since=SINCE,
            until="2024-01-02",
            workers=1,
            resume=caught.value.partials,
        )
        resumed = len(server.requests)
        server.forget()
        archive.sync(
            client_of(server), since=SINCE, until="2024-01-02", workers=1, lookback=ALL_DAYS
        )
        assert resumed < len(server.requests)
    assert archive.scan().collect().height == 900


def test_wrong_key_raises_unauthenticated(
    past_server: CallLogServer, client_of: ClientOf, tmp_path: Path
):
    archive = et.Archive(tmp_path / "calls")
    with pytest.raises(Unauthenticated):
        archive.sync(
            client_of(base_url=past_server.base_url, api_key="wrong"), since=SINCE, until=UNTIL
        )
    assert archive.status().days == 0


def test_ctrl_c_stores_complete_days(
    past_client: et.Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    archive = et.Archive(tmp_path / "calls")
    write, written = sync._DayWriter.take, list[date]()

    def interrupted(self: Any, day: date, logs: et.CallLogs) -> None:
        write(self, day, logs)
        written.append(day)
        if len(written) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(sync._DayWriter, "take", interrupted)
    with pytest.raises(archives.SyncStopped) as caught:
        archive.sync(past_client, since=SINCE, until=UNTIL, workers=1)
    assert isinstance(caught.value, KeyboardInterrupt)
    assert caught.value.report.fetched == len(written) == archive.status().days


@pytest.mark.slow
def test_server_that_ignores_dates_is_read_as_one_chain(
    client_of: ClientOf, past_calls: pl.DataFrame, past_server: CallLogServer, tmp_path: Path
):
    past_server.misbehave(faults.ignoring("date_from", "date_to"))
    archive = et.Archive(tmp_path / "calls")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.sync(client_of(past_server), since=SINCE, until=UNTIL)
        report = archive.sync(client_of(past_server), since=SINCE, until=UNTIL, lookback=ALL_DAYS)
    assert_frame_equal(calls_of(archive), past_calls)
    assert report.replaced == []
    assert archive.days()["complete"].all()


@pytest.mark.slow
def test_temporary_faults_are_retried(
    client_of: ClientOf, past_server: CallLogServer, past_calls: pl.DataFrame, tmp_path: Path
):
    past_server.script(Answer(status=503), Answer(reset=True), Answer(status=429))
    archive = et.Archive(tmp_path / "calls")
    archive.sync(client_of(past_server), since=SINCE, until=UNTIL)

    assert_frame_equal(calls_of(archive), past_calls)


# Concurrent syncs.


def test_only_one_sync_at_a_time(archive: et.Archive, past_client: et.Client):
    with (
        exclusive_lock(archive.path),
        pytest.raises(ArchiveBusy, match="another process: try again"),
    ):
        archive.sync(past_client, until=UNTIL)
    assert archive.sync(past_client, until=UNTIL).fetched == 0


@pytest.mark.slow
def test_concurrent_syncs_without_a_lock_lose_and_duplicate_nothing(
    client_of: ClientOf,
    past_server: CallLogServer,
    past_calls: pl.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """As on two machines, which do not see each other's lock."""
    monkeypatch.setattr(
        "etelecom_analytics.archive.folder.exclusive_lock", lambda folder: nullcontext()
    )
    et.Archive(tmp_path / "calls").sync(client_of(past_server), since=SINCE, until="2024-01-03")
    past_server.change(*[{**row, "duration": 77} for row in past_server.rows[::7]])

    def run(_: int) -> None:
        et.Archive(tmp_path / "calls").sync(
            client_of(past_server), since=SINCE, until=UNTIL, lookback=ALL_DAYS, workers=2
        )

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    archive = et.Archive(tmp_path / "calls")
    with client_of(past_server) as client:
        now = et.fetch_calls(client).calls
    assert_frame_equal(calls_of(archive), now)
    assert archive.status().days == 8
    assert archive.files() == list(dict.fromkeys(archive.files()))
    assert len(archive.files()) == 7


# Any sequence of server states.


@st.composite
def histories(draw: st.DrawFn) -> list[list[dict[str, Any]]]:
    """States of a server: calls are added, change, move to another day and are removed."""
    moments = [
        "2024-01-01T05:00:00+07:00",
        "2024-01-02T00:00:00+07:00",
        "2024-01-02T23:59:59.9+07:00",
        "2024-01-03T10:00:00Z",
    ]
    row = st.fixed_dictionaries(
        {
            "started_at": st.sampled_from(moments),
            "duration": st.sampled_from([0, 30, None]),
            "call_state": st.sampled_from(["answered", "not_answered", "new"]),
            "note": st.sampled_from(["", "a note"]),
            "call_targets": st.sampled_from(
                [
                    None,
                    [{"target_number": "101", "status": "ANSWERED"}],
                    [{"target_number": "8000"}],
                ]
            ),
        }
    )
    states = draw(
        st.lists(st.dictionaries(st.integers(1, 9), row, max_size=7), min_size=2, max_size=3)
    )
    return [[{"id": str(number), **fields} for number, fields in state.items()] for state in states]


@pytest.mark.slow
@examples(6)
@given(states=histories())
def test_archive_equals_the_last_state_and_diffs_connect_all_states(
    states: Sequence[list[dict[str, Any]]],
    client_of: ClientOf,
    tmp_path_factory: pytest.TempPathFactory,
):
    archive = et.Archive(tmp_path_factory.mktemp("archive") / "calls", ivr_numbers=["8000"])
    versions, tables = [], []
    for rows in states:
        with serve(rows) as server:
            client = client_of(server)
            archive.sync(
                client, since="2024-01-01", until="2024-01-05", lookback=ALL_DAYS, accept_loss=True
            )
            tables.append(et.fetch_calls(client).calls)
        versions.append(archive.status().version)
        assert_frame_equal(calls_of(archive), tables[-1])
    for old, before in zip(versions, tables, strict=True):
        assert_frame_equal(calls_of(archive, version=old), before)
        assert archive.diff(old, old).is_empty
        for new, after in zip(versions, tables, strict=True):
            diff = archive.diff(old, new, measures=["calls", "answer_rate"])
            assert_frame_equal(diff.apply(before), after)
            assert diff.is_empty == before.equals(after)


# Invalid arguments.


@pytest.mark.parametrize("lookback", ["3", "3y", "d", "", -1, timedelta(days=-1)])
def test_lookback_is_a_length_of_time(lookback: Any, past_client: et.Client, tmp_path: Path):
    with pytest.raises(InputError, match="lookback is a length of time"):
        et.Archive(tmp_path / "calls").sync(past_client, since=SINCE, lookback=lookback)
    assert list(tmp_path.iterdir()) == []


def test_missing_archive_is_an_error_that_says_what_to_do(past_client: et.Client, tmp_path: Path):
    archive = et.Archive(tmp_path / "calls")

    with pytest.raises(InputError, match="a first day is needed"):
        archive.sync(past_client)
    for method in (archive.status, archive.scan, archive.versions, archive.compact, archive.files):
        with pytest.raises(ArchiveError, match="the first sync creates it"):
            method()
    assert list(tmp_path.iterdir()) == []


def test_folder_with_other_contents_is_an_error(past_client: et.Client, tmp_path: Path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.txt").write_text("years of work")
    with pytest.raises(ArchiveError, match="is not an archive"):
        et.Archive(tmp_path / "thesis").sync(past_client, since=SINCE, until=UNTIL)
    (tmp_path / "file").write_text("")
    with pytest.raises(ArchiveError, match="cannot be used for an archive"):
        et.Archive(tmp_path / "file" / "calls").sync(past_client, since=SINCE, until=UNTIL)
    pl.DataFrame({"id": ["1"]}).write_delta(tmp_path / "other")
    with pytest.raises(ArchiveError, match="no archive of calls"):
        et.Archive(tmp_path / "other")


def test_configuration_of_an_archive_cannot_be_changed(archive: et.Archive, past_client: et.Client):
    assert et.Archive(archive.path).ivr_numbers == archive.ivr_numbers
    assert (
        et.Archive(
            archive.path, time_zone="Asia/Ho_Chi_Minh", ivr_numbers=archive.ivr_numbers
        ).time_zone
        == "Asia/Ho_Chi_Minh"
    )
    for other in ({"time_zone": "UTC"}, {"ivr_numbers": ["9000"]}, {"privacy": et.Privacy()}):
        with pytest.raises(ArchiveError, match="which cannot be changed"):
            et.Archive(archive.path, **other)
    with pytest.raises(InputError, match="ivr_numbers must be a list"):
        et.Archive(archive.path, ivr_numbers="8000")


def test_missing_deltalake_is_an_error_that_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)

    with pytest.raises(ArchiveError, match=r'pip install "etelecom_analytics\[archive\]"'):
        et.Archive(tmp_path / "calls")
