"""The columns of the table of calls: their values, and the texts that the table shows."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cached_property
from typing import NamedTuple

import polars as pl

from ... import local_time
from ...formatting import clock_text
from ...language import mark, number, short_day, tr
from ...locale.display import Display
from ...locale.terms import value_names
from ...metrics import Selection
from ...phone_numbers import mask, masked_digits
from ...readable_dates import CLOCK_SECOND, long_date

__all__ = ["MISSED", "NUMBER_COLUMNS", "SEARCHED", "CallColumns", "Column", "short_ids"]


class Column(NamedTuple):
    """A column of the table: its name, its title in English, and whether it has numbers."""

    name: str
    title: str
    number: bool = False


_COLUMNS = (
    Column("started_at", mark("Started", context="column")),
    Column("direction", mark("Direction", context="column")),
    Column("caller", mark("Caller", context="column")),
    Column("callee", mark("Callee", context="column")),
    Column("hotline", mark("Hotline", context="column")),
    Column("agent", mark("Agent", context="column")),
    Column("department_id", mark("Department", context="column")),
    Column("call_state", mark("State", context="column")),
    Column("wait_s", mark("Wait", context="column"), number=True),
    Column("talk_s", mark("Talk", context="column"), number=True),
    Column("legs", mark("Legs", context="column"), number=True),
    Column("note", mark("Note", context="column")),
)
_COMPUTED = ("agent", "wait_s", "talk_s", "legs")
_OPTIONAL = ("direction", "department_id", "legs", "note")
"""Columns that are hidden until the user chooses them; so is the callee if there are hotlines."""

SEARCHED = (
    "caller",
    "callee",
    "hotline",
    "agent",
    "department_id",
    "direction",
    "call_state",
    "note",
)
"""The columns whose texts a search reads, shown or not."""
NUMBER_COLUMNS = ("caller", "callee")
"""The columns of phone numbers."""

MISSED = "missed"
_STATES = (
    mark("running", context="state"),
    mark("unknown", context="state"),
    mark("answered", context="state"),
    mark("missed", context="state"),
)
_AGENT_KEYS = ("extension_id", "user_id")
_ID = re.compile(r"(?<!\d)(\d{16,})(?!\d)")
"""An id: a phone number has at most 15 digits."""
_LAST_DIGITS = 4
_DATED = r"\d-\d{1,2}-\d|\d/\d{1,2}/\d"


class CallColumns:
    """The columns of a table of calls.

    Attributes:
        columns: those that these calls have.
        defaults: the names of those that are shown first.
    """

    def __init__(self, calls: Selection, display: Display) -> None:
        self._calls, self._display = calls, display
        names = [*calls.lazy().collect_schema().names(), *_COMPUTED]
        self.columns = [column for column in _COLUMNS if column.name in names]
        hidden = (*_OPTIONAL, "callee") if "hotline" in names else _OPTIONAL
        self.defaults = [each.name for each in self.columns if each.name not in hidden]
        self._cached: dict[str, pl.Series] = {}
        self._ranks: dict[str, pl.Series] = {}
        self._sorted: tuple[tuple[str, bool], pl.Series] | None = None

    @property
    def show_numbers(self) -> bool:
        """Whether external phone numbers are shown in full."""
        return self._display.show_numbers

    def values(self, name: str) -> pl.Series:
        """The values of a column in the whole table, by which it is sorted.

        An agent is the name, or else an id. The state is that of the measures: a call that only an
        IVR answered is missed.
        """
        computed: Mapping[str, Callable[[], pl.Series]] = {
            "agent": self._agents,
            "call_state": self._states,
            "legs": lambda: self._column("call_targets").list.len(),
        }
        if name not in computed:
            return self._column(name)
        if name not in self._cached:
            self._cached[name] = computed[name]()
        return self._cached[name]

    def sorted_rows(self, name: str, descending: bool) -> pl.Series:
        """The row numbers of all calls, sorted by a column; nulls last, ties in their order.

        Those of the latest column and direction are kept, so that other filters need no new sort.
        """
        if self._sorted is None or self._sorted[0] != (name, descending):
            keys = self._sort_keys(name).alias("key").to_frame()
            positions = pl.arg_sort_by(
                "key", descending=descending, nulls_last=True, maintain_order=True
            )
            self._sorted = (name, descending), keys.select(positions).to_series()
        return self._sorted[1]

    def _sort_keys(self, name: str) -> pl.Series:
        """The values of a column, or the ranks of its texts: 4 bytes a call, sorted much faster."""
        values = self.values(name)
        if values.dtype != pl.String:
            return values
        if name not in self._ranks:
            texts = values.drop_nulls().unique().sort()  # numbers repeat: fewer than calls
            self._ranks[name] = values.cast(pl.Enum(texts)).to_physical()
        return self._ranks[name]

    def texts(self, name: str, values: pl.Series) -> pl.Series:
        """The text of each of these values of a column, as the table shows it; null for null."""
        values = values.alias(name)
        if name in NUMBER_COLUMNS:
            texts = self.number_texts(name, values)
            has_names = bool(self._names(name))
            return self.number_names(name, values).fill_null(texts) if has_names else texts
        if name == "note":
            return self._free_texts(values)
        if name in ("agent", "hotline", "department_id"):
            names = self._names(name)
            texts = values.cast(pl.String)
            named = texts.replace(list(names), list(names.values())) if names else texts
            short = _mapped(named, short_ids)
            # Hotlines are the organisation's own numbers.
            return short if name == "hotline" else self._free_texts(short)
        return _mapped(values, self._text_function(name))

    def number_texts(self, name: str, values: pl.Series) -> pl.Series:
        """These numbers of a column without names; external ones masked unless they are shown."""
        return self._display.masked(values.alias(name).to_frame()).to_series()

    def number_names(self, name: str, values: pl.Series) -> pl.Series:
        """The names of these numbers of a column; null for those without one."""
        names = self._names(name)
        labels = names.values() if self.show_numbers else map(mask, names.values())
        return values.replace_strict(
            list(names), list(labels), default=None, return_dtype=pl.String
        )

    def full_text(self, value: object) -> str:
        """The text of a value with all digits of its ids, which `texts` shortens."""
        parts = _ID.split("" if value is None else str(value))
        hidden = (lambda text: text) if self.show_numbers else mask
        return "".join(part if at % 2 else hidden(part) for at, part in enumerate(parts))

    def _text_function(self, name: str) -> Callable[..., str]:
        if name == "started_at":
            return self._moment
        if name in ("wait_s", "talk_s"):
            return clock_text
        if name == "call_state":
            return {state: tr(state, context="state") for state in _STATES}.__getitem__
        if name == "direction":
            words = value_names("direction")
            return lambda value: words.get(value, str(value))
        return number

    def _moment(self, moment: datetime) -> str:
        local = moment.astimezone(local_time.zone(self._display.options.time_zone))
        if self._has_years:
            return long_date(local, CLOCK_SECOND)
        return f"{short_day(local)}{local:{CLOCK_SECOND}}"

    @cached_property
    def _has_years(self) -> bool:
        """Whether the calls are of several years, so that a date without its year is ambiguous."""
        zone = local_time.zone(self._display.options.time_zone)
        started = self._column("started_at")
        ends = [started.min(), started.max()]
        return len({end.astimezone(zone).year for end in ends if isinstance(end, datetime)}) > 1

    def _free_texts(self, values: pl.Series) -> pl.Series:
        """Text on one line; it may contain phone numbers."""
        lines = values.str.replace_all(r"\s+", " ").str.strip_chars()
        if self.show_numbers:
            return lines
        texts = lines.to_frame("text")
        cut = texts.select(masked_digits(pl.col("text"))).to_series()
        # `mask` leaves dates readable, but only Python has its pattern.
        rows = texts.select((pl.lit(cut) != pl.col("text")) & pl.col("text").str.contains(_DATED))
        dated = rows.to_series().arg_true()
        return cut.scatter(dated, [mask(text) for text in lines.gather(dated)])

    def _names(self, column: str) -> Mapping[str, str]:
        names = dict(self._display.names.get(column, {}))
        # The site file names hotlines by the number that was dialled.
        return {**self._display.names.get("callee", {}), **names} if column == "hotline" else names

    def _agents(self) -> pl.Series:
        table = self._columns("extension_id", "user_id", "user", "extension_number")
        labels = [
            pl.col(key).replace_strict(
                list(names), list(names.values()), default=None, return_dtype=pl.String
            )
            for key in _AGENT_KEYS
            if key in table.columns and (names := self._display.names.get(key, {}))
        ]
        others = [
            name
            for name in ("user", "extension_number", "extension_id", "user_id")
            if name in table.columns
        ]
        agents = table.select(agent=pl.coalesce(*labels, *others)).to_series()
        # Sorting an Enum of a million rows is ten times as fast as sorting texts.
        return agents.cast(pl.Enum(agents.drop_nulls().unique().sort()))

    def _states(self) -> pl.Series:
        flags = pl.DataFrame([self._column(name) for name in _STATES])
        state = pl.coalesce(pl.when(name).then(pl.lit(name)) for name in _STATES)
        return flags.select(call_state=state.cast(pl.Enum(_STATES))).to_series()

    def _columns(self, *names: str) -> pl.DataFrame:
        known = self._calls.lazy().collect_schema().names()
        return pl.DataFrame([self._column(name) for name in names if name in known])

    def _column(self, name: str) -> pl.Series:
        return self._calls.values(name, self._display.options)


def _mapped(values: pl.Series, function: Callable[..., str]) -> pl.Series:
    """The function of each value, null for null."""
    texts = [None if value is None else function(value) for value in values]
    return pl.Series(values.name, texts, dtype=pl.String)


def short_ids(text: str) -> str:
    """The text with ids shortened to their last digits: nobody reads 19 digits."""
    return _ID.sub(lambda match: f"…{match[1][-_LAST_DIGITS:]}", text)
