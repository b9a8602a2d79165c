"""first_page: what a manager needs to know about a period, on one page."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple, get_args

import polars as pl

from ..errors import InputError, UnknownName
from ..language import Language, in_language, tr
from ..locale.display import Display
from ..logs import CallLogs, checked_logs
from ..metrics import (
    FINDING_MEASURES,
    Calls,
    Findings,
    MetricOptions,
    findings,
    inward,
    summarize_fetched,
)
from ..metrics.known_talk import with_known_talk
from ..metrics.options import checked_options
from ..phone_numbers import describe
from ..privacy import check_own_numbers
from ..query import CallQuery
from .arguments import checked_query
from .fragments import Fragment, table
from .headlines import headline
from .notices import missing_parts, notices, replace_direction
from .overview_cards import compared, overview_cards, step_labels
from .overview_content import LOST, Overview, Subject, content_of
from .overview_days import step_columns, worst_step_text
from .overview_lists import (
    CALLER_COLUMNS,
    open_caller_rows,
    waiting_callers,
    worst_extensions,
    worst_hours,
)
from .overview_text import lines_text, reference_text, support_text
from .provenance import kpi_texts
from .report_periods import (
    dated_query,
    is_one_day,
    period_text,
    reference_period,
    whole_days,
)

__all__ = ["first_page", "open_callers"]

Json = dict[str, Any]


@in_language
def first_page(
    logs: CallLogs,
    query: CallQuery,
    *,
    subject: Subject = "calls",
    options: MetricOptions = MetricOptions(),
    targets: Mapping[str, float] = MappingProxyType({}),
    show_numbers: bool = False,
    own_numbers: Sequence[str] = (),
    language: Language | None = None,
) -> Fragment:
    """What a manager needs to know about the calls of a period, on one page.

    A headline; warnings about the data; six measures with target, change, and values by day, or by
    hour for one day; a chart by day or hour; the worst hours or extensions; and callers who still
    wait for a call back. A change is stated only with the verdict of `et.metrics.compare` or
    `et.metrics.findings`, with all other matching calls of `logs` as history.

    Args:
        logs: the calls of the period, of the previous period, and of as many other days as there
            are.
        query: the days and the direction of the calls; dates that it omits are those of the fetch.
        subject: "calls", or "extensions" for the offers to the extensions that they rang.
        options: the options of the measures. Without `as_of`, callers wait until the end of the
            complete, selected period.
        targets: the targets of measures by name, such as `Site.targets`.
        show_numbers: show phone numbers of callers in full.
        own_numbers: numbers that are never masked.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        UnknownName: there is no such subject.
        InputError: an argument has another type.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
        >>> logs, query = et.sample_logs(), et.CallQuery(direction="in")
        >>> page = et.reports.first_page(logs, query, options=options, targets={"asa_s": 20})
        >>> print(repr(page).splitlines()[1])
        Service level 64.5 %; too few other days to tell whether that is usual.
    """
    checked_logs(logs, "first_page")
    query, options = dated_query(logs, checked_query(query)), checked_options(options)
    if not isinstance(targets, Mapping):
        raise InputError(f'targets is a mapping, such as {{"asa_s": 20}}; got {describe(targets)}.')
    if subject not in get_args(Subject):
        text = subject if isinstance(subject, str) else describe(subject)
        raise UnknownName("subject", text, get_args(Subject))
    options = _with_as_of(options, logs, query)
    display = Display(
        options=options,
        show_numbers=show_numbers,
        own_numbers=tuple(check_own_numbers(own_numbers)),
    )
    return Overview(_data(logs, query, subject, options, targets, display))


@in_language
def open_callers(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    show_numbers: bool = False,
    own_numbers: Sequence[str] = (),
    limit: int = 100,
    language: Language | None = None,
) -> Fragment:
    """A table of the missed callers who were not reached or served since, one row per caller.

    The longest waiting come first. Collects a LazyFrame.

    Args:
        calls: calls of all directions: callbacks are outbound calls.
        options: `as_of` and `ivr_numbers`.
        show_numbers: show phone numbers in full.
        own_numbers: numbers that are never masked.
        limit: the maximum number of rows; a note states how many are left out.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Raises:
        InputError: an argument has the wrong type, or `limit` is not a whole number above 0.

    Examples:
        >>> options = et.MetricOptions(ivr_numbers=["8000"], queue_numbers=["8100"])
        >>> et.reports.open_callers(et.sample_logs().calls, options=options, limit=2)
        Caller | First missed | Calls | Tries | Waiting for
        074*****54 | Mon 2 Nov, 16:17 | 1 | 0 | 6 days
        074*****17 | Mon 2 Nov, 18:54 | 1 | 0 | 6 days
        12 more rows are not shown.
    """
    options = checked_options(options)
    display = Display(
        options=options,
        show_numbers=show_numbers,
        own_numbers=tuple(check_own_numbers(own_numbers)),
    )
    waiting = open_caller_rows(calls, options)
    height = max(waiting.height, 1)
    page = waiting_callers(waiting, options, display, limit=height, has_callbacks=True)
    columns = [tr(name) for name in CALLER_COLUMNS]
    return table(pl.DataFrame(page["rows"], schema=columns, orient="row"), limit=limit)


def _with_as_of(options: MetricOptions, logs: CallLogs, query: CallQuery) -> MetricOptions:
    if options.as_of is not None:
        return options
    as_of = min(filter(None, (query.date_to, logs.report.complete_to)))
    return MetricOptions.from_dict({**options.to_dict(), "as_of": as_of.isoformat()})


class _Sides(NamedTuple):
    """The calls of the period, and what they are compared with."""

    calls: pl.DataFrame
    whole_days: pl.DataFrame
    """Those of days that were fetched completely: others have too few calls."""
    history: pl.DataFrame
    """All matching calls of such days, the period's included."""
    others: pl.DataFrame
    """Those without the period's."""
    reference: CallQuery | None
    before: pl.DataFrame | None


