"""What both panels share: controls that settle into one query, its words, its state, its code, and a form for saved notebooks."""

import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Generic, TypeVar

import ipywidgets as ui
from IPython.display import display

from ..errors import EtelecomError
from ..query import CallQuery
from .choice import PanelState
from .controls import Controls
from .copy_button import CopyButton
from .keep_keys import PANEL_CLASS, KeepKeys
from .settling import Debouncer
from .words import Facts, StatusLine, facts_html, in_words, static_form

__all__ = ["BUTTON", "Observers", "Panel"]

Told = TypeVar("Told")

BUTTON = {"width": "auto", "min_width": "88px"}


class Panel(ui.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Controls, and what they come to. Reading any attribute settles what was changed a moment ago."""

    def __init__(self, controls: Controls, choice: PanelState, *, debounce_s: float) -> None:
        self._controls, self._choice, self._first = controls, choice, choice
        self._observers: Observers[CallQuery] = Observers()
        self._lock = threading.RLock()
        self._settling = Debouncer(self._settle_and_tell, delay_s=debounce_s)
        self._words, self._trouble = Facts(), StatusLine()
        self._reset = ui.Button(
            description="Reset", tooltip="Back to what the panel began with", layout=BUTTON
        )
        self._copy = CopyButton()
        controls.show(choice)
        controls.observe(self._settling.changed)
        self._reset.on_click(lambda _: self._choose(self._first))
        super().__init__(
            layout={"width": "100%", "max_width": "1180px", "padding": "4px", "overflow": "visible"}
        )
        self.add_class(PANEL_CLASS)

    @property
    def query(self) -> CallQuery:
        """What the controls ask; while they ask what cannot be, the last that could."""
        self._settle()
        return self._choice.query

    def state(self) -> dict[str, object]:
        """What is chosen, as a dictionary that JSON can keep; `restore` reads it."""
        self._settle()
        return self._choice.state()

    def restore(self, state: Mapping[str, object]) -> None:
        """Choose what `state` told; what it leaves out is not asked.

        A key or a value that does not exist is an error that lists what does, and nothing changes
        then.
        """
        self._choose(self._controls.chosen(state))

    def code(self) -> str:
        """Python that makes the query and what comes of it, ready to paste."""
        self._settle()
        return self._code()

    def observe_query(self, callback: Callable[[CallQuery], object]) -> Callable[[], None]:
        """A function that ends it: `callback` is called with each new query, once the controls have settled."""
        return self._observers.add(callback)

    def close(self) -> None:
        """Take the panel and its controls off the page."""
        if hasattr(self, "_settling"):  # a panel that was refused is closed too, half made
            self._settling.forget()
        for part in _parts(self):
            super(Panel, part).close() if part is self else part.close()

    def _stack(self, *rows: ui.DOMWidget | Iterable[ui.DOMWidget]) -> None:
        """Put these on the page from top to bottom; several that come together stand side by side."""
        shown = [
            row
            if isinstance(row, ui.DOMWidget)
            else ui.HBox(list(row), layout={"flex_flow": "wrap"})
            for row in rows
        ]
        self.children = [self._controls.box, self._trouble, *shown, KeepKeys()]

    def _choose(self, choice: PanelState) -> None:
        with self._lock:
            self._accept(choice)
            self._settling.forget()
            self._controls.show(choice)
            self._settle(again=True)

    def _settle(self, *, again: bool = False) -> None:
        """Bring query, words and code in step with the controls; words beside them where they ask what cannot be."""
        with self._lock:
            self._settling.forget()
            before, was_wrong = self._choice, self._controls.wrong
            try:
                choice = self._controls.read()
                if again or was_wrong or choice != before:
                    self._accept(choice)
                    self._choice = choice
                    self._trouble.say(self._controls.say(None))
            except EtelecomError as error:
                self._trouble.say(self._controls.say(error))
            self._show()
            if self._choice.query != before.query:
                self._observers.tell(self._choice.query)

    def _settle_and_tell(self) -> None:
        try:
            self._settle()
        # a callback's: nobody is there to catch it, so it is said on the panel
        except Exception as error:  # noqa: BLE001
            self._trouble.say(f"A callback failed: {in_words(error)}")

    def _accept(self, choice: PanelState) -> None:
        """Take the choice, or raise an EtelecomError that says why it cannot be."""

    def _code(self) -> str:
        return self._choice.query.code()

    def _facts(self) -> Iterable[tuple[str, str]]:
        """What there is to say, as (name, text); the one source of all representations."""
        kept = (
            ", as before; what the controls say now cannot be asked" if self._controls.wrong else ""
        )
        yield "asks for", f"{self._choice.query}{kept}"

    def _show(self) -> None:
        self._copy.code = self._code()

    def __repr__(self) -> str:
        return "\n".join(
            [type(self).__name__, *(f"  {name:<8}  {text}" for name, text in self._facts())]
        )

    def _repr_html_(self) -> str:
        return static_form(
            facts_html(
                self._facts(),
                f"{type(self).__name__}, as it was; run the cell again to turn its controls",
            )
        )

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> dict[str, object]:
        """The live panel, and what it leaves behind in text and in HTML."""
        live = super()._repr_mimebundle_() or {}
        return {**live, "text/plain": repr(self), "text/html": self._repr_html_()}

    def _ipython_display_(self) -> None:
        """Show the live panel, and beside it what it leaves behind.

        A saved notebook keeps no widgets, and where JupyterLab trusts it, it shows an error in
        place of one, whatever else that output holds. So the form that lasts is an output of its
        own, which hides while the panel lives.
        """
        still = {"text/plain": repr(self), "text/html": self._repr_html_()}
        live = self._repr_mimebundle_() if self.comm is not None else {}
        for output in ({kind: made for kind, made in live.items() if kind not in still}, still):
            if output:
                display(output, raw=True)  # type: ignore[no-untyped-call]


class Observers(Generic[Told]):
    """Functions that are told something, in the order in which they came."""

    def __init__(self) -> None:
        self._callbacks: list[Callable[[Told], object]] = []

    def add(self, callback: Callable[[Told], object]) -> Callable[[], None]:
        """A function that ends it."""

        def once(told: Told) -> object:  # so that ending one of two equal callbacks ends that one
            return callback(told)

        def end() -> None:
            with suppress(ValueError):
                self._callbacks.remove(once)

        self._callbacks.append(once)
        return end

    def tell(self, told: Told) -> None:
        """Tell them all."""
        for callback in tuple(self._callbacks):
            callback(told)


def _parts(widget: ui.Widget) -> Iterable[ui.Widget]:
    for child in getattr(widget, "children", ()):
        yield from _parts(child)
    yield widget
