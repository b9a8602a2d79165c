"""A ratio as columns of a table: its value, its two counts and its confidence interval."""

from collections.abc import Iterator

import polars as pl

from .confidence import confidence_level, wilson

__all__ = ["long_ratio", "wide_ratio"]


def wide_ratio(
    name: str, numerator: pl.Expr, denominator: pl.Expr, *, confidence: bool | float = True
) -> dict[str, pl.Expr]:
    """The columns of a ratio in a table that has further measures.

    They are `<name>`, null if the denominator is 0, `<name>_num` and `<name>_den`; and with
    `confidence` `<name>_low` and `<name>_high`, Wilson's interval.
    """
    names = (name, *(f"{name}_{part}" for part in ("num", "den", "low", "high")))
    return dict(zip(names, _columns(numerator, denominator, confidence), strict=False))


def long_ratio(
    numerator: pl.Expr, denominator: pl.Expr, *, confidence: bool | float = True
) -> dict[str, pl.Expr]:
    """The columns of a ratio in a table of one ratio.

    They are `value`, null if the denominator is 0, `numerator` and `denominator`; and with
    `confidence` `low` and `high`, Wilson's interval.
    """
    names = ("value", "numerator", "denominator", "low", "high")
    return dict(zip(names, _columns(numerator, denominator, confidence), strict=False))


def _columns(
    numerator: pl.Expr, denominator: pl.Expr, confidence: bool | float
) -> Iterator[pl.Expr]:
    yield pl.when(denominator > 0).then(numerator / denominator)
    yield numerator
    yield denominator
    level = confidence_level(confidence)
    if level is not None:
        yield from wilson(numerator, denominator, level=level)
