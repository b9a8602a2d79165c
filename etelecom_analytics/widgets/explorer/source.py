"""CallSource: the calls of an Explorer, and what is known about their fetch."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property

import polars as pl

from ... import local_time
from ...errors import InputError
from ...fetch_report import FetchReport
from ...language import tr
from ...locale.display import Display
from ...logs import CallLogs
from ...metrics import Calls, MetricOptions, Selection, only_fetched, previous_period
from ...metrics.periods import period_start
from ...phone_numbers import describe, normalize
from ...privacy import check_own_numbers
from ...query import CallQuery
from ...readable_dates import period_text
from ...site import Site
from ..call_input import latest_day, selection_of, table_code
from .interactive_charts import dimension_names

__all__ = ["CallSource", "reporting_date"]

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class CallSource:
    """The calls, and the query and the report of their fetch; None for a table of calls.

    Attributes:
        calls: all calls.
        query: which calls were fetched.
        report: what was fetched.
        code: Python code of the table of all calls.
        total: the number of calls: of an archive more than `calls` may have.
        reading_code: Python code that reads the logs from an archive; "" for other calls.
    """

    calls: Selection
    query: CallQuery | None
    report: FetchReport | None
    code: str
    total: int
    reading_code: str = ""

    @classmethod
    def of(cls, logs: CallLogs | Calls) -> "CallSource":
        """The source of logs or of a table; `InputError` for other values."""
        if isinstance(logs, CallLogs):
            calls = selection_of(logs.calls)
            query, report, code = logs.query, logs.report, "logs.calls"
        else:
            calls = selection_of(logs)
            query, report, code = None, None, table_code(logs)
        return cls(calls=calls, query=query, report=report, code=code, total=calls.height)

    def first_query(self, query: CallQuery | None, options: MetricOptions) -> CallQuery:
        """The query; for None inbound calls, unless only another direction was fetched."""
        if query is not None:
            return query
        direction = (self.query.direction if self.query else None) or "in"
        return CallQuery(direction=direction, time_zone=options.time_zone)

    @property
    def only_fetched(self) -> str:
        """The filter of the fetch, without its dates; empty if all calls were fetched."""
        return only_fetched(self.query) if self.query else ""

    def display(
        self,
        options: MetricOptions | None,
        *,
        show_numbers: bool,
        own_numbers: Sequence[str] | None,
        site: Site,
    ) -> Display:
        """How these calls are shown; `InputError` for an argument of another type.

        The site file gives what is None, and the names of hotlines.
        """
        options = site.options() if options is None else options
        own_numbers = site.known_numbers if own_numbers is None else own_numbers
        if not isinstance(options, MetricOptions):
            raise InputError(f"options are et.MetricOptions(...); got {describe(options)}.")
        if not isinstance(show_numbers, bool):
            raise InputError(f"show_numbers is True or False; got {describe(show_numbers)}.")
        options = self._with_as_of(options)
        return Display(
            options=options,
            show_numbers=show_numbers,
            own_numbers=check_own_numbers(own_numbers),
            names=_with_hotlines(dimension_names(self.calls, options), self.calls, site),
            language=site.language,
        )

    @cached_property
    def has_directions(self) -> bool:
        """Whether there are calls of more than one direction."""
        return int(self.calls.lazy().select(pl.col("direction").n_unique()).collect().item()) > 1

    def queues(self, options: MetricOptions) -> pl.Series | None:
        """The queue of each call; None if no queue is known."""
        return self.calls.values("queue", options) if options.queue_numbers else None

    def dates_text(self, query: CallQuery) -> str:
        """The days of the query, or else those of the fetch; "" if neither is known."""
        begin, end = query.date_from, query.date_to
        if begin is None and end is None and self.query is not None:
            begin, end = self.query.date_from, self.query.date_to
        return period_text(begin, end, query.time_zone)

    def scope_facts(self, query: CallQuery, first: CallQuery) -> Iterable[tuple[str, str]]:
        """Which calls the logs lack, or that the panel starts with inbound calls only."""
        if self.only_fetched:
            text = tr(
                "only calls with {filters}; these logs have no other calls",
                filters=self.only_fetched,
            )
            yield tr("fetched", context="fact"), text
        elif query.direction == "in" == first.direction:
            text = tr('starts with inbound calls; choose "any" for all calls')
            yield tr("direction", context="fact"), text

    def _with_as_of(self, options: MetricOptions) -> MetricOptions:
        """The options, with an `as_of` if they have none.

        It is the end of the query or the start of the fetch, whichever is earlier. For a table it
        is the end of the day of the latest call.
        """
        if options.as_of:
            return options
        moments = [
            self.query.date_to if self.query else None,
            self.report.began_at if self.report else None,
        ]
        if self.report is None and (day := latest_day(self.calls, options.time_zone)):
            moments.append(local_time.midnight(day + _DAY, options.time_zone))
        known = [moment for moment in moments if moment is not None]
        return replace(options, as_of=min(known)) if known else options

    def coverage(self, query: CallQuery) -> FetchReport | None:
        """The fetch report of the query's dates; None if it is unknown what was fetched."""
        return self.report and self.report.clip(query.date_from, query.date_to)

    def is_unfetched(self, query: CallQuery) -> bool:
        """Whether none of the query's dates was fetched."""
        coverage = self.coverage(query)
        return coverage is not None and coverage.has_no_coverage

    def is_complete(self, query: CallQuery) -> bool:
        """Whether the whole span of the query's two dates was fetched, as far as is known."""
        begin, end = query.date_from, query.date_to
        if self.report is None or begin is None or end is None:
            return True
        return not self.report.gaps_between(begin, end)

    def previous_period(self, query: CallQuery) -> tuple[CallQuery | None, str]:
        """The query for the previous period, and a text, as `metrics.previous_period` returns.

        The text has dates as the rest of the Explorer writes them.
        """
        if self.report is None:
            return None, tr(
                "No change is shown: a table does not state which days were fetched. Pass CallLogs "
                "to compare with the previous period."
            )
        earlier, text = previous_period(query, self.report)
        begin, end = query.date_from, query.date_to
        if begin is None or end is None or self.is_unfetched(query):
            return earlier, text
        dates = period_text(period_start(begin, end), begin, query.time_zone)
        text = (
            tr(
                "No change is shown: the previous period, {dates}, was not fetched completely.",
                dates=dates,
            )
            if earlier is None
            else tr("Compared with {dates}.", dates=dates)
        )
        if not self.is_complete(query):
            text += f" {tr('This period was not fetched completely, so its counts are too low.')}"
        return earlier, text


def _with_hotlines(
    names: dict[str, Mapping[str, str]], calls: Selection, site: Site
) -> dict[str, Mapping[str, str]]:
    """The names of values, with those of the site's hotlines for the numbers that were dialled."""
    if not site.hotline_names:
        return names
    by_number = {normalize(number): name for number, name in site.hotline_names.items()}
    dialled = calls.lazy().select(pl.col("callee").unique()).collect().to_series().drop_nulls()
    hotlines = {
        number: by_number[normalize(number)] for number in dialled if normalize(number) in by_number
    }
    return {**names, "callee": {**names.get("callee", {}), **hotlines}}


def reporting_date(options: MetricOptions) -> date | None:
    """The last local day before `as_of`: "today" in the Explorer; None without `as_of`."""
    if options.as_of is None:
        return None
    return (options.as_of - _MOMENT).astimezone(local_time.zone(options.time_zone)).date()
