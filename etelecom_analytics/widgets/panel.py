"""Panel: controls that set one query, with its text, its state and its code."""

import math
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Generic, Self, TypeVar

import ipywidgets as ui
from IPython.display import display

from ..errors import EtelecomError, InputError
from ..formatting import facts_text
from ..language import tr
from ..phone_numbers import describe
from ..query import CallQuery
from ..query_text import readable_text
from .cell_outputs import note_output
from .closing import close_parts
from .controls import Controls
from .copy_button import CopyButton
from .copying import Copyable
from .debouncer import Debouncer
from .keep_keys import PANEL_CLASS, KeepKeys
from .own_language import in_own_language
from .panel_state import PanelState
from .status import Facts, StatusLine, callback_error_text, static_html

__all__ = ["BUTTON", "Observers", "Panel", "make_button"]

Value = TypeVar("Value")

BUTTON = {"width": "auto", "min_width": "88px"}
"""The layout of a button."""


class Panel(Copyable, ui.VBox):  # type: ignore[misc]
    """Controls and their query. Reading an attribute first applies changes that still wait.

    A copy is a new panel with the same arguments and filters, without the observers.
    """

    _pickle_advice = " Pickle the result of its state() instead, and restore it in a new panel."
    _language: str

    def __init__(self, controls: Controls, state: PanelState, *, debounce_s: float) -> None:
        self._controls, self._state, self._first = controls, state, state
        self._observers: Observers[CallQuery] = Observers()
        self._lock = threading.RLock()
        self._debouncer = Debouncer(self._update_or_report, delay_s=_checked_delay(debounce_s))
        self._facts_table, self._error_line = Facts(), StatusLine()
        self._reset = make_button(
            tr("Reset"),
            tr("Return to the first state of the panel"),
            self._reporting(self._return_to_first),
        )
        self._copy = CopyButton()
        controls.show(state)
        controls.observe(self._debouncer.trigger)
        super().__init__(
            layout={"width": "100%", "max_width": "1180px", "padding": "4px", "overflow": "visible"}
        )
        self.add_class(PANEL_CLASS)

    @property
    def query(self) -> CallQuery:
        """The query of the controls; while they are not valid, the last valid one."""
        self._update()
        return self._state.query

    @property
    def language(self) -> str:
        """The language of its texts."""
        return self._language

    def state(self) -> dict[str, object]:
        """The filters as a dictionary of JSON values, for `restore`."""
        self._update()
        return self._state.to_dict()

    def restore(self, state: Mapping[str, object]) -> None:
        """Set the filters from a dictionary that `state` returned; missing keys are not filtered.

        After an error nothing has changed.

        Raises:
            UnknownName: a key is unknown; the message lists the known ones.
            QueryError: a value is not valid.
        """
        self._set_state(self._controls.parse(state))

    def _replica(self) -> Self:
        replica = super()._replica()
        replica.restore(self.state())
        return replica

    @in_own_language
    def code(self) -> str:
        """Python code that creates the query and its result."""
        self._update()
        return self._code()

    def observe_query(self, callback: Callable[[CallQuery], object]) -> Callable[[], None]:
        """Call `callback` with each new query; returns a function that removes it.

        Several changes within the panel's delay make one query.
        """
        return self._observers.add(callback)

    def close(self) -> None:
        """Remove the panel and its controls from the page.

        Its memory returns when nothing refers to the panel. Besides variables, `Out` of IPython
        does: `%xdel panel` deletes both. A panel whose cell runs again needs neither.
        """
        if hasattr(self, "_debouncer"):  # ipywidgets also closes a panel whose __init__ failed
            self._debouncer.cancel()
        close_parts(self)
        super().close()

    def _arrange(self, *rows: ui.DOMWidget | Iterable[ui.DOMWidget]) -> None:
        """Place the rows below each other; several widgets in a row are side by side."""
        boxes = [
            row
            if isinstance(row, ui.DOMWidget)
            else ui.HBox(list(row), layout={"flex_flow": "wrap"})
            for row in rows
        ]
        self.children = [self._controls.box, self._error_line, *boxes, KeepKeys()]

    @in_own_language
    def _set_state(self, state: PanelState) -> None:
        with self._lock:
            self._use(state)
            self._debouncer.cancel()
            self._controls.show(state)
            self._update(force=True)

    def _return_to_first(self) -> None:
        """Return to the first state of the panel."""
        self._set_state(self._first)

    @in_own_language
    def _update(self, *, force: bool = False) -> None:
        """Read the controls and show the result, or an error where they are not valid."""
        with self._lock:
            self._debouncer.cancel()
            before, was_invalid = self._state, self._controls.invalid
            try:
                state = self._controls.read()
                if force or was_invalid or state != before:
                    self._use(state)
                    self._state = state
                    self._error_line.show(self._controls.show_error(None))
            except EtelecomError as error:
                self._error_line.show(self._controls.show_error(error))
            self._show()
            if self._state.query != before.query:
                self._observers.notify(self._state.query)

    @in_own_language
    def _update_or_report(self) -> None:
        try:
            self._update()
        # No caller can catch the error of an observer, so the panel shows it.
        except Exception as error:  # noqa: BLE001
            self._error_line.show(callback_error_text(error))

    def _reporting(self, action: Callable[[], object]) -> Callable[[], None]:
        """The action of a button; the panel shows its error, because no caller can catch it."""

        def run() -> None:
            try:
                action()
            except EtelecomError as error:
                self._error_line.show(str(error))

        return run

    def _use(self, state: PanelState) -> None:
        """Apply the state, or raise an EtelecomError."""

    def _code(self) -> str:
        return self._state.query.code()

    def _page_code(self) -> str:
        """The code that the page receives for its button."""
        return self._code()

    def _facts(self) -> Iterable[tuple[str, str]]:
        """(label, text) pairs for all representations of the panel."""
        text = readable_text(self._state.query)
        if self._controls.invalid:
            text = tr(
                "{query}; the controls are not valid, so this is the last valid query", query=text
            )
        yield tr("query", context="fact"), text

    def _show(self) -> None:
        self._copy.code = self._page_code()

    @in_own_language
    def __repr__(self) -> str:
        return facts_text(type(self).__name__, self._facts())

    @in_own_language
    def _repr_html_(self) -> str:
        name = tr(
            "{panel} as saved; run the cell again in Jupyter to use its controls",
            panel=type(self).__name__,
        )
        return static_html(name, self._facts())

    @in_own_language
    def _mime_(self) -> tuple[str, str]:
        """What marimo shows, which runs no Jupyter widgets."""
        name = tr(
            "{panel}: marimo does not show its controls; open the notebook in JupyterLab, "
            "Notebook 7 or Voila to use them",
            panel=type(self).__name__,
        )
        return "text/html", static_html(name, self._facts())

    def _view(self) -> dict[str, object]:
        """The live panel; empty on a page without widgets."""
        note_output(self)
        if self.comm is None:
            return {}
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"application/vnd.jupyter.widget-view+json": view}

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        """The live panel, and its static text and HTML."""
        return {**self._view(), "text/plain": repr(self), "text/html": self._repr_html_()}

    def _ipython_display_(self) -> None:
        """Show the live panel and the static HTML as two outputs.

        A saved notebook has no widgets, and a trusted one shows an error in place of a widget,
        whatever else the same output has. So the static HTML has its own output, which is hidden
        while the panel is live.
        """
        if view := self._view():
            display(view, raw=True)  # type: ignore[no-untyped-call]
        static = {"text/plain": repr(self), "text/html": self._repr_html_()}
        display(static, raw=True)  # type: ignore[no-untyped-call]


def make_button(label: str, tooltip: str, action: Callable[[], object]) -> ui.Button:
    """A button that calls `action`."""
    button = ui.Button(description=label, tooltip=tooltip, layout=BUTTON)
    button.on_click(lambda _: action())
    return button


class Observers(Generic[Value]):
    """Functions that are called with each new value, in the order in which they were added."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Value], object]] = []

    def add(self, callback: Callable[[Value], object]) -> Callable[[], None]:
        """Add a function; returns a function that removes it."""

        # A wrapper, so that one of two equal callbacks can be removed.
        def wrapper(value: Value) -> object:
            return callback(value)

        def remove() -> None:
            with suppress(ValueError):
                self._callbacks.remove(wrapper)

        self._callbacks.append(wrapper)
        return remove

    def notify(self, value: Value) -> None:
        """Call all functions."""
        for callback in tuple(self._callbacks):
            callback(value)


def _checked_delay(seconds: float) -> float:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds < math.inf:
        raise InputError(
            f"debounce_s is a number of seconds, 0 or more, such as 0.3; got {describe(seconds)}."
        )
    return seconds
