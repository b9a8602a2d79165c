"""FilterPanel: controls over a table of calls, and the calls that match."""

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from .. import local_time
from ..metrics import Calls, Selection
from ..query import CallQuery
from ..site import Site, checked_site
from .call_input import latest_day, selection_of, table_code, with_imports
from .controls import Controls, table_fields
from .own_language import builds_in_language
from .panel import Panel
from .panel_state import PanelState
from .site_facts import matching_facts, number_facts, site_facts, today_facts

__all__ = ["FilterPanel"]


class FilterPanel(Panel):
    """Controls that filter a table of calls.

    `panel.filtered` is the table of matching calls, `panel.query` the query, and
    `panel.observe_query(callback)` reports each new query. One line names the numbers of these
    calls that look like an IVR or a queue, unless the site's settings have them.

    Args:
        calls: one row per call, as in `logs.calls`: a DataFrame, a LazyFrame, which is collected,
            or a `Selection`. Extensions are listed by name where the calls have names.
        query: the first query; all calls by default.
        time_zone: the time zone of days; by default that of the site file.
        as_of: the moment whose day is "today"; by default that of the latest call, not the clock of
            this computer.
        debounce_s: how long to wait for further changes before filtering; 0 filters at once.
        site: the settings of your organisation; by default the site file, as `Site.load` finds it.
        language: the language of texts, "en" or "vi"; by default that of the site file.

    Raises:
        InputError: `calls` is not a table of calls, or the query cannot filter a table.

    Examples:
        >>> panel = et.FilterPanel(et.sample_logs().calls, query=et.CallQuery(direction="in"))
        >>> panel.filtered.height
        284
        >>> panel.restore({"dates": "yesterday", "direction": "out"})
        >>> panel.filtered.height
        6
        >>> print(panel.query)
        outbound direction, from 2026-11-07, before 2026-11-08 (Asia/Ho_Chi_Minh)
        >>> panel.code().splitlines()[-1]
        'filtered = calls.filter(query.to_expr())'
    """

    @builds_in_language
    def __init__(
        self,
        calls: Calls,
        *,
        query: CallQuery | None = None,
        time_zone: str | None = None,
        as_of: date | datetime | str | None = None,
        debounce_s: float = 0.3,
        site: Site | None = None,
        language: str | None = None,
    ) -> None:
        self._site = site = checked_site(site)
        time_zone = site.time_zone if time_zone is None else time_zone
        self._arguments = {
            "calls": calls,
            "query": query,
            "time_zone": time_zone,
            "as_of": as_of,
            "debounce_s": debounce_s,
            "site": site,
            "language": language,
        }
        self._selection = self._all = selection_of(calls)
        self._table_code = table_code(calls)
        self._today = (
            latest_day(self._all, time_zone)
            if as_of is None
            else local_time.parse_moment(as_of, time_zone, "as_of").date()
        )
        controls = Controls(
            table_fields(self._all.calls), time_zone=time_zone, today=lambda: self._today
        )
        super().__init__(controls, controls.state_of(query), debounce_s=debounce_s)
        self._arrange(self._facts_table, [self._reset, self._copy])
        self._use(self._state)
        self._show()

    @property
    def filtered(self) -> pl.DataFrame:
        """The matching calls, with all columns, in their order."""
        self._update()
        return self.selection.calls

    @property
    def selection(self) -> Selection:
        """The matching calls for `summarize` and charts, which then reuse computed facts."""
        self._update()
        return self._selection

    def _use(self, state: PanelState) -> None:
        self._selection = self._all.matching(state.query)

    def _code(self) -> str:
        return with_imports(
            f"{super()._code()}filtered = {self._table_code}.filter(query.to_expr())\n"
        )

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield from matching_facts(self._selection.height, self._all.height)
        yield from super()._facts()
        yield from number_facts(self._selection, self._site.options())
        yield from today_facts(self._today)
        yield from site_facts(self._site)

    def _show(self) -> None:
        super()._show()
        self._facts_table.show(self._facts())
