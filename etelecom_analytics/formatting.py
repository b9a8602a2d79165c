"""Formatting: numbers with their unit, and tables of facts as text or HTML."""

import html
import math
import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .language import number, tr

__all__ = [
    "TableStyle",
    "bare_value",
    "clock_text",
    "facts_html",
    "facts_text",
    "format_value",
    "interval_value",
    "size_text",
]


_MINUTE = 60
_MAX_SECONDS = 59.95  # rounds to "60.0 s"


def format_value(value: float | None, unit: str, *, signed: bool = False) -> str:
    """A number with its unit, such as "86.9 %", "18.3 s" or "1,234"; "none" for None.

    It is in the current language. Seconds of a minute or more are m:ss, of an hour or more h:mm:ss.

    Args:
        value: the number; shares are between 0 and 1.
        unit: "share", "s", or the noun of a count such as "calls", which is omitted.
        signed: always write the sign, and write shares in points, as for a difference.

    Examples:
        >>> from etelecom_analytics.formatting import format_value
        >>> format_value(18.32, "s"), format_value(159, "s"), format_value(None, "share")
        ('18.3 s', '2:39', 'none')
    """
    if value is None:
        return tr("none")
    text = bare_value(value, unit, signed=signed)
    if unit == "share":
        return tr("{share} points", share=text) if signed else f"{text} %"
    return tr("{seconds} s", seconds=text) if unit == "s" and not _is_clock(value) else text


def size_text(value: float | None, unit: str) -> str:
    """The size of a change with its unit, such as "6.4 points" or "18.3 s"; "none" for None."""
    if value is None or unit != "share":
        return format_value(value, unit)
    return tr("{share} points", share=bare_value(value, unit))


def bare_value(value: float, unit: str, *, signed: bool = False) -> str:
    """The number of `format_value` without its unit, such as "86.9"."""
    sign = "+" if signed else ""
    if unit == "s" and _is_clock(value):
        return clock_text(value, sign)
    if unit in ("share", "s"):
        return number(value * 100 if unit == "share" else value, f"{sign},.1f")
    return number(value, f"{sign}," if isinstance(value, int) else f"{sign},.0f")


def interval_value(unit: str, *ends: float | None) -> Callable[..., str]:
    """`bare_value` or, where one of the ends is m:ss, `format_value`: "58.2 s to 1:02"."""
    is_mixed = unit == "s" and any(end is not None and _is_clock(end) for end in ends)
    return format_value if is_mixed else bare_value


def _is_clock(seconds: float) -> bool:
    """Whether the seconds are shown as m:ss."""
    return _MAX_SECONDS <= abs(seconds) < math.inf


def clock_text(seconds: float, sign: str = "") -> str:
    """The seconds as m:ss or h:mm:ss; `sign` precedes a positive value.

    Examples:
        >>> from etelecom_analytics.formatting import clock_text
        >>> clock_text(13.6), clock_text(3700)
        ('0:14', '1:01:40')
    """
    minutes, rest = divmod(round(abs(seconds)), _MINUTE)
    hours, minutes = divmod(minutes, _MINUTE)
    sign = "-" if seconds < 0 else sign
    if not hours:
        return f"{sign}{minutes}:{rest:02}"
    return f"{sign}{number(hours)}:{minutes:02}:{rest:02}"


def facts_text(name: str, facts: Iterable[tuple[str, str]]) -> str:
    """The name, followed by one line per fact; control characters are escaped."""
    return "\n".join([name, *(f"  {label:<10} {_visible(text)}" for label, text in facts)])


class TableStyle(NamedTuple):
    """The CSS of the parts of a table of facts."""

    caption: str = ""
    label: str = "text-align:left"
    text: str = "text-align:left"


_PLAIN = TableStyle()


def facts_html(name: str, facts: Iterable[tuple[str, str]], style: TableStyle = _PLAIN) -> str:
    """The facts as an HTML table with the name as caption; texts are escaped."""
    rows = "".join(
        f'<tr><th style="{style.label}">{html.escape(label)}</th>'
        f'<td style="{style.text}">{html.escape(_visible(text))}</td></tr>'
        for label, text in facts
    )
    css = style.caption and f' style="{style.caption}"'
    caption = name and f"<caption{css}>{html.escape(name)}</caption>"
    return f"<table>{caption}<tbody>{rows}</tbody></table>"


def _visible(text: str) -> str:
    """The text with control and format characters escaped: a terminal would obey them."""
    return "".join(
        repr(letter)[1:-1] if unicodedata.category(letter) in ("Cc", "Cf") else letter
        for letter in text
    )
