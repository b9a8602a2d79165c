"""Explorer: filters, KPIs, charts and a table of the same calls."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from ...archive.reader import ArchiveReader
from ...errors import EtelecomError, QueryError
from ...language import tr
from ...logs import CallLogs
from ...metrics import Calls, MetricOptions
from ...phone_numbers import describe
from ...query import CallQuery
from ...site import Site, checked_site
from ..filter_values import filters_dict
from ..menu import Menu
from ..own_language import builds_in_language, in_own_language
from ..panel import make_button
from ..panel_state import PanelState
from ..site_facts import matching_facts, number_facts, site_facts, today_facts
from .calls_panel import CallsPanel
from .chart_tabs import ChartTabs
from .excel import explorer_workbook
from .export import ExportForm, explorer_code, masked_code, write_calls
from .filter_bar import FilterBar
from .group_filters import FilterChips, FilterTexts
from .interactive_charts import ChartFactory
from .kpi_cards import KpiCards, kpi_facts
from .layout import place_parts
from .matching_calls import MatchingCalls
from .period_comparison import chart_calls, compare_periods
from .periods import dated_query
from .second_logs import second_log_facts
from .source import CallSource
from .state import ExplorerState, History, without_filter
from .status_bar import StatusBar
from .undo_keys import UndoKeys

__all__ = ["Explorer"]


class Explorer(CallsPanel):
    """Filters, KPIs, charts and a table of calls, all over the same calls.

    **It starts with the inbound calls**, or with the one direction that was fetched.

    `explorer.filtered` is the table of matching calls and `explorer.kpis` their KPIs. The filters
    are `explorer.query`, and `explorer.group_filters` for what a query cannot express, such as an
    hour. A click on a chart selects its group, a brush over time its days, and Shift adds further
    ones: a filter with several values is a list. The chart keeps all its groups and highlights the
    selected. A click on a chart of offers by person selects the calls with an offer to this person,
    whoever took the call: `explorer.offer_filters`.

    Args:
        logs: as `et.fetch_calls` or `et.read_snapshot` returns; with names, calls can be filtered
            by hotline and department too. An `et.Archive` is read when it is shown: all of it up to
            a million calls, else the dates of the query and the previous period, at first the
            latest weeks. A table of calls is possible: a DataFrame, a LazyFrame, which is
            collected, or a `Selection`. It is then unknown which days were fetched.
        query: the first query; all inbound calls by default.
        options: what the measures depend on; by default as in the site file. The default of `as_of`
            is the end of the logs' query or the start of the fetch, whichever is earlier; of a
            table, the end of the day of its latest call; of an archive, the end of its last day.
            "Today" is the last day before it.
        show_numbers: whether external phone numbers are shown in full; masked by default. Links to
            recordings are never shown.
        own_numbers: numbers that are always shown, such as your hotlines; by default as in the site
            file. So are the options' `ivr_numbers`. In notes all numbers are masked.
        debounce_s: how long to wait for further changes before computing; 0 computes at once.
        site: the settings of your organisation; by default the site file.
        language: the language of texts, "en" or "vi"; by default that of the site file.

    Raises:
        InputError: `logs` is no CallLogs, archive or table of calls, another argument is not valid,
            or the query has another time zone than the options.
        ArchiveError: the archive does not exist, or has no days.

    Examples:
        >>> explorer = et.Explorer(et.sample_logs())
        >>> explorer.restore({"direction": "in", "group_filters": {"weekday": 1}})
        >>> explorer.filtered.height, explorer.group_filters
        (59, {'weekday': 1})
        >>> explorer.kpis.select("measure", pl.col("after").round(3)).head(2).rows()
        [('offered', 59.0), ('answer_rate', 0.983)]
    """

    @builds_in_language
    def __init__(
        self,
        logs: CallLogs | Calls | ArchiveReader,
        *,
        query: CallQuery | None = None,
        options: MetricOptions | None = None,
        show_numbers: bool = False,
        own_numbers: Sequence[str] | None = None,
        debounce_s: float = 0.3,
        site: Site | None = None,
        language: str | None = None,
    ) -> None:
        site = checked_site(site)
        self._arguments = {
            "logs": logs,
            "query": query,
            "options": options,
            "show_numbers": show_numbers,
            "own_numbers": own_numbers,
            "debounce_s": debounce_s,
            "site": site,
            "language": language,
        }
        super().__init__(
            logs,
            query=query,
            options=options,
            show_numbers=show_numbers,
            own_numbers=own_numbers,
            site=site,
            debounce_s=debounce_s,
        )
        self._factory = ChartFactory(
            self._all, self._display, has_report=self._source.report is not None
        )
        self._tabs = ChartTabs(
            self._factory,
            on_chart=lambda _: self._update_or_report(),
            on_select=self._change,
        )
        self._calls = MatchingCalls(self._all, self._display)
        self._kpi_cards = KpiCards(site.targets)
        undo, redo = self._reporting(self.undo), self._reporting(self.redo)
        self._undo = make_button(tr("Undo"), tr("Undo the last change"), undo)
        self._redo = make_button(tr("Redo"), tr("Redo the change"), redo)
        self._history = History(ExplorerState(self._first, self._tabs.chart_state))
        self._visible: ExplorerState | None = None
        self._export_form = ExportForm(self._export, show_numbers=show_numbers)
        any_direction = partial(self._change, partial(without_filter, name="direction"))
        self._status = StatusBar(self._source, self._facts_table, any_direction)
        self._copy.label = tr("Code")
        options_of_export = Menu("", [self._export_form], name=tr("Options of the export"))
        export = (self._export_form.button, options_of_export)
        actions = (self._undo, self._redo, self._reset, self._copy, *export)
        self._bar = FilterBar(self._controls, FilterChips(self._change), actions)
        messages = (self._error_line, self._export_form.messages)
        top = (self._bar, *messages, self._status, self._kpi_cards)
        place_parts(self, top, (self._tabs, self._calls))
        self.children = [*self.children, UndoKeys(on_undo=undo, on_redo=redo)]
        if self._window:
            self._bar.show(self._first, self._filter_texts)
            self._kpi_cards.show_outline()
            self._calls.show(self._selection, caption="")
            self._status.show_outline(self, self._window.reading_text(self._first.query))
        else:
            self._use(self._first)
            self._show()

    @property
    def kpis(self) -> pl.DataFrame:
        """The KPIs and their change since the previous period, as `et.metrics.compare` returns."""
        self._update()
        return self._comparison

    def state(self) -> dict[str, object]:
        """The query, `group_filters` and `chart` as a dictionary of JSON values, for `restore`."""
        return {**super().state(), "chart": self._tabs.chart_state.to_dict()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Set filters and chart from a dictionary that `state` returned, like `Panel.restore`."""
        if not isinstance(state, Mapping):
            raise QueryError(f"A state is a dictionary; got {describe(state)}.")
        values = dict(state)
        chart = self._factory.parse(values.pop("chart", {}))
        self._restore(ExplorerState(self._controls.parse(values), chart))

    def undo(self) -> None:
        """Return to the state before the last change, if there is one."""
        self._step(self._history.undo, self._history.redo)

    def redo(self) -> None:
        """Repeat the change that was undone last, if there is one."""
        self._step(self._history.redo, self._history.undo)

    @in_own_language
    def export(self, path: str | Path, *, masked: bool | None = None) -> Path:
        """Write all calls of the table in its order as .parquet, .csv or .xlsx; returns the path.

        Links to recordings are withheld. In a CSV, a quotation mark precedes any text that a
        spreadsheet may evaluate as a formula. An Excel file has the sheets of `write_workbook`.

        Args:
            path: a file that does not exist yet.
            masked: whether external phone numbers are masked; by default as in the Explorer.

        Raises:
            InputError: the ending is another, the folder does not exist, or the file exists.
            ReportError: an Excel file needs the extra `excel`.
        """
        self._update()
        show_numbers = self._display.show_numbers if masked is None else not masked
        display = replace(self._display, show_numbers=show_numbers)
        calls, facts = self._calls.frame(), list(self._filter_facts())
        workbook = partial(explorer_workbook, calls, self._source, facts, self._site, display)
        return write_calls(
            calls, path, display, workbook=partial(workbook, dated_query(self._state))
        )

    def _reading(self, text: str) -> AbstractContextManager[None]:
        return self._status.reading(self, text)

    def _replace(self, source: CallSource) -> None:
        super()._replace(source)
        self._visible = None
        self._factory = ChartFactory(self._all, self._display, has_report=True)
        self._tabs.use(self._factory)
        self._calls.use(self._all, self._display)
        self._status.use(source)

    def _show(self) -> None:
        super()._show()
        state, before = ExplorerState(self._state, self._tabs.chart_state), self._visible
        has_new_calls = before is None or state.filters != before.filters
        # The slow parts come first, so that all parts change at the same time.
        if has_new_calls:
            self._comparison, note = compare_periods(
                self._source, self._state, self._matching, self._options
            )
        if state != before:
            calls_of = partial(chart_calls, self._source, matching=self._matching)
            self._tabs.draw(state, self._selection.height, calls_of)
        if has_new_calls:
            texts = self._filter_texts
            self._kpi_cards.show(self._comparison, self._options, texts.note(note))
            caption = texts.caption(self._selection.height, self._display)
            self._calls.show(self._selection, caption)
            self._export_form.clear()
        self._history.add(state)
        self._visible = state
        self._undo.disabled = not self._history.can_undo
        self._redo.disabled = not self._history.can_redo
        filters = self._bar.show(self._state, self._filter_texts)
        self._status.show(self._state, self._selection, filters, self._filter_facts())
        if before is None:
            self._all.precompute(self._options)  # in the background, while the user reads

    @property
    def _filter_texts(self) -> FilterTexts:
        return FilterTexts.of(self._state, self._display)

    def _step(self, step: Callable[[], ExplorerState], back: Callable[[], object]) -> None:
        """Go one step through the history; after an error nothing has changed."""
        with self._lock:  # a cell may read the panel meanwhile, in another thread
            self._update()
            state = step()
            try:
                self._restore(state)
            except EtelecomError:  # an archive cannot be read
                back()
                raise

    @in_own_language
    def _restore(self, state: ExplorerState) -> None:
        with self._lock:
            self._use(state.filters)  # raises before anything changes
            self._tabs.show(state.chart)
            self._set_state(state.filters)

    @in_own_language
    def _return_to_first(self) -> None:
        self._calls.clear_search()
        super()._return_to_first()

    def _change(self, change: Callable[[PanelState], PanelState]) -> None:
        with self._lock:  # a front end may send two clicks to two threads
            self._update()
            self._set_state(change(self._state))

    def _export(self, path: str, show_numbers: bool) -> tuple[Path, int]:
        return self.export(path, masked=not show_numbers), self._selection.height

    def _code(self) -> str:
        context = self._tabs.context(self._state)
        return explorer_code(
            self._state,
            self._options,
            table=self._source.code,
            reading=self._source.reading_code,
            context=context,
            chart=partial(self._factory.code, self._tabs.chart_state),
        )

    def _page_code(self) -> str:
        return masked_code(self._code(), filters_dict(self._state.group_filters), self._display)

    def _filter_facts(self) -> Iterable[tuple[str, str]]:
        yield from matching_facts(self._selection.height, self._source.total)
        yield from super()._facts()
        yield from number_facts(self._selection, self._options)
        yield from self._source.scope_facts(self._state.query, self._first.query)
        yield from second_log_facts(self._selection, self._state, self._options)
        yield from self._filter_texts.facts()
        yield from today_facts(self._today)
        yield from site_facts(self._site)

    def _facts(self) -> Iterable[tuple[str, str]]:
        try:
            self._read_first()
        except EtelecomError as error:
            self._error_line.show(str(error))
            yield tr("warning", context="fact"), str(error)
            return
        yield from self._filter_facts()
        if self._status.missing:
            yield tr("warning", context="fact"), self._status.missing
        yield from kpi_facts(self._comparison, self._site.targets)
