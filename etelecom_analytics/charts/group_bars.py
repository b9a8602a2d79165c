"""Any measure by any dimension."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import altair as alt
import polars as pl

from ..locale.display import Display
from ..logs import FetchReport
from ..metrics import NAME_DIMENSIONS, Calls, MetricOptions, summarize_fetched
from ..metrics.registry import TOTALS, Mean, Measure, Quantile, Ratio
from ..metrics.registry import measure as named_measure
from ..names import labels
from ..phone_numbers import mask
from ..privacy import check_own_numbers, mask_numbers
from .asked import basis_of, dimension_text, letters_of, measure_title
from .axes import CLOCK, TIME, fetched_text, key_text, missing, shading_note, spans
from .group_marks import by_name, over_clock, over_time
from .theme import (
    NONE_LABEL,
    count,
    coverage_note,
    empty_chart,
    finish_chart,
    rounded,
    short,
    total,
)

__all__ = ["Groups", "draw_groups", "groups", "measure_by"]

_MOST_SPANS, _MOST_NAMES = 370, 40
_OF_NUMBERS = ("caller", "callee", "target_number")
_OF_EXTENSIONS = ("extension_id", "user_id", *NAME_DIMENSIONS)


def measure_by(
    calls: Calls,
    *,
    measure: str = "offered",
    by: str = "day",
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    masked: bool = False,
    own_numbers: Sequence[str] = (),
) -> alt.LayerChart | alt.Chart:
    """A measure of each group: bars of counts and sums, points of all else, a share with its 95 % interval. Collects.

    Days, weeks and months stand on an axis of time, at most the latest 370; hours and weekdays all
    in their order; other groups by the number of their calls (offers, legs), at most the 40
    biggest.

    Args:
        calls: calls of any direction; what is counted is what is given.
        measure: any of `etelecom_analytics.measures()`.
        by: any dimension of that measure. Extensions, users and target numbers are told by name
            where calls have names.
        options: what the numbers depend on besides the calls.
        coverage: `logs.report`; shades what was not fetched or not asked for, and counts 0 where
            something was fetched and had no calls.
        masked: whether outside numbers are told masked.
        own_numbers: numbers that are told all the same, such as the own hotlines; so are the
            options' `ivr_numbers`.

    Raises:
        UnknownName: no such measure or dimension; the message lists the nearest.
        InputError: a call measure by a leg's dimension, or a dimension of names that these calls do
            not carry.
    """
    keep = (*check_own_numbers(own_numbers), *options.ivr_numbers) if masked else None
    found = groups(calls, measure=measure, by=by, options=options, coverage=coverage, keep=keep)
    any_calls = bool(found.counted or calls.lazy().select(pl.len()).collect().item())
    return draw_groups(
        found, measure=measure, by=by, options=options, coverage=coverage, any_calls=any_calls
    )


class Groups(NamedTuple):
    """The groups that have room on a chart.

    Attributes:
        shown: one row a group: its key under the dimension's name, `key`, which no two share,
            `value`, and what it is over.
        counted: how many calls (offers, legs) all groups have.
        notes: words about the groups that have no room.
    """

    shown: pl.DataFrame
    counted: int
    notes: list[str]


def groups(
    calls: Calls,
    *,
    measure: str,
    by: str,
    display: Display,
    coverage: FetchReport | None,
) -> Groups:
    """The table that `measure_by` draws. Collects.

    Names of people come from `display.names` where it has the dimension, else from the calls.
    """
    options = display.options
    asked = named_measure(measure)
    wanted = list(dict.fromkeys([measure, TOTALS[asked.grain], basis_of(asked)]))
    by_start = by in TIME or by in CLOCK
    table = summarize_fetched(
        calls, [by], wanted, coverage=coverage, options=options, confidence=True, in_order=by_start
    )
    shown, notes = _limited(table.with_columns(count=pl.col(TOTALS[asked.grain])), by)
    names = display.names[by] if by in display.names else labels(calls.lazy(), by)
    told = rounded(shown).with_columns(
        _labels(shown[by], by, names, display), **_columns(asked), fetched=fetched_text()
    )
    return Groups(told, total(table, TOTALS[asked.grain]), notes)


def _labels(keys: pl.Series, by: str, names: Mapping[str, str], display: Display) -> pl.Series:
    told = keys.to_frame().select(key=key_text(by))["key"]
    if not display.show_numbers and by in _OF_NUMBERS:
        told = mask_numbers(keys.to_frame(), keep=display.unmasked)[by].fill_null(NONE_LABEL)
    told = (
        told
        if by not in _OF_EXTENSIONS and by not in _OF_NUMBERS
        else _named(keys, told, names, masked=not display.show_numbers)
    )
    # Masked numbers look alike, and a name may be that of a number: what stands on one axis must be
    # told apart.
    again = told.to_frame("key").select(pl.int_range(1, pl.len() + 1).over("key")).to_series()
    return pl.select(
        pl.when(again > 1).then(pl.format("{} ({})", told, again)).otherwise(told).alias("key")
    ).to_series()


def _named(
    keys: pl.Series, told: pl.Series, names: Mapping[str, str], *, masked: bool
) -> pl.Series:
    hidden = {key: mask(name) if masked else name for key, name in names.items()}
    return (
        keys.cast(pl.String)
        .replace_strict(hidden, default=None, return_dtype=pl.String)
        .fill_null(told)
    )


def _columns(asked: Measure) -> dict[str, pl.Expr]:
    """The value, its interval and its texts, under names that do not depend on the measure."""
    value, basis = pl.col(asked.name).cast(pl.Float64), basis_of(asked)
    none = pl.lit(None, pl.Float64)
    over, low, high = pl.lit(None, pl.String), none, none
    if isinstance(asked.made_of, Ratio):
        low, high = (pl.col(f"{asked.name}_{end}") for end in ("low", "high"))
        over = pl.format(
            "{} of {}; 95 %: {} to {} %",
            f"{asked.name}_num",
            f"{asked.name}_den",
            _percent(low),
            _percent(high),
        )
        told = pl.format("{} %", (value * 100).round(0).cast(pl.Int64))
    else:
        told = short(value)
    if isinstance(asked.made_of, Mean | Quantile):
        over = pl.format("{} {}", basis, pl.lit(basis))
    return {"value": value, "low": low, "high": high, "told": told, "over": over}


def _percent(share: pl.Expr) -> pl.Expr:
    return (share * 100).round(1)


def draw_groups(
    table: Groups,
    *,
    measure: str,
    by: str,
    display: Display,
    coverage: FetchReport | None,
    any_calls: bool,
) -> alt.LayerChart | alt.Chart:
    """The chart of what `groups` gives."""
    options, asked = display.options, named_measure(measure)
    named, zone = f"{measure_title(asked)} {dimension_text(by)}", f"({options.time_zone})"
    doubt = ", with its 95 % interval (Wilson)" if isinstance(asked.made_of, Ratio) else ""
    notes: list[str] = [
        f"{measure} = {asked.formula(options)}{doubt}.{letters_of(asked, options)}",
        coverage_note(coverage, options.time_zone),
    ]
    if not table.counted:
        words = f"No {asked.grain}" if any_calls else "No calls"
        return empty_chart(f"{named}: {words.lower()} {zone}", notes, words=words)
    title = f"{named}, over {count(table.counted, asked.grain.removesuffix('s'))} {zone}"
    if by in _OF_EXTENSIONS and asked.grain == "calls" and table.shown[by].null_count():
        notes.append(f"A missed call has no extension: it counts under {NONE_LABEL}.")
    shown = table.shown
    notes.extend(table.notes)
    if shown["value"].null_count() == shown.height:
        return empty_chart(title, notes, words=f"No value: {measure} is over nothing here")
    if by in TIME:
        gaps = missing(coverage, shown, options.time_zone)
        notes.append(shading_note(gaps))
        drawn = over_time(shown, by, asked, gaps)
    elif by in CLOCK:
        drawn = over_clock(shown, by, asked)
    else:
        drawn = by_name(shown.drop(by), by, asked)  # whose numbers may be masked in `key` alone
    return finish_chart(drawn, title=title, notes=notes, description=_alt_text(shown))


def _limited(table: pl.DataFrame, by: str) -> tuple[pl.DataFrame, list[str]]:
    """The groups that have room, and words about the others."""
    if by in TIME:
        dated = table.filter(pl.col(by).is_not_null())
        left = total(table, "count") - total(dated, "count")
        notes = [f"Not drawn: {left:,} without a start."] if left else []
        notes += (
            [f"The latest {_MOST_SPANS} of {dated.height:,} {by}s."]
            if dated.height > _MOST_SPANS
            else []
        )
        return dated.tail(_MOST_SPANS).with_columns(**spans(by)), notes
    if by in CLOCK:
        return table, []
    # Callers may be many: those that are too small for any room are not sorted.
    big_enough = pl.col("count") >= pl.col("count").top_k(_MOST_NAMES).min()
    biggest = (
        table.filter(big_enough)
        .sort("count", by, descending=[True, False], nulls_last=True)
        .head(_MOST_NAMES)
    )
    notes = (
        [f"The {_MOST_NAMES} biggest of {table.height:,} groups."]
        if table.height > _MOST_NAMES
        else []
    )
    return biggest, notes


def _alt_text(shown: pl.DataFrame) -> str:
    """The ends of the table, for who cannot see it."""
    ordered = shown.filter(pl.col("value").is_not_null()).sort("value")
    low, high = ordered.row(0, named=True), ordered.row(-1, named=True)
    ends = (
        f"{which} {each['told']} at {each['key']}"
        for which, each in (("lowest", low), ("highest", high))
    )
    return f"{count(shown.height, 'group')}: {', '.join(ends)}."
