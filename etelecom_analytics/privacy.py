"""Calls without the numbers of those who called: masked, or under pseudonyms; and what else a file that is passed on should not tell."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NoReturn, get_args

import polars as pl

from .errors import InputError, UnknownName
from .frames import Frame, same_kind
from .logs import CallLogs, FetchReport
from .phone_numbers import HIDDEN, is_private, masked, normalized, pseudonym

__all__ = ["WITHHELD", "Privacy", "mask_numbers", "check_own_numbers", "pseudonymize"]

WITHHELD = "withheld"
"""What stands for a recording's link: that there was one is still known, and so is the recording coverage."""

_SIDES = ("caller", "callee")
_SHORTEST_KEY = 16
_Numbers = Literal["kept", "masked", "pseudonymized"]
_Choice = Literal["kept", "dropped"]


class _Key(bytes):
    """A key that no traceback prints."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<key>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A key is not pickled: give it where it is needed.")


def mask_numbers(calls: Frame, *, keep: Sequence[str] = ()) -> Frame:
    """These calls with outside numbers masked in caller, callee and target_number: "091*****78", its prefix and last two digits.

    Extensions (up to 5 digits) stay, and so do words such as "anonymous"; what else is no number
    becomes "***". Many numbers look alike then, so callers cannot be followed any more:
    `pseudonymize` keeps that. LazyFrame in, LazyFrame out.

    Args:
        calls: calls, with any of these columns.
        keep: numbers that stay, such as the own hotlines and `ivr_numbers`.
    """
    return _with_numbers(calls, keep, masked)


def pseudonymize(calls: Frame, key: str | bytes, *, keep: Sequence[str] = ()) -> Frame:
    """These calls with a pseudonym for each outside number in caller, callee and target_number alike.

    A pseudonym is a keyed hash of the number in its national form: the same key gives the same one
    in every table and snapshot, for every written form, so callers can be followed and tables
    joined, and measures of callers are the same. Without the key nobody can find the number; with
    it anybody can, so keep it elsewhere. Extensions (up to 5 digits) and words such as "anonymous"
    stay; other texts without a digit become "***".

    Collects the distinct numbers. LazyFrame in, LazyFrame out; its plan holds those numbers, so do
    not pass it on.

    Args:
        calls: calls, with any of these columns.
        key: at least 16 characters that nobody can guess, such as `secrets.token_hex(32)` gives.
        keep: numbers that stay, such as the own hotlines and `ivr_numbers`.

    Raises:
        InputError: the key is too short.
    """
    key = _checked(key)
    distinct = _distinct(calls, keep)
    words = pl.Series([pseudonym(number, key) for number in distinct], dtype=pl.String)
    return _with_numbers(
        calls,
        keep,
        lambda number: normalized(number).replace_strict(distinct, words, default=HIDDEN),
    )


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """What is done to calls before they are written; the key is never written, shown or pickled.

    Attributes:
        numbers: outside numbers are "masked", "pseudonymized", or "kept".
        key: what pseudonyms are made with: at least 16 characters that nobody can guess.
        own_numbers: numbers that stay in any case, such as the own hotlines.
        notes: "dropped", or "kept".
        recordings: links to recordings are "dropped", which leaves the word "withheld" for each, or
            "kept".

    Raises:
        InputError: a value is not one of those allowed, or pseudonyms lack a key.
    """

    numbers: _Numbers = "masked"
    key: str | bytes | None = field(default=None, repr=False)
    own_numbers: tuple[str, ...] = ()
    notes: _Choice = "dropped"
    recordings: _Choice = "dropped"

    def __post_init__(self) -> None:
        for name, words in (("numbers", _Numbers), ("notes", _Choice), ("recordings", _Choice)):
            if getattr(self, name) not in get_args(words):
                raise UnknownName(f"choice for {name}", getattr(self, name), get_args(words))
        if (self.key is None) == (self.numbers == "pseudonymized"):
            raise InputError(
                "A key is what pseudonyms are made with: give it with numbers='pseudonymized', and only then."
            )
        object.__setattr__(self, "own_numbers", check_own_numbers(self.own_numbers))
        if self.key is not None:
            object.__setattr__(self, "key", _checked(self.key))

    def apply(self, calls: Frame) -> Frame:
        """These calls as they may be written. LazyFrame in, LazyFrame out; pseudonyms collect the distinct numbers."""
        lazy = self._numbers_of(calls.lazy())
        if self.notes == "dropped":
            lazy = lazy.with_columns(note=pl.lit(None, pl.String))
        if self.recordings == "dropped":
            link = pl.element()
            blank = link.fill_null("") == ""
            lazy = lazy.with_columns(
                pl.col("recording_urls").list.eval(
                    pl.when(blank).then(link).otherwise(pl.lit(WITHHELD))
                )
            )
        return same_kind(calls, lazy)

    def apply_to_logs(self, logs: CallLogs) -> CallLogs:
        """These logs as they may be written: calls, the number that the query asks for, and what the report quotes from the wire."""
        query = logs.query
        if query.call_number:
            asked = pl.LazyFrame({"caller": [query.call_number]}, schema={"caller": pl.String})
            query = replace(query, call_number=self._numbers_of(asked).collect().item())
        return replace(
            logs,
            calls=self.apply(logs.calls),
            query=query,
            report=self.apply_to_report(logs.report),
        )

    def apply_to_report(self, report: FetchReport) -> FetchReport:
        """The report without what it quotes from the wire."""
        return replace(
            report,
            drift=tuple(drift._replace(example=WITHHELD) for drift in report.drift),
            set_aside=tuple(record._replace(record=WITHHELD) for record in report.set_aside),
        )

    def to_dict(self) -> dict[str, object]:
        """What is done, as JSON keeps it: the choices, and of the key a name by which two files are known to have the same."""
        key = (
            {}
            if self.key is None
            else {
                "key_id": hmac.digest(_checked(self.key), b"name of the key", "sha256").hex()[:12]
            }
        )
        return {
            "numbers": self.numbers,
            **key,
            "own_numbers": list(self.own_numbers),
            "notes": self.notes,
            "recordings": self.recordings,
        }

    def _numbers_of(self, lazy: pl.LazyFrame) -> pl.LazyFrame:
        if self.numbers == "masked":
            return mask_numbers(lazy, keep=self.own_numbers)
        return lazy if self.key is None else pseudonymize(lazy, self.key, keep=self.own_numbers)


def check_own_numbers(numbers: object) -> tuple[str, ...]:
    """These numbers, if they are a tuple or a list of texts, else an InputError: of one text each digit would be taken for a number."""
    if not isinstance(numbers, tuple | list) or not all(
        isinstance(number, str) for number in numbers
    ):
        raise InputError('own_numbers is a tuple of numbers as text, such as ("19000123",).')
    return tuple(numbers)


def _checked(key: str | bytes) -> _Key:
    sound = isinstance(key, str | bytes) and len(key) >= _SHORTEST_KEY
    hidden = _Key(key.encode() if isinstance(key, str) else key) if sound else _Key()
    key = b""  # a traceback may show this frame
    if not sound:
        raise InputError(
            f"A key has at least {_SHORTEST_KEY} characters that nobody can guess: secrets.token_hex(32) makes one."
        )
    return hidden


def _number_columns(calls: pl.LazyFrame) -> tuple[list[str], bool]:
    """Which of caller and callee (and target_number of a table of legs) the table has, and whether it has call_targets."""
    names = calls.collect_schema().names()
    return [name for name in (*_SIDES, "target_number") if name in names], "call_targets" in names


def _distinct(calls: Frame, keep: Sequence[str]) -> pl.Series:
    """The outside numbers of these calls, each once, in their national form."""
    lazy = calls.lazy()
    flat, nested = _number_columns(lazy)
    columns = [lazy.select(number=pl.col(name)) for name in flat]
    if nested:
        of_legs = pl.col("call_targets").list.eval(pl.element().struct.field("target_number"))
        columns.append(lazy.select(number=of_legs).explode("number"))
    if not columns:
        return pl.Series(dtype=pl.String)
    number = pl.col("number")
    return (
        pl.concat(columns)
        .filter(is_private(number, keep), number.str.contains(r"\d"))
        .select(normalized(number).unique())
        .collect()
        .to_series()
    )


def _with_numbers(calls: Frame, keep: Sequence[str], hide: Callable[[pl.Expr], pl.Expr]) -> Frame:
    """The calls with every outside number changed so."""
    if isinstance(keep, str):
        raise InputError('keep is a list of numbers as text, such as ["19000123"].')
    lazy = calls.lazy()
    flat, nested = _number_columns(lazy)

    def hidden(number: pl.Expr) -> pl.Expr:
        return pl.when(is_private(number, keep)).then(hide(number)).otherwise(number)

    columns = [hidden(pl.col(name)).alias(name) for name in flat]
    if nested:
        leg = pl.element()
        columns.append(
            pl.col("call_targets").list.eval(
                leg.struct.with_fields(target_number=hidden(leg.struct.field("target_number")))
            )
        )
    return same_kind(calls, lazy.with_columns(columns))
