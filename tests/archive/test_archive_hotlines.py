"""Hotlines in an archive: stored, kept by later syncs, and absent from older archives."""

import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.hotlines import Pbx, pbx_of

import etelecom_analytics as et
from etelecom_analytics.cli import app
from etelecom_analytics.schema import CALL_SCHEMA
from etelecom_analytics.simulator import Answer, CallLogServer, faults

ClientOf = Callable[..., et.Client]
SINCE, MIDDLE, UNTIL = "2024-01-01", "2024-01-03", "2024-01-06"
AGAIN = "90000d"
NAMES = ["department_id", "hotline_id", "hotline"]


@pytest.fixture(scope="module")
def pbx() -> Pbx:
    return pbx_of(500)


@pytest.fixture(scope="module")
def pbx_server(pbx: Pbx) -> Iterator[CallLogServer]:
    with pbx.serve() as server:
        yield server


@pytest.fixture
def server(pbx_server: CallLogServer) -> CallLogServer:
    pbx_server.forget()
    return pbx_server


@pytest.fixture
def archive(tmp_path: Path) -> et.Archive:
    return et.Archive(tmp_path / "calls")


def is_of_hotline(request: et.simulator.Request) -> bool:
    return bool(request.body["filter"].get("hotline_ids"))


def missed_labels(archive: et.Archive) -> dict[str, str | None]:
    is_missed = et.CallQuery(direction="in", call_state="not_answered")
    return dict(archive.scan(is_missed).select("id", "hotline_id").collect().iter_rows())


@pytest.mark.slow
def test_missed_calls_are_stored_with_their_hotline(
    archive: et.Archive, pbx: Pbx, server: CallLogServer, client_of: ClientOf, tmp_path: Path
):
    client = client_of(server)
    report = archive.sync(client, since=SINCE, until=UNTIL, progress=False, label_hotlines=True)
    expected = et.fetch_calls(
        client,
        et.CallQuery(date_from=SINCE, date_to=UNTIL),
        label_hotlines=True,
        progress=False,
    )

    assert missed_labels(archive) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert_frame_equal(archive.scan().collect(), expected.calls, check_row_order=False)
    assert report.hotline_labels is not None
    assert report.hotline_labels.labelled == expected.calls["hotline_id"].count()
    assert report.hotline_labels.unlabelled_missed == 0
    assert "calls labelled" in repr(report)
    lists = [each.path for each in server.requests if not each.path.endswith("ListCallLogs")]
    assert len(lists) == 3 * 2 * 2  # three lists of two pages, for one sync and for one fetch
    assert et.summarize(archive.scan(), by="hotline", measures="missed").collect().height == 4

    archive.snapshot(None, tmp_path / "snapshot")
    snapshot = et.read_snapshot(tmp_path / "snapshot")
    assert_frame_equal(snapshot.calls, expected.calls)
    labels = snapshot.report.hotline_labels
    assert labels is not None
    assert labels.labelled == report.hotline_labels.labelled


