"""The sentence about numbers that look like an IVR or a queue and are in no option."""

from collections.abc import Sequence

import polars as pl

from ..metrics import Calls, MetricOptions
from ..metrics.number_suggestions import missing_numbers
from ..phone_numbers import mask

__all__ = ["number_note"]

_MAX_NUMBERS = 3
_NOUNS = {"ivr": ("an IVR", "IVRs"), "queue": ("a queue", "queues")}


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
    for kind in _NOUNS:
        numbers = table.filter(pl.col("kind") == kind)["number"].to_list()
        if numbers:
            subjects.append(_subject(numbers, kind, first=not subjects))
            settings.append(f"{kind}_numbers")
    if not subjects:
        return ""
    return f"{' and '.join(subjects)}: set {' and '.join(settings)}, or waits are too short."


def _subject(numbers: Sequence[str], kind: str, *, first: bool) -> str:
    """The numbers and what they look like, such as "8000 looks like an IVR"."""
    singular, plural = _NOUNS[kind]
    texts = [mask(number) for number in numbers[:_MAX_NUMBERS]]
    if len(numbers) > _MAX_NUMBERS:
        texts.append(f"{len(numbers) - _MAX_NUMBERS} more")
    verb = ("looks " if len(numbers) == 1 else "look ") * first
    names = " and ".join([", ".join(texts[:-1]), texts[-1]] if len(texts) > 1 else texts)
    return f"{names} {verb}like {singular if len(numbers) == 1 else plural}"
