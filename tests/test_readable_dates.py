"""Panels and reports write dates for readers, not as Python does."""

import re

import pytest

import etelecom_analytics as et
from etelecom_analytics.query_text import readable_text
from etelecom_analytics.readable_dates import period_text

ISO_DATE = re.compile(r"\b\d{4}-\d\d-\d\d|exclusive")
LOGS = et.sample_logs()
DAYS = et.CallQuery(date_from="2026-11-04", date_to="2026-11-06", direction="in")


@pytest.mark.slow
@pytest.mark.parametrize("kind", [et.FilterPanel, et.Explorer, et.FetchPanel])
def test_panels_have_readable_dates(kind: type[et.FilterPanel | et.Explorer | et.FetchPanel]):
    if kind is et.FetchPanel:
        panel = et.FetchPanel(fetch=lambda *_: LOGS, query=DAYS, as_of="2026-11-08")
        panel.apply()
        assert panel.wait()
    else:
        panel = kind(LOGS if kind is et.Explorer else LOGS.calls, query=DAYS)
    text = repr(panel)

    assert "4–5 Nov 2026" in text
    assert ISO_DATE.findall(text + panel._repr_html_()) == []


@pytest.mark.slow
def test_reports_have_readable_dates():
    fragments = [
        et.reports.changes(LOGS, DAYS, "calls"),
        et.reports.changes(LOGS, LOGS.query, "calls"),  # the week before was not fetched
        et.reports.table(et.summarize(LOGS.calls, "day", "calls")),
        et.reports.open_callers(LOGS.calls),
        et.reports.first_page(LOGS, DAYS),
    ]

    for fragment in fragments:
        assert ISO_DATE.findall(repr(fragment)) == []


def test_exact_times_have_seconds_only_where_they_matter():
    query = et.CallQuery(date_from="2026-11-02T09:30", date_to="2026-11-02T10:00:05")
    edges = query.date_from, query.date_to

    assert period_text(*edges, query.time_zone) == (
        "Mon 2 Nov 2026 09:30:00 – Mon 2 Nov 2026 10:00:05"
    )
    assert period_text(edges[0], None, query.time_zone) == "from Mon 2 Nov 2026 09:30"
    assert readable_text(et.CallQuery()) == "all calls (Asia/Ho_Chi_Minh)"
