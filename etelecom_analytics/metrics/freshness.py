"""How long after a call its log still changes, and so how far back a nightly fetch must look."""

import polars as pl

from ..frames import Frame, same_kind
from .call_facts import seconds

__all__ = ["update_lag"]

_COVERED = 0.999
_HOUR_S = 3_600.0


def update_lag(calls: Frame) -> Frame:
    """One row: how long after their end calls were last changed, and the lookback that would have caught nearly all of it.

    Columns, seconds as Float64:

    - `calls`: those with an end and a last change, which all else is about; `late`: those that
      changed after their end.
    - `lag_p50_s`, `lag_p90_s`, `lag_p99_s`, `lag_p999_s`, `lag_max_s`: quantiles of `updated_at -
      ended_at`, never below 0.
    - `lookback_s`: a fetch that goes back so far, by when calls began, sees 99.9 % of the late
      changes; whole hours, rounded up. It is reckoned from `updated_at - started_at`, since the API
      is asked for calls by their start.

    Calls that were fetched soon after their end have had little time to change, so let the table be
    older than the answer: the calls of last month, not of last night. Null where there is nothing
    to reckon from. LazyFrame in, LazyFrame out.
    """
    lag = seconds(pl.col("ended_at"), pl.col("updated_at")).clip(lower_bound=0.0)
    since_start = seconds(pl.col("started_at"), pl.col("updated_at"))
    late = pl.col("lag") > 0
    shares = {"lag_p50_s": 0.5, "lag_p90_s": 0.9, "lag_p99_s": 0.99, "lag_p999_s": 0.999}
    # "higher" is an edit that there was: what lies between two of them would cover only the first.
    covering = pl.col("since_start").filter(late).quantile(_COVERED, interpolation="higher")
    told = (
        calls.lazy()
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
            lookback_s=(covering / _HOUR_S).ceil() * _HOUR_S,
        )
    )
    return same_kind(calls, told)
