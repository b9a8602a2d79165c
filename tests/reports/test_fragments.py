"""Fragments of a report: KPIs with their counts, changes, and tables for readers."""

import dataclasses
import math
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import etelecom_analytics as et
from etelecom_analytics import errors
from etelecom_analytics.locale.findings_text import finding_text

ROOT = Path(__file__).parent.parent.parent


def percent(value: float) -> str:
    return f"{value * 100:.1f} %"


def test_share_is_in_one_column_with_its_counts_and_interval():
    calls = et.read_snapshot(ROOT / "data" / "sample").calls
    rows = et.summarize(calls, ["weekday"], ["offered", "answer_rate", "asa_s"], confidence=True)
    markup = et.reports.table(rows)._repr_html_()

    assert ">Answer rate</th>" in markup
    assert ">Average speed of answer</th>" in markup
    assert markup.count("<th ") == 4
    first = rows.row(0, named=True)
    counts = f"{first['answer_rate_num']:,} of {first['answer_rate_den']:,}"
    interval = f"{percent(first['answer_rate_low'])} to {percent(first['answer_rate_high'])}"
    assert f">{percent(first['answer_rate'])}, {counts} ({interval})</td>" in markup
    assert "<td >Mon</td>" in markup


def test_values_are_formatted_by_type():
    rows = pl.DataFrame(
        {
            "when": [datetime(2026, 11, 2, 18, 30, tzinfo=UTC), None],
            "day": [date(2026, 11, 3), None],
            "held": [True, False],
            "age_h": [1234.56, None],
            "wait_s": [75.2, None],
            "calls": [12_345, 0],
            "share": [0.125, None],
            "<b>": ["<i>&", None],
        }
    )
    text = repr(et.reports.table(rows))

    assert text.splitlines() == [
        "when | day | held | age, h | wait | Calls | share | <b>",
        "Tue 3 Nov 2026 01:30 | Tue 3 Nov 2026 | yes | 1,234.6 | 1:15 | 12,345 | 12.5 % | <i>&",
        "- | (none) | no | - | - | 0 | - | -",
    ]
    markup = et.reports.table(rows, time_zone="UTC")._repr_html_()
    assert "Mon 2 Nov 2026 18:30" in markup
    assert "&lt;b&gt;</th>" in markup
    assert "&lt;i&gt;&amp;</td>" in markup


def test_note_states_the_number_of_hidden_rows():
    rows = pl.DataFrame({"calls": range(60)})

    assert repr(et.reports.table(rows, limit=10)).endswith("9\n50 more rows are not shown.")
    assert "not shown" not in repr(et.reports.table(rows, limit=60))
    assert "There are no such rows." in et.reports.table(rows.head(0))._repr_html_()


def test_invalid_arguments_are_rejected():
    with pytest.raises(errors.InputError, match="table takes a Polars table"):
        et.reports.table([1])  # type: ignore[arg-type]
    for limit in (0, -3, 2.5, "0912345678", True, None):
        with pytest.raises(errors.InputError, match="limit must be a whole number above 0") as bad:
            et.reports.table(pl.DataFrame(), limit=limit)  # type: ignore[arg-type]
        assert "0912345678" not in str(bad.value)
    with pytest.raises(errors.UnknownName, match="time zone '09…'"):
        et.reports.table(pl.DataFrame({"calls": [1]}), time_zone="0912345678")
    with pytest.raises(errors.UnknownName, match="asa_s"):
        et.reports.kpis(et.simulate_calls(5, seed=1).calls, ["asa"])


@pytest.mark.parametrize("wrong", ["0912345678", 912345678, None, et.sample_logs().calls])
def test_other_logs_and_queries_are_refused_in_one_sentence(wrong: Any):
    logs = et.sample_logs()
    for call in (
        lambda: et.reports.completeness(wrong, logs.query),
        lambda: et.reports.completeness(logs, wrong),
        lambda: et.reports.changes(wrong, logs.query),
        lambda: et.reports.changes(logs, wrong),
        lambda: et.reports.findings(wrong, logs.query),
        lambda: et.reports.findings(logs, wrong),
        lambda: et.reports.kpis("0912345678" if wrong is logs.calls else wrong),
        lambda: et.write_page(wrong, "page.html"),
        lambda: et.write_charts(wrong, "charts"),
    ):
        with pytest.raises(errors.InputError) as caught:
            call()
        assert not re.search(r"\d{6}", str(caught.value))
        assert "\n" not in str(caught.value)


def test_measures_are_one_name_or_a_sequence():
    logs = et.sample_logs()
    tuesday = et.CallQuery(date_from="2026-11-03", date_to="2026-11-04")

    assert et.reports.kpis(logs.calls, "calls") == et.reports.kpis(logs.calls, ("calls",))
    assert et.reports.kpis(logs.calls.lazy(), "calls") == et.reports.kpis(logs.calls, ["calls"])
    assert et.reports.kpis(et.metrics.Selection(logs.calls), "answer_rate") == et.reports.kpis(
        logs.calls, "answer_rate"
    )
    assert et.reports.changes(logs, tuesday, "calls") == et.reports.changes(
        logs, tuesday, ["calls"]
    )
    with pytest.raises(errors.InputError, match="measures names a column twice"):
        et.reports.kpis(logs.calls, ["calls", "calls"])


def test_table_collects_a_lazy_frame():
    rows = pl.DataFrame({"calls": [1, 2, 3]})

    assert et.reports.table(rows.lazy(), limit=2) == et.reports.table(rows, limit=2)
    assert et.reports.table(rows) != et.reports.table(rows, limit=2)


def test_kpis_have_a_plain_text_form():
    text = repr(et.reports.kpis(et.simulate_calls(200, seed=1).calls, ["offered", "answer_rate"]))

    assert text.startswith("Offered: ")
    assert "Answer rate: " in text
    assert "; 95 %: " in text


