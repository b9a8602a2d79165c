"""FilterBar: each filter as a button that shows its value and opens its control."""

from collections.abc import Sequence

import ipywidgets as ui

from ...charts.texts import TIME
from ...language import mark, tr
from ...metrics import MetricOptions
from ...metrics.dimensions import OWNER_DIMENSIONS
from ...readable_dates import period_text
from ..controls import Controls, logs_fields
from ..dates import Dates
from ..fields import Field
from ..menu import Menu
from ..panel_state import PanelState
from .call_columns import short_ids
from .group_filters import FilterChips, FilterText, FilterTexts
from .periods import period_query
from .source import CallSource, reporting_date
from .state import GROUP_DIMENSIONS

__all__ = ["FilterBar", "explorer_controls", "explorer_fields"]

_DIRECTIONS = {"in": mark("Inbound"), "out": mark("Outbound")}
_TITLES = {"call_state": mark("State", context="filter")}
"""The names of filters that are shorter than the label of their control."""
_OWN_BUTTON = (
    "direction",
    "call_state",
    "user_id",
    "queue",
    "hotline",
    "call_number",
    "duration",
)
"""The fields that have a button of their own, in this order; the rest shares one."""


def explorer_controls(source: CallSource, options: MetricOptions) -> Controls:
    """The controls for these calls; "today" is the last day before the options' `as_of`."""
    return Controls(
        explorer_fields(source, options),
        time_zone=options.time_zone,
        today=lambda: reporting_date(options),
        group_dimensions=GROUP_DIMENSIONS,
        offer_dimensions=OWNER_DIMENSIONS,
    )


def explorer_fields(source: CallSource, options: MetricOptions) -> list[Field]:
    """The fields for these calls."""
    return logs_fields(source.calls.calls, source.queues(options))


class FilterBar(ui.Box):  # type: ignore[misc]
    """A row of buttons for the controls, then chips, then other buttons at the right."""

    def __init__(
        self, controls: Controls, chips: FilterChips, actions: Sequence[ui.DOMWidget]
    ) -> None:
        self._controls, self._chips = controls, chips
        self._chip_texts: list[FilterText] = []
        self._dates = next(part for part in controls.parts if isinstance(part, Dates))
        fields = {part.name: part for part in controls.parts if isinstance(part, Field)}
        own = [fields.pop(name) for name in _OWN_BUTTON if name in fields]
        self._fields = [(_title(field), field, _menu(_title(field), [field])) for field in own]
        self._others = list(fields.values())
        self._dates_menu = _menu(tr("Dates"), [self._dates])
        self._more = _menu(tr("More filters"), self._others)
        filters = ui.Box([self._dates_menu, *(menu for _, _, menu in self._fields), self._more])
        filters.children = [*filters.children, chips]
        buttons = ui.Box(list(actions))
        for box in (filters, buttons):
            box.add_class("etelecom-row")
        super().__init__([filters, buttons])
        self.add_class("etelecom-bar")

    def show(self, state: PanelState, filters: FilterTexts) -> list[str]:
        """Show the values of this state on the buttons, and its group filters as chips.

        Returns the texts of all filters but the dates, such as "Inbound" and "weekday 1". A group
        filter that a control shows has no chip. Consecutive days that are selected are dates, too.
        """
        shown = self._controls.shown_groups(state)
        chips = [each for each in filters if each.of_offers or each.dimension not in shown]
        if chips != self._chip_texts:  # the same chips keep the focus
            self._chip_texts = chips
            self._chips.show(chips)
        self._show_values(state)
        dates = TIME if period_query(state) else ()
        others = [each for each in chips if each.of_offers or each.dimension not in dates]
        return [*self._texts(state), *(each.text for each in others)]

    def _show_values(self, state: PanelState) -> None:
        query = state.query
        short, full = (
            period_text(query.date_from, query.date_to, query.time_zone, year=year)
            for year in (False, True)
        )
        _show(self._dates_menu, tr("Dates"), short, full, invalid=bool(self._dates.message.value))
        for title, field, menu in self._fields:
            value = _value(field, state)
            _show(menu, title, short_ids(value), value, invalid=bool(field.message.value))
        texts = [
            f"{_title(field)}: {text}" for field in self._others if (text := field.text(state))
        ]
        invalid = any(field.message.value for field in self._others)
        full = ", ".join(texts)
        _show(self._more, tr("More filters"), short_ids(full), full, invalid=invalid)

    def _texts(self, state: PanelState) -> list[str]:
        """The filters of this state for a sentence, without dates and group filters of charts."""
        texts = [
            _value(field, state)
            if field.name == "direction"
            else tr("{filter} {value}", filter=title.lower(), value=short_ids(text))
            for title, field in [
                *((title, field) for title, field, _ in self._fields),
                *((_title(field), field) for field in self._others),
            ]
            if (text := field.text(state))
        ]
        return [*texts, *self._controls.other_texts()]


def _title(field: Field) -> str:
    """The name of a filter."""
    if field.name in _TITLES:
        return tr(_TITLES[field.name], context="filter")
    return str(field.parts[0].description)


def _value(field: Field, state: PanelState) -> str:
    """The value of a filter on its button; "" without one."""
    direction = state.query.direction
    if field.name == "direction" and direction:
        known = _DIRECTIONS.get(direction)
        return tr(known) if known else tr("Direction {name}", name=field.text(state))
    return field.text(state)


def _menu(title: str, parts: Sequence[Field | Dates]) -> Menu:
    return Menu(title, [cell for part in parts for cell in part.cells()])


def _show(menu: Menu, title: str, short: str, full: str, *, invalid: bool) -> None:
    """Show the value on the button, or the title where there is none."""
    label, name = short or title, f"{title}: {full}" if full else title
    if invalid:
        label, name = f"⚠ {label}", tr("{filter}: not valid", filter=name)
    menu.show(label=label, name=name, active=bool(full))
