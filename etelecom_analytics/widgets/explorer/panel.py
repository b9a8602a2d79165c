"""Explorer: a week at a glance; what is turned, clicked or brushed is asked of everything that is shown."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

import ipywidgets as ui
import polars as pl

from ...charts import journey
from ...errors import InputError, QueryError
from ...logs import CallLogs, FetchReport
from ...metrics import (
    Calls,
    MetricOptions,
    Selection,
    compare,
    drill_through,
    only_fetched,
    previous_period,
)
from ...names import labels
from ...privacy import mask_numbers, check_own_numbers
from ...query import CallQuery
from ..chart_view import outputs_of
from ..choice import PanelState
from ..controls import Controls, logs_fields
from ..panel import BUTTON, Panel
from .beside import Chips, code_of, value_text
from .call_rows import CallRows
from .chart_tabs import ChartTabs
from .exporting import write_calls
from .figures import ChartState, Figures
from .history import History
from .kpi_cards import Headline
from .period import day_of, reporting_options
from .picking import BESIDE, dated, picked, without
from .row_table import RowTable
from .saving import Saving

__all__ = ["Explorer"]

_WIDE = {"flex": "1 1 640px", "min_width": "0", "overflow": "visible"}


class _View(NamedTuple):
    """All that was chosen: what undo goes back to."""

    choice: PanelState
    chart: ChartState


class Explorer(Panel):
    """Filters, headline numbers, charts, and the calls behind them, all of the same calls.

    **It begins with the calls of direction in**, and says so; if another direction was fetched
    alone, with that.

    `explorer.filtered` is the table of calls that match, `explorer.kpis` what the headline says,
    and `explorer.query` with `explorer.group_filters` the question. A click on a chart asks for
    that group, a brush along time for those days; what a query cannot say, such as an hour, is kept
    beside it. `explorer.undo()` and `.redo()` go back and forth.

    Args:
        logs: as `et.fetch_calls` or `et.read_snapshot` gives them; with names, hotlines and
            departments can be chosen too.
        query: what is chosen at first; by default all calls of direction in, or of the one that was
            fetched alone.
        options: what the numbers depend on besides the calls. Without `as_of` it is the end of what
            was asked for, or when the fetch began, whichever is earlier, and "today" is the last
            day before it.
        show_numbers: whether outside numbers are shown in full; masked by default. Links to
            recordings are never shown.
        own_numbers: numbers that stay as they are, such as the own hotlines; the options'
            `ivr_numbers` do too. In notes all are masked.
        debounce_s: how long to wait for a further change before anything is reckoned; 0 does it at
            once.

    Raises:
        InputError: `logs` are none, or `query` speaks of days in another zone than the options.
    """

    def __init__(
        self,
        logs: CallLogs,
        *,
        query: CallQuery | None = None,
        options: MetricOptions = MetricOptions(),
        show_numbers: bool = False,
        own_numbers: Sequence[str] = (),
        debounce_s: float = 0.3,
    ) -> None:
        if not isinstance(logs, CallLogs):
            raise InputError(
                f"Explorer takes CallLogs, such as et.read_snapshot gives; got {type(logs).__name__}."
            )
        if not isinstance(options, MetricOptions):
            raise InputError(f"options are et.MetricOptions(...); got {type(options).__name__}.")
        zone = options.time_zone
        self._logs = logs
        self._own = (*check_own_numbers(own_numbers), *options.ivr_numbers)
        self._keep = None if show_numbers else self._own
        self._options = reporting_options(logs, options)
        self._today = day_of(self._options.as_of or logs.report.began_at, zone)
        self._all = self._selection = Selection(logs.calls)
        controls = Controls(
            logs_fields(logs.calls), time_zone=zone, today=lambda: self._today, beside=BESIDE
        )
        first = controls.chosen_by(
            query or CallQuery(direction=logs.query.direction or "in", time_zone=zone)
        )
        self._figures = Figures(self._all, options=self._options, keep=self._keep)
        self._tabs = ChartTabs(
            self._figures, chose=self._chart_chosen, picked=self._pick, dated=self._date
        )
        self._rows = CallRows(
            self._all,
            options=self._options,
            names=labels(logs.calls, "extension_id"),
            keep=self._keep,
        )
        self._table = RowTable(sort=self._sort, turn=self._turn, open_row=self._open)
        self._headline = Headline()
        self._chips = Chips(lambda name: self._choose(without(self._choice, name)))
        self._journey, self._opened = ui.Output(), -1
        self._undo = ui.Button(
            description="Undo", tooltip="Back to what was chosen before", layout=BUTTON
        )
        self._redo = ui.Button(
            description="Redo", tooltip="What was undone, once more", layout=BUTTON
        )
        self._history = History(_View(first, self._tabs.chosen))
        self._shown: _View | None = None
        super().__init__(controls, first, debounce_s=debounce_s)
        self._undo.on_click(lambda _: self.undo())
        self._redo.on_click(lambda _: self.redo())
        self.layout.max_width = "1840px"
        self._saving = Saving(self._save, full=show_numbers)
        behind = ui.VBox([self._table, self._saving], layout=_WIDE)
        self._tabs.layout.flex, self._tabs.layout.min_width = "1 1 640px", "0"
        steps = [self._undo, self._redo, self._reset, self._copy]
        self._stack(
            self._words, self._chips, steps, self._headline, [self._tabs, behind], self._journey
        )
        self._accept(first)
        self._show()
        self._all.precompute(self._options)  # while somebody looks at what is there

    @property
    def filtered(self) -> pl.DataFrame:
        """The calls that match, with all their columns as they are, in their order."""
        return self.selection.calls

    @property
    def selection(self) -> Selection:
        """The calls that match, over facts and offers that are reckoned once; `summarize` and all charts take it in place of calls."""
        self._settle()
        return self._selection

    @property
    def group_filters(self) -> dict[str, object]:
        """What is asked beside the query: dimensions and their values."""
        self._settle()
        return dict(self._choice.beside)

    @property
    def kpis(self) -> pl.DataFrame:
        """The headline numbers and their change against the period before, as `et.metrics.compare` gives them."""
        self._settle()
        return self._compared

    def state(self) -> dict[str, object]:
        """What is chosen, as a dictionary that JSON can keep: the query, what is asked `beside` it, and the `chart`; `restore` reads it."""
        return {**super().state(), "chart": self._tabs.chosen.state()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Choose what `state` told; what it leaves out is not asked.

        A key or a value that does not exist is an error that lists what does, and nothing changes
        then.
        """
        if not isinstance(state, Mapping):
            raise QueryError(
                f"A state is a dictionary, such as .state() gives; got {type(state).__name__}."
            )
        told = dict(state)
        chart = self._figures.chosen(told.pop("chart", {}))
        self._go(_View(self._controls.chosen(told), chart))

    def undo(self) -> None:
        """Go back to what was chosen before; nothing happens at the first."""
        self._settle()
        self._go(self._history.undo())

    def redo(self) -> None:
        """Choose what was undone last once more; nothing happens without."""
        self._settle()
        self._go(self._history.redo())

    def export(self, path: str | Path, *, masked: bool | None = None) -> Path:
        """The file that was written: all calls of the table, in its order, as .parquet or .csv; links to recordings are withheld.

        Outside numbers are masked unless the Explorer shows them; `masked` says otherwise. A text
        in a CSV that a spreadsheet would take for a formula has a quotation mark before it. What is
        there already is not overwritten.

        Raises:
            InputError: another ending, a folder that is not there, or a file that is.
        """
        self._settle()
        keep = self._keep if masked is None else self._own if masked else None
        return write_calls(self._rows.frame(), path, keep=keep, time_zone=self._options.time_zone)

    def _accept(self, choice: PanelState) -> None:
        self._selection = self._matching(choice.query, choice)

    def _matching(self, query: CallQuery, choice: PanelState) -> Selection:
        chosen: Calls = drill_through(
            self._all.matching(query), dict(choice.beside), options=self._options
        )
        if not isinstance(chosen, Selection):
            raise TypeError(type(chosen).__name__)
        return chosen

    def _show(self) -> None:
        super()._show()
        view = _View(self._choice, self._tabs.chosen)
        if self._shown is None or view.choice != self._shown.choice:
            self._compare()
            self._rows.choose(self._selection)
            self._opened = -1
            self._journey.outputs = ()
            self._show_rows()
            self._show_chips()
            self._saving.forget()
        if view != self._shown:
            self._tabs.draw(self._selection, self._covered())
        self._history.see(view)
        self._shown = view
        self._undo.disabled, self._redo.disabled = (
            not self._history.can_undo,
            not self._history.can_redo,
        )
        self._words.tell(self._asked())

    def _covered(self) -> FetchReport:
        """What was fetched of the days that are chosen."""
        return self._logs.report.clip(self._choice.query.date_from, self._choice.query.date_to)

    def _compare(self) -> None:
        earlier, words = previous_period(self._choice.query, self._logs.report)
        past = (
            self._all.where(pl.lit(value=False))
            if earlier is None
            else self._matching(earlier, self._choice)
        )
        compared = compare(past, self._selection, options=self._options)
        if earlier is None:
            beginnings = ("before", "after") if self._covered().has_no_coverage else ("before",)
            unknown = [
                name
                for name in compared.columns
                if name.startswith(beginnings) or name in ("difference", "low", "high", "method")
            ]
            compared = compared.with_columns(
                pl.lit(None).cast(compared.schema[name]).alias(name) for name in unknown
            )
        self._compared = compared
        self._headline.tell(compared, options=self._options, before=words)

    def _show_rows(self) -> None:
        rows, page = self._rows, (self._rows.page, self._rows.pages)
        caption = f"{self._selection.height:,} calls behind these numbers{'' if self._keep is None else ', outside numbers masked'}"
        chosen = self._opened if self._opened >= 0 else None
        self._table.show(
            rows.columns, rows.texts(), sort=rows.sort, page=page, caption=caption, chosen=chosen
        )

    def _show_chips(self) -> None:
        self._chips.show([(name, self._told(name, value)) for name, value in self._choice.beside])

    def _told(self, name: str, value: object) -> str:
        return value_text(name, value, label=self._figures.label(name, value), keep=self._keep)

    def _go(self, view: _View) -> None:
        self._accept(view.choice)  # or an error, before anything has changed
        self._tabs.show(view.chart)
        self._choose(view.choice)

    def _chart_chosen(self, _: ChartState) -> None:
        self._settle_and_tell()

    def _pick(self, group: Mapping[str, object]) -> None:
        self._settle()
        self._choose(picked(self._choice, group))

    def _date(self, first: date, after: date) -> None:
        self._settle()
        self._choose(dated(self._choice, first, after))

    def _sort(self, column: str) -> None:
        self._rows.sort_by(column)
        self._turned()

    def _turn(self, page: int) -> None:
        self._rows.turn(page)
        self._turned()

    def _turned(self) -> None:
        self._opened = -1
        self._show_rows()

    def _open(self, place: int) -> None:
        call = self._rows.row(place)
        if call.height:
            shown = call if self._keep is None else mask_numbers(call, keep=self._keep)
            self._opened = place
            self._journey.outputs = outputs_of(
                lambda: journey(shown, shown["id"].item(), options=self._options)
            )
            self._show_rows()

    def _save(self, path: str, full: bool) -> tuple[Path, int]:
        return self.export(path, masked=not full), self._selection.height

    def _code(self) -> str:
        return code_of(
            self._choice,
            options=self._options,
            chart=self._figures.code(self._tabs.chosen, self._choice.query),
        )

    def _asked(self) -> Iterable[tuple[str, str]]:
        yield "matching", f"{self._selection.height:,} of {self._all.height:,} calls"
        yield from super()._facts()
        if narrowed := only_fetched(self._logs.query):
            yield "fetched", f"only calls of {narrowed}: others are not here"
        elif self._choice.query.direction == "in" == self._first.query.direction:
            yield "calls in", "it begins with direction in; choose any to see the others too"
        if self._choice.beside:
            yield (
                "beside",
                ", ".join(
                    f"{name} {self._told(name, value)}" for name, value in self._choice.beside
                ),
            )
        yield "today", f"{self._today.isoformat()}, {self._today:%A}"

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield from self._asked()
        for name, value in self._compared.select("measure", "after").iter_rows():
            yield name, "none" if value is None else f"{value:,.6g}"
