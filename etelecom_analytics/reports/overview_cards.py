"""The cards of a first page: value, target, change with its verdict, and a sparkline."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ..formatting import format_value
from ..language import short_day, tr
from ..locale.value_text import change_text, plain_title, target_value
from ..metrics import Calls, MetricOptions, compare
from ..metrics.day_values import is_count
from ..metrics.registry import MEASURES, Measure

__all__ = [
    "change_is_rise",
    "compared",
    "overview_cards",
    "step_labels",
    "target_side_text",
    "target_state",
]

_WIDTH, _HEIGHT, _MARGIN = 100, 26, 3
"""The drawing area of a sparkline, and the room above and below its line."""

Json = dict[str, Any]


def compared(
    before: Calls | None,
    after: Calls,
    measures: Sequence[str],
    *,
    summary: Mapping[str, Any],
    options: MetricOptions,
    history: Calls,
    is_complete: bool,
) -> pl.DataFrame:
    """The table of `compare`; without calls to compare with, its values without a change.

    Args:
        before: the calls to compare with, if any.
        after: the calls of the report.
        measures: the names of the measures.
        summary: the row of `summarize` of the same measures.
        options: the options of the measures.
        history: all calls of the same kind.
        is_complete: whether the period was fetched completely; if not, its counts are too low to be
            compared.
    """
    if before is not None:
        table = compare(before, after, measures, options=options, history=history)
        counts = [name for name in measures if is_count(MEASURES[name])]
        is_unfair = pl.col("measure").is_in([] if is_complete else counts)
        return table.with_columns(
            pl.when(~is_unfair).then(pl.col("difference", "verdict")).name.keep()
        )
    rows = [(name, MEASURES[name].unit, summary[name]) for name in measures]
    unknown = ("before", "difference", "adjusted", "q_value", "scale", "verdict")
    return pl.DataFrame(
        rows, schema={"measure": pl.String, "unit": pl.String, "after": pl.Float64}, orient="row"
    ).with_columns(pl.lit(None).alias(name) for name in unknown)


def overview_cards(
    comparison: pl.DataFrame,
    summary: Mapping[str, Any],
    steps: pl.DataFrame,
    *,
    targets: Mapping[str, float],
    options: MetricOptions,
    is_known: bool,
) -> list[Json]:
    """A card for each row of the comparison.

    Args:
        comparison: the table of `compared`.
        summary: the row of `summarize(..., confidence=True)` of the same measures.
        steps: the same measures by day or hour, with its `label`; null where nothing was fetched.
        targets: the targets of measures by name.
        options: the options of the measures.
        is_known: whether any of the calls were fetched.
    """
    cards = []
    for row in comparison.iter_rows(named=True):
        each = MEASURES[row["measure"]]
        title = plain_title(each)
        if each.name == "service_level":
            title = f"{title}, {target_value(options.threshold_s, 's')}"
        cards.append(
            {
                "title": title,
                "value": format_value(row["after"], each.unit) if is_known else tr("unknown"),
                "basis": _basis(each, summary),
                "target": _target(each, row["after"], targets),
                "change": _change(each, row),
                "spark": _sparkline(each, steps, targets.get(each.name)),
            }
        )
    return cards


def target_state(name: str, value: float | None, targets: Mapping[str, float]) -> str:
    """The value is "met", "below" or "above".

    Empty without a target, a value, or a better direction.
    """
    better = MEASURES[name].better
    if name not in targets or value is None or better is None:
        return ""
    if better == "higher":
        return "met" if value >= targets[name] else "below"
    return "met" if value <= targets[name] else "above"


def _basis(each: Measure, summary: Mapping[str, Any]) -> str:
    """What the value is of, such as "319 of 382"."""
    if each.unit == "share":
        part, total = (summary[f"{each.name}_{name}"] for name in ("num", "den"))
        return tr("{n} of {total}", n=part, total=total)
    n = summary.get(f"{each.name}_n")
    return "" if n is None else tr("of {n} {calls}", n=n, calls=tr(each.population))


def _target(each: Measure, value: float | None, targets: Mapping[str, float]) -> Json | None:
    """The sign, the text and the tone of a target; None without one."""
    if each.name not in targets:
        return None
    target = target_value(targets[each.name], each.unit)
    match target_state(each.name, value, targets):
        case "met":
            text = tr("target of {target} met", target=target)
            return {"sign": "✓", "text": text, "tone": "good"}
        case "":
            return {"sign": "", "text": tr("target {target}", target=target), "tone": "flat"}
        case side:
            return {"sign": "✗", "text": target_side_text(side, target), "tone": "bad"}


def target_side_text(side: str, target: str) -> str:
    """The side of a missed target, "below" or "above", as text."""
    if side == "below":
        return tr("below the target of {target}", target=target)
    return tr("above the target of {target}", target=target)


def _change(each: Measure, row: Mapping[str, Any]) -> Json:
    """The change, its verdict and its tone: good or bad only where a change was shown."""
    if row["difference"] is None:
        return {"sign": "", "text": "", "verdict": "", "tone": "flat"}
    text = change_text(row["before"], row["after"], each.unit)
    if row["verdict"] != "changed":
        is_unclear = row["verdict"] == "cannot tell"
        verdict = tr("too few days to tell" if is_unclear else "no evidence of a change")
        return {"sign": "", "text": text, "verdict": verdict, "tone": "flat"}
    is_rise = change_is_rise(row)
    if each.better is None or is_rise is None:
        tone, verdict = "flat", tr("changed", context="verdict")
    else:
        is_good = is_rise == (each.better == "higher")
        tone = "good" if is_good else "bad"
        verdict = tr("better" if is_good else "worse")
    sign = "" if is_rise is None else "▲" if is_rise else "▼"
    return {"sign": sign, "text": text, "verdict": verdict, "tone": tone}


def change_is_rise(row: Mapping[str, Any]) -> bool | None:
    """Whether a changed measure rose; None if it rose only with or only without weekdays' part."""
    adjusted = row["adjusted"] > (1 if row["scale"] == "ratio" else 0)
    return bool(adjusted) if adjusted == (row["difference"] > 0) else None


