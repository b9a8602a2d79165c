"""The headline of a first page: what stands out, else the service against its target."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from ..charts.finish import lower_first
from ..formatting import format_value
from ..language import tr
from ..locale.display import Display
from ..locale.short_finding import short_finding_text
from ..locale.value_text import change_text, plain_title, target_value
from ..metrics import FINDING_MEASURES, Findings
from ..metrics.registry import MEASURES
from ..query import CallQuery
from .overview_cards import change_is_rise, target_side_text, target_state
from .report_periods import days_text, is_one_day, than_text

__all__ = ["headline"]

_MAX_OTHERS = 3


def headline(
    comparison: pl.DataFrame,
    findings: Findings,
    *,
    leads: Sequence[str],
    targets: Mapping[str, float],
    display: Display,
    reference: CallQuery | None,
) -> tuple[str, list[str]]:
    """One sentence, and further findings.

    A change is stated only with a verdict: a finding first, then the change against the previous
    period. Without one, the sentence says that nothing stands out, or that the history is too
    short.

    Args:
        comparison: the table of `compared`.
        findings: what stands out against all other days.
        leads: the measures to lead with; the first one that has a value;
            the last is a count, which has one.
        targets: the targets of measures by name.
        display: how groups of findings are shown.
        reference: the calls that the comparison is with; None without a comparison.
    """
    rows = {row["measure"]: row for row in comparison.iter_rows(named=True)}
    lead = next(rows[name] for name in leads if rows[name]["after"] is not None)
    missed = _missed_targets(rows, leads, targets)
    if findings.verdict == "found":
        statements = [
            (short_finding_text(row, display), row["measure"] if row["dimension"] == "" else "")
            for row in findings.table.iter_rows(named=True)
        ]
    else:
        than = than_text(reference) if reference else ""
        statements = [(_changed_text(row, than), row["measure"]) for row in _changed(rows)]
    if not statements:
        return _unchanged(lead, missed, findings, targets, reference), []
    (sentence, name), *others = statements
    if name in missed:
        sentence = tr("{sentence} and {side}", sentence=sentence, side=_side(missed[name]))
    elif missed:
        row = next(iter(missed.values()))
        sentence = f"{sentence}; {lower_first(_value(row))}, {_side(row)}"
    return f"{sentence}.", [f"{text}." for text, _ in others[:_MAX_OTHERS]]


def _unchanged(
    lead: Mapping[str, Any],
    missed: Mapping[str, dict[str, Any]],
    findings: Findings,
    targets: Mapping[str, float],
    reference: CallQuery | None,
) -> str:
    """The sentence where no change was shown."""
    lead = next(iter(missed.values()), lead)
    name, value = lead["measure"], _value(lead)
    side = _side(_with_target(lead, targets)) if name in missed else ""
    if findings.verdict == "nothing stands out":
        is_tested = any(name in names for names in FINDING_MEASURES.values())
        if not is_tested:
            statement = f"{value}, {side}" if side else value
            return tr("{statement}; nothing stands out.", statement=statement)
        if side:
            return tr("{value}, as usual but {side}; nothing stands out.", value=value, side=side)
        return tr("{value}, as usual; nothing stands out.", value=value)
    if target_state(name, lead["after"], targets) == "met":
        side = tr("target of {target} met", target=target_value(targets[name], lead["unit"]))
    statement = f"{value}, {side}" if side else value
    if lead["verdict"] != "no evidence" or reference is None:
        return tr(
            "{statement}; too few other days to tell whether that is usual.", statement=statement
        )
    if is_one_day(reference):
        return tr(
            "{statement}; no evidence of a change from {day}.",
            statement=statement,
            day=days_text(reference),
        )
    return tr("{statement}; no evidence of a change from the previous period.", statement=statement)


def _missed_targets(
    rows: Mapping[str, dict[str, Any]], leads: Sequence[str], targets: Mapping[str, float]
) -> dict[str, dict[str, Any]]:
    """The rows that miss their target, those to lead with first."""
    ordered = [*(name for name in leads if name in rows), *rows]
    return {
        name: _with_target(rows[name], targets)
        for name in dict.fromkeys(ordered)
        if target_state(name, rows[name]["after"], targets) in ("below", "above")
    }


def _with_target(row: Mapping[str, Any], targets: Mapping[str, float]) -> dict[str, Any]:
    side = target_state(row["measure"], row["after"], targets)
    return {**row, "side": side, "target": targets.get(row["measure"])}


def _side(row: Mapping[str, Any]) -> str:
    return target_side_text(row["side"], target_value(row["target"], row["unit"]))


def _value(row: Mapping[str, Any]) -> str:
    title = plain_title(MEASURES[row["measure"]])
    return f"{title} {format_value(row['after'], row['unit'])}"


def _changed(rows: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The changed rows: what became worse, then what became better, then the volumes."""

    def rank(row: Mapping[str, Any]) -> tuple[int, float]:
        better, is_rise = MEASURES[row["measure"]].better, change_is_rise(row)
        if better is None or is_rise is None:
            return 2, row["q_value"]
        return int(is_rise == (better == "higher")), row["q_value"]

    return sorted((row for row in rows.values() if row["verdict"] == "changed"), key=rank)


def _changed_text(row: Mapping[str, Any], than: str) -> str:
    change = change_text(row["before"], row["after"], row["unit"])
    texts = {
        "title": plain_title(MEASURES[row["measure"]]),
        "value": format_value(row["after"], row["unit"]),
        "size": change.lstrip("+−"),
        "than": than,
    }
    is_rise = change_is_rise(row)
    if is_rise:
        return tr("{title} rose to {value}, {size} more than {than}", **texts)
    if is_rise is False:
        return tr("{title} fell to {value}, {size} less than {than}", **texts)
    if change.startswith("−"):
        return tr("{title} changed to {value}, {size} less than {than}", **texts)
    return tr("{title} changed to {value}, {size} more than {than}", **texts)
