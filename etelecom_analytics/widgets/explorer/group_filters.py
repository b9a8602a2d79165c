"""The filters of an Explorer that a query cannot express: on calls, their texts, and as code."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import partial
from typing import NamedTuple

import ipywidgets as ui
import polars as pl

from ...charts.texts import TIME
from ...codegen import literal
from ...language import SHORT_WEEKDAYS, current_language, short_day, tr
from ...locale.dates import month_expr
from ...locale.display import Display
from ...locale.terms import dimension_name, value_names
from ...metrics import Calls, MetricOptions, Selection, drill_through
from ...metrics.dimensions import LEG_DIMENSIONS, OWNER_DIMENSIONS
from ...metrics.registry import Grain
from ..closing import close_parts
from ..filter_values import CELLS, filters_dict, values_of
from ..panel import BUTTON
from ..panel_state import PanelState
from .call_columns import short_ids
from .periods import day_spans
from .state import without_filter

__all__ = ["FilterChips", "FilterText", "FilterTexts", "filters_code", "with_filters"]

_DAY = timedelta(days=1)
_MAX_LABELS = 3


class FilterText(NamedTuple):
    """A filter as text.

    Attributes:
        dimension: the name of its dimension.
        value: the labels of its values.
        of_offers: whether it selects calls with an offer to this group of people.
    """

    dimension: str
    value: str
    of_offers: bool

    @property
    def title(self) -> str:
        """The filter on a button; days and cells need no subject."""
        return short_ids(self.value if self._is_plain else f"{self.subject}: {self.value}")

    @property
    def text(self) -> str:
        """The filter in a sentence."""
        return short_ids(self.value if self._is_plain else f"{self.subject} {self.value}")

    @property
    def _is_plain(self) -> bool:
        return self.dimension in (*TIME, CELLS)

    @property
    def subject(self) -> str:
        """What has this value, such as "weekday" or "offer to user"."""
        name = _dimension_text(self.dimension)
        return tr("offer to {dimension}", dimension=name) if self.of_offers else name


def _filter_text(dimension: str, value: object, display: Display) -> str:
    """The labels of a filter's values; those of many are cut, and consecutive days are a range."""
    values = values_of(value)
    if dimension == "day" and len(values) > 1 and None not in values:
        spans = day_spans(date.fromisoformat(str(each)) for each in values)
        if len(spans) == 1:
            first, last = (short_day(day) for day in (spans[0][0], spans[0][1] - _DAY))
            return tr("{first} to {last}", first=first, last=last)
    labels = [_value_text(dimension, each, display) for each in values[:_MAX_LABELS]]
    text = ", ".join(labels)
    more = len(values) - len(labels)
    return tr("{text} and {n} more", text=text, n=more) if more else text


def _value_text(dimension: str, value: object, display: Display) -> str:
    """The label of a value; words and weekdays are translated."""
    if dimension == CELLS and isinstance(value, tuple):
        weekday, hour = value
        return f"{tr(SHORT_WEEKDAYS[weekday - 1])} {hour}:00"
    if dimension in TIME and isinstance(value, str):
        day = date.fromisoformat(value)
        if dimension == "month":
            return str(pl.select(month_expr(pl.lit(day))).item())
        text = short_day(day)
        return tr("week from {day}", day=text) if dimension == "week" else text
    if dimension == "weekday" and value in range(1, 8):
        return tr(SHORT_WEEKDAYS[int(str(value)) - 1])
    label = display.label(dimension, value)
    if current_language() == "en" or value is None:
        return label
    if isinstance(value, bool):
        return tr("True" if value else "False", context="value")
    return value_names(dimension).get(label, label)


def _fact_name(dimension: str) -> str:
    """The dimension in a list of facts, which has its name in Python in English."""
    return dimension if current_language() == "en" else _dimension_text(dimension)


def _dimension_text(dimension: str) -> str:
    return tr("weekday and hour") if dimension == CELLS else dimension_name(dimension)


