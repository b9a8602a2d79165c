"""The SIP codes with which the legs of each trunk failed, their meaning, and the side to check."""

import altair as alt
import polars as pl

from ..fetch_report import FetchReport
from ..language import Language, in_language, mark, tr
from ..locale.number_note import number_note
from ..locale.terms import count
from ..metrics import Calls, MetricOptions, fail_codes
from .finish import coverage_note, empty_chart, finish_chart, lower_first, panel_title
from .inputs import chart_input, row_limit
from .texts import none_label, percent
from .theme import FAINT, GUTTER, HUES, INK, WIDTH, round_floats, total

__all__ = ["trunk_failures"]

_ROW, _LONGEST_BAR = 36, 0.6
_MAX_LIMIT = 30
"""Trunks, and codes of each: a code has four marks, and a chart at most 5,000."""

_SIDE_HUES = {
    mark("caller", context="side"): HUES[1],
    mark("callee", context="side"): HUES[0],
    mark("number", context="side"): HUES[3],
    mark("pbx", context="side"): HUES[4],
    mark("carrier", context="side"): HUES[2],
    mark("unknown", context="side"): FAINT,
}
_SUBJECT = mark("SIP fail codes by trunk")


@in_language
def trunk_failures(
    calls: Calls,
    *,
    limit: int = 12,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The fail codes of each trunk's legs: number, share of its legs, meaning, side. Collects.

    Args:
        calls: calls of any direction.
        limit: the maximum number of trunks, those with the most failed legs; and of codes of each
            trunk, the most frequent; up to 30.
        options: parameters of the metrics, such as the time zone.
        coverage: `logs.report`; a note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

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
        tr(
            "share = legs that ended with the code / all legs of the trunk, of calls that ended. "
            "The side is where to look first."
        )
    ]
    complete = coverage_note(coverage, options.time_zone)
    if not failed.height:
        message = tr("No failed leg of {legs} through trunks", legs=count(legs, "leg"))
        message = message if legs else tr("No leg went through a trunk")
        message = message if number else tr("No calls")
        title = f"{tr(_SUBJECT)}: {lower_first(message)}"
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
        scope.append(tr("the {n} most frequent codes of each trunk", n=limit))
    if largest.height < trunks.height:
        scope.append(
            tr("the {n} trunks with the most failed legs, of {total}", n=limit, total=trunks.height)
        )
    return finish_chart(
        _draw(frequent, largest),
        title=tr(
            "{subject}: {n} of {legs} failed",
            subject=tr(_SUBJECT),
            n=total(failed, "legs"),
            legs=count(legs, "leg"),
        ),
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
        tr(
            "{trunk}: {n} of {legs} failed, most with {code}.",
            trunk=name,
            n=failed,
            legs=legs,
            code=code_of[name],
        )
        for name, failed, legs in trunks.select("trunk_name", "failed", "of_trunk").iter_rows()
    )


def _code_text() -> pl.Expr:
    return pl.col("fail_code").cast(pl.String).fill_null(none_label())


def _translated(texts: pl.Series) -> pl.Series:
    """Texts of the registry of SIP codes in the current language."""
    return texts.replace({text: tr(text) for text in texts.unique().drop_nulls()})


def _draw(codes: pl.DataFrame, trunks: pl.DataFrame) -> alt.VConcatChart:
    side = pl.col("side").cast(pl.String)
    shown_side = side.replace({name: tr(name, context="side") for name in _SIDE_HUES})
    rows = codes.with_columns(
        side=shown_side,
        meaning=_translated(codes["meaning"]),
        code=_code_text(),
        text=pl.format("{} ({} %)", "legs", percent(pl.col("share"), 1)),
        hue=side.replace_strict(_SIDE_HUES, default=FAINT, return_dtype=pl.String),
    ).with_columns(explanation=pl.format("{}: {}", "side", "meaning"))
    maximum = codes.select(pl.col("share").max()).item()
    panels = [
        _panel(
            rows.filter(pl.col("trunk_name") == name),
            title=tr("{trunk}: {n} of {legs} legs failed", trunk=name, n=failed, legs=legs),
            maximum=maximum,
        )
        for name, failed, legs in trunks.select("trunk_name", "failed", "of_trunk").iter_rows()
    ]
    return alt.vconcat(*panels, spacing=14)


def _panel(rows: pl.DataFrame, *, title: str, maximum: float) -> alt.LayerChart:
    """One row per code of a trunk."""
    tooltip = [
        alt.Tooltip("code:N", title=tr("fail code")),
        alt.Tooltip("meaning:N", title=tr("meaning")),
        alt.Tooltip("side:N", title=tr("side")),
        alt.Tooltip("legs:Q", title=tr("legs"), format=","),
        alt.Tooltip("share:Q", title=tr("of the trunk's legs"), format=".1%"),
        alt.Tooltip("of_trunk:Q", title=tr("legs of the trunk"), format=","),
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
        counts.encode(size, text=alt.Text("text:N")),
        below.encode(x=alt.XValue(0), text=alt.Text("explanation:N")),
    ]
    heading = panel_title(title, offset=6)
    return alt.LayerChart(layer=layers, width=WIDTH, height={"step": _ROW}, title=heading)
