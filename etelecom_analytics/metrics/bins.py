"""How wide the bins of seconds are, and where they end."""

import polars as pl

__all__ = ["bin_width"]

_WIDTHS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1_800, 3_600)
_MOST_BINS = 60
_TAIL = 0.99
"""Where the bins end if not all fit: the last one holds all longer ones, so that one forgotten phone does not squeeze the rest."""


def bin_width(seconds: pl.Series) -> tuple[int, float]:
    """How many seconds wide at most 60 bins are that hold nearly all of these, and the seconds that the last of them holds."""
    longest = seconds.max()
    tail = seconds.quantile(_TAIL, interpolation="linear")
    if not isinstance(longest, int | float) or tail is None:
        return _WIDTHS[0], 0.0
    width = next(
        (width for width in _WIDTHS if tail < width * _MOST_BINS), int(tail // _MOST_BINS) + 1
    )
    return width, float(longest if longest < width * _MOST_BINS else tail)