class FilterTexts(tuple[FilterText, ...]):
    """The filters of a state as texts, with the names of their values."""

    __slots__ = ()

    @classmethod
    def of(cls, state: PanelState, display: Display) -> "FilterTexts":
        """The texts of a state's filters."""
        return cls(
            FilterText(name, _filter_text(name, value, display), of_offers)
            for of_offers, pairs in ((False, state.group_filters), (True, state.offer_filters))
            for name, value in pairs
        )

    @property
    def offers(self) -> str:
        """Those on offers, such as "with an offer to user An (101)"; "" if there are none."""
        texts = [
            tr("an {subject} {value}", subject=each.subject, value=each.value)
            for each in self
            if each.of_offers
        ]
        return tr("with {offers}", offers=f" {tr('and')} ".join(texts)) if texts else ""

    def facts(self) -> Iterator[tuple[str, str]]:
        """All of them as (label, text) pairs."""
        groups = [
            f"{_fact_name(each.dimension)} {each.value}" for each in self if not each.of_offers
        ]
        if groups:
            yield tr("group filters", context="fact"), ", ".join(groups)
        if self.offers:
            yield tr("offer filters", context="fact"), tr("calls {offers}", offers=self.offers)

    def note(self, text: str) -> str:
        """A note on the calls, after a sentence with the filters on offers, if any."""
        return f"{tr('Calls {offers}.', offers=self.offers)} {text}" if self.offers else text

    def caption(self, count: int, display: Display) -> str:
        """The caption of a table of so many calls."""
        masked = "" if display.show_numbers else tr("external numbers masked")
        parts = (tr("{n} matching calls", n=count), self.offers, masked)
        return ", ".join(part for part in parts if part)


class FilterChips(ui.HBox):  # type: ignore[misc]
    """A button for each filter; when it is pressed, `on_remove(remove)` is called.

    `remove(state)` is the state without this filter.
    """

    def __init__(self, on_remove: Callable[[Callable[[PanelState], PanelState]], object]) -> None:
        super().__init__(layout={"flex_flow": "wrap"})
        self._on_remove = on_remove
        self._buttons: dict[FilterText, ui.Button] = {}

    def show(self, filters: Iterable[FilterText]) -> None:
        """Show these filters; buttons of filters that stay keep the focus."""
        before = self._buttons
        self._buttons = {each: before.get(each) or self._button(each) for each in filters}
        self.children = list(self._buttons.values())
        for each, button in before.items():
            if each not in self._buttons:
                close_parts(button)
                button.close()

    def _button(self, each: FilterText) -> ui.Button:
        button = ui.Button(
            description=f"{each.title}  ✕",
            tooltip=tr("Remove the filter on {subject}", subject=each.subject),
            layout=BUTTON,
        )
        remove = partial(without_filter, name=each.dimension, of_offers=each.of_offers)
        button.on_click(lambda _: self._on_remove(remove))
        return button


def with_filters(calls: Selection, state: PanelState, options: MetricOptions) -> Selection:
    """The calls that match the filters of a state that a query cannot express."""
    for group, grain in _steps(state):
        selected: Calls = drill_through(calls, group, grain=grain, options=options)
        if not isinstance(selected, Selection):
            raise TypeError(type(selected).__name__)
        calls = selected
    return calls


def filters_code(state: PanelState, matching: str, *, name: str = "filtered") -> str:
    """Python code of `name`: the calls of the code `matching` that match the filters."""
    lines: list[str] = []
    for group, grain in _steps(state):
        argument = ""
        if grain:
            lines += [] if lines else [f"{name} = {matching}"]
            lines.append("# The calls with an offer to this person, whoever took the call.")
            argument = f', grain="{grain}"'
        calls = name if lines else matching
        group_code = f"{literal(group)}{argument}"
        lines.append(f"{name} = et.metrics.drill_through({calls}, {group_code}, options=options)")
    return "\n".join(lines or [f"{name} = {matching}"]) + "\n"


def _steps(
    state: PanelState,
) -> Iterator[tuple[dict[str, object] | list[dict[str, object]], Grain | None]]:
    """The groups that select the calls, one after the other.

    A person of the group filters is that of the call, also where they name an outcome of offers.
    Each filter on offers is a step of its own, so a click on a chart keeps the number of offers
    that the chart has shown.
    """
    groups = filters_dict(state.group_filters)
    if groups.pop(CELLS, None) is not None:
        cells = values_of(dict(state.group_filters)[CELLS])
        pairs = [cell for cell in cells if isinstance(cell, tuple)]
        several = [{"weekday": weekday, "hour": hour} for weekday, hour in pairs]
        yield several[0] if len(several) == 1 else several, None
    of_legs = {name: groups[name] for name in LEG_DIMENSIONS if name in groups}
    if of_legs and any(name in OWNER_DIMENSIONS for name in groups):
        yield {name: value for name, value in groups.items() if name not in of_legs}, None
        groups = of_legs
    if groups:
        yield groups, None
    for name, value in filters_dict(state.offer_filters).items():
        yield {name: value}, "offers"
