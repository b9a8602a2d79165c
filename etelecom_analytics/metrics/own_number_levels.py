"""outbound_levels: the answer rate of own numbers over time, and the days at which it changed."""

import polars as pl

from .arguments import row_limit
from .call_attempts import attempts_of, outbound_calls, outbound_dimensions
from .confidence import SIGNIFICANCE
from .dimensions import Names
from .local_dimensions import start_dimensions
from .options import MetricOptions, checked_options
from .rate_levels import levels_of
from .ratios import wide_ratio
from .selection import Calls, calls_frame

__all__ = ["LOCAL_DAY", "days_of_groups", "outbound_levels", "with_levels"]

LOCAL_DAY = "local_day"
"""The column of the day, which is no dimension."""


def outbound_levels(
    calls: Calls,
    by: Names = "own_number",
    *,
    limit: int = 20,
    options: MetricOptions = MetricOptions(),
    confidence: bool | float = True,
) -> pl.DataFrame:
    """The answer rate of each own number over time, and the days on which it changed. Collects.

    A number that is reported as spam, or blocked by a carrier, is answered much less often from one
    day on. One row per group and period with one level: without a change, one row. Columns, after
    those of `by`: `from_day` and `to_day`, the first and last local day with attempts; `days` with
    attempts; `answer_rate` of the period, its counts `answer_rate_num` and `answer_rate_den`, and
    `answer_rate_low` and `answer_rate_high`, Wilson's interval; `change`, the rate minus that of
    the level before, null for the first; `p_value` of the change; and `others_answer_rate` of all
    other groups in the same days, with the same columns. If the others change too, the cause is not
    the own number. Sorted by group, nulls last, and day.

    Days are split where the likelihood of two answer rates is largest. The p-value is the share of
    random orders of the days that can be split as well or better, so that days may differ more than
    by chance. A change needs a p-value of at most 0.05 / groups shown, and 3 days on each side;
    each part is then split in the same way (A. J. Scott, M. Knott, A Cluster Analysis Method for
    Grouping Means in the Analysis of Variance, Biometrics 30, 1974). A rate that falls slowly has a
    change somewhere in its fall.

    Args:
        calls: outbound calls; others are ignored.
        by: dimensions of the attempts; "own_number" by default, see `OUTBOUND_DIMENSIONS`.
        limit: the number of groups, those with the most attempts.
        options: `as_of`, the time zone, and numbers that are not customers.
        confidence: False leaves the intervals out; True is 95 %; or a level such as 0.9.

    Raises:
        UnknownName: a dimension does not exist; the message lists the nearest names.
        InputError: `limit` is not a positive integer, the calls lack the names that a dimension
            needs, or `confidence` is not a level.

    Examples:
        >>> levels = et.metrics.outbound_levels(et.sample_logs().calls, by=[])
        >>> levels.select("days", "answer_rate_num", "answer_rate_den", "change").rows()
        [(7, 61, 84, None)]
    """
    groups, days = days_of_groups(calls, by, options, row_limit(limit))
    return with_levels(groups, days, confidence=confidence)


def days_of_groups(
    calls: Calls, by: Names, options: MetricOptions, limit: int
) -> tuple[list[str], pl.DataFrame]:
    """The dimensions, and the days of the groups with the most attempts.

    One row per group and day with attempts: the dimensions, the day, `answered`, `attempts`,
    `others_answered` and `others_attempts`, and `level`, the number of the level from 0, with the
    `p_value` of its change.
    """
    options = checked_options(options)
    table = calls_frame(calls)
    dimensions = outbound_dimensions(table, by, options)
    groups = list(dimensions)
    day = start_dimensions(["day"], options)["day"]
    all_days = (
        attempts_of(outbound_calls(table, options))
        .with_columns(**dimensions)
        .with_columns(**{LOCAL_DAY: day})
        .group_by(*groups, LOCAL_DAY)
        .agg(
            answered=pl.col("answered").cast(pl.Int64).sum(),
            attempts=pl.len().cast(pl.Int64),
        )
        .with_columns(
            others_answered=pl.col("answered").sum().over(LOCAL_DAY) - pl.col("answered"),
            others_attempts=pl.col("attempts").sum().over(LOCAL_DAY) - pl.col("attempts"),
        )
        .sort(*groups, LOCAL_DAY, nulls_last=True)
        .collect()
    )
    parts = [all_days]
    if groups:
        sizes = all_days.group_by(groups).agg(pl.col("attempts").sum())
        biggest = sizes.sort(
            "attempts", *groups, descending=[True, *(False for _ in groups)], nulls_last=True
        ).head(limit)
        chosen = all_days.join(
            biggest.select(groups), on=groups, how="semi", nulls_equal=True, maintain_order="left"
        )
        parts = chosen.partition_by(groups, maintain_order=True) or [chosen]
    significance = SIGNIFICANCE / len(parts)
    return groups, pl.concat([_leveled(part, significance) for part in parts])


def with_levels(
    groups: list[str], days: pl.DataFrame, *, confidence: bool | float = True
) -> pl.DataFrame:
    """The levels of `days_of_groups`, with the columns of `outbound_levels`."""
    counts = ("answered", "attempts", "others_answered", "others_attempts")
    sums = days.group_by(*groups, "level", maintain_order=True).agg(
        pl.col(counts).sum(),
        from_day=pl.col(LOCAL_DAY).min(),
        to_day=pl.col(LOCAL_DAY).max(),
        days=pl.len().cast(pl.Int64),
        p_value=pl.col("p_value").first(),
    )
    rate = pl.col("answered") / pl.col("attempts")
    return sums.select(
        *groups,
        "from_day",
        "to_day",
        "days",
        **wide_ratio("answer_rate", pl.col("answered"), pl.col("attempts"), confidence=confidence),
        change=pl.when(pl.col("level") > 0).then(rate - rate.shift(1)),
        p_value="p_value",
        **wide_ratio(
            "others_answer_rate",
            pl.col("others_answered"),
            pl.col("others_attempts"),
            confidence=confidence,
        ),
    )


def _leveled(days: pl.DataFrame, significance: float) -> pl.DataFrame:
    """The days of one group with their level and the p-value of its change."""
    starts = levels_of(
        days["answered"].to_numpy().astype(float),
        days["attempts"].to_numpy().astype(float),
        significance,
    )
    changes = pl.DataFrame(starts, schema={"row": pl.Int64, "p_value": pl.Float64}, orient="row")
    rows = days.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
    return rows.join_asof(changes.with_row_index("level"), on="row").drop("row")