def _sparkline(each: Measure, steps: pl.DataFrame, target: float | None) -> Json | None:
    """The lines between known values, the target's height, and a text alternative."""
    values = steps[each.name].to_list() if each.name in steps.columns else []
    known = [value for value in values if value is not None]
    if not known:
        return None
    ends = [*known, *([target] if target is not None else [])]
    ends += [0.0] if is_count(each) else []
    low, high = min(ends), max(ends)

    def height(value: float) -> float:
        share = (value - low) / (high - low) if high > low else 0.5
        return round(_HEIGHT - _MARGIN - share * (_HEIGHT - 2 * _MARGIN), 1)

    lines: list[list[str]] = [[]]
    for position, value in enumerate(values):
        if value is None:
            lines.append([])
            continue
        x = round((position + 0.5) * _WIDTH / len(values), 1)
        lines[-1].append(f"{x},{height(value)}")
    # A line to itself is drawn as a dot.
    points = [" ".join(line * 2 if len(line) == 1 else line) for line in lines if line]
    first, last = steps["label"][0], steps["label"][-1]
    label = tr(
        "{title}, {first} to {last}: between {low} and {high}",
        title=plain_title(each),
        first=first,
        last=last,
        low=format_value(min(known), each.unit),
        high=format_value(max(known), each.unit),
    )
    y = None if target is None else height(target)
    return {"lines": points, "target": y, "label": label}


def step_labels(steps: pl.DataFrame, step: str) -> list[pl.Series]:
    """The names of days or hours, as `label` and as the shorter `name`."""
    if step == "hour":
        hours = [f"{each}:00" for each in steps[step]]
        names = {"label": hours, "name": [text.removesuffix(":00") for text in hours]}
    else:
        names = {
            "label": [short_day(each) for each in steps[step]],
            # A name of two lines fits a narrow column.
            "name": [short_day(each, month=False).replace(" ", "\n") for each in steps[step]],
        }
    return [pl.Series(name, texts, dtype=pl.String) for name, texts in names.items()]
