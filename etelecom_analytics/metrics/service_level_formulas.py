"""The six formulas of the service level, and the terms that they are made of."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import polars as pl

from .options import MetricOptions, Variant

__all__ = ["SERVICE_LEVELS", "Flags", "ServiceLevel", "level_flags", "level_terms"]

Flags = Mapping[str, pl.Expr]
"""The terms of a service level's formula, and which calls each is true for."""


@dataclass(frozen=True, kw_only=True)
class ServiceLevel:
    """One formula of the service level: its text, its source, its numerator and its denominator.

    Terms: a and q are answered and missed calls of known wait, however they ended; a<=T and q<=T
    are those with a wait of at most the threshold; s are short abandons.
    """

    formula: str
    source: str
    numerator: Callable[[Flags], pl.Expr]
    denominator: Callable[[Flags], pl.Expr]


SERVICE_LEVELS: Mapping[Variant, ServiceLevel] = MappingProxyType(
    {
        "offered": ServiceLevel(
            formula="a<=T / (a + q)",
            source="Genesys, base setting",
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: flag["a"] | flag["q"],
        ),
        "no_short": ServiceLevel(
            formula="a<=T / (a + q - s)",
            source="Genesys, short abandons off",
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: (flag["a"] | flag["q"]) & ~flag["s"],
        ),
        "answered_only": ServiceLevel(
            formula="a<=T / a",
            source="Aircall",
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: flag["a"],
        ),
        "abandon_positive": ServiceLevel(
            formula="(a<=T + q<=T) / (a + q)",
            source="Amazon Connect",
            numerator=lambda flag: flag["a<=T"] | flag["q<=T"],
            denominator=lambda flag: flag["a"] | flag["q"],
        ),
        "abandon_neutral": ServiceLevel(
            formula="a<=T / (a + q - q<=T)",
            source='Cisco, "ignore abandoned"',
            numerator=lambda flag: flag["a<=T"],
            denominator=lambda flag: (flag["a"] | flag["q"]) & ~flag["q<=T"],
        ),
        "min_talk": ServiceLevel(
            formula="a<=T with duration >= m / (a with duration >= m, + q)",
            source="Exotel",
            numerator=lambda flag: flag["a<=T"] & flag["m"],
            denominator=lambda flag: flag["a"] & flag["m"] | flag["q"],
        ),
    }
)


def level_terms(options: MetricOptions) -> Flags:
    """The terms of the service level's formulas that do not depend on a threshold, over facts."""
    has_wait = pl.col("wait_s").is_not_null()
    return {
        "a": pl.col("answered") & has_wait,
        "q": pl.col("missed") & has_wait,
        "s": pl.col("short_abandoned"),
        # Only answered calls have talk_s, which is their duration.
        "m": (pl.col("talk_s") >= options.min_talk_s).fill_null(value=False),
    }


def level_flags(terms: Flags, within: pl.Expr) -> Flags:
    """All terms of the formulas; `within` is true for a wait of at most the threshold."""
    return {**terms, "a<=T": terms["a"] & within, "q<=T": terms["q"] & within}
