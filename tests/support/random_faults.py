"""A fetch of many calls from a server that fails at random."""

from functools import lru_cache
from typing import Any

import polars as pl

import etelecom_analytics as et
from etelecom_analytics.simulator import faults, schedule, serve
from etelecom_analytics.simulator.rows import wire_rows

__all__ = ["check_fetch_with_random_faults"]

_DAYS = et.CallQuery(date_from="2026-11-01", date_to="2026-11-30")
_SHARE = 0.2
_CAUSES = (
    faults.error_status(503),
    faults.bad_number(),
    faults.cut(900),
    faults.html(),
    faults.error_in_page(),
    faults.reset(700),
)


def check_fetch_with_random_faults(count: int, workers: int) -> int:
    """Fetch simulated calls of 30 days while a fifth of the requests fail, and return their number.

    Raises:
        AssertionError: a call is missing or there twice, or the result is not complete.
    """
    calls, rows = _calls_and_rows(count)
    with serve(rows) as server:
        for seed, fault in enumerate(_CAUSES):
            server.misbehave(fault, when=schedule.sometimes(_SHARE / len(_CAUSES), seed=seed))
        with et.Client(
            server.base_url,
            server.api_key,
            retry=et.Retry(attempts=30, total_s=1e6),
            sleep=lambda seconds: None,
        ) as client:
            logs = et.fetch_calls(client, _DAYS, workers=workers, progress=False)

    expected = calls.filter(_DAYS.to_expr())
    assert logs.calls.height == expected.height == logs.calls["id"].n_unique()
    assert set(logs.calls["id"]) == set(expected["id"])
    assert logs.report.complete
    return logs.calls.height


@lru_cache(maxsize=1)
def _calls_and_rows(count: int) -> tuple[pl.DataFrame, list[dict[str, Any]]]:
    """The simulated calls, and their rows as the API writes them."""
    calls = pl.concat(
        [
            et.simulate_calls(count // 4, seed=5, days=30).calls.with_columns(
                id=pl.format("{}{}", pl.lit(number), pl.col("id").str.slice(1))
            )
            for number in range(1, 5)
        ]
    )
    return calls, wire_rows(calls)
