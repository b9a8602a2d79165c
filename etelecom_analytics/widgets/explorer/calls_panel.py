"""CallsPanel: filters over the calls of logs, of a table or of an archive."""

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import polars as pl

from ...archive.reader import ArchiveReader
from ...logs import CallLogs
from ...metrics import Calls, MetricOptions, Selection
from ...query import CallQuery
from ...site import Site
from ..filter_values import filters_dict
from ..own_language import in_own_language
from ..panel import Panel
from ..panel_state import PanelState
from .archive_window import ArchiveWindow
from .filter_bar import explorer_controls, explorer_fields
from .group_filters import with_filters
from .source import CallSource, reporting_date

__all__ = ["CallsPanel"]


class CallsPanel(Panel):
    """A panel whose filters select calls.

    An archive is read when its calls are needed first, which is after the page shows the panel, and
    again for dates whose calls were not read.
    """

    def __init__(
        self,
        logs: CallLogs | Calls | ArchiveReader,
        *,
        query: CallQuery | None,
        options: MetricOptions | None,
        show_numbers: bool,
        own_numbers: Sequence[str] | None,
        site: Site,
        debounce_s: float,
    ) -> None:
        self._site = site
        self._window: ArchiveWindow | None = None
        if isinstance(logs, ArchiveReader):
            self._window = window = ArchiveWindow(logs)
            self._source, options = window.unread(), window.options(options)
        else:
            self._source = CallSource.of(logs)
        self._display = self._source.display(
            options,
            show_numbers=show_numbers,
            own_numbers=own_numbers,
            site=site,
        )
        self._options = self._display.options
        self._today = reporting_date(self._options)
        self._all = self._selection = self._source.calls
        controls = explorer_controls(self._source, self._options)
        query = self._source.first_query(query, self._options)
        if self._window:
            query = self._window.first_query(query)
        super().__init__(controls, controls.state_of(query), debounce_s=debounce_s)

    @property
    def filtered(self) -> pl.DataFrame:
        """The matching calls, with all columns and not masked, in their order."""
        return self.selection.calls

    @property
    def selection(self) -> Selection:
        """The matching calls for `summarize` and charts, which then reuse computed facts."""
        self._update()
        return self._selection

    @property
    def group_filters(self) -> dict[str, object]:
        """The filters that a query cannot express: dimensions and a value, or a list of values.

        Cells of a heat map are `weekday_hour`: pairs of a weekday, 1 to 7, and an hour.
        """
        self._update()
        return filters_dict(self._state.group_filters)

    @property
    def offer_filters(self) -> dict[str, object]:
        """People to whom each call has an offer: dimensions, and a value or a list of values."""
        self._update()
        return filters_dict(self._state.offer_filters)

    def _select(self, state: PanelState) -> Selection:
        """The calls that match the filters."""
        return with_filters(self._all.matching(state.query), state, self._options)

    def _update(self, *, force: bool = False) -> None:
        self._read_first()
        super()._update(force=force)

    @in_own_language
    def _read_first(self) -> None:
        """Read the calls of an archive, unless they were read."""
        with self._lock:
            if self._window and not self._window.is_read:
                self._use(self._first)
                self._error_line.show("")
                self._show()

    def _use(self, state: PanelState) -> None:
        if self._window and not self._window.holds(state.query):
            with self._reading(self._window.reading_text(state.query)):
                self._replace(self._window.read(state.query))
                self._controls.show(state)
        matching = cache(self._select)  # the parts of a change have selections in common
        self._selection, self._matching = matching(state), matching

    def _reading(self, text: str) -> AbstractContextManager[None]:
        """Show which calls are read while a block runs."""
        return nullcontext()

    def _replace(self, source: CallSource) -> None:
        """Filter other calls from now on: other days of the same archive."""
        display, self._source, self._all = self._display, source, source.calls
        self._display = source.display(
            self._options,
            show_numbers=display.show_numbers,
            own_numbers=display.own_numbers,
            site=self._site,
        )
        self._controls.recount(explorer_fields(source, self._options))
