"""The SIP codes with which the legs of each trunk failed, their meaning, and the side to check."""

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..locale.number_note import number_note
from ..metrics import Calls, MetricOptions, fail_codes
from .finish import coverage_note, empty_chart, finish_chart, lower_first, panel_title
from .inputs import chart_input, row_limit
from .theme import FAINT, GUTTER, HUES, INK, NONE_LABEL, WIDTH, count, round_floats, total

__all__ = ["trunk_failures"]

_ROW, _LONGEST_BAR = 36, 0.6
_MAX_LIMIT = 30
"""Trunks, and codes of each: a code has four marks, and a chart at most 5,000."""

_SIDE_HUES = {
    "caller": HUES[1],
    "callee": HUES[0],
    "number": HUES[3],
    "pbx": HUES[4],
    "carrier": HUES[2],
    "unknown": FAINT,
}
_SUBJECT = "SIP fail codes by trunk"


def trunk_failures(
    calls: Calls,
    *,
    limit: int = 12,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The fail codes of each trunk's legs: number, share of its legs, meaning, side. Collects.

    Args:
        calls: calls of any direction.
        limit: the maximum number of trunks, those with the most failed legs; and of codes of each
            trunk, the most frequent; up to 30.
        options: parameters of the metrics, such as the time zone.
        coverage: `logs.report`; a note states which times are complete.

    Raises:
        InputError: `limit` is out of range.

    Examples:
        >>> chart = et.charts.trunk_failures(et.sample_logs().calls)
        >>> chart.title.text
        ['SIP fail codes by trunk: 29 of 90 legs failed']
    """
    data, limit = chart_input(calls, options, coverage), row_limit(limit, _MAX_LIMIT)
    calls, options = data
    every_code = round_floats(fail_codes(calls.lazy(), options=options).collect())
    table = every_code.filter(pl.col("trunk_name").is_not_null())
    failed = table.filter(pl.col("fail_code").is_null() | (pl.col("fail_code") != 0))
    number, legs = data.height, total(table, "legs")
    scope = [count(number, "call"), options.time_zone]
    about = [
        "share = legs that ended with the code / all legs of the trunk, of calls that ended. "
        "The side is where to look first."
    ]
    complete = coverage_note(coverage, options.time_zone)
    if not failed.height:
        message = f"No failed leg of {count(legs, 'leg')} through trunks"
        message = message if legs else "No leg went through a trunk"
        message = message if number else "No calls"
        title = f"{_SUBJECT}: {lower_first(message)}"
        return empty_chart(title, scope, about=about, coverage=complete, message=message)
    failures = pl.col("legs").filter(pl.col("fail_code").fill_null(-1) != 0).sum()
    trunks = (
        table.group_by("trunk_name")
        .agg(of_trunk=pl.col("legs").sum(), failed=failures)
        .filter(pl.col("failed") > 0)
        .sort("failed", "trunk_name", descending=[True, False])
    )
    largest = trunks.head(limit)
    codes = failed.join(largest, on="trunk_name")
    frequent = codes.group_by("trunk_name", maintain_order=True).head(limit)
    if frequent.height < codes.height:
        scope.append(f"the {limit} most frequent codes of each trunk")
    if largest.height < trunks.height:
        scope.append(f"the {limit} trunks with the most failed legs, of {trunks.height:,}")
    return finish_chart(
        _draw(frequent, largest),
        title=f"{_SUBJECT}: {total(failed, 'legs'):,} of {count(legs, 'leg')} failed",
        scope=scope,
        warnings=[number_note(calls, options)],
        about=about,
        coverage=complete,
        description=_alt_text(frequent, largest),
    )


def _alt_text(codes: pl.DataFrame, trunks: pl.DataFrame) -> str:
    """The most frequent code of each trunk as alternative text."""
    first = codes.unique("trunk_name", keep="first", maintain_order=True)
    code_of = dict(first.select("trunk_name", _code_text()).iter_rows())
    return " ".join(
        f"{name}: {failed:,} of {legs:,} failed, most with {code_of[name]}."
        for name, failed, legs in trunks.select("trunk_name", "failed", "of_trunk").iter_rows()
    )


def _code_text() -> pl.Expr:
    return pl.col("fail_code").cast(pl.String).fill_null(NONE_LABEL)


def _draw(codes: pl.DataFrame, trunks: pl.DataFrame) -> alt.VConcatChart:
    side = pl.col("side").cast(pl.String)
    rows = codes.with_columns(
        side=side,
        code=_code_text(),
        text=pl.format("{} ({} %)", "legs", (pl.col("share") * 100).round(1)),
        hue=side.replace_strict(_SIDE_HUES, default=FAINT, return_dtype=pl.String),
        explanation=pl.format("{}: {}", side, "meaning"),
    )
    maximum = codes.select(pl.col("share").max()).item()
    panels = [
        _panel(
            rows.filter(pl.col("trunk_name") == name),
            title=f"{name}: {failed:,} of {legs:,} legs failed",
            maximum=maximum,
        )
        for name, failed, legs in trunks.select("trunk_name", "failed", "of_trunk").iter_rows()
    ]
    return alt.vconcat(*panels, spacing=14)


def _panel(rows: pl.DataFrame, *, title: str, maximum: float) -> alt.LayerChart:
    """One row per code of a trunk."""
    tooltip = [
        alt.Tooltip("code:N", title="fail code"),
        alt.Tooltip("meaning:N"),
        alt.Tooltip("side:N"),
        alt.Tooltip("legs:Q", format=","),
        alt.Tooltip("share:Q", title="of the trunk's legs", format=".1%"),
        alt.Tooltip("of_trunk:Q", title="legs of the trunk", format=","),
    ]
    y = alt.Y(
        "code:N",
        scale=alt.Scale(domain=rows["code"].to_list()),
        title=None,
        axis=alt.Axis(grid=False, minExtent=GUTTER),
    )
    no_axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=None)
    scale = alt.Scale(domain=[0, maximum / _LONGEST_BAR], nice=False)  # room for the texts
    size = alt.X("share:Q", scale=scale, axis=no_axis)
    base = alt.Chart(rows).encode(y, tooltip=tooltip)
    bars = base.mark_bar(height=12, yOffset=-7)
    counts = base.mark_text(style=INK, align="left", dx=4, dy=-7)
    below = base.mark_text(style=INK, align="left", dx=4, dy=7, limit=WIDTH)
    layers = [
        bars.encode(size, alt.Color("hue:N", scale=None, legend=None)),
        counts.encode(size, text="text:N"),
        below.encode(x=alt.value(0), text="explanation:N"),
    ]
    heading = panel_title(title, offset=6)
    return alt.LayerChart(layer=layers, width=WIDTH, height={"step": _ROW}, title=heading)
