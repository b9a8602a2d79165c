"""Controls for single fields of a CallQuery, each with a label and a line for error messages."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import ipywidgets as ui

from ..language import mark, tr
from ..locale.display import Display
from ..locale.terms import value_names
from ..phone_numbers import mask
from ..query import COMPARISONS, CallQuery
from ..query_text import id_text
from .panel_state import MAX_DURATION_S, PanelState
from .status import StatusLine

__all__ = [
    "CELL",
    "STYLE",
    "WIDE",
    "CountedField",
    "DurationField",
    "ExtensionsField",
    "Field",
    "GroupField",
    "IdField",
    "IdsField",
    "NumberField",
    "OptionField",
    "TextField",
]

STYLE = {"description_width": "92px"}
WIDE = {"width": "auto", "margin": "2px"}
CELL = {"width": "auto", "min_width": "0", "overflow": "visible"}
_ANY, _NONE = "", "\0"
_MIN_ROWS, _MAX_ROWS = 2, 4
_MAX_NAMES = 2
_COMPARISON_LABELS = {
    "less_than_or_equal_to": mark("at most"),
    "less_than": mark("less than"),
    "greater_than_or_equal_to": mark("at least"),
    "greater_than": mark("more than"),
    "equal_to": mark("exactly"),
}


class Field:
    """One field of a query: its controls, and how to read and show its value.

    Attributes:
        name: the field's name in CallQuery.
        names: the same name, as a tuple.
        parts: the controls, each with its own label.
        message: the error message of this field.
    """

    def __init__(self, name: str, *parts: ui.DOMWidget) -> None:
        self.name, self.names, self.parts, self.message = name, (name,), parts, StatusLine()
        self._last: tuple[object, object] = (None, None)

    def read(self) -> object:
        """The value as CallQuery takes it; None or empty without a filter."""
        values, query_value = self._last
        # Controls may show a value in another form, so unchanged controls return the original.
        return query_value if values == self._values() else self._read()

    def show(self, query: CallQuery) -> None:
        """Set the controls to the query's value."""
        self._show(query)
        self._last = (self._values(), getattr(query, self.name))

    def text(self, state: PanelState) -> str:
        """Its value in this state, as it is shown; "" without a filter."""
        value = getattr(state.query, self.name)
        return self._text(value) if value else ""

    def _text(self, value: Any) -> str:
        return mask(str(value))

    def _read(self) -> object:
        return self.parts[0].value or None

    def _show(self, query: CallQuery) -> None:
        self.parts[0].value = getattr(query, self.name) or _ANY

    def _values(self) -> list[object]:
        return [part.value for part in self.parts]

    def cells(self) -> list[ui.DOMWidget]:
        """The cells of the grid; the message is below the first control."""
        first, *others = self.parts
        return [
            ui.VBox([first, self.message], layout=CELL),
            *(ui.VBox([part], layout=CELL) for part in others),
        ]

    def observe(self, callback: Callable[[], object]) -> None:
        """Call `callback` whenever one of the controls changes."""
        for part in self.parts:
            part.observe(lambda _: callback(), "value")


class OptionField(Field):
    """One of a few words, or any."""

    def __init__(self, name: str, label: str, words: Sequence[str]) -> None:
        names = value_names(name)
        options = [(tr("any"), _ANY), *((names[word].replace("_", " "), word) for word in words)]
        super().__init__(
            name,
            ui.Dropdown(options=options, value=_ANY, description=label, style=STYLE, layout=WIDE),
        )
        self._names = names

    def _text(self, value: Any) -> str:
        return self._names[value].replace("_", " ")


class TextField(Field):
    """A line of text."""

    def __init__(self, name: str, label: str, placeholder: str) -> None:
        super().__init__(
            name, ui.Text(description=label, placeholder=placeholder, style=STYLE, layout=WIDE)
        )

    def _read(self) -> object:
        return self.parts[0].value.strip() or None


class NumberField(TextField):
    """A phone number, which texts show masked."""

    def _text(self, value: Any) -> str:
        return Display().label("caller", value)


class IdsField(TextField):
    """Ids in a line of text, separated by commas or spaces."""

    def _read(self) -> object:
        return [part for part in re.split(r"[\s,;]+", self.parts[0].value) if part]

    def _show(self, query: CallQuery) -> None:
        self.parts[0].value = ", ".join(getattr(query, self.name))


class CountedField(Field):
    """A field that offers the values that occur, each by its name and number of calls."""

    def __init__(
        self,
        name: str,
        control: ui.DOMWidget,
        counts: Iterable[tuple[Any, int]],
        names: Mapping[str, str],
    ) -> None:
        super().__init__(name, control)
        self._counts, self._names = dict(counts), names

    def recount(self, other: "CountedField") -> None:
        """Offer the values of another such field, once this one is shown again."""
        self._counts, self._names = other._counts, other._names


