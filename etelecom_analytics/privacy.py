"""Privacy: mask or pseudonymize phone numbers, and remove notes and recording links."""

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NoReturn, get_args

import polars as pl

from .errors import InputError, UnknownName
from .frames import Frame, checked_table, same_kind
from .logs import CallLogs, FetchReport, checked_logs
from .phone_numbers import HIDDEN, is_private, masked, normalized, printable, pseudonym
from .schema import CALL_SCHEMA

__all__ = ["WITHHELD", "Privacy", "check_own_numbers", "mask_numbers", "pseudonymize"]

WITHHELD = "withheld"
"""Replaces the link of a recording, so that the recording coverage can still be computed."""

_NUMBERS = {"caller": pl.String(), "callee": pl.String(), "target_number": pl.String()}
_LEGS = "call_targets"
_MIN_KEY_LENGTH = 16
_NumberOption = Literal["kept", "masked", "pseudonymized"]
_DropOption = Literal["kept", "dropped"]


class _Key(bytes):
    """A key that does not appear in tracebacks, and in no pickle."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<key>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(
            "A Privacy with a key cannot be pickled: create it in the process that needs it."
        )

    def __deepcopy__(self, memo: object) -> "_Key":
        return self


def mask_numbers(calls: Frame, *, keep: Sequence[str] = ()) -> Frame:
    """The calls with external phone numbers masked in caller, callee and target_number.

    A masked number such as "091*****78" has the first three and the last two characters. Extensions
    (up to 5 digits) and words such as "anonymous" are unchanged; other texts become "***".
    Different numbers can have the same mask, so measures of callers are not possible; use
    `pseudonymize` for these. The result of a LazyFrame is lazy.

    Args:
        calls: a frame with any of these columns.
        keep: numbers that are not masked, such as own hotlines and `ivr_numbers`.

    Raises:
        InputError: `calls` is not such a frame, or `keep` is not a list of texts.

    Examples:
        >>> calls = pl.DataFrame({"caller": ["+84 912 345 678", "101"]})
        >>> et.mask_numbers(calls)["caller"].to_list()
        ['091*****78', '101']
    """
    return _with_numbers(calls, keep, masked)


def pseudonymize(calls: Frame, key: str | bytes, *, keep: Sequence[str] = ()) -> Frame:
    """The calls with pseudonyms for external phone numbers in caller, callee and target_number.

    A pseudonym is a keyed hash of the national form of the number. The same key gives the same
    pseudonym in all tables and for all notations, so tables can be joined and measures of callers
    do not change. The number can be recovered with the key, but not without it: store the key
    separately. Extensions (up to 5 digits) and words such as "anonymous" are unchanged; other texts
    without a digit become "***".

    Collects the distinct numbers. The result of a LazyFrame is lazy; its plan contains these
    numbers, so do not share it.

    Args:
        calls: a frame with any of these columns.
        key: at least 16 characters that cannot be guessed, such as `secrets.token_hex(32)`.
        keep: numbers that are not replaced, such as own hotlines and `ivr_numbers`.

    Raises:
        InputError: the key is too short, `calls` is not such a frame, or `keep` is not a list of
            texts.

    Examples:
        >>> calls = pl.DataFrame({"caller": ["0912345678", "+84 912 345 678", "101"]})
        >>> result = et.pseudonymize(calls, "a key for this example")["caller"].to_list()
        >>> result[0] == result[1], len(result[0]), result[2]
        (True, 22, '101')
    """
    key = _checked(key)
    distinct = _distinct(calls, keep)
    pseudonyms = pl.Series([pseudonym(number, key) for number in distinct], dtype=pl.String)
    return _with_numbers(
        calls,
        keep,
        lambda _, national: national.replace_strict(distinct, pseudonyms, default=HIDDEN),
    )


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """How calls are anonymized before they are written; the key is never written, shown or pickled.

    Attributes:
        numbers: external phone numbers are "masked", "pseudonymized", or "kept".
        key: the key of the pseudonyms: at least 16 characters that cannot be guessed.
        own_numbers: numbers that are always kept, such as own hotlines.
        notes: "dropped" or "kept".
        recordings: recording links are "dropped", that is replaced by "withheld", or "kept".

    Raises:
        InputError: a value is not allowed, or pseudonyms are requested without a key.

    Examples:
        >>> privacy = et.Privacy(own_numbers=["19000123"])
        >>> privacy.apply_to_logs(et.sample_logs()).calls["note"].null_count()
        400
        >>> privacy.to_dict()["numbers"]
        'masked'
    """

    numbers: _NumberOption = "masked"
    key: str | bytes | None = field(default=None, repr=False)
    own_numbers: Sequence[str] = ()
    notes: _DropOption = "dropped"
    recordings: _DropOption = "dropped"

    def __post_init__(self) -> None:
        for name, values in (
            ("numbers", _NumberOption),
            ("notes", _DropOption),
            ("recordings", _DropOption),
        ):
            if getattr(self, name) not in get_args(values):
                value = printable(str(getattr(self, name)))
                raise UnknownName(f"option for {name}", value, get_args(values))
        if (self.key is None) == (self.numbers == "pseudonymized"):
            raise InputError(
                "The key is required with numbers='pseudonymized', and allowed only then."
            )
        object.__setattr__(self, "own_numbers", check_own_numbers(self.own_numbers))
        if self.key is not None:
            object.__setattr__(self, "key", _checked(self.key))

    def apply(self, calls: Frame) -> Frame:
        """The anonymized calls, lazy for a LazyFrame; pseudonyms collect the distinct numbers.

        Raises:
            InputError: `calls` is not a frame of calls.
        """
        links = {"recording_urls": CALL_SCHEMA["recording_urls"]}
        required = links if self.recordings == "dropped" else ()
        lazy = self._hide_numbers(checked_table(calls, links, required, what="calls").lazy())
        if self.notes == "dropped":
            lazy = lazy.with_columns(note=pl.lit(None, pl.String))
        if self.recordings == "dropped":
            link = pl.element()
            is_empty = link.fill_null("") == ""
            lazy = lazy.with_columns(
                pl.col("recording_urls").list.eval(
                    pl.when(is_empty).then(link).otherwise(pl.lit(WITHHELD))
                )
            )
        return same_kind(calls, lazy)

    def apply_to_logs(self, logs: CallLogs) -> CallLogs:
        """The logs with anonymized calls, query (its phone number) and report (its examples).

        Raises:
            InputError: `logs` are not CallLogs.
        """
        query = checked_logs(logs, "apply_to_logs").query
        if query.call_number:
            number = pl.LazyFrame({"caller": [query.call_number]}, schema={"caller": pl.String})
            query = replace(query, call_number=self._hide_numbers(number).collect().item())
        return replace(
            logs,
            calls=self.apply(logs.calls),
            query=query,
            report=self.apply_to_report(logs.report),
        )

    def apply_to_report(self, report: FetchReport) -> FetchReport:
        """The report without values from the API."""
        return replace(
            report,
            drift=tuple(drift._replace(example=WITHHELD) for drift in report.drift),
            set_aside=tuple(record._replace(record=WITHHELD) for record in report.set_aside),
        )

    def to_dict(self) -> dict[str, object]:
        """The options as a JSON-compatible dict, with an id of the key instead of the key."""
        key_id = {}
        if self.key is not None:
            digest = hmac.digest(_checked(self.key), b"name of the key", "sha256")
            key_id["key_id"] = digest.hex()[:12]
        return {
            "numbers": self.numbers,
            **key_id,
            "own_numbers": list(self.own_numbers),
            "notes": self.notes,
            "recordings": self.recordings,
        }

    def _hide_numbers(self, lazy: pl.LazyFrame) -> pl.LazyFrame:
        if self.numbers == "masked":
            return mask_numbers(lazy, keep=self.own_numbers)
        return lazy if self.key is None else pseudonymize(lazy, self.key, keep=self.own_numbers)


def check_own_numbers(numbers: object, name: str = "own_numbers") -> tuple[str, ...]:
    """The numbers as a tuple; `InputError` if they are not a list or tuple of texts."""
    if not isinstance(numbers, tuple | list) or not all(
        isinstance(number, str) for number in numbers
    ):
        raise InputError(f'{name} must be a list of phone numbers as text, such as ["19000123"].')
    return tuple(numbers)


def _checked(key: str | bytes) -> _Key:
    valid = isinstance(key, str | bytes) and len(key) >= _MIN_KEY_LENGTH
    hidden = _Key(key.encode() if isinstance(key, str) else key) if valid else _Key()
    key = b""  # a traceback may show the local variables
    if not valid:
        raise InputError(
            f"A key needs at least {_MIN_KEY_LENGTH} characters that cannot be guessed: "
            "use secrets.token_hex(32)."
        )
    return hidden


def _number_table(calls: object) -> tuple[pl.LazyFrame, list[str], bool]:
    """The table, its columns of phone numbers as text, and whether it has call_targets.

    Raises:
        InputError: it is not a Polars frame, or a column of numbers has another type.
    """
    lazy = checked_table(calls, _NUMBERS, (), what="calls").lazy()
    match lazy.collect_schema().get(_LEGS):
        case pl.List(inner=pl.Struct() as leg) if pl.Schema(leg).get("target_number") == pl.String:
            pass
        case _:
            legs = {_LEGS: CALL_SCHEMA[_LEGS]}
            lazy = checked_table(lazy, legs, (), what="calls").lazy()
    names = lazy.collect_schema().names()
    return lazy, [name for name in _NUMBERS if name in names], _LEGS in names


def _distinct(calls: Frame, keep: Sequence[str]) -> pl.Series:
    """The distinct external phone numbers of these calls in national form."""
    lazy, flat, nested = _number_table(calls)
    keep = check_own_numbers(keep, "keep")
    columns = [lazy.select(number=pl.col(name)) for name in flat]
    if nested:
        targets = pl.col(_LEGS).list.eval(pl.element().struct.field("target_number"))
        columns.append(lazy.select(number=targets).explode("number"))
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


def _with_numbers(
    calls: Frame, keep: Sequence[str], hide: Callable[[pl.Expr, pl.Expr], pl.Expr]
) -> Frame:
    """The calls with `hide(number, national)` in place of all external phone numbers."""
    lazy, flat, nested = _number_table(calls)
    keep = check_own_numbers(keep, "keep")

    def hidden(number: pl.Expr, national: pl.Expr) -> pl.Expr:
        return pl.when(is_private(number, keep)).then(hide(number, national)).otherwise(number)

    # In columns, as an expression that occurs several times is computed each time.
    national = {f"national form of {name}": normalized(pl.col(name)) for name in flat}
    columns = [
        hidden(pl.col(name), pl.col(form)).alias(name)
        for name, form in zip(flat, national, strict=True)
    ]
    if nested:
        leg = pl.element()
        number = leg.struct.field("target_number")
        columns.append(
            pl.col(_LEGS).list.eval(
                leg.struct.with_fields(target_number=hidden(number, normalized(number)))
            )
        )
    return same_kind(calls, lazy.with_columns(**national).with_columns(columns).drop(*national))
