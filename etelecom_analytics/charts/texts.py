"""Texts of charts in the current language: numbers, the keys of groups, and measures."""

import polars as pl

from ..language import SHORT_WEEKDAYS, number, tr
from ..locale.dates import long_date_expr, month_expr
from ..locale.terms import value_names
from ..metrics import MetricOptions
from ..metrics.registry import Measure, Ratio

__all__ = [
    "CLOCK",
    "TIME",
    "clock_labels",
    "fetched_text",
    "formula_note",
    "interval_text",
    "key_text",
    "measure_title",
    "none_label",
    "percent",
    "rounded",
    "short_number",
    "unknown_note",
]

TIME = {"day": "1d", "week": "1w", "month": "1mo"}
"""Dimensions on an axis of time, and the length of their groups."""

CLOCK = {
    "hour": tuple(f"{hour}" for hour in range(24)),
    "half_hour": tuple(f"{half // 2}:{half % 2 * 30:02}" for half in range(48)),
    "quarter_hour": tuple(f"{quarter // 4}:{quarter % 4 * 15:02}" for quarter in range(96)),
    "weekday": SHORT_WEEKDAYS,
}
"""Cyclic dimensions, and the English labels of all their groups in order."""


def measure_title(measure: Measure) -> str:
    """The measure's title, with its unit unless the title or the values have it."""
    title = tr(measure.title)
    if measure.unit in ("share", "s") or measure.unit in measure.title.lower():
        return title
    unit = tr(measure.unit)
    return title if unit in title.lower() else f"{title} ({unit})"


def formula_note(measure: Measure, options: MetricOptions, *, interval: bool = False) -> str:
    """The formula of a measure as a note; `interval` adds which interval a share has."""
    note = f"{measure.name} = {tr(measure.formula(options))}"
    if interval and _is_share(measure):
        note = tr("{formula}, with its 95 % interval (Wilson)", formula=note)
    if measure.name != "service_level":
        return f"{note}."
    threshold = number(options.threshold_s, "g")
    if options.variant == "min_talk":
        terms = tr(
            "a, q, s: answered, missed, short calls of known wait; T: {threshold} s; "
            "m: {min_talk} s.",
            threshold=threshold,
            min_talk=number(options.min_talk_s, "g"),
        )
    else:
        terms = tr(
            "a, q, s: answered, missed, short calls of known wait; T: {threshold} s.",
            threshold=threshold,
        )
    return f"{note}. {terms}"


def _is_share(measure: Measure) -> bool:
    return isinstance(measure.aggregation, Ratio)


def key_text(by: str) -> pl.Expr:
    """The key of a group as text."""
    key = pl.col(by)
    if by in TIME:
        text = month_expr(key) if by == "month" else long_date_expr(key)
    elif by in CLOCK:
        labels = dict(enumerate(clock_labels(by), start=int(by == "weekday")))
        text = key.cast(pl.Int64).replace_strict(labels, return_dtype=pl.String)
    elif by == "in_hours":
        text = pl.when(key).then(pl.lit(tr("in hours"))).when(~key).then(pl.lit(tr("out of hours")))
    else:
        text = key.cast(pl.String).replace(value_names(by))
    return text.fill_null(none_label())


def clock_labels(by: str) -> tuple[str, ...]:
    """The labels of all groups of a cyclic dimension, in order."""
    return tuple(map(tr, CLOCK[by])) if by == "weekday" else CLOCK[by]


def fetched_text() -> pl.Expr:
    """The fetched part of a group: "all", "no", "8 of 24 h", or "unknown" without coverage."""
    hours, fetched = pl.col("hours"), pl.col("fetched_hours")
    numbers = (
        rounded(column, 2).str.strip_suffix(number(0.0, ".1f")[1:]) for column in (fetched, hours)
    )
    return (
        pl.when(fetched.is_null())
        .then(pl.lit(tr("unknown")))
        .when(fetched <= 0)
        .then(pl.lit(tr("no", context="fetched")))
        .when(fetched < hours)
        .then(pl.format(tr("{} of {} h"), *numbers))
        .otherwise(pl.lit(tr("all", context="fetched")))
    )


def short_number(value: pl.Expr) -> pl.Expr:
    """A number as text of about four characters: 980, 9.8k, 98k, 1.2M."""
    thousands, millions = value / 1e3, value / 1e6
    return (
        pl.when(value < 999.5)
        .then(pl.format("{}", value.round(0).cast(pl.Int64)))
        .when(value < 9_950)
        .then(pl.format(tr("{}k"), rounded(thousands)))
        .when(value < 999_500)
        .then(pl.format(tr("{}k"), thousands.round(0).cast(pl.Int64)))
        .otherwise(pl.format(tr("{}M"), rounded(millions)))
    )


def rounded(value: pl.Expr, digits: int = 1) -> pl.Expr:
    """A number as text with at most this many decimals, with the decimal point of the language."""
    point = number(0.5, ".1f")[1]
    text = value.round(digits).cast(pl.String)
    return text if point == "." else text.str.replace(".", point, literal=True)


def percent(share: pl.Expr, digits: int = 0) -> pl.Expr:
    """A share as the text of its percentage, without the sign."""
    value = share * 100
    return rounded(value, digits) if digits else pl.format("{}", value.round(0).cast(pl.Int64))


def interval_text(low: str, high: str) -> pl.Expr:
    """The interval between two columns of shares as text: "81.2 to 90.4 %"."""
    return pl.format(tr("{} to {} %"), *(percent(pl.col(end), 1) for end in (low, high)))


def none_label() -> str:
    """The label of a null key: "(none)"."""
    return tr("(none)")


def unknown_note(names: str) -> str:
    """What the group without a value is."""
    return tr("{label}: {names} unknown", label=none_label(), names=names)
