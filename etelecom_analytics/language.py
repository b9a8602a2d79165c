"""The language of texts: translation, numbers and dates.

English texts are the keys of the catalogues `locale/<language>.po`.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime
from functools import cache, wraps
from importlib import resources
from typing import Literal, NamedTuple, ParamSpec, TypeVar

from .errors import UnknownName

__all__ = [
    "LANGUAGES",
    "Language",
    "PSEUDO",
    "SHORT_WEEKDAYS",
    "WEEKDAYS",
    "checked_language",
    "current_language",
    "date_text",
    "filled",
    "in_language",
    "keep_language",
    "mark",
    "moment_text",
    "ntr",
    "number",
    "short_day",
    "speaking",
    "tr",
]

Language = Literal["en", "vi"]
"""English or Vietnamese."""
LANGUAGES = ("en", "vi")
"""The languages of texts."""
PSEUDO = "pseudo"
"""A language for tests: English texts in brackets; numbers and dates as in Vietnamese.

A text without an entry in the catalogue has no brackets.
"""

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

_language: ContextVar[str] = ContextVar("language", default="en")
_CATALOGUES = {"vi": "vi", PSEUDO: "vi"}
"""The catalogue of each language but English. Numbers and dates follow it too."""


def mark(text: str, *, context: str = "") -> str:
    """The text itself: `mark` puts a constant into the catalogues, and `tr` translates it later."""
    del context
    return text


WEEKDAYS = (
    mark("Monday"),
    mark("Tuesday"),
    mark("Wednesday"),
    mark("Thursday"),
    mark("Friday"),
    mark("Saturday"),
    mark("Sunday"),
)
SHORT_WEEKDAYS = (
    mark("Mon"),
    mark("Tue"),
    mark("Wed"),
    mark("Thu"),
    mark("Fri"),
    mark("Sat"),
    mark("Sun"),
)


def checked_language(language: object) -> str:
    """The language; `UnknownName` if texts are not in this language."""
    if not isinstance(language, str) or language not in LANGUAGES:
        raise UnknownName("language", str(language), LANGUAGES)
    return language


def current_language() -> str:
    """The language in which texts are made now."""
    return _language.get()


@contextmanager
def speaking(language: str | None) -> Iterator[None]:
    """Make texts in a language: those of charts, reports and panels made inside of `with`.

    Args:
        language: "en" or "vi"; None: as before.

    Raises:
        UnknownName: texts are not in this language.

    Examples:
        >>> from etelecom_analytics.language import number, speaking
        >>> with speaking("vi"):
        ...     number(1234.5, ",.1f")
        '1.234,5'
    """
    if language is None:
        yield
        return
    token = _language.set(language if language == PSEUDO else checked_language(language))
    try:
        yield
    finally:
        _language.reset(token)


def keep_language(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, which later runs in the language of now: for callbacks and threads."""
    language = current_language()

    @wraps(function)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with speaking(language):
            return function(*args, **kwargs)

    return wrapper


def in_language(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """The function, which runs in the language of its keyword argument `language`."""

    @wraps(function)
    def wrapper(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        language = kwargs.get("language")
        with speaking(None if language is None else checked_language(language)):
            return function(*args, **kwargs)

    return wrapper


def tr(text: str, /, *, context: str = "", **values: object) -> str:
    """The text in the current language.

    Args:
        text: the English text, with the names of the values in braces.
        context: distinguishes texts that are equal in English only.
        values: the values. Integers, dates and times are written as in the language; other numbers
            are passed as text, see `number`.

    Examples:
        >>> from etelecom_analytics.language import tr
        >>> tr("{n} of {total} calls", n=12, total=1234)
        '12 of 1,234 calls'
    """
    return filled(_translated(context, text, [text], 0), values)


def ntr(singular: str, plural: str, n: int, /, *, context: str = "", **values: object) -> str:
    """The text for a number, which the texts may show as `{n}`.

    Examples:
        >>> from etelecom_analytics.language import ntr
        >>> ntr("{n} call", "{n} calls", 1), ntr("{n} call", "{n} calls", 1234)
        ('1 call', '1,234 calls')
    """
    form = 0 if n == 1 else 1
    return filled(_translated(context, singular, [singular, plural], form), {"n": n, **values})


def _translated(context: str, key: str, english: list[str], form: int) -> str:
    language = current_language()
    if language == "en":
        return english[form]
    forms = _catalogue(_CATALOGUES[language]).get((context, key))
    if forms is None:
        return english[form]
    if language == PSEUDO:
        return f"[{english[form]}]"
    return forms[min(form, len(forms) - 1)]


def filled(text: str, values: Mapping[str, object]) -> str:
    """A text that `tr` translated earlier, with its values as `tr` writes them."""
    return (
        text.format(**{name: _shown(value) for name, value in values.items()}) if values else text
    )


def _shown(value: object) -> object:
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, date):
        return date_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return number(value)
    return value


@cache
def _catalogue(language: str) -> dict[tuple[str, str], tuple[str, ...]]:
    from babel.messages.pofile import read_po

    file = resources.files(__package__).joinpath("locale", f"{language}.po")
    with file.open("rb") as stream:
        messages = read_po(stream, locale=language)
    entries = {}
    for message in messages:
        key = message.id if isinstance(message.id, str) else message.id[0]
        string = message.string or ""
        forms = (string,) if isinstance(string, str) else tuple(string)
        if key and all(forms):  # the entry "" is the header
            entries[message.context or "", key] = forms
    return entries


class _Symbols(NamedTuple):
    decimal: str
    group: str


@cache
def _symbols(language: str) -> _Symbols:
    from babel import Locale

    symbols = Locale.parse(language).number_symbols["latn"]
    return _Symbols(symbols["decimal"], symbols["group"])


def number(value: float, spec: str = ",") -> str:
    """A number with the signs of the current language, such as "1,234.5" or "1.234,5".

    Args:
        value: the number.
        spec: its format as for `format`, such as ",", ",.1f", "+,.0f" or ".0%".
    """
    text = format(value, spec)
    language = current_language()
    if language == "en":
        return text
    symbols = _symbols(_CATALOGUES[language])
    signs = {".": symbols.decimal, ",": symbols.group, "%": " %"}
    return re.sub("[.,%]", lambda match: signs[match[0]], text)


def date_text(day: date) -> str:
    """The date, such as "2026-11-02"; in Vietnamese "02/11/2026"."""
    return f"{day:%Y-%m-%d}" if current_language() == "en" else f"{day:%d/%m/%Y}"


def moment_text(moment: datetime) -> str:
    """The date and the time, such as "2026-11-02 08:30"; in Vietnamese "02/11/2026 08:30".

    The moment has the time zone in which it is shown.
    """
    return f"{date_text(moment)} {moment:%H:%M}"


def short_day(day: date, *, month: bool = True) -> str:
    """The weekday and the day, such as "Mon 2 Nov"; in Vietnamese "T2 02/11".

    Args:
        day: the day.
        month: also name the month.

    Examples:
        >>> from datetime import date
        >>> from etelecom_analytics.language import short_day
        >>> short_day(date(2026, 11, 2)), short_day(date(2026, 11, 2), month=False)
        ('Mon 2 Nov', 'Mon 2')
    """
    if current_language() == "en":
        return f"{day:%a} {day.day}{f' {day:%b}' if month else ''}"
    return f"{tr(SHORT_WEEKDAYS[day.weekday()])} {f'{day:%d/%m}' if month else f'{day:%d}'}"
