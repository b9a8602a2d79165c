"""With which SIP codes the legs of each trunk failed, what these mean, and on which side to look."""

import altair as alt
import polars as pl

from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, fail_codes
from .finish import coverage_note, empty_chart, finish_chart
from .theme import FAINT, HUES, NONE_LABEL, WIDTH, count, round_floats, total

__all__ = ["trunk_failures"]

_ROW, _BAR, _MOST_TRUNKS, _MOST_CODES = 20, 170, 12, 12
_SIDES = {
    "caller": HUES[1],
    "callee": HUES[0],
    "number": HUES[3],
    "pbx": HUES[4],
    "carrier": HUES[2],
    "unknown": FAINT,
}


def trunk_failures(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> alt.VConcatChart | alt.Chart:
    """The fail codes of each trunk's legs, the most frequent first: how many, what share of its legs, the meaning, and the side. Collects.

    The 12 trunks with the most failed legs are drawn, the 12 most frequent codes of each.

    Args:
        calls: calls of any direction.
        options: what the numbers depend on besides the calls.
        coverage: `logs.report`; up to when the calls are complete is told.
    """
    table = round_floats(fail_codes(calls.lazy(), options=options).collect()).filter(
        pl.col("trunk_name").is_not_null()
    )
    of_calls, legs, zone = (
        calls.lazy().select(pl.len()).collect().item(),
        total(table, "legs"),
        f"({options.time_zone})",
    )
    notes: list[str] = [
        "share = legs that ended with the code / all legs of the trunk, of calls that ended. The side says where to look first.",
        coverage_note(coverage, options.time_zone),
    ]
    failed = table.filter(pl.col("fail_code").is_null() | (pl.col("fail_code") != 0))
    named = "SIP fail codes by trunk"
    if not failed.height:
        words = (
            f"No failed leg of {count(legs, 'leg')} through trunks"
            if legs
            else "No leg went through a trunk"
        )
        words = words if of_calls else "No calls"
        return empty_chart(
            f"{named}: {words[0].lower()}{words[1:]}, in {count(of_calls, 'call')} {zone}",
            notes,
            message=words,
        )
    title = f"{named}: {total(failed, 'legs'):,} of {count(legs, 'leg')} failed, in {count(of_calls, 'call')} {zone}"
    trunks = (
        table.group_by("trunk_name")
        .agg(
            of_trunk=pl.col("legs").sum(),
            failed=pl.col("legs").filter(pl.col("fail_code").fill_null(-1) != 0).sum(),
        )
        .filter(pl.col("failed") > 0)
        .sort("failed", "trunk_name", descending=[True, False])
    )
    if trunks.height > _MOST_TRUNKS:
        notes.insert(
            1, f"The {_MOST_TRUNKS} trunks with the most failed legs, of {trunks.height:,}."
        )
    shown = trunks.head(_MOST_TRUNKS)
    codes = (
        failed.join(shown, on="trunk_name")
        .group_by("trunk_name", maintain_order=True)
        .head(_MOST_CODES)
    )
    if codes.height < failed.join(shown, on="trunk_name").height:
        notes.insert(1, f"Of each trunk the {_MOST_CODES} most frequent codes.")
    return finish_chart(
        _drawn(codes, shown), title=title, notes=notes, description=_alt_text(codes, shown)
    )


def _alt_text(codes: pl.DataFrame, trunks: pl.DataFrame) -> str:
    """The most frequent code of each trunk, for who cannot see it."""
    first = codes.unique("trunk_name", keep="first", maintain_order=True)
    worst = {row["trunk_name"]: row for row in first.iter_rows(named=True)}
    return " ".join(
        f"{row['trunk_name']}: {row['failed']:,} of {row['of_trunk']:,} failed, most with {_code(worst[row['trunk_name']]['fail_code'])}."
        for row in trunks.iter_rows(named=True)
    )


def _code(code: int | None) -> str:
    return NONE_LABEL if code is None else str(code)


def _drawn(codes: pl.DataFrame, trunks: pl.DataFrame) -> alt.VConcatChart:
    most = codes.select(pl.col("share").max()).item()
    told = codes.with_columns(
        pl.col("side").cast(pl.String),
        code=pl.col("fail_code").cast(pl.String).fill_null(NONE_LABEL),
        told=pl.format("{} ({} %)", "legs", (pl.col("share") * 100).round(1)),
        hue=pl.col("side")
        .cast(pl.String)
        .replace_strict(_SIDES, default=FAINT, return_dtype=pl.String),
        short=pl.format("{}: {}", "side", "meaning"),
    )
    panels = [
        _trunk(told.filter(pl.col("trunk_name") == row["trunk_name"]), row, most)
        for row in trunks.iter_rows(named=True)
    ]
    return alt.vconcat(*panels, spacing=14)


def _trunk(codes: pl.DataFrame, trunk: dict[str, object], most: float) -> alt.LayerChart:
    tooltip = [
        alt.Tooltip("code:N", title="fail code"),
        alt.Tooltip("meaning:N"),
        alt.Tooltip("side:N"),
        alt.Tooltip("legs:Q", format=","),
        alt.Tooltip("share:Q", title="of the trunk's legs", format=".1%"),
        alt.Tooltip("of_trunk:Q", title="legs of the trunk", format=","),
    ]
    rows = alt.Y(
        "code:N",
        scale=alt.Scale(domain=codes["code"].to_list()),
        title=None,
        axis=alt.Axis(grid=False, minExtent=42),
    )
    axis = alt.Axis(labels=False, ticks=False, domain=False, grid=False, title=None)
    size = alt.X("share:Q", scale=alt.Scale(domain=[0, most], range=[0, _BAR]), axis=axis)
    base = alt.Chart(codes).encode(rows, tooltip=tooltip)
    bars = base.mark_bar().encode(size, alt.Color("hue:N", scale=None, legend=None))
    counts = base.mark_text(align="left", dx=4).encode(size, text="told:N")
    meanings = base.mark_text(align="left").encode(x=alt.value(_BAR + 84), text="short:N")
    heading = f"{trunk['trunk_name']}: {trunk['failed']:,} of {trunk['of_trunk']:,} legs failed"
    words = alt.TitleParams(
        heading, anchor="start", frame="group", fontSize=12, fontWeight="normal", offset=6
    )
    return alt.LayerChart(
        layer=[bars, counts, meanings], width=WIDTH, height={"step": _ROW}, title=words
    )
