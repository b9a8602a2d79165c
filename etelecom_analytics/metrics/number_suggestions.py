"""suggest_numbers: the numbers that belong to no person, proposed from the calls."""

import polars as pl

from .options import MetricOptions
from .selection import Calls, Selection
from .suggested_numbers import number_table, sample, unlisted_numbers

__all__ = ["missing_numbers", "suggest_numbers"]


def suggest_numbers(calls: Calls) -> pl.DataFrame:
    """Target numbers that look like an IVR or a queue, one row per number. Collects.

    Such a number was called in at least 10 inbound or internal calls, answered most of its legs
    within 1 s, and was followed by another leg in at least a fifth of them. A person seldom answers
    so fast; a phone that answers by itself is seldom followed by another leg.

    Columns: `number`, in its normal form; `kind`, "queue" if most legs that others follow come
    after another leg of the call or last while others ring, else "ivr"; `calls` and `legs`, counts;
    `share_within_1s`, the share of its legs that were answered within 1 s after they began;
    `share_followed`, the share of its legs after whose answer another leg of the call began. The
    numbers with the most legs come first. Voicemail is not recognized, because no leg follows.

    Check each number, then set it in `ivr_numbers` or `queue_numbers` of `MetricOptions`, or in the
    site file.

    Args:
        calls: a DataFrame, a LazyFrame or a Selection of calls.

    Raises:
        InputError: `calls` is not a table of calls.

    Examples:
        >>> et.suggest_numbers(et.sample_logs().calls).select("number", "kind", "legs").rows()
        [('8000', 'ivr', 227), ('8100', 'queue', 49)]
    """
    return number_table(calls.lazy() if isinstance(calls, Selection) else calls).collect()


def missing_numbers(calls: Calls, options: MetricOptions) -> pl.DataFrame:
    """The numbers that look like an IVR or a queue, and are in no list of the options.

    The rows of `suggest_numbers`, of evenly spaced calls of a large table.
    """
    if isinstance(calls, Selection):
        return calls.missing_numbers(options)
    return unlisted_numbers(number_table(sample(calls)).collect(), options)
