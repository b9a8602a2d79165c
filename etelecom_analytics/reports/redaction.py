"""What a report may not tell: outside numbers, unless they are asked for, and links to recordings."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from ..logs import CallLogs
from ..metrics.call_facts import NAME_COLUMNS
from ..phone_numbers import is_private, masked, normalize, normalized

__all__ = ["Redactor"]

_RUN = re.compile(r"[+(]?\d+(?:[ .,()/\-\u00a0]{0,3}[+]?\d+)*")
_GROUP = re.compile(r"\+?\d+")
_FEWEST, _MOST = 6, 16
"""Digits of a number that is no extension."""
_LEAST = 10**7
"""Where whole numbers begin that may have been one."""
_SHORTENED = r"^(?:0\d{9,10}|\+\d{8,14})$"
"""What loses its 0 or its + where somebody makes whole numbers of texts."""
_MANY_DIGITS = r"\d(?:\D{0,3}\d){7}"
"""What a note has that may hold one."""
_OUTSIDE = re.compile(r"0\d{8,10}|1[89]00\d{4,6}|\+\d{9,14}")
"""A number in its national form, a toll-free one, or one of another country: how notes tell one from other digits."""
_HOST = r"^https?://([^/?#\s]+)"
_LINK = re.compile(r"https?://([^/?#\s\"'<>\\]+)[^\s\"'<>\\]*")
_NO_LINK = "(recording withheld)"


class Redactor:
    """What is known of some calls and is not told: whatever text comes by is told without it.

    It knows the numbers of these calls in all their written forms, those in notes and names too,
    and where their recordings lie, so it also finds them where the author of a notebook did not
    think of them.

    Args:
        logs: the calls.
        numbers: whether numbers are withheld; links to recordings always are.
        keep: numbers that stay, such as those of an IVR.
    """

    def __init__(self, logs: CallLogs, *, numbers: bool = True, keep: Sequence[str] = ()) -> None:
        known = _numbers_of(logs) if numbers else pl.Series("number", [], pl.String)
        number = pl.col("number")
        outside = (
            known.unique()
            .to_frame()
            .select(normalized(number).filter(is_private(number, keep)).unique())
            .to_series()
        )
        bare = outside.filter(outside.str.contains(_SHORTENED)).str.slice(1)
        self._numbers = frozenset([*outside, *bare])
        links = logs.calls["recording_urls"].explode(empty_as_null=False).drop_nulls()
        self._hosts = frozenset(links.str.extract(_HOST).drop_nulls().unique())
        self._masks: dict[str, str] = {}
        self._look_alikes: dict[str, int] = {}

    def from_text(self, text: str) -> str:
        """The text, be it plain or HTML, with what is withheld masked in it."""
        if self._hosts:
            text = _LINK.sub(lambda found: _NO_LINK if found[1] in self._hosts else found[0], text)
        if self._numbers:
            text = _RUN.sub(self._of_run, text)
        return text

    def from_data(self, data: Any) -> Any:
        """JSON with what is withheld masked in all its texts; a whole number that is one of the numbers, but for its 0 or +, is too."""
        match data:
            case str():
                return self.from_text(data)
            case int() | float() if abs(data) >= _LEAST and data % 1 == 0:
                return data if (told := self.from_text(text := str(int(data)))) == text else told
            case Mapping():
                return {self.from_data(name): self.from_data(value) for name, value in data.items()}
            case list() | tuple():
                return [self.from_data(value) for value in data]
        return data

    def _of_run(self, found: re.Match[str]) -> str:
        """Digits with what may stand between them: one number, or several side by side, each in one or more groups."""
        run = found[0]
        if len(run) < _FEWEST:
            return run
        groups, told, at, first = list(_GROUP.finditer(run)), "", 0, 0
        while first < len(groups):
            last = self._end_of_number(run, groups, first)
            if last is None:
                first += 1
                continue
            begin, end = groups[first].start(), groups[last].end()
            told += run[at:begin] + self._mask(_plain(run[begin:end]))
            at, first = end, last + 1
        return told + run[at:]

    def _end_of_number(self, run: str, groups: Sequence[re.Match[str]], first: int) -> int | None:
        """With which of the groups a number ends that begins with this one; None if none does."""
        begin, ends = groups[first].start(), []
        for last in range(first, len(groups)):
            if (
                long := sum(character.isdigit() for character in run[begin : groups[last].end()])
            ) > _MOST:
                break
            if long >= _FEWEST and _plain(run[begin : groups[last].end()]) in self._numbers:
                ends.append(last)
        return ends[-1] if ends else None

    def _mask(self, number: str) -> str:
        """The masked number; of those that look alike then each but the first has a count, since a chart would take them for one."""
        if number not in self._masks:
            look = pl.select(masked(pl.lit(number))).item()
            self._look_alikes[look] = again = self._look_alikes.get(look, 0) + 1
            self._masks[number] = look if again == 1 else f"{look} ({again})"
        return self._masks[number]


def _plain(text: str) -> str:
    """The number in its national form, also one that was told as a count is, 912,345,678."""
    return normalize(text.replace(",", ""))


def _numbers_of(logs: CallLogs) -> pl.Series:
    """The numbers that called, were called, or rang, and those that notes and names hold."""
    columns = [logs.calls["caller"], logs.calls["callee"], logs.call_targets["target_number"]]
    for name in ("note", *NAME_COLUMNS):
        if name in logs.calls.columns:
            texts = logs.calls[name].drop_nulls().unique()
            written = {
                number
                for text in texts.filter(texts.str.contains(_MANY_DIGITS))
                for number in _written_in(text)
            }
            columns.append(pl.Series(sorted(written), dtype=pl.String))
    return pl.concat([pl.Series("number", column, pl.String) for column in columns])


def _written_in(text: str) -> Iterator[str]:
    """What may be a telephone number in a text, however its digits are grouped."""
    for run in _RUN.findall(text):
        groups = list(_GROUP.finditer(run))
        for first, group in enumerate(groups):
            whole = (
                _plain(run[group.start() : last.end()]) for last in groups[first : first + _MOST]
            )
            if possible := [number for number in whole if _OUTSIDE.fullmatch(number)]:
                yield possible[-1]
