"""The sheet Summary: measures as formulas over the sheet Calls, each with its computed value.

A preview on a phone shows the stored values; a program that calculates shows its own. Both are the
same, since the formulas are those of the measures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .. import local_time
from ..language import mark, tr
from ..metrics import summarize_fetched
from ..metrics.confidence import z_of
from ..metrics.known_talk import with_known_talk
from ..metrics.registry import MEASURES, Measure, Quantile, Ratio, Total
from ..readable_dates import CLOCK_MINUTE, long_date
from .cells import DAY_S, Formats, Kind, cell_text, kind_of_unit, set_page
from .content import WorkbookContent
from .tables import facts_of

__all__ = ["SUMMARY_MEASURES", "SummaryValues", "summary_values", "write_summary"]

SUMMARY_MEASURES = (
    *("offered", "answered", "missed", "abandoned", "answer_rate", "abandon_rate"),
    *("service_level", "asa_s", "wait_p90_s", "agent_talk_avg_s"),
)
"""The measures of the summary; without talk of legs, `talk_avg_s` is in place of the last."""

_HEADERS = (
    mark("Measure"),
    mark("Value"),
    mark("Count"),
    mark("Of", context="column"),
    mark("95 % from"),
    mark("95 % to"),
    mark("Target"),
    mark("Target met"),
    mark("Definition"),
)
_WIDTHS = (30, 12, 10, 10, 11, 11, 11, 12, 90)
_MEASURE, _VALUE, _COUNT, _OF, _LOW, _HIGH, _TARGET, _MET, _DEFINITION = range(9)
_CHART_ROWS = 17
_TOLERANCE = "1E-12"
"""A difference in days, below a microsecond, that is no difference: the fractions are rounded."""


@dataclass(frozen=True, kw_only=True)
class SummaryValues:
    """The measures of the summary, the facts that they need, and their computed values."""

    names: Sequence[str]
    facts: Sequence[str]
    row: Mapping[str, Any]


def summary_values(content: WorkbookContent) -> SummaryValues:
    """The values of `SUMMARY_MEASURES`."""
    options, counted = content.display.options, content.counted
    names = with_known_talk(counted, [*SUMMARY_MEASURES, *_other_targets(content)], options=options)
    row = summarize_fetched(
        counted, [], names, coverage=None, options=options, confidence=True
    ).row(0, named=True)
    facts = dict.fromkeys(fact for name in names for fact in facts_of(MEASURES[name]))
    return SummaryValues(names=names, facts=list(facts), row=row)


def write_summary(
    sheet: Any,
    content: WorkbookContent,
    values: SummaryValues,
    ranges: Mapping[str, str],
    formats: Formats,
    *,
    chart: Any | None,
) -> None:
    """Write title, notices, measures, a chart, and what the values depend on.

    Args:
        sheet: the sheet of XlsxWriter.
        content: what is summarized.
        values: the computed values.
        ranges: the cells of each fact in the sheet Calls.
        formats: the formats of the workbook.
        chart: a chart to show below the measures, if any.
    """
    for index, width in enumerate(_WIDTHS):
        sheet.set_column(index, index, width)
    longest = max(len(tr(MEASURES[name].title)) for name in values.names)
    sheet.set_column(_MEASURE, _MEASURE, max(_WIDTHS[_MEASURE], longest + 2))
    sheet.write_string(0, 0, cell_text(content.title), formats.title)
    row = 1
    for notice in filter(None, content.notices):
        sheet.write_string(row, 0, cell_text(notice), formats.notice)
        row += 1
    row += 1
    for index in range(len(_HEADERS)):
        is_number = _VALUE <= index <= _TARGET
        sheet.write_string(
            row, index, _header(index), formats.number_header if is_number else formats.header
        )
    for name in values.names:
        row += 1
        _write_measure(sheet, row, MEASURES[name], content, values.row, ranges, formats)
    row += 2
    if chart is not None:
        sheet.insert_chart(row, 0, chart, {"description": tr("Answered and missed calls by day")})
        row += _CHART_ROWS
    sheet.write_string(row, 0, tr("About"), formats.header)
    for name, text in (*content.about, *_sheet_notes(content)):
        row += 1
        sheet.write_string(row, 0, cell_text(name), formats.bold)
        sheet.merge_range(row, 1, row, _DEFINITION, "", formats.wrapped)
        sheet.write_string(row, 1, cell_text(text), formats.wrapped)
        sheet.set_row(row, 15 * (1 + len(text) // 150))
    set_page(sheet)


def _sheet_notes(content: WorkbookContent) -> list[tuple[str, str]]:
    """What the sheets show, and how."""
    display = content.display
    as_of = display.options.as_of
    moment = tr("the latest call")
    if as_of is not None:
        moment = long_date(
            as_of.astimezone(local_time.zone(display.options.time_zone)), CLOCK_MINUTE
        )
    return [
        (
            tr("Times"),
            tr(
                "local to {zone}; durations are minutes:seconds",
                zone=display.options.time_zone,
            ),
        ),
        (
            tr("Phone numbers"),
            tr("in full" if display.show_numbers else "external ones are masked"),
        ),
        (
            tr("Sheet Agents"),
            tr("offers of inbound and internal calls; an offer is one ring of one person"),
        ),
        (
            tr("Sheet To call back"),
            tr(
                "missed inbound calls without a later talk or callback until {moment}",
                moment=moment,
            ),
        ),
        (
            tr("Sheet Calls"),
            tr(
                "the last columns are what Summary adds up: 1 if a call counts, and seconds that "
                "count"
            ),
        ),
    ]


def _header(index: int) -> str:
    return tr(_HEADERS[index], context="column" if index == _OF else "")


def _write_measure(
    sheet: Any,
    row: int,
    measure: Measure,
    content: WorkbookContent,
    values: Mapping[str, Any],
    ranges: Mapping[str, str],
    formats: Formats,
) -> None:
    name = measure.name
    is_total = isinstance(measure.aggregation, Total)
    kind = kind_of_unit(measure.unit, is_total=is_total)
    value = _cell_value(values[name], measure)
    facts = [ranges[fact] for fact in facts_of(measure)]
    count, of, here = (f"{letter}{row + 1}" for letter in "CDB")
    none = tr("none")

    def put(column: int, formula: str, kind: Kind, result: object) -> None:
        sheet.write_formula(row, column, formula, formats.of(kind), result)

    sheet.write_string(row, _MEASURE, tr(measure.title), formats.bold)
    match measure.aggregation:
        case Total():
            put(_VALUE, f"=SUM({facts[0]})", kind, value)
        case Ratio():
            put(_COUNT, f"=SUM({facts[0]})", "count", values[f"{name}_num"])
            put(_OF, f"=SUM({facts[1]})", "count", values[f"{name}_den"])
            put(_VALUE, f'=IF({of}=0,"{none}",{count}/{of})', kind, value)
            for column, end, sign in ((_LOW, "low", "-"), (_HIGH, "high", "+")):
                result = _cell_value(values[f"{name}_{end}"], measure)
                put(column, _wilson(here, of, sign), kind, result)
        case _:
            function = f"AVERAGE({facts[0]})"
            if isinstance(measure.aggregation, Quantile):
                function = f"PERCENTILE({facts[0]},{measure.aggregation.share})"
            put(_COUNT, f"=COUNT({facts[0]})", "count", values[f"{name}_n"])
            put(_VALUE, f'=IF({count}=0,"{none}",{function})', kind, value)
    if name in content.targets:
        _write_target(sheet, row, measure, content.targets[name], values[name], formats)
    sheet.write_string(
        row,
        _DEFINITION,
        cell_text(tr(measure.formula(content.display.options))),
        formats.of("text"),
    )


def _write_target(
    sheet: Any, row: int, measure: Measure, target: float, value: float | None, formats: Formats
) -> None:
    is_total = isinstance(measure.aggregation, Total)
    kind = kind_of_unit(measure.unit, is_total=is_total)
    sheet.write_number(row, _TARGET, _cell_value(target, measure), formats.of(kind))
    if measure.better is None:
        return
    here, goal = f"B{row + 1}", f"G{row + 1}"
    is_higher = measure.better == "higher"
    tolerance = _TOLERANCE if measure.unit == "s" else "0"
    test = f"{here}>={goal}-{tolerance}" if is_higher else f"{here}<={goal}+{tolerance}"
    result, met, missed = "", tr("met"), tr("not met")
    if value is not None:
        is_met = value >= target if is_higher else value <= target
        result = met if is_met else missed
    formula = f'=IF(ISNUMBER({here}),IF({test},"{met}","{missed}"),"")'
    sheet.write_formula(row, _MET, formula, formats.of("text"), result)


def _wilson(share: str, n: str, sign: str) -> str:
    """The formula of an end of Wilson's interval, which contains the share itself."""
    z = z_of(0.95)
    spread = f"{z}*SQRT({share}*(1-{share})/{n}+{z**2}/(4*{n}^2))"
    end = f"({share}+{z**2}/(2*{n}){sign}{spread})/(1+{z**2}/{n})"
    bound = f"MAX(0,MIN({share},{end}))" if sign == "-" else f"MIN(1,MAX({share},{end}))"
    none = tr("none")
    return f'=IF({n}=0,"{none}",{bound})'


def _cell_value(value: float | None, measure: Measure) -> Any:
    """A value as the cell holds it: seconds as a fraction of a day."""
    if value is None:
        return tr("none")
    return value / DAY_S if measure.unit == "s" else value


def _other_targets(content: WorkbookContent) -> list[str]:
    """Measures of calls with a target that are not in the summary otherwise."""
    return [
        name
        for name in content.targets
        if name not in SUMMARY_MEASURES and MEASURES[name].grain == "calls"
    ]