def _sides(logs: CallLogs, query: CallQuery, subject: Subject) -> _Sides:
    whole = whole_days(logs, query.time_zone)

    def matching(calls: pl.DataFrame, each: CallQuery) -> pl.DataFrame:
        calls = calls.filter(each.to_expr())
        return inward(calls) if subject == "extensions" else calls

    reference, _ = reference_period(query, logs.report)
    history = matching(whole, replace(query, date_from=None, date_to=None))
    return _Sides(
        calls=matching(logs.calls, query),
        whole_days=matching(whole, query),
        history=history,
        others=history.filter(~query.in_range()),
        reference=reference,
        before=None if reference is None else matching(logs.calls, reference),
    )


def _findings(sides: _Sides, subject: Subject, options: MetricOptions) -> Findings:
    history = None if sides.others.is_empty() else sides.history
    if subject == "calls":
        return findings(sides.whole_days, history=history, options=options)
    return findings(
        sides.whole_days,
        history=history,
        measures=FINDING_MEASURES["offers"],
        by=["target_number"],
        options=options,
    )


def _data(
    logs: CallLogs,
    query: CallQuery,
    subject: Subject,
    options: MetricOptions,
    targets: Mapping[str, float],
    display: Display,
) -> Json:
    """The texts and numbers of the page, in JSON types."""
    content, sides = content_of(query, subject), _sides(logs, query, subject)
    calls, share = sides.calls, content.share
    names = with_known_talk(calls, content.measures, options=options)
    coverage = logs.report.clip(query.date_from, query.date_to)
    is_known = not coverage.has_no_coverage
    is_complete = is_known and not missing_parts(logs, query)
    step = "hour" if is_one_day(query) else "day"
    summary = summarize_fetched(
        calls, [], names, coverage=None, options=options, confidence=True
    ).row(0, named=True)
    steps = summarize_fetched(
        calls,
        [step],
        list(dict.fromkeys([*names, share])),
        coverage=coverage,
        options=options,
        confidence=True,
    )
    steps = steps.with_columns(step_labels(steps, step))
    comparison = compared(
        sides.before,
        calls,
        names,
        summary=summary,
        options=options,
        history=sides.history,
        is_complete=is_complete,
    )
    total, kept = steps.select(pl.col(f"{share}_den", f"{share}_num").sum()).row(0)
    others: list[str] = []
    lost_word = tr(content.lost_word, context=LOST)
    columns = step_columns(steps, share=share, lost_word=lost_word)
    if not is_known:
        sentence = tr("This period was not fetched.")
    elif not total:
        sentence = tr("There were no {calls} in this period.", calls=tr(content.noun))
    else:
        sentence, others = headline(
            comparison,
            _findings(sides, subject, options),
            leads=content.leads,
            targets=targets,
            display=display,
            reference=sides.reference,
        )
    waiting, callers, has_callbacks = None, None, False
    if content.has_callers:
        dated = logs.calls.filter(replace_direction(query).to_expr())
        waiting = open_caller_rows(dated, options)
        has_callbacks = bool((dated["direction"].cast(pl.String) == "out").any())
        callers = waiting_callers(waiting, options, display, has_callbacks=has_callbacks)
    worst = (
        worst_extensions(calls, options, display)
        if subject == "extensions"
        else worst_hours(calls, options, lost_word)
    )
    if not is_complete:
        text = tr(
            "None in what was fetched." if is_known else "Unknown: this period was not fetched."
        )
        for part in filter(None, (worst, callers)):
            part["empty"] = text
    completeness = tr("complete" if is_complete else "not complete")
    facts = (period_text(logs, query), tr(content.noun), query.time_zone, completeness)
    return {
        "period": " · ".join(facts),
        "headline": sentence,
        "support": support_text(
            tr(content.counted),
            lost_word,
            total,
            total - kept,
            waiting,
            has_callbacks=has_callbacks,
        ),
        "others": others,
        "notices": notices(logs, query, options),
        "cards": overview_cards(
            comparison, summary, steps, targets=targets, options=options, is_known=is_known
        ),
        "note": reference_text(sides.reference, query, is_known),
        "lines": lines_text(step, has_targets=any(name in targets for name in names)),
        "days": {
            "heading": tr("Which day was worst?" if step == "day" else "How did the day go?"),
            "text": worst_step_text(
                steps, sides.whole_days, sides.others, step=step, share=share, options=options
            ),
            "lost_word": lost_word,
            "columns": columns if total else [],
        },
        "worst": worst,
        "callers": callers,
        "definitions": kpi_texts(calls, names, options=options, targets=targets),
    }
