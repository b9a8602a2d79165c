"""The calls that ring extensions."""

import polars as pl

from .selection import Calls, Selection

__all__ = ["INBOUND_DIRECTIONS", "inward"]

INBOUND_DIRECTIONS = ("in", "ext", "ext_in")
"""The legs of an `out` call go to outside numbers, and of the two logs of an internal call, ext_out and ext_in, the one is counted."""


def inward(calls: Calls) -> Calls:
    """The calls whose targets are extensions, those of the directions `INBOUND_DIRECTIONS`; of the same kind as what was given."""
    is_inward = pl.col("direction").cast(pl.String).is_in(INBOUND_DIRECTIONS)
    return calls.where(is_inward) if isinstance(calls, Selection) else calls.filter(is_inward)
