"""All ways in which a server may misread the dates of a request, and a fetch from such a server."""

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import product

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.simulator import CallLogServer, faults

__all__ = ["Combination", "Result", "combinations", "dated_calls", "fetch_with"]

SHIFTS_H = (-14.0, -7.0, -1.0, -0.5, 0.25, 1.0, 5.5, 7.0, 14.0)
WORKERS = (1, 4, 16)
Range = tuple[datetime | None, datetime | None]


@dataclass(frozen=True, kw_only=True)
class Combination:
    """One reading of dates, and the fetch with which it is tested.

    Attributes:
        shift_h: hours by which the server shifts both dates.
        exclusive: whether the server excludes calls that start at an end.
        workers: parallel requests of the fetch.
        range_name: the name of the range of the query.
        begin, end: the range; None is open.
    """

    shift_h: float
    exclusive: bool
    workers: int
    range_name: str
    begin: datetime | None
    end: datetime | None

    def __str__(self) -> str:
        ends = "exclusive" if self.exclusive else "inclusive"
        return f"{self.shift_h:+g} h, {ends}, {self.range_name}, {self.workers} workers"

    @property
    def query(self) -> et.CallQuery:
        """The query of the fetch."""
        return et.CallQuery(date_from=self.begin, date_to=self.end)


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a fetch returned, compared with all calls of its query."""

    logs: et.CallLogs
    lost: int
    warnings: int


def dated_calls(count: int = 700) -> pl.DataFrame:
    """A week of calls, long ago, so that no call is in the future on any machine.

    The starts are whole seconds, as those of many servers, so that a call can start at an end.
    """
    calls = et.simulate_calls(count, seed=4, start="2024-11-04").calls
    whole_seconds = calls.with_columns(pl.col("started_at").dt.truncate("1s"))
    return whole_seconds.sort("started_at", "id", descending=[True, False])


def combinations(calls: pl.DataFrame) -> list[Combination]:
    """285 combinations of 19 wrong readings, 5 ranges, and 1, 4 and 16 workers."""
    starts = calls["started_at"].sort()
    at_calls = starts[150].replace(tzinfo=UTC), starts[500].replace(tzinfo=UTC)
    midnight = datetime(2024, 11, 5, 17, tzinfo=UTC)
    ranges: dict[str, Range] = {
        "three days": (midnight, midnight + timedelta(days=3)),
        "from call to call": at_calls,
        "an hour": (at_calls[0], at_calls[0] + timedelta(hours=1)),
        "open start": (None, at_calls[1]),
        "open end": (at_calls[0], None),
    }
    readings = [(0.0, True), *product(SHIFTS_H, (False, True))]
    return [
        Combination(
            shift_h=shift_h,
            exclusive=exclusive,
            workers=workers,
            range_name=name,
            begin=begin,
            end=end,
        )
        for (shift_h, exclusive), (name, (begin, end)), workers in product(
            readings, ranges.items(), WORKERS
        )
    ]


def fetch_with(case: Combination, server: CallLogServer, calls: pl.DataFrame) -> Result:
    """The result of a fetch by a new client, while the server misreads dates like this."""
    server.forget()
    server.misbehave(faults.shifted_dates(case.shift_h))
    if case.exclusive:
        server.misbehave(faults.exclusive_dates())
    with (
        et.Client(server.base_url, server.api_key) as client,
        warnings.catch_warnings(record=True) as messages,
    ):
        warnings.simplefilter("always")
        logs = et.fetch_calls(client, case.query, workers=case.workers, progress=False)
    expected = calls.filter(case.query.to_expr())
    lost = expected.join(logs.calls, on="id", how="anti").height
    return Result(logs=logs, lost=lost, warnings=len(messages))
