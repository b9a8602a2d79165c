"""Words on a panel. Whatever comes from outside is escaped here, and nowhere else is HTML made."""

import html
from collections.abc import Iterable
from typing import Protocol

import ipywidgets as ui

from ..errors import EtelecomError
from ..phone_numbers import mask
from .keep_keys import PANEL_CLASS

__all__ = ["Facts", "StatusLine", "facts_html", "in_words", "static_form"]

_SHAPE = "line-height:1.4;white-space:pre-wrap;overflow-wrap:anywhere"
_ALARM = f"{_SHAPE};color:var(--jp-error-color1, #b71c1c)"


class SpeaksHtml(Protocol):
    """A value that IPython can show."""

    def _repr_html_(self) -> str: ...


class StatusLine(ui.HTML):  # type: ignore[misc]  # ipywidgets has no types
    """Words that take no room while there are none; a screen reader says them when they come."""

    def __init__(self, *, alarming: bool = True) -> None:
        super().__init__(layout=ui.Layout(display="none", margin="0 2px 4px 2px", width="auto"))
        self._how = (
            f'role="alert" style="{_ALARM}"' if alarming else f'role="status" style="{_SHAPE}"'
        )

    def say(self, text: str) -> None:
        """Show the text, as text."""
        self.value = text and f"<div {self._how}>{html.escape(text)}</div>"
        self.layout.display = None if text else "none"


class Facts(ui.HTML):  # type: ignore[misc]  # ipywidgets has no types
    """Names and what there is to say of them, in two columns."""

    def __init__(self) -> None:
        super().__init__(layout=ui.Layout(margin="4px 2px", width="auto"))

    def tell(self, facts: Iterable[tuple[str, str]]) -> None:
        """Show these facts; a screen reader says them."""
        self.value = f'<div role="status">{facts_html(facts)}</div>'

    def show(self, made: SpeaksHtml) -> None:
        """Show a value of this package in its own HTML, which is escaped already."""
        self.value = f'<div style="line-height:1.4">{made._repr_html_()}</div>'


def facts_html(facts: Iterable[tuple[str, str]], caption: str = "") -> str:
    """A table of names and texts, as HTML in which all of it stays text."""
    cell = '<{0} style="text-align:left;vertical-align:top;padding:1px 12px 1px 0;line-height:1.4;overflow-wrap:anywhere{1}">{2}</{0}>'
    rows = "".join(
        f"<tr>{cell.format('th', ';white-space:nowrap', html.escape(name))}{cell.format('td', '', html.escape(text))}</tr>"
        for name, text in facts
    )
    head = (
        caption
        and f'<caption style="text-align:left;white-space:nowrap">{html.escape(caption)}</caption>'
    )
    return f"<table>{head}<tbody>{rows}</tbody></table>"


def static_form(made: str) -> str:
    """HTML that shows itself where no live panel stands in the same cell."""
    hide = f".jp-OutputArea:has(.{PANEL_CLASS}) .etelecom-left-behind {{ display: none; }}"
    return f'<style>{hide}</style><div class="etelecom-left-behind">{made}</div>'


def in_words(error: BaseException) -> str:
    """What went wrong, in words fit to show: ours as they are, others with their kind, and without numbers that may be private."""
    if isinstance(error, EtelecomError):
        return str(error)
    return f"{type(error).__name__}: {mask(str(error))}"
