"""Controls for single fields of a CallQuery, each with a label, and with room for words on what is wrong with it."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import ipywidgets as ui

from ..query import COMPARISONS, CallQuery
from .words import StatusLine

__all__ = [
    "CELL",
    "STYLE",
    "WIDE",
    "Duration",
    "Extensions",
    "Field",
    "Group",
    "Ids",
    "OneOf",
    "Text",
    "Word",
]

STYLE = {"description_width": "92px"}
WIDE = {"width": "auto", "margin": "2px"}
CELL = {"width": "auto", "min_width": "0", "overflow": "visible"}
ANY, _NONE = "", "\0"
_FEWEST_ROWS, _MOST_ROWS = 2, 4
_COMPARISON_WORDS = {
    "less_than_or_equal_to": "at most",
    "less_than": "less than",
    "greater_than_or_equal_to": "at least",
    "greater_than": "more than",
    "equal_to": "exactly",
}


class Field:
    """One field of a query: its controls, and how to read and to show it.

    Attributes:
        name: the field's name in CallQuery; `names` holds it alone.
        parts: the controls, each with a label of its own.
        said: what is wrong with it, beside the controls.
    """

    def __init__(self, name: str, *parts: ui.DOMWidget) -> None:
        self.name, self.names, self.parts, self.said = name, (name,), parts, StatusLine()
        self._shown: tuple[object, object] = (None, None)

    def read(self) -> object:
        """The value, as CallQuery takes it; None or empty when nothing is asked."""
        shown, value = self._shown
        # Untouched controls give back just what was put into them, though they may show it in
        # another form.
        return value if shown == self._values() else self._read()

    def show(self, query: CallQuery) -> None:
        """Set the controls to what the query says."""
        self._show(query)
        self._shown = (self._values(), getattr(query, self.name))

    def _read(self) -> object:
        return self.parts[0].value or None

    def _show(self, query: CallQuery) -> None:
        self.parts[0].value = getattr(query, self.name) or ANY

    def _values(self) -> list[object]:
        return [part.value for part in self.parts]

    def cells(self) -> list[ui.DOMWidget]:
        """What stands in the grid: the words stand under the first control."""
        first, *others = self.parts
        return [
            ui.VBox([first, self.said], layout=CELL),
            *(ui.VBox([part], layout=CELL) for part in others),
        ]

    def observe(self, changed: Callable[[], object]) -> None:
        """Call `changed` whenever one of the controls has a new value."""
        for part in self.parts:
            part.observe(lambda _: changed(), "value")


class Word(Field):
    """One word out of a few, or any."""

    def __init__(self, name: str, label: str, words: Sequence[str]) -> None:
        options = [("any", ANY), *((word.replace("_", " "), word) for word in words)]
        super().__init__(
            name,
            ui.Dropdown(options=options, value=ANY, description=label, style=STYLE, layout=WIDE),
        )


class Text(Field):
    """A line of text."""

    def __init__(self, name: str, label: str, hint: str) -> None:
        super().__init__(
            name, ui.Text(description=label, placeholder=hint, style=STYLE, layout=WIDE)
        )

    def _read(self) -> object:
        return self.parts[0].value.strip() or None


class Ids(Text):
    """Ids in a line of text, with commas or spaces between them."""

    def _read(self) -> object:
        return [part for part in re.split(r"[\s,;]+", self.parts[0].value) if part]

    def _show(self, query: CallQuery) -> None:
        self.parts[0].value = ", ".join(getattr(query, self.name))


class Extensions(Field):
    """Extension ids out of those that occur, by name where they have one, with how many calls each has; several may be chosen."""

    def __init__(self, counts: Iterable[tuple[str, int]], names: Mapping[str, str]) -> None:
        self._counts, self._names = dict(counts), names
        chooser = ui.SelectMultiple(description="Extensions", style=STYLE, layout=WIDE)
        super().__init__("extension_ids", chooser)
        self._offer(())

    def _read(self) -> object:
        return list(self.parts[0].value)

    def _show(self, query: CallQuery) -> None:
        self._offer(query.extension_ids)
        self.parts[0].value = tuple(dict.fromkeys(query.extension_ids))

    def _offer(self, wanted: Sequence[str]) -> None:
        counts = self._counts | {
            extension: 0 for extension in wanted if extension not in self._counts
        }
        chooser = self.parts[0]
        told = sorted((self._names.get(extension, extension), extension) for extension in counts)
        chooser.options = [
            (f"{name} ({counts[extension]:,} calls)", extension) for name, extension in told
        ]
        chooser.rows = max(_FEWEST_ROWS, min(_MOST_ROWS, len(counts)))


class Group(Field):
    """One value of a dimension that a query cannot ask, out of those that occur; it is kept beside the query."""

    def __init__(
        self,
        name: str,
        label: str,
        values: Iterable[tuple[str | None, int]],
        names: Mapping[str, str],
    ) -> None:
        self._counts, self._names = dict(values), names
        super().__init__(name, ui.Dropdown(description=label, style=STYLE, layout=WIDE))
        self.show_value(asked=False)

    def value(self) -> dict[str, object]:
        """The dimension and its value; empty if nothing is asked."""
        chosen = self.parts[0].value
        return {} if chosen == ANY else {self.name: None if chosen == _NONE else chosen}

    def show_value(self, value: object = None, *, asked: bool) -> None:
        """Set the control to what is asked."""
        wanted = str(value) if asked and value is not None else None
        counts = (
            self._counts if wanted is None or wanted in self._counts else self._counts | {wanted: 0}
        )
        told = sorted((self._names.get(key, key), key) for key in counts if key is not None)
        chooser = self.parts[0]
        chooser.options = [
            ("any", ANY),
            *((f"{name} ({counts[key]:,} calls)", key) for name, key in told),
            *([(f"none ({counts[None]:,} calls)", _NONE)] if None in counts else []),
        ]
        chooser.value = ANY if not asked else wanted or _NONE


class OneOf(Field):
    """One id out of those that occur, by name where it has one, with how many calls each has."""

    def __init__(
        self, name: str, label: str, counts: Iterable[tuple[str, int]], names: Mapping[str, str]
    ) -> None:
        self._counts, self._names = dict(counts), names
        super().__init__(name, ui.Dropdown(description=label, style=STYLE, layout=WIDE))
        self._offer(None)

    def _show(self, query: CallQuery) -> None:
        wanted = getattr(query, self.name)
        self._offer(wanted)
        self.parts[0].value = wanted or ANY

    def _offer(self, wanted: str | None) -> None:
        counts = (
            self._counts if wanted is None or wanted in self._counts else self._counts | {wanted: 0}
        )
        told = sorted((self._names.get(key, key), key) for key in counts)
        self.parts[0].options = [
            ("any", ANY),
            *((f"{name} ({counts[key]:,} calls)", key) for name, key in told),
        ]


class Duration(Field):
    """A comparison, and seconds."""

    def __init__(self) -> None:
        options = [
            ("any", ANY),
            *((_COMPARISON_WORDS.get(word, word), word) for word in COMPARISONS),
        ]
        comparison = ui.Dropdown(
            options=options, value=ANY, description="Duration", style=STYLE, layout=WIDE
        )
        seconds = ui.BoundedIntText(
            value=30,
            min=0,
            max=2**31 - 1,
            description="Seconds",
            style=STYLE,
            layout=WIDE,
            disabled=True,
        )
        super().__init__("duration", comparison, seconds)
        comparison.observe(lambda change: seconds.set_trait("disabled", not change["new"]), "value")

    def _read(self) -> object:
        comparison, seconds = (part.value for part in self.parts)
        return (comparison, seconds) if comparison else None

    def _show(self, query: CallQuery) -> None:
        comparison, seconds = query.duration or (ANY, self.parts[1].value)
        self.parts[1].value = seconds
        self.parts[0].value = comparison
