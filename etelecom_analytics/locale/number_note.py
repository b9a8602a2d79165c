"""The sentence about numbers that look like an IVR or a queue and are in no option."""

from collections.abc import Sequence

import polars as pl

from ..language import ntr, tr
from ..metrics import Calls, MetricOptions
from ..metrics.number_suggestions import missing_numbers
from ..phone_numbers import mask
from .terms import and_list

__all__ = ["number_note"]

_MAX_NUMBERS = 3
_KINDS = ("ivr", "queue")


def number_note(calls: Calls, options: MetricOptions) -> str:
    """A warning that numbers without a person count as agents; "" if there are no such numbers.

    Examples:
        >>> from etelecom_analytics.locale.number_note import number_note
        >>> number_note(et.sample_logs().calls, et.MetricOptions(ivr_numbers=["8000"]))
        '8100 looks like a queue: set queue_numbers, or waits are too short.'
    """
    table = missing_numbers(calls, options)
    subjects: list[str] = []
    settings: list[str] = []
    for kind in _KINDS:
        numbers = table.filter(pl.col("kind") == kind)["number"].to_list()
        if numbers:
            subjects.append(_subject(numbers, kind, first=not subjects))
            settings.append(f"{kind}_numbers")
    if not subjects:
        return ""
    return tr(
        "{subjects}: set {settings}, or waits are too short.",
        subjects=and_list(subjects),
        settings=and_list(settings),
    )


def _subject(numbers: Sequence[str], kind: str, *, first: bool) -> str:
    """The numbers and what they look like: "8000 looks like an IVR", or later "like an IVR"."""
    texts = [mask(number) for number in numbers[:_MAX_NUMBERS]]
    if len(numbers) > _MAX_NUMBERS:
        texts.append(tr("{n} more", context="numbers", n=len(numbers) - _MAX_NUMBERS))
    names, n = and_list(texts), len(numbers)
    if kind == "ivr":  # always first
        return ntr("{names} looks like an IVR", "{names} look like IVRs", n, names=names)
    if first:
        return ntr("{names} looks like a queue", "{names} look like queues", n, names=names)
    return ntr("{names} like a queue", "{names} like queues", n, names=names)
