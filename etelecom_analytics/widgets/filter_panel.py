"""FilterPanel: controls over a table of calls, and the calls that match."""

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from .. import local_time
from ..errors import InputError
from ..metrics import Selection
from ..query import CallQuery
from .controls import Controls, table_fields
from .panel import Panel
from .panel_state import PanelState

__all__ = ["FilterPanel"]

_REQUIRED = (
    "started_at",
    "direction",
    "call_state",
    "caller",
    "callee",
    "duration",
    "extension_id",
)


class FilterPanel(Panel):
    """Controls that filter a table of calls.

    `panel.filtered` is the table of matching calls, `panel.query` the query, and
    `panel.observe_query(callback)` reports each new query.

    Args:
        calls: one row per call, as in `logs.calls`. Extensions are listed by name where the calls
            have names.
        query: the first query; all calls by default.
        time_zone: the time zone of days.
        as_of: the moment whose day is "today"; by default that of the latest call, not the clock of
            this computer.
        debounce_s: how long to wait for further changes before filtering; 0 filters at once.

    Raises:
        InputError: `calls` is not a table of calls, or the query cannot filter a table.
    """

    def __init__(
        self,
        calls: pl.DataFrame,
        *,
        query: CallQuery | None = None,
        time_zone: str = local_time.HOME_ZONE,
        as_of: date | datetime | str | None = None,
        debounce_s: float = 0.3,
    ) -> None:
        _check_calls(calls)
        self._selection = self._all = Selection(calls)
        self._today = _today(calls, time_zone, as_of)
        controls = Controls(table_fields(calls), time_zone=time_zone, today=lambda: self._today)
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
        return f"{super()._code()}filtered = calls.filter(query.to_expr())\n"

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield "matching", f"{self._selection.height:,} of {self._all.height:,} calls"
        yield from super()._facts()
        if self._today:
            yield "today", f"{self._today.isoformat()}, {self._today:%A}"

    def _show(self) -> None:
        super()._show()
        self._facts_table.show(self._facts())


def _check_calls(calls: object) -> None:
    if isinstance(calls, pl.DataFrame):
        missing = [name for name in _REQUIRED if name not in calls.columns]
        if not missing:
            return
        kind = f"a table without {', '.join(missing)}"
    else:
        kind = type(calls).__name__
    raise InputError(f"FilterPanel takes a table of calls, such as logs.calls; got {kind}.")


def _today(calls: pl.DataFrame, time_zone: str, as_of: date | datetime | str | None) -> date | None:
    moment = (
        calls["started_at"].max()
        if as_of is None
        else local_time.parse_moment(as_of, time_zone, "as_of")
    )
    if not isinstance(moment, datetime):
        return None
    return moment.astimezone(local_time.zone(time_zone)).date()
