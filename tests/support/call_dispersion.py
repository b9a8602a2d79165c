"""How much more the number of calls varies than that of independent calls would."""

import polars as pl

__all__ = ["CELLS", "call_dispersion"]

CELLS = {"day": 96, "hour": 4, "quarter hour": 1}
"""Quarters of an hour in one cell, of which a local day has whole ones."""


def call_dispersion(calls: pl.DataFrame, cell: str, *, time_zone: str) -> float:
    """Pearson's chi-squared of the counts over its degrees of freedom: 1 for independent calls.

    phi = sum (y - m)^2 / m / (cells - groups): y is the number of calls of a cell, m the mean of
    the same cell on the same weekday, at least 1.
    """
    local = pl.col("started_at").dt.convert_time_zone(time_zone)
    quarter = local.dt.hour().cast(pl.Int32) * 4 + local.dt.minute() // 15
    starts = calls.select(day=local.dt.date(), cell=quarter // CELLS[cell])
    cells = pl.DataFrame({"cell": range(96 // CELLS[cell])}, schema={"cell": pl.Int32})
    counts = (
        starts.select(pl.col("day").unique())
        .join(cells, how="cross")
        .join(starts.group_by("day", "cell").agg(y=pl.len()), on=["day", "cell"], how="left")
        .select(weekday=pl.col("day").dt.weekday(), cell="cell", y=pl.col("y").fill_null(0))
        .with_columns(m=pl.col("y").mean().over("weekday", "cell"))
        .filter(pl.col("m") >= 1)
    )
    groups = counts.select("weekday", "cell").n_unique()
    terms = (pl.col("y") - pl.col("m")) ** 2 / pl.col("m")
    return float(counts.select(terms.sum()).item()) / (counts.height - groups)
