"""The dates of a panel: a range with a name, or a first and a last day."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta

import ipywidgets as ui

from .. import local_time
from ..errors import QueryError
from .choice import CUSTOM, EVERYTHING, RANGES, PanelState, days_of
from .fields import CELL, STYLE, WIDE
from .words import StatusLine

__all__ = ["Dates"]

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


class Dates:
    """Three controls that speak of days, the last one included; a query's `date_to` is the midnight after it.

    Attributes:
        names: the fields of CallQuery that they make.
        parts: the range's name, the first day, the last day.
        said: what is wrong with them.
    """

    names = ("date_from", "date_to")

    def __init__(self, *, time_zone: str, today: Callable[[], date | None]) -> None:
        names = [EVERYTHING, *RANGES, CUSTOM]
        self._range = ui.Dropdown(
            options=names, value=EVERYTHING, description="Dates", style=STYLE, layout=WIDE
        )
        self._first = ui.DatePicker(description="First day", style=STYLE, layout=WIDE)
        self._last = ui.DatePicker(
            description="Last day",
            style=STYLE,
            layout=WIDE,
            tooltip="This day is part of the range",
        )
        self.parts = (self._range, self._first, self._last)
        self.said, self._times = StatusLine(), StatusLine(alarming=False)
        self._time_zone, self._today = time_zone, today
        self._exact: dict[str, datetime | None] = dict.fromkeys(self.names)
        self._showing = False
        self._range.observe(self._range_changed, "value")
        self._first.observe(lambda _: self._day_changed("date_from"), "value")
        self._last.observe(lambda _: self._day_changed("date_to"), "value")

    def read(self) -> tuple[str, date | datetime | None, date | datetime | None]:
        """The range's name, `date_from` and `date_to`."""
        dates = self._range.value
        if dates != CUSTOM:
            edges = days_of(dates, self._today())
            self._show_days(*edges)
            return dates, *edges
        first, last = self._first.value, self._last.value
        if last == date.max:
            raise QueryError("The last day lies too far ahead.", "date_to")
        if first and last and first > last and not any(self._exact.values()):
            raise QueryError(
                f"The first day ({first}) lies after the last day ({last}).", "date_to"
            )
        return (
            dates,
            self._exact["date_from"] or first,
            self._exact["date_to"] or (last and last + _DAY),
        )

    def show(self, choice: PanelState) -> None:
        """Set the controls to what is chosen. Times within a day are kept until another day is chosen, and said in words."""
        query = choice.query
        with self._quiet():
            self._range.value = choice.dates
            self._first.value = query.date_from and query.date_from.date()
            self._last.value = query.date_to and (query.date_to - _MOMENT).date()
        for edge in self.names:
            moment = getattr(query, edge)
            whole = moment is None or len(local_time.moment_text(moment, self._time_zone)) == len(
                "2026-11-02"
            )
            self._exact[edge] = None if whole else moment
        self._say_times()

    def cells(self) -> list[ui.DOMWidget]:
        """What stands in the grid."""
        return [
            ui.VBox([self._range, self.said], layout=CELL),
            ui.VBox([self._first, self._times], layout=CELL),
            ui.VBox([self._last], layout=CELL),
        ]

    def observe(self, changed: Callable[[], object]) -> None:
        """Call `changed` whenever one of the controls has a new value, once."""
        for part in self.parts:
            part.observe(lambda _: None if self._showing else changed(), "value")

    def _range_changed(self, _: object) -> None:
        if self._showing or self._range.value == CUSTOM:
            return
        self._exact = dict.fromkeys(self.names)
        self._say_times()
        if self._range.value == EVERYTHING or self._today():
            self._show_days(*days_of(self._range.value, self._today()))

    def _day_changed(self, edge: str) -> None:
        if self._showing:
            return
        self._exact[edge] = None
        self._say_times()
        with self._quiet():
            self._range.value = CUSTOM

    def _show_days(self, date_from: date | None, date_to: date | None) -> None:
        with self._quiet():
            self._first.value = date_from
            self._last.value = date_to and date_to - _DAY

    def _say_times(self) -> None:
        begin, end = (
            moment and local_time.moment_text(moment, self._time_zone)
            for moment in self._exact.values()
        )
        said = [f"{word} {text}" for word, text in (("from", begin), ("before", end)) if text]
        self._times.say(f"Exactly {', '.join(said)}, until another day is chosen." if said else "")

    @contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self._showing = self._showing, True
        try:
            yield
        finally:
            self._showing = before
