"""Text on a panel: messages, tables of facts, and the HTML that a saved notebook shows."""

import html
from collections.abc import Iterable, Mapping
from typing import Protocol

import ipywidgets as ui

from ..errors import EtelecomError
from ..formatting import TableStyle, facts_html
from ..language import tr
from ..phone_numbers import printable
from .keep_keys import PANEL_CLASS

__all__ = [
    "Facts",
    "StatusLine",
    "callback_error_text",
    "chart_error_text",
    "div",
    "error_text",
    "static_html",
    "text_div",
]

_TEXT = "line-height:1.4;white-space:pre-wrap;overflow-wrap:anywhere"
_ERROR = f"{_TEXT};color:var(--jp-error-color1, #b71c1c)"
_CELL = (
    "text-align:left;vertical-align:top;padding:1px 12px 1px 0;line-height:1.4;"
    "overflow-wrap:anywhere"
)
_TABLE = TableStyle(
    caption="text-align:left;white-space:nowrap", label=f"{_CELL};white-space:nowrap", text=_CELL
)
_STATIC_CLASS = "etelecom-static"
_MAX_ERROR_LENGTH = 400


class HasHtml(Protocol):
    """A value that IPython can show."""

    def _repr_html_(self) -> str: ...


class StatusLine(ui.HTML):  # type: ignore[misc]
    """A message that is hidden while it is empty; screen readers read it when it changes.

    Attributes:
        text: the message.
    """

    def __init__(self, *, is_error: bool = True) -> None:
        super().__init__(layout=ui.Layout(display="none", margin="0 2px 4px 2px", width="auto"))
        self._attributes = (
            {"role": "alert", "style": _ERROR} if is_error else {"role": "status", "style": _TEXT}
        )
        self.text = ""

    def show(self, text: str) -> None:
        """Show the text; an empty text hides the line."""
        self.text, self.value = text, text and text_div(text, self._attributes)
        self.layout.display = None if text else "none"


class Facts(ui.HTML):  # type: ignore[misc]
    """A table of labels and texts."""

    def __init__(self) -> None:
        super().__init__(layout=ui.Layout(margin="4px 2px", width="auto"))

    def show(self, facts: Iterable[tuple[str, str]]) -> None:
        """Show these facts; screen readers read them when they change."""
        self.value = div(facts_html("", facts, _TABLE), {"role": "status"})

    def show_object(self, value: HasHtml) -> None:
        """Show a value of this package by its own HTML, which is escaped already."""
        self.value = div(value._repr_html_(), {"style": "line-height:1.4"})


def div(content: str, attributes: Mapping[str, str]) -> str:
    """A `<div>` around HTML; the attributes' values are escaped."""
    text = "".join(f' {name}="{html.escape(value)}"' for name, value in attributes.items())
    return f"<div{text}>{content}</div>"


def text_div(text: str, attributes: Mapping[str, str]) -> str:
    """A `<div>` that shows the text; the text is escaped."""
    return div(html.escape(text), attributes)


def static_html(name: str, facts: Iterable[tuple[str, str]]) -> str:
    """A table of facts that is hidden where the same cell shows a live panel."""
    hide = f".jp-OutputArea:has(.{PANEL_CLASS}) .{_STATIC_CLASS} {{ display: none; }}"
    return f"<style>{hide}</style>" + div(facts_html(name, facts, _TABLE), {"class": _STATIC_CLASS})


def callback_error_text(error: BaseException) -> str:
    """The message of an error in a function that observes a panel."""
    return tr("A callback failed: {error}", error=error_text(error))


def chart_error_text(error: BaseException) -> str:
    """The message of an error in drawing a chart."""
    return tr("The chart failed: {error}", error=error_text(error))


def error_text(error: BaseException) -> str:
    """The message of an error, without phone numbers.

    That of another package is preceded by its type, and is shortened to one line.
    """
    if isinstance(error, EtelecomError):
        return str(error)
    return f"{type(error).__name__}: {printable(str(error), max_length=_MAX_ERROR_LENGTH)}"