class ExtensionsField(CountedField):
    """Any of the extensions that occur."""

    def __init__(self, counts: Iterable[tuple[str, int]], names: Mapping[str, str]) -> None:
        select = ui.SelectMultiple(description=tr("Extensions"), style=STYLE, layout=WIDE)
        super().__init__("extension_ids", select, counts, names)
        self._set_options(())

    def _read(self) -> object:
        return list(self.parts[0].value)

    def _text(self, value: Any) -> str:
        names = [self._names.get(each) or id_text(each) for each in value]
        more = len(names) - _MAX_NAMES
        return ", ".join([*names[:_MAX_NAMES], *([tr("{n} more", n=more)] if more > 0 else [])])

    def _show(self, query: CallQuery) -> None:
        self._set_options(query.extension_ids)
        self.parts[0].value = tuple(dict.fromkeys(query.extension_ids))

    def _set_options(self, selection: Sequence[str]) -> None:
        counts = dict.fromkeys(selection, 0) | self._counts
        self.parts[0].options = _options(counts, self._names)
        self.parts[0].rows = max(_MIN_ROWS, min(_MAX_ROWS, len(counts)))


class IdField(CountedField):
    """One of the ids that occur, or any."""

    def __init__(
        self, name: str, label: str, counts: Iterable[tuple[str, int]], names: Mapping[str, str]
    ) -> None:
        control = ui.Dropdown(description=label, style=STYLE, layout=WIDE)
        super().__init__(name, control, counts, names)
        self._set_options(None)

    def _text(self, value: Any) -> str:
        return self._names.get(value) or id_text(value)

    def _show(self, query: CallQuery) -> None:
        selection = getattr(query, self.name)
        self._set_options(selection)
        self.parts[0].value = selection or _ANY

    def _set_options(self, selection: str | None) -> None:
        counts = ({} if selection is None else {selection: 0}) | self._counts
        self.parts[0].options = [(tr("any"), _ANY), *_options(counts, self._names)]


class GroupField(CountedField):
    """One of the values of a dimension that a query cannot filter by, or any."""

    def __init__(self, name: str, label: str, counts: Iterable[tuple[str | None, int]]) -> None:
        control = ui.Dropdown(description=label, style=STYLE, layout=WIDE)
        super().__init__(name, control, counts, {})
        self.show_group({})

    def group(self) -> dict[str, object]:
        """The dimension and its value; empty without a filter."""
        value = self.parts[0].value
        return {} if value == _ANY else {self.name: None if value == _NONE else value}

    def text(self, state: PanelState) -> str:
        """Its value in this state, as it is shown; "" without a filter."""
        groups = dict(state.group_filters)
        if self.name not in groups:
            return ""
        value = groups[self.name]
        if isinstance(value, tuple):  # several values, which no control shows
            return ""
        return tr("none") if value is None else str(value)

    def show_group(self, groups: Mapping[str, object]) -> None:
        """Set the control to this dimension's value in the group filters."""
        value = groups.get(self.name)
        key = None if value is None else str(value)
        counts = {} if key is None else {key: 0}
        counts |= {name: count for name, count in self._counts.items() if name is not None}
        null_count = self._counts.get(None)
        nulls = [] if null_count is None else [(_count_text(tr("none"), null_count), _NONE)]
        self.parts[0].options = [(tr("any"), _ANY), *_options(counts, self._names), *nulls]
        self.parts[0].value = _ANY if self.name not in groups else key or _NONE


class DurationField(Field):
    """A comparison, and a number of seconds."""

    def __init__(self) -> None:
        labels = ((tr(_COMPARISON_LABELS[word]), word) for word in COMPARISONS)
        comparison = ui.Dropdown(
            options=[(tr("any"), _ANY), *labels],
            value=_ANY,
            description=tr("Duration"),
            style=STYLE,
            layout=WIDE,
        )
        seconds = ui.BoundedIntText(
            value=30,
            min=0,
            max=MAX_DURATION_S,
            description=tr("Seconds"),
            style=STYLE,
            layout=WIDE,
            disabled=True,
        )
        super().__init__("duration", comparison, seconds)
        comparison.observe(lambda change: seconds.set_trait("disabled", not change["new"]), "value")

    def _read(self) -> object:
        comparison, seconds = (part.value for part in self.parts)
        return (comparison, seconds) if comparison else None

    def _text(self, value: Any) -> str:
        comparison, seconds = value
        return f"{tr(_COMPARISON_LABELS[comparison])} {tr('{seconds} s', seconds=seconds)}"

    def _show(self, query: CallQuery) -> None:
        comparison, seconds = query.duration or (_ANY, self.parts[1].value)
        self.parts[1].value = seconds
        self.parts[0].value = comparison


def _options(counts: Mapping[str, int], names: Mapping[str, str]) -> list[tuple[str, str]]:
    """(label, value) pairs in the order of the names."""
    ordered = sorted((names.get(key, key), key) for key in counts)
    return [(_count_text(name, counts[key]), key) for name, key in ordered]


def _count_text(name: str, count: int) -> str:
    return tr("{name} ({n} calls)", name=name, n=count)
