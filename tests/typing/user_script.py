"""A user's script: type checkers must accept what the documentation shows."""

from datetime import date, timedelta

import polars as pl

import etelecom_analytics as et

logs = et.sample_logs()
options = et.MetricOptions(
    holidays=["2026-09-02", date(2027, 1, 1)],
    ivr_numbers=["8000", "8100"],
    as_of="2026-11-09T00:00",
    business_hours={"mon-fri": ("08:00", "17:30"), "sat": [("08:00", "12:00")]},
    wait_from="first_ring",
    variant="no_short",
    threshold_s=30,
)
by_number = et.MetricOptions(business_hours={1: ("08:00", "12:00")}, as_of=date(2026, 11, 9))
days: tuple[date, ...] = options.holidays
numbers: tuple[str, ...] = options.ivr_numbers

query = et.CallQuery(
    date_from="2026-11-02",
    date_to=date(2026, 11, 9),
    direction="in",
    call_state="answered",
    duration=("less_than_or_equal_to", 600),
    extension_ids=["1140000000000000003"],
)

calls: pl.DataFrame = logs.calls
lazy: pl.LazyFrame = calls.lazy()
selection = et.metrics.Selection(calls)

# A DataFrame and a Selection give a DataFrame, a LazyFrame gives a LazyFrame.
by_day: pl.DataFrame = et.summarize(calls, by="day", measures="offered", options=options)
by_two: pl.DataFrame = et.summarize(selection, by=["day", "hour"], confidence=0.9)
by_hour: pl.LazyFrame = et.summarize(lazy, ("hour",), ("answer_rate", "asa_s"), confidence=True)
with_hours: pl.DataFrame = et.metrics.summarize_fetched(
    lazy, "day", "calls", coverage=logs.report, confidence=0.9
)
facts: pl.LazyFrame = et.metrics.facts(lazy)
legs: pl.DataFrame = et.metrics.legs(selection)
offers: pl.DataFrame = et.metrics.offers(calls, options=options)
levels: pl.DataFrame = et.metrics.service_levels(selection, confidence=0.8)
returned: pl.LazyFrame = et.metrics.callback_rate(lazy, "hour", within=timedelta(hours=4))
repeated: pl.DataFrame = et.metrics.repeat_rate(calls, by="hour", within="3d")
curve: pl.DataFrame = et.metrics.patience(selection, ["hour"])
paths: pl.DataFrame = et.metrics.hunt_paths(calls, limit=5)

# A filter keeps the type of its input.
inbound: pl.DataFrame = et.metrics.inward(calls)
inbound_selection: et.metrics.Selection = et.metrics.inward(selection)
monday: pl.DataFrame = et.metrics.drill_through(calls, {"weekday": 1})
monday_selection: et.metrics.Selection = et.metrics.drill_through(selection, {"weekday": 1})

change: pl.DataFrame = et.metrics.compare(inbound, monday_selection, "answer_rate")
explanation: et.metrics.Explanation = et.metrics.explain(calls, "missed", by="hour", at=9)
measure: et.metrics.Measure = explanation.measure
busy: et.metrics.Concurrency = et.metrics.concurrency(selection)
waits: et.metrics.WaitSeconds = et.metrics.wait_seconds(lazy)


def either(table: et.metrics.Calls) -> pl.DataFrame:
    """The calls of a function that takes any of the three types."""
    return et.summarize(table, by="hour").lazy().collect()


assert by_day.height == 7
assert by_hour.collect().height == either(selection).height
