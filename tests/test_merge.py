"""merge_logs: one row per id in its newest state, and a report with the coverage of both."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import etelecom_analytics as et
from etelecom_analytics.errors import InputError
from etelecom_analytics.fetch_report import FetchReport, Gap, Window
from etelecom_analytics.report_merge import merge_reports

DAY = datetime(2026, 11, 1, tzinfo=UTC)


def day(number: float) -> datetime:
    return DAY + timedelta(days=number)


def fetch(client: et.Client, first: str, last: str, **fields: str) -> et.CallLogs:
    return et.fetch_calls(client, et.CallQuery(date_from=first, date_to=last, **fields))


def report_of(begin: float | None, end: float, *gaps: tuple[float, float]) -> FetchReport:
    return FetchReport(
        rows=0,
        received=0,
        repeated=0,
        outside=0,
        pages=1,
        began_at=day(60),
        seconds=1.0,
        complete_from=None if begin is None else day(begin),
        complete_to=day(end),
        gaps=tuple(Gap(day(since), day(until)) for since, until in gaps),
    )


def test_merge_of_overlapping_ranges_has_one_table_and_report(
    client: et.Client, calls: pl.DataFrame
):
    older, newer = (
        fetch(client, "2026-11-02", "2026-11-06"),
        fetch(client, "2026-11-05", "2026-11-10"),
    )
    both = et.merge_logs(older, newer)

    assert_frame_equal(both.calls, calls.filter(both.query.to_expr()))
    assert (str(both.query.date_from)[:10], str(both.query.date_to)[:10]) == (
        "2026-11-02",
        "2026-11-10",
    )
    report = both.report
    assert report.complete
    assert report.gaps == ()
    assert report.rows == both.calls.height
    assert report.received == report.rows + report.repeated + report.outside + len(report.set_aside)
    assert (
        report.repeated
        == older.report.repeated
        + newer.report.repeated
        + older.calls.height
        + newer.calls.height
        - both.calls.height
        > 0
    )
    assert report.pages == older.report.pages + newer.report.pages
    assert [window.rows for window in report.windows] == [
        calls.filter(
            pl.col("started_at").is_between(window.begin, window.end, closed="left")
        ).height
        for window in report.windows
    ]


def test_merge_keeps_the_newest_state_or_that_of_the_newer_logs(client: et.Client):
    older = fetch(client, "2026-11-02", "2026-11-03")

    def with_note(note: str, later_s: float) -> et.CallLogs:
        changed = older.calls.with_columns(
            note=pl.lit(note), updated_at=pl.col("updated_at") + pl.duration(seconds=later_s)
        )
        return et.CallLogs(calls=changed, query=older.query, report=older.report)

    for newer, expected in (
        (with_note("later", 1), "later"),
        (with_note("tie", 0), "tie"),
        (with_note("earlier", -1), None),
    ):
        notes = et.merge_logs(older, newer).calls["note"]
        assert set(notes) == ({expected} if expected else set(older.calls["note"]))


def test_range_between_the_logs_is_a_gap_also_in_a_snapshot(client: et.Client, tmp_path: Path):
    both = et.merge_logs(
        fetch(client, "2026-11-02", "2026-11-03"), fetch(client, "2026-11-05", "2026-11-06")
    )

    assert [(gap.begin, gap.end) for gap in both.report.gaps] == [
        (datetime(2026, 11, 2, 17, tzinfo=UTC), datetime(2026, 11, 4, 17, tzinfo=UTC))
    ]
    assert et.read_snapshot(et.write_snapshot(both, tmp_path / "both")).report == both.report


def test_logs_of_different_queries_cannot_be_merged(client: et.Client):
    all_calls, inbound = (
        fetch(client, "2026-11-02", "2026-11-03"),
        fetch(client, "2026-11-03", "2026-11-04", direction="in"),
    )

    with pytest.raises(InputError, match="different queries cannot be merged"):
        et.merge_logs(all_calls, inbound)
    with pytest.raises(InputError, match=r"merge_logs takes CallLogs, .* got DataFrame"):
        et.merge_logs(all_calls, all_calls.calls)  # type: ignore[arg-type]


def test_range_that_either_report_covers_is_not_a_gap():
    older, newer = report_of(0, 10, (3, 5), (8, 9)), report_of(4, 12)
    both = merge_reports(older, newer)

    assert both.gaps == (Gap(day(3), day(4)),)
    assert (both.complete_from, both.complete_to) == (day(0), day(12))


def test_incomplete_window_counts_until_another_fetch_covers_it():
    incomplete = Window(day(3), day(5), whole=False, pages=1)
    older = FetchReport(
        **{
            **vars(report_of(0, 10, (3, 5))),
            "windows": (Window(day(0), day(3), whole=True, pages=1), incomplete),
        }
    )

    assert not merge_reports(older, report_of(10, 12)).complete
    assert merge_reports(older, report_of(2, 12)).complete


spans = st.lists(st.integers(0, 40), min_size=2, max_size=8, unique=True).map(sorted)


@given(one=spans, other=spans, open_start=st.booleans())
def test_merged_report_covers_a_day_if_either_report_does(
    one: list[int], other: list[int], open_start: bool
):
    def report_with(edges: list[int], *, begin: bool) -> FetchReport:
        inner = edges[1:-1]
        gaps = list(zip(inner[::2], inner[1::2], strict=False))
        return report_of(edges[0] if begin else None, edges[-1], *gaps)

    def covers(report: FetchReport, number: int) -> bool:
        return not report.gaps_between(day(number), day(number + 1))

    reports = report_with(one, begin=not open_start), report_with(other, begin=True)
    both = merge_reports(*reports)

    for number in range(-2, 42):
        assert covers(both, number) == any(covers(report, number) for report in reports)
