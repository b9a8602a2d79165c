"""The ways in which a measure aggregates facts: a total, a mean, a quantile, or a ratio."""

from dataclasses import dataclass

__all__ = ["Aggregation", "Mean", "Quantile", "Ratio", "Total"]


@dataclass(frozen=True)
class Total:
    """The sum of a fact: a number of rows, or of seconds; 0 without rows.

    Examples:
        >>> et.metrics.MEASURES["offered"].aggregation
        Total(fact='offered')
    """

    fact: str


@dataclass(frozen=True)
class Mean:
    """The mean of the known values of a fact; null without values.

    Examples:
        >>> et.metrics.MEASURES["asa_s"].aggregation
        Mean(fact='answered_wait_s')
    """

    fact: str


@dataclass(frozen=True)
class Quantile:
    """A quantile of the known values of a fact, linearly interpolated; null without values.

    Examples:
        >>> et.metrics.MEASURES["wait_p90_s"].aggregation
        Quantile(fact='answered_wait_s', share=0.9)
    """

    fact: str
    share: float


@dataclass(frozen=True)
class Ratio:
    """The sum of one fact over the sum of another; null where the denominator is 0.

    Examples:
        >>> et.metrics.MEASURES["answer_rate"].aggregation
        Ratio(numerator='answered', denominator='offered')
    """

    numerator: str
    denominator: str


Aggregation = Total | Mean | Quantile | Ratio
