"""The date controls of a panel: a named range, or a first and a last day."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import ipywidgets as ui

from .. import local_time
from ..errors import QueryError
from ..language import keep_language, mark, tr
from ..readable_dates import period_text
from .fields import CELL, STYLE, WIDE
from .panel_state import ALL_DATES, CUSTOM, PanelState, range_dates
from .status import StatusLine

__all__ = ["Dates"]

_RANGE_NAMES = (
    mark("all", context="dates"),
    mark("today", context="dates"),
    mark("yesterday", context="dates"),
    mark("last 7 days", context="dates"),
    mark("this month", context="dates"),
    mark("custom", context="dates"),
)
_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


class Dates:
    """Three controls for days; a query's `date_to` is the midnight after the last day.

    Attributes:
        names: the fields of CallQuery that they set.
        parts: the range, the first day, the last day.
        message: the error message of the dates.
    """

    names = ("date_from", "date_to")

    def __init__(self, *, time_zone: str, today: Callable[[], date | None]) -> None:
        self._range = ui.Dropdown(
            options=[(tr(name, context="dates"), name) for name in _RANGE_NAMES],
            value=ALL_DATES,
            description=tr("Dates"),
            style=STYLE,
            layout=WIDE,
        )
        self._first = ui.DatePicker(description=tr("First day"), style=STYLE, layout=WIDE)
        self._last = ui.DatePicker(
            description=tr("Last day"),
            style=STYLE,
            layout=WIDE,
            tooltip=tr("The range includes this day"),
        )
        self.parts = (self._range, self._first, self._last)
        self.message, self._times = StatusLine(), StatusLine(is_error=False)
        self._time_zone, self._today = time_zone, today
        self._exact: dict[str, datetime | None] = dict.fromkeys(self.names)
        self._updating = False
        day_changed = keep_language(self._day_changed)
        self._range.observe(keep_language(self._range_changed), "value")
        self._first.observe(lambda _: day_changed("date_from"), "value")
        self._last.observe(lambda _: day_changed("date_to"), "value")

    def read(self) -> tuple[str, date | datetime | None, date | datetime | None]:
        """The range's name, `date_from` and `date_to`."""
        dates = self._range.value
        if dates != CUSTOM:
            edges = range_dates(dates, self._today())
            self._show_days(*edges)
            return dates, *edges
        first, last = self._first.value, self._last.value
        if last == date.max:
            raise QueryError(tr("The last day is too late."), "date_to")
        if first and last and first > last and not any(self._exact.values()):
            text = tr(
                "The first day ({first}) is after the last day ({last}).", first=first, last=last
            )
            raise QueryError(text, "date_to")
        return (
            dates,
            self._exact["date_from"] or first,
            self._exact["date_to"] or (last and last + _DAY),
        )

    def show(self, state: PanelState) -> None:
        """Set the controls. A time within a day is kept, and shown, until another day is chosen."""
        query = state.query
        with self._update():
            self._range.value = state.dates
            self._first.value = query.date_from and query.date_from.date()
            self._last.value = query.date_to and (query.date_to - _MOMENT).date()
        for edge in self.names:
            moment = getattr(query, edge)
            is_day = moment is None or local_time.is_midnight(moment, self._time_zone)
            self._exact[edge] = None if is_day else moment
        self._show_times()

    def cells(self) -> list[ui.DOMWidget]:
        """The cells of the grid."""
        return [
            ui.VBox([self._range, self.message], layout=CELL),
            ui.VBox([self._first, self._times], layout=CELL),
            ui.VBox([self._last], layout=CELL),
        ]

    def observe(self, callback: Callable[[], object]) -> None:
        """Call `callback` once for each change by the user."""
        for part in self.parts:
            part.observe(lambda _: None if self._updating else callback(), "value")

    def _range_changed(self, _: object) -> None:
        if self._updating or self._range.value == CUSTOM:
            return
        self._exact = dict.fromkeys(self.names)
        self._show_times()
        if self._range.value == ALL_DATES or self._today():
            self._show_days(*range_dates(self._range.value, self._today()))

    def _day_changed(self, edge: str) -> None:
        if self._updating:
            return
        self._exact[edge] = None
        self._show_times()
        with self._update():
            self._range.value = CUSTOM

    def _show_days(self, date_from: date | None, date_to: date | None) -> None:
        with self._update():
            self._first.value = date_from
            self._last.value = date_to and date_to - _DAY

    def _show_times(self) -> None:
        times = period_text(self._exact["date_from"], self._exact["date_to"], self._time_zone)
        text = tr("Exact times: {times}. Choose another day to remove them.", times=times)
        self._times.show(text if times else "")

    @contextmanager
    def _update(self) -> Iterator[None]:
        before, self._updating = self._updating, True
        try:
            yield
        finally:
            self._updating = before
