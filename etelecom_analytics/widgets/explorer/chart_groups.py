"""ChartGroups: how the groups of a chart are filters, and how clicks change these filters.

A chart shows all groups of the other filters. The filters on its own groups only highlight.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ...charts.texts import TIME
from ..filter_values import CELLS, day_text
from ..panel_state import PanelState
from .state import ChartState, filter_values, with_filter, without_filter

__all__ = ["ChartGroups", "Group"]

Group = Mapping[str, object]
"""A group of a chart: its dimensions and values."""

_CELL = ("weekday", "hour")


class ChartGroups(NamedTuple):
    """The dimensions of a chart's groups.

    Attributes:
        dimension: the dimension of the filter that a click sets; "" if the chart has no groups.
        whole: all dimensions whose values are one or more whole groups, such as the weeks of a
            chart of days. Filters on them highlight; other filters change the chart.
        of_offers: whether the groups are the owners of offers, not the people of calls.
    """

    dimension: str
    whole: tuple[str, ...]
    of_offers: bool = False

    @classmethod
    def of(cls, chart: ChartState, *, of_offers: bool) -> "ChartGroups":
        """The groups of a chart."""
        if chart.tab == "heat":
            return cls(CELLS, (*_CELL, CELLS))
        if chart.tab == "time":
            return cls(chart.by, tuple(TIME) if chart.by == "day" else (chart.by,))
        if chart.tab == "group":
            return cls(chart.by, (chart.by,), of_offers)
        return cls("", ())

    def context(self, state: PanelState) -> PanelState:
        """The state without the filters on the groups: that of all calls of the chart."""
        for name in self.whole:
            state = without_filter(state, name, of_offers=self.of_offers)
        return state

    def is_chosen(self, state: PanelState, group: Group) -> bool:
        """Whether the filters on the groups select this group; without such filters none is."""
        filters = self._filters(state)
        return bool(filters) and all(
            _value(group, name) in values for name, values in filters.items()
        )

    def with_groups(self, state: PanelState, groups: Iterable[Group]) -> PanelState:
        """The state that selects these groups and no others; without any, all of them."""
        return self._with_values(state, {_value(group, self.dimension) for group in groups})

    def toggled(
        self, state: PanelState, group: Group, *, add: bool, groups: Sequence[Group]
    ) -> PanelState:
        """The state after a click on a group.

        A click selects the group alone, or all groups if it is selected alone. With `add` it is
        added to those that are selected, or removed from them.

        Args:
            state: the state before.
            group: the group.
            add: whether other groups stay selected.
            groups: all groups of the chart.
        """
        value, chosen = _value(group, self.dimension), self._values(state, groups)
        if add:
            return self._with_values(state, chosen ^ {value})
        return self._with_values(state, set() if chosen == {value} else {value})

    def _filters(self, state: PanelState) -> dict[str, tuple[object, ...]]:
        """The filters on the groups, by dimension."""
        filters = {
            name: filter_values(state, name, of_offers=self.of_offers) for name in self.whole
        }
        return {name: values for name, values in filters.items() if values is not None}

    def _values(self, state: PanelState, groups: Sequence[Group]) -> set[object]:
        """The selected values of the dimension, also of groups that the chart leaves out."""
        filters = self._filters(state)
        if set(filters) <= {self.dimension}:
            return set(filters.get(self.dimension, ()))
        chosen = (group for group in groups if self.is_chosen(state, group))
        return {_value(group, self.dimension) for group in chosen}

    def _with_values(self, state: PanelState, values: set[object]) -> PanelState:
        state = self.context(state)
        if not values:
            return state
        return with_filter(state, self.dimension, values, of_offers=self.of_offers)


def _value(group: Group, name: str) -> object:
    """The value of a group for a filter on this dimension, as the state writes it."""
    if name == CELLS:
        return tuple(group[each] for each in _CELL)
    value = group[name] if name in group else group["day"]
    return day_text(name, value)
