"""Lazy frames that know the IVR numbers of their calls, and a warning about other ones."""

import warnings
from functools import cache
from typing import ClassVar

import polars as pl

from ..phone_numbers import normalize, printable
from .options import MetricOptions

__all__ = ["warn_of_other_ivr_numbers", "with_ivr_numbers"]


class _ArchivedCalls(pl.LazyFrame):
    """A lazy frame of calls. What is derived from it has the same class, and so the same numbers.

    Polars makes derived frames without a call of `__init__`, so the numbers are on the class.
    """

    ivr_numbers: ClassVar[tuple[str, ...]] = ()

    def __reduce__(self) -> tuple[object, ...]:
        return with_ivr_numbers, (pl.LazyFrame._from_pyldf(self._ldf), self.ivr_numbers)


def with_ivr_numbers(calls: pl.LazyFrame, ivr_numbers: tuple[str, ...]) -> pl.LazyFrame:
    """The calls as a lazy frame that knows their IVR numbers."""
    frame: pl.LazyFrame = _class_of(ivr_numbers)._from_pyldf(calls._ldf)
    return frame


def warn_of_other_ivr_numbers(calls: object, options: MetricOptions) -> None:
    """Warn if the options have other IVR numbers than a lazy frame of an archive.

    An IVR that is not known as one counts as a person who answers.
    """
    if not isinstance(calls, _ArchivedCalls):
        return
    known = calls.ivr_numbers
    chosen = (*options.ivr_numbers, *options.queue_numbers, *options.voicemail_numbers)
    if {*map(normalize, known)} == {*map(normalize, chosen)}:
        return
    warnings.warn(
        f"These calls are measured with the IVR numbers {_listed(chosen)}, but their archive has "
        f"{_listed(known)}: pass options=archive.options.",
        stacklevel=4,
    )


@cache
def _class_of(ivr_numbers: tuple[str, ...]) -> type[_ArchivedCalls]:
    return type("LazyFrame", (_ArchivedCalls,), {"ivr_numbers": ivr_numbers})


def _listed(numbers: tuple[str, ...]) -> str:
    return printable(", ".join(numbers)) if numbers else "none"