@pytest.mark.slow
def test_an_archive_without_hotlines_gets_them_later(
    archive: et.Archive, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    client = client_of(server)
    archive.sync(client, since=SINCE, until=MIDDLE, progress=False)
    assert not any(map(is_of_hotline, server.requests))
    assert archive.scan().collect_schema().names() == [*CALL_SCHEMA]
    before = archive.versions()["version"].max()

    archive.sync(client, since=SINCE, until=UNTIL, progress=False, label_hotlines=True)
    calls = archive.scan().collect()
    is_old = pl.col("started_at").dt.convert_time_zone(archive.time_zone) < pl.lit(
        MIDDLE
    ).str.to_datetime(time_zone=archive.time_zone)
    assert calls.columns == [*CALL_SCHEMA, *NAMES]
    assert calls.filter(is_old)["hotline_id"].null_count() == calls.filter(is_old).height > 0
    assert calls.filter(~is_old)["hotline_id"].count() > 0
    assert archive.verify().is_empty()
    # Older versions are as they were.
    old = archive.scan(version=before)
    assert old.collect_schema().names() == [*CALL_SCHEMA]
    difference = archive.diff(before)
    assert (difference.gone.height, difference.changed.height) == (0, 0)
    assert_frame_equal(
        difference.apply(old.collect()), archive.scan().collect(), check_row_order=False
    )

    # It is labelled now, so later syncs label by default; a long lookback includes old days.
    report = archive.sync(client, since=SINCE, until=UNTIL, lookback=AGAIN, progress=False)
    assert (report.added, report.gone) == (0, 0)
    has_label = pl.any_horizontal(pl.col(name).is_not_null() for name in NAMES)
    assert report.changed == archive.scan().collect().filter(is_old, has_label).height > 100
    assert missed_labels(archive) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert archive.compact() == 0
    fields = archive.diff(before).changed["fields"].explode().unique().to_list()
    assert sorted(fields) == sorted(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["without labels", "with a failure", "with an ignored filter"])
def test_a_later_sync_does_not_lose_hotlines(
    how: str, archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    archive.sync(client_of(server), since=SINCE, until=UNTIL, progress=False, label_hotlines=True)
    before = archive.scan().collect()
    if how == "with a failure":
        server.misbehave(Answer(status=403, body={"code": "permission_denied"}), when=is_of_hotline)
    if how == "with an ignored filter":
        server.misbehave(faults.ignoring("hotline_ids"))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = archive.sync(
            client_of(server),
            since=SINCE,
            until=UNTIL,
            lookback=AGAIN,
            progress=False,
            label_hotlines=False if how == "without labels" else None,
        )
    assert_frame_equal(archive.scan().collect(), before)
    assert report.changed == 0
    assert len(report.unchanged) == 5
    if how == "with a failure":
        assert report.hotline_labels is not None
        assert "PermissionDenied, status 403" in report.hotline_labels.incomplete[0]
        assert report.hotline_labels.unlabelled_missed == 0


@pytest.mark.slow
def test_an_ignored_filter_is_found_once_per_sync(
    archive: et.Archive, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(faults.ignoring("hotline_ids"))
    with pytest.warns(UserWarning, match="ignores the filter hotline_ids") as warned:
        report = archive.sync(
            client_of(server),
            since=SINCE,
            until=UNTIL,
            progress=False,
            label_hotlines=True,
            workers=1,
        )

    assert len(warned) == 1
    assert len([each for each in server.requests if is_of_hotline(each)]) == 3
    assert archive.scan().collect().height == pbx.calls.height
    assert report.hotline_labels is not None
    assert report.hotline_labels.filters_ignored == ("hotline_ids",)
    assert report.hotline_labels.unlabelled_missed == pbx.missed.height


@pytest.mark.slow
def test_a_forgotten_number_leaves_hotlines(
    archive: et.Archive, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    client = client_of(server)
    archive.sync(client, since=SINCE, until=MIDDLE, progress=False, label_hotlines=False)
    archive.sync(client, since=SINCE, until=UNTIL, progress=False, label_hotlines=True)
    before = archive.scan().select("id", *NAMES).sort("id").collect()
    archive.forget(pbx.missed.filter(pl.col("caller").str.starts_with("09"))["caller"][0])

    assert_frame_equal(archive.scan().select("id", *NAMES).sort("id").collect(), before)
    assert archive.verify().is_empty()
    assert archive.scan(version=1).collect_schema().names() == [*CALL_SCHEMA]
    assert archive.scan(version=1).collect().height > 0


def test_dates_that_are_ignored(
    archive: et.Archive, pbx: Pbx, server: CallLogServer, client_of: ClientOf
):
    server.misbehave(faults.ignoring("date_from", "date_to"))
    with pytest.warns(UserWarning, match="ignores the dates"):
        report = archive.sync(
            client_of(server), since=SINCE, until=UNTIL, progress=False, label_hotlines=True
        )

    assert missed_labels(archive) == {each: pbx.hotlines[each] for each in pbx.missed["id"]}
    assert report.hotline_labels is not None
    assert report.hotline_labels.labelled == archive.scan().collect()["hotline_id"].count()


@pytest.mark.slow
def test_command(
    server: CallLogServer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ETELECOM_BASE_URL", server.base_url)
    monkeypatch.setenv("ETELECOM_API_KEY", server.api_key)
    command = ["sync", "calls", "--since", SINCE, "--until"]

    assert app.main([*command, MIDDLE, "--label-hotlines"]) == 0
    assert "hotlines   " in capsys.readouterr().out
    assert app.main([*command, UNTIL]) == 0  # as the archive
    assert "hotlines   " in capsys.readouterr().out
    assert app.main([*command, UNTIL, "--lookback", AGAIN, "--no-label-hotlines"]) == 0
    assert "hotlines   " not in capsys.readouterr().out
    assert et.Archive("calls").scan().collect()["hotline_id"].count() > 100


@pytest.mark.slow
def test_summaries_by_hotline_of_days_with_and_without(
    archive: et.Archive, server: CallLogServer, client_of: ClientOf
):
    client = client_of(server)
    archive.sync(client, since=SINCE, until=MIDDLE, progress=False)
    with pytest.raises(et.errors.InputError, match="carry no hotline"):
        archive.summarize(by="hotline", measures="missed", progress=False)
    archive.sync(client, since=SINCE, until=UNTIL, progress=False, label_hotlines=True)

    for by in ("hotline", "department_id", ["hotline", "day"]):
        for measures in (["offered", "missed", "answer_rate"], ["busy_offers", "offers"]):
            expected = et.summarize(archive.scan().collect(), by=by, measures=measures)
            table = archive.summarize(by=by, measures=measures, progress=False)
            assert_frame_equal(table, expected)
    archive.roll_up(["day", "hotline"], ["missed", "offers"], progress=False)
    expected = et.summarize(archive.scan().collect(), by="hotline", measures=["missed", "offers"])
    assert_frame_equal(archive.rolled_up("hotline", ["missed", "offers"]), expected)
