"""Redactor: removes external phone numbers and links to recordings from texts and charts."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ..language import tr
from ..locale.display import Display
from ..logs import CallLogs
from ..metrics.call_facts import NAME_COLUMNS
from ..phone_numbers import is_private, masked, normalize, normalized

__all__ = ["Redactor"]

_RUN = re.compile(r"[+(]?\d+(?:[ .,()/\-\u00a0]{0,3}[+]?\d+)*")
"""Groups of digits with separators between them: one or several numbers."""
_GROUP = re.compile(r"\+?\d+")
_MIN_DIGITS, _MAX_DIGITS = 6, 16
"""Digits of a number that is longer than an extension."""
_MIN_INTEGER = 10**7
"""Smaller integers are counts or extensions, not phone numbers."""
_LOSES_PREFIX = r"^(?:0\d{9,10}|\+\d{8,14})$"
"""Numbers that lose their leading 0 or + when they are cast to integers."""
_MANY_DIGITS = r"\d(?:\D{0,3}\d){7}"
"""Selects the notes that may contain a number."""
_PHONE_NUMBER = re.compile(r"0\d{8,10}|1[89]00\d{4,6}|\+\d{9,14}")
"""National, toll-free and international form, to tell numbers in notes from other digits."""
_OPENING = re.compile(r"0|\+|84|1[89]\d|\d{9}$")
"""How a number in a note begins. Groups such as "30, 028 7300" are no number without its 0."""
_HOST = r"^https?://([^/?#\s]+)"
_LINK = re.compile(r"https?://([^/?#\s\"'<>\\]+)[^\s\"'<>\\]*")


class Redactor:
    """Masks the phone numbers of some calls, and the links to their recordings, in any text.

    It reads the numbers from the calls themselves, including those in notes and names, and masks
    all their notations. So it also masks them in notebooks whose author did not.

    Args:
        logs: the calls.
        display: which numbers are shown. Links to recordings are always removed.
    """

    def __init__(self, logs: CallLogs, display: Display) -> None:
        number = pl.col("number")
        external = (
            (pl.Series("number", [], pl.String) if display.show_numbers else _numbers_of(logs))
            .unique()
            .to_frame()
            .select(normalized(number).filter(is_private(number, display.unmasked)).unique())
            .to_series()
        )
        without_prefix = external.filter(external.str.contains(_LOSES_PREFIX)).str.slice(1)
        self._numbers = frozenset([*external, *without_prefix])
        links = logs.calls["recording_urls"].explode(empty_as_null=False).drop_nulls()
        self._hosts = frozenset(links.str.extract(_HOST).drop_nulls().unique())
        self._masks: dict[str, str] = {}
        self._uses: dict[str, int] = {}

    def redact_text(self, text: str) -> str:
        """The text, plain or HTML, with numbers masked and links removed."""
        if self._hosts:
            instead = tr("(recording withheld)")
            text = _LINK.sub(lambda match: instead if match[1] in self._hosts else match[0], text)
        if self._numbers:
            text = _RUN.sub(self._redact_run, text)
        return text

    def redact_data(self, data: Any) -> Any:
        """JSON data with all its texts redacted, and integers that are phone numbers as well.

        Such an integer is a number without its leading 0 or +.
        """
        match data:
            case str():
                return self.redact_text(data)
            case int() | float() if abs(data) >= _MIN_INTEGER and data % 1 == 0:
                text = str(int(data))
                redacted = self.redact_text(text)
                return data if redacted == text else redacted
            case Mapping():
                return {
                    self.redact_data(name): self.redact_data(value) for name, value in data.items()
                }
            case list() | tuple():
                return [self.redact_data(value) for value in data]
        return data

    def _redact_run(self, match: re.Match[str]) -> str:
        """A run of digit groups; each number in it is one or more consecutive groups."""
        run = match[0]
        if len(run) < _MIN_DIGITS:
            return run
        groups, redacted, position, first = list(_GROUP.finditer(run)), "", 0, 0
        while first < len(groups):
            last = self._last_group(run, groups, first)
            if last is None:
                first += 1
                continue
            begin, end = groups[first].start(), groups[last].end()
            redacted += run[position:begin] + self._mask(_plain(run[begin:end]))
            position, first = end, last + 1
        return redacted + run[position:]

    def _last_group(self, run: str, groups: Sequence[re.Match[str]], first: int) -> int | None:
        """The last group of the longest number that begins with group `first`; None without one."""
        begin, result = groups[first].start(), None
        for last in range(first, len(groups)):
            text = run[begin : groups[last].end()]
            digits = sum(character.isdigit() for character in text)
            if digits > _MAX_DIGITS:
                break
            if digits >= _MIN_DIGITS and _plain(text) in self._numbers:
                result = last
        return result

    def _mask(self, number: str) -> str:
        """The masked number, with a counter if another number has the same mask.

        A chart would draw two numbers with the same mask as one.
        """
        if number not in self._masks:
            text = pl.select(masked(pl.lit(number))).item()
            self._uses[text] = uses = self._uses.get(text, 0) + 1
            self._masks[number] = text if uses == 1 else f"{text} ({uses})"
        return self._masks[number]


def _plain(text: str) -> str:
    """The national form, also of a number written with thousands separators: 912,345,678."""
    return normalize(text.replace(",", ""))


def _numbers_of(logs: CallLogs) -> pl.Series:
    """All numbers of callers, callees and targets, and those in notes and names."""
    target = pl.element().struct.field("target_number")
    targets = logs.calls.select(pl.col("call_targets").list.eval(target).explode())
    columns = [logs.calls["caller"], logs.calls["callee"], targets.to_series()]
    for name in ("note", *NAME_COLUMNS):
        if name in logs.calls.columns:
            texts = logs.calls[name].drop_nulls().unique()
            numbers = {
                number
                for text in texts.filter(texts.str.contains(_MANY_DIGITS))
                for number in _numbers_in(text)
            }
            columns.append(pl.Series(sorted(numbers), dtype=pl.String))
    return pl.concat([pl.Series("number", column, pl.String) for column in columns])


def _numbers_in(text: str) -> Iterator[str]:
    """Possible phone numbers in a text, in any grouping of their digits."""
    for run in _RUN.findall(text):
        groups = list(_GROUP.finditer(run))
        for first, group in enumerate(groups):
            texts = (
                run[group.start() : last.end()] for last in groups[first : first + _MAX_DIGITS]
            )
            numbers = [_plain(text) for text in texts if _OPENING.match(text)]
            if numbers := [number for number in numbers if _PHONE_NUMBER.fullmatch(number)]:
                yield numbers[-1]