def test_changes_are_those_of_compare():
    logs = et.read_snapshot(ROOT / "data" / "sample")
    days = {"date_from": "2026-11-05", "date_to": "2026-11-07", "direction": "in"}
    previous_days = {**days, "date_from": "2026-11-03", "date_to": "2026-11-05"}
    before, after = (
        logs.calls.filter(et.CallQuery(**dates).to_expr()) for dates in (previous_days, days)
    )
    text = repr(et.reports.changes(logs, et.CallQuery(**days), ["offered", "answer_rate"]))

    row = et.metrics.compare(before, after, ["answer_rate"]).row(0, named=True)
    assert text.splitlines()[0] == "Changes are against the previous period: 3–4 Nov 2026."
    assert f"Offered | {after.height:,} | -" in text
    assert (
        f"Answer rate | {row['after'] * 100:.1f} % | over {row['after_n']} offered calls | " in text
    )
    assert f"{row['difference'] * 100:+.1f} points against {row['before'] * 100:.1f} %" in text
    assert f"95 %: {row['low'] * 100:+.1f} to {row['high'] * 100:+.1f}" in text


def test_changes_need_a_fetched_previous_period():
    logs = et.read_snapshot(ROOT / "data" / "sample")

    assert repr(et.reports.changes(logs, logs.query)).startswith(
        "No change is shown: the previous period, 26 Oct – 1 Nov 2026, "
    )
    assert et.reports.changes(logs, et.CallQuery()) == et.reports.changes(logs, logs.query)
    undated = dataclasses.replace(logs, query=et.CallQuery())
    assert (
        repr(et.reports.changes(undated, et.CallQuery()))
        == "No previous period to compare with: choose a first and a last day."
    )
    with pytest.raises(errors.InputError, match="changes takes CallLogs"):
        et.reports.changes(logs.calls, et.CallQuery())  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def five_weeks() -> et.CallLogs:
    """Simulated calls, of which three quarters of those of the last week at 10 o'clock are lost."""
    calls = et.simulate_calls(6_000, days=35, seed=4, preset="busy").calls
    local = pl.col("started_at").dt.convert_time_zone("Asia/Ho_Chi_Minh")
    is_hit = (
        (local.dt.date() >= date(2026, 11, 30))
        & (local.dt.hour() == 10)
        & (pl.int_range(pl.len()) % 4 > 0)
    )
    missed = pl.lit("not_answered").cast(calls.schema["call_state"])
    calls = calls.with_columns(
        call_state=pl.when(is_hit).then(missed).otherwise("call_state"),
    )
    query = et.CallQuery(date_from="2026-11-02", date_to="2026-12-07")
    start, end = (datetime(2026, *day, 17, tzinfo=UTC) for day in ((11, 1), (12, 6)))
    report = replace(et.sample_logs().report, complete_from=start, complete_to=end)
    return replace(et.sample_logs(), calls=calls, query=query, report=report)


@pytest.mark.slow
def test_findings_are_those_of_metrics(five_weeks: et.CallLogs):
    week = et.CallQuery(date_from="2026-11-30", date_to="2026-12-07", direction="in")

    fragment = et.reports.findings(five_weeks, week)

    inbound = five_weeks.calls.filter(direction="in")
    result = et.metrics.findings(
        inbound.filter(week.to_expr()), history=inbound, limit=5, coverage=five_weeks.report
    )
    texts = [finding_text(row) for row in result.table.iter_rows(named=True)]
    assert result.history_days == 28
    assert repr(fragment).splitlines() == texts
    assert any(text.startswith("Answer rate from 10:00 to 11:00: ") for text in texts)
    assert fragment._repr_html_().count("<li>") == len(texts)
    assert fragment == et.reports.findings(five_weeks, week)
    assert len(repr(et.reports.findings(five_weeks, week, limit=1)).splitlines()) == 1


def test_findings_leave_out_days_that_were_not_fetched_completely(five_weeks: et.CallLogs):
    week = et.CallQuery(date_from="2026-11-30", date_to="2026-12-07", direction="in")
    late = replace(five_weeks.report, complete_from=datetime(2026, 11, 26, 5, tzinfo=UTC))

    text = repr(et.reports.findings(replace(five_weeks, report=late), week))

    assert text == "Cannot tell yet: 3 days of history. Three other weeks are enough."


@pytest.mark.slow
def test_ordinary_week_has_no_findings(five_weeks: et.CallLogs):
    week = et.CallQuery(date_from="2026-11-16", date_to="2026-11-23", direction="in")

    text = repr(et.reports.findings(five_weeks, week))

    assert text == "Nothing stands out, compared with 28 days of history."


def test_words_dates_and_shares_follow_the_language():
    rows = pl.DataFrame(
        {
            "from_day": [date(2026, 11, 2)],
            "verdict": ["no evidence"],
            "reach_rate": [0.725],
            "reach_rate_num": [58],
            "reach_rate_den": [80],
            "wait_s": [math.inf],
        }
    )

    english = repr(et.reports.table(rows)).splitlines()[1]
    vietnamese = repr(et.reports.table(rows, language="vi")).splitlines()[1]

    assert english.split(" | ")[:2] == ["Mon 2 Nov 2026", "no evidence"]
    assert english.split(" | ")[2:] == ["72.5 %, 58 of 80", "inf s"]
    assert vietnamese.startswith("T2 02/11/2026 | chưa có bằng chứng | ")
    with_interval = rows.with_columns(reach_rate_low=0.619, reach_rate_high=0.811)
    assert "72.5 %, 58 of 80 (61.9 % to 81.1 %)" in repr(et.reports.table(with_interval))
