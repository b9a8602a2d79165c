"""The previous period as a line on a chart of days or weeks, at the same positions."""

from datetime import timedelta
from typing import NamedTuple

import altair as alt
import polars as pl

from ..language import tr
from .theme import FAINT

__all__ = ["PreviousPeriod", "previous_tooltip"]

_DASH = [4, 3]
_MILLISECONDS = timedelta(milliseconds=1)
_WEEK_DAYS = 7


class PreviousPeriod(NamedTuple):
    """The groups of a previous period, moved to the positions of those that follow.

    Attributes:
        rows: `middle`, where a group is drawn, its `value`, and its text as `previous`.
        note: which days these are.
    """

    rows: pl.DataFrame
    note: str

    @classmethod
    def of(
        cls, rows: pl.DataFrame, table: pl.DataFrame, *, by: str, days: int, first: str, last: str
    ) -> "PreviousPeriod | None":
        """The line for the chart of `table`; None where its groups have no counterparts.

        Months differ in length, and the weeks of a period of 10 days begin on other days than those
        before. So only days have a line, and weeks of periods of whole weeks.

        Args:
            rows: the groups of the previous period.
            table: the groups of the chart, both with `spans`.
            by: "day", "week" or "month".
            days: how many days later the period begins than the previous one.
            first: the first day of the previous period, as text.
            last: its last day.
        """
        if by == "month" or (by == "week" and days % _WEEK_DAYS):
            return None
        shift = timedelta(days=days) // _MILLISECONDS
        moved = rows.select(
            middle=pl.col("middle") + shift,
            value="value",
            previous=pl.format("{} ({})", pl.col("text").fill_null("–"), "key"),
        ).filter(pl.col("middle").is_in(table["middle"].to_list()))
        if moved["value"].is_not_null().sum() < 1:
            return None
        note = tr("dashed line: previous period, {first} to {last}", first=first, last=last)
        return cls(moved, note)

    def joined(self, table: pl.DataFrame) -> pl.DataFrame:
        """The table with the values of the previous period as text, in the column `previous`."""
        texts = self.rows.select("middle", "previous")
        return table.join(texts, on="middle", how="left", maintain_order="left")

    def line(self, across: alt.X, value: alt.X | alt.Y) -> alt.Chart:
        """A thin dashed line, with its name as a legend."""
        legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeColor=FAINT)
        dash = alt.StrokeDashDatum(
            tr("previous period"), scale=alt.Scale(range=[_DASH]), legend=legend
        )
        line: alt.Chart = (
            alt.Chart(self.rows)
            .mark_line(color=FAINT, strokeWidth=1.5)
            .encode(across, value, strokeDash=dash)
        )
        return line


def previous_tooltip() -> alt.Tooltip:
    """The value at the same position in the previous period."""
    return alt.Tooltip("previous:N", title=tr("previous period"))
