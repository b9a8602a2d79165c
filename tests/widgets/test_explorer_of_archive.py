"""The Explorer of an archive: what it reads, and when."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from support.day_archives import archive_of
from support.widget_driver import control, press, put, run_code, visible_html

import etelecom_analytics as et
from etelecom_analytics.errors import ArchiveError, QueryError
from etelecom_analytics.widgets import panel
from etelecom_analytics.widgets.explorer import archive_window

SAMPLE = et.read_snapshot(Path(__file__).parent.parent.parent / "data" / "sample")
DAY = {"dates": "custom", "date_from": "2026-11-03", "date_to": "2026-11-04"}


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> et.Archive:
    return archive_of(tmp_path_factory.mktemp("archive") / "calls", SAMPLE.calls)


@pytest.fixture
def reads(archive: et.Archive, monkeypatch: pytest.MonkeyPatch) -> list[et.CallQuery]:
    """The queries that are read from the archive."""
    queries = []
    read = et.Archive.read

    def noting(self: et.Archive, query: et.CallQuery | None = None) -> et.CallLogs:
        assert query is not None
        queries.append(query)
        return read(self, query)

    monkeypatch.setattr(et.Archive, "read", noting)
    return queries


@contextmanager
def at_most(calls: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name in ("FEW_CALLS", "MAX_CALLS"):
            patch.setattr(archive_window, name, calls)
        yield


def days(query: et.CallQuery) -> tuple[str | None, str | None]:
    begin, end = (
        moment and moment.date().isoformat() for moment in (query.date_from, query.date_to)
    )
    return begin, end


def rows(archive: et.Archive, query: et.CallQuery) -> pl.DataFrame:
    return archive.scan(query).sort("started_at", "id", descending=True, nulls_last=True).collect()


def test_a_small_archive_is_read_once_when_its_calls_are_needed(
    archive: et.Archive, reads: list[et.CallQuery]
):
    explorer = et.Explorer(archive, debounce_s=0)
    html = visible_html(explorer)
    assert not reads
    assert "Reading 1,200 calls, 2–8 Nov 2026" in html
    assert "etelecom-unread" in explorer._dom_classes

    logs = archive.read(et.CallQuery())
    same = et.Explorer(logs, options=explorer._options, debounce_s=0)
    reads.clear()
    assert_frame_equal(explorer.filtered, same.filtered)
    assert len(reads) == 1
    explorer.restore(DAY)
    same.restore(DAY)
    assert len(reads) == 1
    assert_frame_equal(explorer.kpis, same.kpis)
    assert not {"etelecom-unread", "etelecom-reading"} & {*explorer._dom_classes}
    assert control(explorer, "Agent").options == control(same, "Agent").options
    assert repr(explorer) == repr(same)


def test_of_a_large_archive_only_the_dates_are_read(
    archive: et.Archive, reads: list[et.CallQuery], monkeypatch: pytest.MonkeyPatch
):
    with at_most(500, monkeypatch):
        explorer = et.Explorer(archive, debounce_s=0)
        assert days(explorer.query) == ("2026-11-08", "2026-11-09")
        assert [days(each) for each in reads] == [("2026-11-07", "2026-11-09")]
        explorer.restore({"direction": "out", **DAY})
        assert [days(each) for each in reads[1:]] == [("2026-11-02", "2026-11-04")]
        expected = rows(archive, explorer.query)
        assert_frame_equal(explorer.filtered, expected)
        earlier = et.CallQuery(direction="out", date_from="2026-11-02", date_to="2026-11-03")
        changed = et.metrics.compare(
            rows(archive, earlier), expected, [*explorer.kpis["measure"]], options=explorer._options
        )
        values = ["measure", "before", "after"]
        assert_frame_equal(explorer.kpis.select(values), changed.select(values))
        agents = {user for _, user in control(explorer, "Agent").options} - {""}
        of_days = rows(archive, et.CallQuery(date_from="2026-11-02", date_to="2026-11-04"))
        assert agents == {*of_days["user_id"].drop_nulls()}
        explorer.restore({"call_state": "answered", **DAY})
        assert len(reads) == 2
        explorer.undo()
        explorer.undo()
        assert days(explorer.query) == ("2026-11-08", "2026-11-09")
        assert len(reads) == 3
        assert "of 1,200 calls" in visible_html(explorer)


@pytest.mark.slow
def test_too_many_calls_are_refused_in_the_panel(
    archive: et.Archive, monkeypatch: pytest.MonkeyPatch
):
    with at_most(500, monkeypatch):
        explorer = et.Explorer(archive, debounce_s=0)
        before = explorer.filtered
        with pytest.raises(QueryError, match="have 1,200 calls, and an Explorer holds at most 500"):
            explorer.restore({"direction": "in"})
        put(explorer, "Dates", "all")
        assert "choose fewer days" in visible_html(explorer)
        assert_frame_equal(explorer.filtered, before)
        put(explorer, "Dates", "today")
        assert "choose fewer days" not in visible_html(explorer)
        assert days(explorer.query) == ("2026-11-08", "2026-11-09")


def test_an_archive_without_days_is_an_error(archive: et.Archive, tmp_path: Path):
    with pytest.raises(ArchiveError, match="There is no archive"):
        et.Explorer(et.Archive(tmp_path / "none"))
    empty = archive_of(tmp_path / "empty", SAMPLE.calls.head(0))
    with pytest.raises(ArchiveError, match="has no days yet: sync it first"):
        et.Explorer(empty)


@pytest.mark.slow
def test_an_archive_that_cannot_be_read_is_stated_in_the_panel(
    archive: et.Archive, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: et.Archive, query: et.CallQuery | None = None) -> et.CallLogs:
        raise ArchiveError("The disk is gone.")

    explorer = et.Explorer(archive, debounce_s=0)
    with monkeypatch.context() as patch:
        patch.setattr(et.Archive, "read", fail)
        assert "The disk is gone." in repr(explorer)
        assert "The disk is gone." in visible_html(explorer)
        assert "Reading " not in visible_html(explorer)
        assert "etelecom-reading" not in explorer._dom_classes
        with pytest.raises(ArchiveError, match="The disk is gone"):
            explorer.filtered  # noqa: B018
    assert explorer.filtered.height == 851
    assert "The disk is gone." not in visible_html(explorer)


@pytest.mark.slow
def test_a_failed_undo_changes_nothing_but_the_message(
    archive: et.Archive, monkeypatch: pytest.MonkeyPatch
):
    def fail(_: et.Archive, query: et.CallQuery | None = None) -> et.CallLogs:
        raise ArchiveError("The disk is gone.")

    with at_most(500, monkeypatch):
        explorer = et.Explorer(archive, debounce_s=0)
        first = explorer.filtered
        explorer.restore({"direction": "in", **DAY})
        shown = explorer.filtered
        with monkeypatch.context() as patch:
            patch.setattr(et.Archive, "read", fail)
            for label in ("Undo", "Reset"):
                press(explorer, label)
                html = visible_html(explorer)
                assert "The disk is gone." in html
                assert "Reading " not in html
                assert "Inbound, Tue 3 Nov 2026: 157 of 1,200 calls. Complete." in html
                assert_frame_equal(explorer.filtered, shown)
        press(explorer, "Undo")
        assert_frame_equal(explorer.filtered, first)
        assert "The disk is gone." not in visible_html(explorer)
        press(explorer, "Redo")
        assert_frame_equal(explorer.filtered, shown)


def test_the_page_shows_the_panel_before_the_archive_is_read(
    archive: et.Archive, monkeypatch: pytest.MonkeyPatch
):
    shown: list[tuple[list[str], bool]] = []
    explorer = et.Explorer(archive, debounce_s=0)

    def note(data: Any, **_: Any) -> None:
        shown.append((sorted(data), "etelecom-unread" in explorer._dom_classes))

    monkeypatch.setattr(panel, "display", note)
    explorer._ipython_display_()
    assert shown == [
        (["application/vnd.jupyter.widget-view+json"], True),
        (["text/html", "text/plain"], False),
    ]


@pytest.mark.slow
def test_its_code_reads_the_same_calls(archive: et.Archive, monkeypatch: pytest.MonkeyPatch):
    with at_most(500, monkeypatch):
        explorer = et.Explorer(archive, debounce_s=0)
        names = run_code(explorer.code(), archive=archive)
    assert_frame_equal(names["filtered"], explorer.filtered)


@pytest.mark.slow
def test_an_archive_has_its_own_options(tmp_path: Path):
    archive = archive_of(tmp_path / "calls", SAMPLE.calls, ivr_numbers=["8000"])
    explorer = et.Explorer(archive, debounce_s=0)
    end = datetime.fromisoformat("2026-11-09T00:00+07:00")
    assert explorer._options == replace(archive.options, as_of=end)
