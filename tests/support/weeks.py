"""Logs of several simulated weeks, with or without a bad last week."""

import dataclasses
from datetime import date, timedelta

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.local_time import HOME_ZONE, midnight
from etelecom_analytics.report_merge import certify

__all__ = ["LAST_WEEK", "OPTIONS", "weeks_of_calls"]

OPTIONS = et.MetricOptions(ivr_numbers=("8000",), queue_numbers=("8100",))
_END = date(2026, 11, 9)
LAST_WEEK = ("2026-11-02", "2026-11-09")
"""The dates of the last of the weeks."""


def weeks_of_calls(weeks: int, *, calls: int = 700, missed: float = 0.0) -> et.CallLogs:
    """Logs of so many weeks with so many calls each.

    In the last week this share of the answered inbound calls is missed as well.
    """
    first = _END - timedelta(weeks=weeks)
    table = et.simulate_calls(calls * weeks, seed=11, start=first, days=7 * weeks).calls
    begin = midnight(_END - timedelta(weeks=1), HOME_ZONE)
    is_lost = (
        (pl.col("started_at") >= begin)
        & (pl.col("direction") == "in")
        & (pl.col("call_state") == "answered")
        & (pl.int_range(pl.len()) % 100 < 100 * missed)
    )
    schema = table.schema
    table = table.with_columns(
        call_state=pl.when(is_lost).then(pl.lit("not_answered")).otherwise("call_state"),
        call_targets=pl.when(is_lost)
        .then(pl.col("call_targets").list.head(0))
        .otherwise("call_targets"),
    ).cast(schema)
    start, end = midnight(first, HOME_ZONE), midnight(_END, HOME_ZONE)
    report = dataclasses.replace(
        et.sample_logs().report, complete_from=start, complete_to=end, rows=table.height, windows=()
    )
    query = et.CallQuery(date_from=first, date_to=_END)
    return et.CallLogs(calls=table, query=query, report=certify(report, table))
