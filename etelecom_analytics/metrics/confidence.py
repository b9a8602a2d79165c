"""The doubt of a share: Wilson's interval at 95 %."""

import polars as pl

__all__ = ["Z95", "wilson"]

Z95 = 1.959963984540054
"""The normal quantile of 95 %, both sides."""


def wilson(numerator: pl.Expr, denominator: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """The lower and upper end of Wilson's score interval at 95 %, kept within 0 and 1; null where the denominator is 0.

    E. B. Wilson, Probable Inference, the Law of Succession, and Statistical Inference, JASA 22 (1927).
    """
    n = pl.when(denominator > 0).then(denominator.cast(pl.Float64))
    share = numerator / n
    spread = Z95 * (share * (1 - share) / n + Z95**2 / (4 * n**2)).sqrt()
    low, high = ((share + Z95**2 / (2 * n) + sign * spread) / (1 + Z95**2 / n) for sign in (-1, 1))
    return low.clip(0, 1), high.clip(0, 1)
