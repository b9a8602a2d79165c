"""MatchingCalls: the table of the matching calls, and the journey of one of them."""

from collections.abc import Callable
from functools import partial
from threading import RLock

import altair as alt
import ipywidgets as ui
import polars as pl

from ...charts import journey
from ...language import keep_language, tr
from ...locale.display import Display
from ...metrics import Selection
from ..background_task import BackgroundTask
from ..chart_view import chart_outputs
from ..debouncer import running_loop
from ..panel import make_button
from ..status import text_div
from .call_pages import PAGE_ROWS, CallPages
from .call_search import CallSearch
from .call_table import CallTable

__all__ = ["CALLS_CLASS", "MatchingCalls"]

CALLS_CLASS, _JOURNEY_CLASS = "etelecom-calls", "etelecom-journey"
_BOLD = "font-weight:600;line-height:1.4;overflow-wrap:anywhere"
_SMALL = "font-size:12px;line-height:1.4;overflow-wrap:anywhere"
_SEARCH_WAIT_S = 0.2
"""How long a search waits until it is prepared; for few calls this is enough."""
_TEXT_WIDTH, _MIN_BARS, _MAX_BARS = 370, 80, 520
"""The pixels of a journey's labels and outcomes, and the least and the most of its bars."""


class MatchingCalls(ui.VBox):  # type: ignore[misc]
    """A table of calls. A drawer below it has the journey of the call that the user opened."""

    def __init__(self, selection: Selection, display: Display) -> None:
        self._display, self._caption = display, ""
        self._pages = CallPages(selection, display)
        self._position: int | None = None  # of the open call
        self._preparing: BackgroundTask[[]] | None = None
        self._table = CallTable(self._pages, self)
        self._title, self._summary = ui.HTML(), ui.HTML(layout={"width": "auto"})
        self._journey = ui.Output(layout={"overflow": "auto"})
        self._previous = make_button(
            tr("Previous call"), tr("The journey of the call in the row above"), self._step(-1)
        )
        self._next = make_button(
            tr("Next call"), tr("The journey of the call in the row below"), self._step(1)
        )
        close = make_button(tr("Close"), tr("Close the journey"), keep_language(self.close_journey))
        buttons = ui.HBox([self._previous, self._next, close], layout={"margin": "0 0 0 auto"})
        head = ui.HBox(
            [self._title, buttons], layout={"flex_flow": "wrap", "align_items": "center"}
        )
        self._drawer = ui.VBox([head, self._summary, self._journey], layout={"display": "none"})
        self._drawer.add_class(_JOURNEY_CLASS)
        super().__init__(
            [self._table, self._drawer], layout={"min_width": "0", "overflow": "visible"}
        )
        self.add_class(CALLS_CLASS)

    def use(self, calls: Selection, display: Display) -> None:
        """Show calls of another table from now on."""
        self._display = display
        self._pages.use(calls, display)
        self._preparing = None

    def show(self, selection: Selection, caption: str) -> None:
        """Show other calls; the order, the columns and the search stay."""
        self._caption = caption
        self._pages.select(selection)
        self._await_search()
        self._show_all()

    def frame(self) -> pl.DataFrame:
        """All calls in the order of the table, with all columns, not masked and not searched."""
        return self._pages.frame()

    def sort(self, column: str) -> None:
        """Sort by this column, or in reverse."""
        self._pages.sort_by(column)
        self._show_all()

    def search(self, text: str) -> None:
        """Show only the calls with this text; the matching calls stay the same."""
        self._pages.search_for(text)
        self._await_search()
        self._show_all()

    def clear_search(self) -> None:
        """Show all matching calls again."""
        if self._pages.search:
            self._table.clear_search()
            self.search("")

    def prepare_search(self) -> None:
        """Prepare the first search in the background."""
        self._preparation()

    def _await_search(self) -> None:
        """Wait until a search is prepared; on a page only shortly, which shows all calls then."""
        if self._pages.is_preparing:
            is_page = running_loop() is not None
            self._preparation().wait(_SEARCH_WAIT_S if is_page else None)

    def _preparation(self) -> BackgroundTask[[]]:
        """The preparation of the search, which is started once."""
        if self._preparing is None:
            texts = self._pages.searched
            prepare = keep_language(texts.prepare)
            self._preparing = BackgroundTask(
                lambda report, stop: prepare(),
                on_progress=lambda: None,
                on_end=keep_language(partial(self._end_preparation, texts)),
                lock=RLock(),
            )
            self._preparing.start()
        return self._preparing

    def _end_preparation(self, texts: CallSearch, outcome: object) -> None:
        if texts is not self._pages.searched:  # those of calls that were replaced
            return
        if isinstance(outcome, BaseException):
            self._preparing = None  # the next search tries again
            raise outcome
        self._pages.begin_search()
        if self._pages.search:
            self._show_all()

    def show_column(self, name: str, *, visible: bool) -> None:
        """Show or hide a column."""
        self._pages.show_column(name, visible=visible)
        self._show_page()

    def go_to(self, page: int) -> None:
        """Show this page, or the nearest that exists."""
        self._pages.go_to(page)
        self._show_page()

    def open_journey(self, row: int) -> None:
        """Open the journey of the call in this row of the page."""
        if 0 <= row < PAGE_ROWS:
            self._open(self._pages.page * PAGE_ROWS + row)

    def resize(self) -> None:
        """Draw the open journey as wide as the table is now."""
        if self._position is not None:
            self._draw(self._position)

    def step(self, by: int) -> None:
        """Open the journey of the next call (1) or the previous one (-1)."""
        if self._position is not None:
            self._open(self._position + by)

    def close_journey(self) -> None:
        """Close the journey; its row gets the focus."""
        position = self._position
        self._hide()
        if position is not None:
            self._pages.go_to(position // PAGE_ROWS)
        self._show_page(focus=position)

    def _step(self, by: int) -> Callable[[], object]:
        return keep_language(lambda: self.step(by))

    def _open(self, position: int) -> None:
        if not 0 <= position < (count := self._pages.row_count):
            return
        self._position = position
        self._pages.go_to(position // PAGE_ROWS)
        title = tr(
            "Call {n} of {total}: {started}",
            n=position + 1,
            total=count,
            started=self._pages.started_text(position),
        )
        self._title.value = text_div(title, {"role": "status", "style": _BOLD})
        self._previous.disabled, self._next.disabled = position == 0, position == count - 1
        self._draw(position)
        self._drawer.layout.display = None
        self._show_page()

    def _draw(self, position: int) -> None:
        call = self._display.masked(self._pages.call(position))
        self._summary.value = ""
        self._journey.outputs = chart_outputs(lambda: self._chart(call))

    def _chart(self, call: pl.DataFrame) -> alt.LayerChart:
        """The journey as wide as the table; its title is text above it, which wraps."""
        chart = journey(call, call["id"].item(), options=self._display.options)
        title = chart.title.to_dict()
        self._summary.value = "".join(
            text_div(" ".join(lines), {"style": style})
            for style, lines in ((_BOLD, title["text"]), (_SMALL, title.get("subtitle", [])))
        )
        chart.title = alt.Undefined
        if not (width := self._table.width):
            return chart
        bars = min(max(width - _TEXT_WIDTH, _MIN_BARS), _MAX_BARS)
        return chart.properties(width=bars)

    def _hide(self) -> None:
        self._position, self._journey.outputs = None, ()
        self._drawer.layout.display = "none"

    def _show_all(self) -> None:
        self._hide()
        self._show_page()

    def _show_page(self, *, focus: int | None = None) -> None:
        self._table.show(
            self._pages,
            caption=self._caption,
            open_position=self._position,
            focus_position=focus,
        )
