"""How much of a fetch is done, and what the next one continues."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import etelecom_analytics as et
from etelecom_analytics.fetch_report import SetAside
from etelecom_analytics.widgets.fetch_failure import can_resume, failure_status
from etelecom_analytics.widgets.fetch_outcome import fetched_share, outcome_text

NOW = datetime(2026, 11, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("begin", "end", "reached", "share"),
    [
        (NOW - 4 * DAY, NOW, NOW - DAY, 0.25),
        (NOW - 4 * DAY, None, NOW - 3 * DAY, 0.75),
        (NOW - 4 * DAY, NOW + 9 * DAY, NOW - DAY, 0.25),  # no call is in the future
        (NOW - 4 * DAY, NOW, NOW - 9 * DAY, 1.0),
        (NOW - 4 * DAY, NOW, NOW + DAY, 0.0),
        (NOW - 4 * DAY, NOW, None, None),
        (None, NOW, NOW - DAY, None),
        (NOW + DAY, None, NOW + DAY, None),
    ],
)
def test_share_of_the_dates(begin: Any, end: Any, reached: Any, share: float | None):
    query = et.CallQuery(date_from=begin, date_to=end)

    assert fetched_share(query, reached, NOW) == share


def test_only_a_function_with_the_argument_resumes():
    def without(query: object, on_progress: object, stop: object) -> Any: ...

    assert can_resume(et.fetcher())
    assert not can_resume(without)  # type: ignore[arg-type]
    assert not can_resume(lambda *_: et.sample_logs())


@pytest.mark.parametrize(
    ("is_stopped", "has_result", "text"),
    [
        (True, True, "cancelled; the result is unchanged"),
        (True, False, "cancelled"),
        (False, True, "the fetch failed; the result is unchanged"),
        (False, False, "the fetch failed"),
    ],
)
def test_status_without_a_result(is_stopped: bool, has_result: bool, text: str):
    status = failure_status(is_stopped=is_stopped, has_result=has_result, partial=None)
    kept = failure_status(is_stopped=is_stopped, has_result=has_result, partial=et.sample_logs())

    assert status == text
    assert kept == f"{text}. 400 calls were received before that: Apply fetches the rest."


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, ""),
        (1, " 1 record has no id and is left out."),
        (2, " 2 records have no id and are left out."),
    ],
)
def test_records_that_are_no_calls_are_counted(count: int, text: str):
    logs = et.sample_logs()
    report = replace(logs.report, set_aside=(SetAside(0, 0, {}),) * count)
    complete = "400 calls were fetched: all calls of this query."

    assert outcome_text(replace(logs, report=report)) == f"{complete}{text}"
