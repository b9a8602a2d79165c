"""The rows of the chart of extensions: one per number, and one per number and outcome."""

import polars as pl

from ..language import mark, tr
from .durations import duration_text
from .texts import interval_text, percent
from .theme import ANSWERED, ELSEWHERE, FAINT, LOST

__all__ = ["OTHER", "OUTCOMES", "number_rows", "outcome_rows"]

OUTCOMES = {
    "answered": (mark("answered"), ANSWERED),
    "rna_timeout": (mark("rang out"), LOST),
    "busy_or_rejected": (mark("busy or rejected"), "#b8629b"),
    "answered_elsewhere": (mark("answered elsewhere"), ELSEWHERE),
    "caller_gave_up": (mark("caller gave up"), "#a67c00"),
}
OTHER = (mark("unreachable or other"), FAINT)
"""The outcomes of offers: their labels and hues, in the order of the bar."""


def number_rows(table: pl.DataFrame, min_offers: int, limit: int) -> pl.DataFrame:
    """The numbers with the most offers, best rate first, then the small ones."""
    rate = pl.format("{} %", percent(pl.col("fair_answer_rate")))
    fair = pl.format(tr("{} of {}"), "fair_answer_rate_num", "fair_answer_rate_den")
    biggest = table.sort("offers", "target_number", descending=[True, False], nulls_last=True)
    rows = (
        biggest.head(limit)
        .with_columns(
            small=pl.col("offers") < min_offers,
            percent=rate,
            text=pl.format("{}, {}", rate, fair).fill_null("-"),
            interval=interval_text("fair_answer_rate_low", "fair_answer_rate_high"),
            fair=fair,
            ring_p50=duration_text("ring_p50_s").fill_null("-"),
            ring_avg=duration_text("ring_avg_s").fill_null("-"),
            talk=duration_text("leg_talk_s").fill_null("-"),
        )
        .with_columns(
            hue=_unless_small(ANSWERED, FAINT),
            fill=_unless_small(ANSWERED, "transparent"),
        )
    )
    return rows.sort(
        "small", -pl.col("fair_answer_rate"), -pl.col("offers"), "number", nulls_last=True
    )


def outcome_rows(rows: pl.DataFrame, outcomes: pl.DataFrame) -> pl.DataFrame:
    """One row per number and outcome with offers, from left to right of the bar."""
    known = list(OUTCOMES)
    names = [tr(label) for label, _ in (*OUTCOMES.values(), OTHER)]
    outcome = pl.col("outcome").cast(pl.String)
    place = outcome.replace_strict(known, list(range(len(known))), default=len(known))
    return (
        outcomes.select("target_number", "offers", place=place)
        .group_by("target_number", "place")
        .agg(pl.col("offers").sum())
        .join(
            rows.select("number", "target_number", total="offers"),
            on="target_number",
            nulls_equal=True,
        )
        .sort("number", "place")
        .select(
            "number",
            "place",
            "offers",
            outcome=pl.col("place").replace_strict(list(range(len(names))), names),
            share=pl.col("offers") / pl.col("total"),
        )
    )


def _unless_small(hue: str, small_hue: str) -> pl.Expr:
    return pl.when("small").then(pl.lit(small_hue)).otherwise(pl.lit(hue))
