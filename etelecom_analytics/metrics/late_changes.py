"""Late changes: how long calls change after their end."""

from typing import overload

import polars as pl

from .call_legs import seconds
from .selection import Calls, Selection, calls_frame, like_input

__all__ = ["update_lag"]

_COVERAGE = 0.999
_HOUR_S = 3_600.0


@overload
def update_lag(calls: pl.LazyFrame) -> pl.LazyFrame: ...


@overload
def update_lag(calls: pl.DataFrame | Selection) -> pl.DataFrame: ...


def update_lag(calls: Calls) -> pl.DataFrame | pl.LazyFrame:
    """How long calls change after their end, and a sufficient lookback for fetches, in one row.

    Columns, seconds as Float64:

    - `calls`: calls with an end and a last change; the other columns describe these. `late`: calls
      that changed after their end.
    - `lag_p50_s`, `lag_p90_s`, `lag_p99_s`, `lag_p999_s`, `lag_max_s`: quantiles of `updated_at -
      ended_at`, at least 0.
    - `lookback_s`: a fetch of the calls that began in this period covers 99.9 % of the late
      changes, rounded up to whole hours. It is based on `updated_at - started_at`, because the API
      filters calls by their start.

    Calls that were fetched soon after their end have had little time to change. Use older calls: of
    last month rather than of last night. Without data, the values are null. LazyFrame in, LazyFrame
    out.

    Examples:
        >>> et.metrics.update_lag(et.sample_logs().calls).select("calls", "late").row(0)
        (398, 398)
    """
    lag = seconds(pl.col("ended_at"), pl.col("updated_at")).clip(lower_bound=0.0)
    since_start = seconds(pl.col("started_at"), pl.col("updated_at"))
    late = pl.col("lag") > 0
    shares = {"lag_p50_s": 0.5, "lag_p90_s": 0.9, "lag_p99_s": 0.99, "lag_p999_s": 0.999}
    # "higher" returns the lag of a real change. A value between two of them would cover only one.
    lookback = pl.col("since_start").filter(late).quantile(_COVERAGE, interpolation="higher")
    table = (
        calls_frame(calls, columns=("started_at", "ended_at", "updated_at"))
        .select(lag=lag, since_start=since_start)
        .filter(pl.col("lag").is_not_null())
        .select(
            calls=pl.len().cast(pl.Int64),
            late=late.sum().cast(pl.Int64),
            **{
                name: pl.col("lag").quantile(share, interpolation="linear")
                for name, share in shares.items()
            },
            lag_max_s=pl.col("lag").max(),
            lookback_s=(lookback / _HOUR_S).ceil() * _HOUR_S,
        )
    )
    return like_input(calls, table)
