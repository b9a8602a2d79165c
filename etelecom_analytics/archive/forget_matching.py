"""Where phone numbers occur in the texts of calls and reports, and how these texts are removed."""

import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

import polars as pl

from ..fetch_report import FetchReport
from ..phone_numbers import normalize

__all__ = ["FORGOTTEN", "Matcher", "Matches", "canonical", "person_of", "texts_of"]

FORGOTTEN = "forgotten"
"""Replaces a text of a report, such as a record that was set aside."""

_MIN_DIGITS, _MAX_DIGITS = 8, 17
"""Digits of a number: the longest is 15 in ITU-T E.164, with 00 in front of it."""
_BETWEEN = re.compile(r"[\W_]{1,4}")
"""What may separate the digits of one number."""
_GAP = r"(?:[^0-9A-Za-z]|%[0-9A-Fa-f]{2}){0,12}"
"""The same before a text is decoded: in a link, a space is %20."""
_ANY_NUMBER = rf"[0-9](?:{_GAP}[0-9]){{{_MIN_DIGITS - 1}}}"
_PSEUDONYM = r"x0[a-p]{20}"
"""A word that `phone_numbers.pseudonym` returns."""
_COMMON_DIGITS = 7
"""All Vietnamese forms of a number end in these digits, also those of before 2018."""

_OF_THE_CALL = (
    "contact_id",
    "external_id",
    "external_session_id",
    "note",
    "recording_urls",
)
"""Columns that become null in each call of the number, whatever they contain."""
_PARTIES, _LEGS, _TARGET = ("caller", "callee"), "call_targets", "target_number"


def canonical(number: str) -> str:
    """The digits of the normal form of a number, without the + or 00 of an international one."""
    return normalize(number).removeprefix("+").removeprefix("00")


def person_of(number: str, pseudonyms: Iterable[str] = ()) -> frozenset[str]:
    """What identifies a number: the digits of its normal form, and its pseudonyms."""
    return frozenset({canonical(number), *pseudonyms})


def _candidates(text: str) -> Iterator[str]:
    """Everything in a text that may be a number, in canonical form, and all its pseudonyms.

    A number is a run of digits, or several runs with at most four other characters between them. A
    part of a run is not a number: 0912345678 does not occur in +447912345678.
    """
    yield from re.findall(_PSEUDONYM, text)
    for variant in {text, unquote(text)} if "%" in text else {text}:
        runs = list(re.finditer(r"[0-9]+", variant))
        for first, run in enumerate(runs):
            digits, end = run[0], run.end()
            for following in (*runs[first + 1 :], None):
                if len(digits) > _MAX_DIGITS:
                    break
                if len(digits) >= _MIN_DIGITS:
                    yield canonical(digits)
                    if digits[0] != "0" and not variant[: run.start()].endswith("+"):
                        yield canonical(f"0{digits}")  # 912345678, without the leading 0
                if following is None or not _BETWEEN.fullmatch(variant[end : following.start()]):
                    break
                digits, end = digits + following[0], following.end()


@dataclass(frozen=True, kw_only=True)
class Matcher:
    """Recognizes numbers in texts.

    Attributes:
        known: what identifies the numbers: `identify` of each canonical form and pseudonym.
        identify: a function of a canonical form or a pseudonym.
        key: the key of the ids that replace an id with a number in it.
        pattern: a pattern that every text with one of the numbers matches.
    """

    known: frozenset[str]
    identify: Callable[[str], str]
    key: bytes = field(repr=False)
    pattern: str = rf"{_ANY_NUMBER}|{_PSEUDONYM}"

    @classmethod
    def of_person(cls, person: frozenset[str], key: bytes) -> "Matcher":
        """A matcher of one number, from what `person_of` returns."""
        parts = [
            each
            if re.fullmatch(_PSEUDONYM, each)
            else _GAP.join(f"{digit}" for digit in each[-_COMMON_DIGITS:])
            for each in sorted(person)
        ]
        return cls(known=person, identify=str, key=key, pattern="|".join(parts))

    def occurs(self, text: str) -> bool:
        """Whether one of the numbers occurs in a text."""
        return any(self.identify(each) in self.known for each in _candidates(text))

    def occurs_in(self, value: object) -> bool:
        """Whether one of the numbers occurs in a value of JSON."""
        return any(self.occurs(text) for text in texts_of(value))

    def hits(self, texts: pl.Series) -> list[str]:
        """The distinct texts in which one of the numbers occurs."""
        distinct = texts.drop_nulls().unique()
        return [
            text
            for text in distinct.filter(distinct.str.contains(self.pattern))
            if self.occurs(text)
        ]

    def find(self, calls: pl.DataFrame) -> "Matches":
        """Where the numbers occur in a table with the columns of calls."""
        columns: dict[str, list[str]] = {}
        legs: dict[str, list[str]] = {}
        for name, dtype in calls.schema.items():
            if dtype == pl.String:
                columns[name] = self.hits(calls[name])
            elif dtype == pl.List(pl.String):
                columns[name] = self.hits(calls[name].explode())
        fields = calls.select(_LEGS).explode(_LEGS).drop_nulls().unnest(_LEGS)
        for name, dtype in fields.schema.items():
            if dtype == pl.String:
                legs[name] = self.hits(fields[name])
        return Matches(
            columns={name: hits for name, hits in columns.items() if hits},
            legs={name: hits for name, hits in legs.items() if hits},
            new_id=self.new_id,
        )

    def new_id(self, call_id: str) -> str:
        """The id of a call whose own id contains one of the numbers: always the same."""
        digest = hmac.digest(self.key, b"id " + call_id.encode(), "sha256").hex()[:20]
        return f"{FORGOTTEN}-{digest.translate(_TO_LETTERS)}"

    def blank_report(self, report: FetchReport) -> FetchReport:
        """The report without texts in which one of the numbers occurs."""

        def clean(text: str) -> str:
            return FORGOTTEN if self.occurs(text) else text

        def clean_id(text: str | None) -> str | None:
            return self.new_id(text) if text is not None and self.occurs(text) else text

        return replace(
            report,
            running_long=tuple(clean_id(each) or "" for each in report.running_long),
            windows=tuple(
                each._replace(first_id=clean_id(each.first_id), last_id=clean_id(each.last_id))
                for each in report.windows
            ),
            drift=tuple(
                each._replace(field=clean(each.field), example=clean(each.example))
                for each in report.drift
            ),
            set_aside=tuple(
                each._replace(record=FORGOTTEN) if self.occurs_in(each.record) else each
                for each in report.set_aside
            ),
            pages_set_aside=tuple(
                each._replace(cursor=clean(each.cursor)) for each in report.pages_set_aside
            ),
        )


