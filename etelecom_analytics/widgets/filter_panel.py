"""FilterPanel: controls over a table of calls, and the calls that match."""

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from .. import local_time
from ..errors import InputError
from ..metrics import Selection
from ..names import labels
from ..query import CallQuery
from .choice import PanelState
from .controls import Controls, table_fields
from .panel import Panel

__all__ = ["FilterPanel"]

_NEEDED = ("started_at", "direction", "call_state", "caller", "callee", "duration", "extension_id")


class FilterPanel(Panel):
    """Controls that filter a table of calls while one looks on.

    `panel.filtered` is the table of calls that match, `panel.query` the question;
    `panel.observe_query(callback)` tells each new one.

    Args:
        calls: one row a call, as in `logs.calls`; where they have names, extensions are chosen by
            these.
        query: what is chosen at first; all calls by default.
        time_zone: in which days are meant.
        as_of: the moment whose day is "today"; by default that of the latest call, never this
            machine's local_time.
        debounce_s: how long to wait for a further change before filtering; 0 filters at once.

    Raises:
        InputError: `calls` is no table of calls, or `query` cannot be asked of one.
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
        if not isinstance(calls, pl.DataFrame) or (
            missing := [name for name in _NEEDED if name not in calls.columns]
        ):
            what = (
                f"a table without {', '.join(missing)}"
                if isinstance(calls, pl.DataFrame)
                else type(calls).__name__
            )
            raise InputError(f"FilterPanel takes a table of calls, such as logs.calls; got {what}.")
        self._selection = self._all = Selection(calls)
        self._today = _day(calls, time_zone, as_of)
        extensions = calls["extension_id"].drop_nulls().value_counts().iter_rows()
        asked = table_fields(extensions, labels(calls, "extension_id"))
        controls = Controls(asked, time_zone=time_zone, today=lambda: self._today)
        super().__init__(controls, controls.chosen_by(query), debounce_s=debounce_s)
        self._stack(self._words, [self._reset, self._copy])
        self._accept(self._choice)
        self._show()

    @property
    def filtered(self) -> pl.DataFrame:
        """The calls that match, with all their columns, in their order."""
        self._settle()
        return self.selection.calls

    @property
    def selection(self) -> Selection:
        """The calls that match, over facts and offers that are reckoned once; `summarize` and all charts take it in place of calls."""
        self._settle()
        return self._selection

    def _accept(self, choice: PanelState) -> None:
        self._selection = self._all.matching(choice.query)

    def _code(self) -> str:
        return f"{super()._code()}filtered = calls.filter(query.to_expr())\n"

    def _facts(self) -> Iterable[tuple[str, str]]:
        yield "matching", f"{self._selection.height:,} of {self._all.height:,} calls"
        yield from super()._facts()
        if self._today:
            yield "today", f"{self._today.isoformat()}, {self._today:%A}"

    def _show(self) -> None:
        super()._show()
        self._words.tell(self._facts())


def _day(calls: pl.DataFrame, time_zone: str, as_of: date | datetime | str | None) -> date | None:
    latest = (
        calls["started_at"].max()
        if as_of is None
        else local_time.parse_moment(as_of, time_zone, "as_of")
    )
    return (
        latest.astimezone(local_time.zone(time_zone)).date()
        if isinstance(latest, datetime)
        else None
    )
