"""The calls that ring extensions."""

import polars as pl

from ..frames import Frame, same_kind

__all__ = ["INWARD", "inward"]

INWARD = ("in", "ext", "ext_in")
"""The legs of an `out` call go to outside numbers, and of the two logs of an internal call, ext_out and ext_in, the one is counted."""


def inward(calls: Frame) -> Frame:
    """The calls whose targets are extensions: those of the directions `INWARD`. LazyFrame in, LazyFrame out."""
    return same_kind(calls, calls.lazy().filter(pl.col("direction").cast(pl.String).is_in(INWARD)))