_TO_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


@dataclass(frozen=True, kw_only=True)
class Matches:
    """The texts of a table in which a number occurs, by column and by field of a leg."""

    columns: Mapping[str, list[str]]
    legs: Mapping[str, list[str]]
    new_id: Callable[[str], str] = field(repr=False)

    def __bool__(self) -> bool:
        return bool(self.columns or self.legs)

    def rows(self, calls: pl.DataFrame) -> pl.Series:
        """Which of the calls `blank` changes."""
        if not self:
            return pl.repeat(value=False, n=calls.height, eager=True)
        conditions = [
            pl.col(name).is_in(hits)
            if calls.schema[name] == pl.String
            else pl.col(name).list.eval(pl.element().is_in(hits)).list.any()
            for name, hits in self.columns.items()
        ]
        if self.legs:
            conditions.append(self._in_legs(self.legs))
        return calls.select(
            pl.any_horizontal(each.fill_null(value=False) for each in conditions)
        ).to_series()

    def blank(self, calls: pl.DataFrame) -> pl.DataFrame:
        """The calls without the number and without what belongs to it; all rows stay."""
        if not self:
            return calls
        parties = [
            pl.col(name).is_in(self.columns[name]) for name in _PARTIES if name in self.columns
        ]
        if _TARGET in self.legs:
            parties.append(self._in_legs({_TARGET: self.legs[_TARGET]}))
        of_the_number = (
            pl.any_horizontal(each.fill_null(value=False) for each in parties)
            if parties
            else pl.lit(value=False)
        )
        changed = {name: self._blanked(name, calls.schema[name]) for name in self.columns}
        for name in _OF_THE_CALL:
            changed[name] = pl.when(~of_the_number).then(changed.get(name, pl.col(name)))
        if self.legs:
            leg = pl.element()
            changed[_LEGS] = pl.col(_LEGS).list.eval(
                leg.struct.with_fields(
                    **{
                        name: pl.when(~_is_in(leg.struct.field(name), hits)).then(
                            leg.struct.field(name)
                        )
                        for name, hits in self.legs.items()
                    }
                )
            )
        return calls.with_columns(
            expression.cast(calls.schema[name]).alias(name) for name, expression in changed.items()
        )

    def _blanked(self, name: str, dtype: pl.DataType) -> pl.Expr:
        column, hits = pl.col(name), self.columns[name]
        if name == "id":
            return column.replace(hits, [self.new_id(each) for each in hits])
        if dtype == pl.String:
            return pl.when(~_is_in(column, hits)).then(column)
        if name == "recording_urls":
            is_hit = column.list.eval(pl.element().is_in(hits)).list.any().fill_null(value=False)
            return pl.when(~is_hit).then(column)
        element = pl.element()
        return column.list.eval(pl.when(~_is_in(element, hits)).then(element))

    @staticmethod
    def _in_legs(legs: Mapping[str, list[str]]) -> pl.Expr:
        leg = pl.element()
        any_field = pl.any_horizontal(
            _is_in(leg.struct.field(name), hits) for name, hits in legs.items()
        )
        return pl.col(_LEGS).list.eval(any_field).list.any()


def _is_in(value: pl.Expr, hits: list[str]) -> pl.Expr:
    return value.is_in(hits).fill_null(value=False)


def texts_of(value: object) -> Iterator[str]:
    """All texts and whole numbers in a value of JSON, as text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, int) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, Mapping):
        for key, each in value.items():
            yield from texts_of(key)
            yield from texts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)
