"""Days at which a share changed its level: binary segmentation with permutations of days."""

from math import ceil
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["MIN_LEVEL_DAYS", "LevelStart", "levels_of"]

MIN_LEVEL_DAYS = 3
"""The smallest number of days of a level."""

_PERMUTATIONS = 1_999
"""The smallest number of permutations; a smaller significance needs more."""
_SEED = 20_261_130
_BATCH = 250_000
"""Values in one batch of permutations, so that many days need little memory."""


class LevelStart(NamedTuple):
    """The first day of a level, as a position; the p-value of the change, None for the first."""

    position: int
    p_value: float | None


def levels_of(totals: "Floats", sizes: "Floats", significance: float) -> list[LevelStart]:
    """The levels of a share over days, in order; the first begins at position 0.

    The days are split where the likelihood of two shares is largest, compared with that of one. The
    p-value of a split is the share of random orders of the days, the real one included, whose best
    split is at least as good. So days may differ by more than chance. A split with a p-value of at
    most `significance` is kept, and both parts are split in the same way (A. J. Scott, M. Knott, A
    Cluster Analysis Method for Grouping Means in the Analysis of Variance, Biometrics 30, 1974). At
    last, each change is moved to the best day between its neighbours.

    Args:
        totals: the numerator of each day.
        sizes: the denominator of each day, above 0.
        significance: the largest p-value of a split.
    """
    p_values: dict[int, float] = {}
    waiting = [(0, len(totals))]
    while waiting:
        begin, end = waiting.pop()
        split = _best_split(totals[begin:end], sizes[begin:end])
        if split is None:
            continue
        p_value = _p_value(totals[begin:end], sizes[begin:end], significance)
        if p_value is not None:
            p_values[begin + split] = p_value
            waiting += [(begin, begin + split), (begin + split, end)]
    changes = sorted(p_values)
    starts = [LevelStart(0, None)]
    for place, change in enumerate(changes):
        begin = starts[-1].position
        end = changes[place + 1] if place + 1 < len(changes) else len(totals)
        better = _best_split(totals[begin:end], sizes[begin:end])
        position = change if better is None else begin + better
        starts.append(LevelStart(position, p_values[change]))
    return starts


def _best_split(totals: "Floats", sizes: "Floats") -> int | None:
    """The first position of the second part of the best split; None if there are too few days."""
    if len(totals) < 2 * MIN_LEVEL_DAYS:
        return None
    gains = _gains(totals[None, :], sizes[None, :])[0]
    return int(gains.argmax()) + MIN_LEVEL_DAYS


def _gains(totals: "Floats", sizes: "Floats") -> "Floats":
    """The gain in log-likelihood of each possible split, for each row of days."""
    y, n = totals.cumsum(axis=1), sizes.cumsum(axis=1)
    all_y, all_n = y[:, -1:], n[:, -1:]
    ends = slice(MIN_LEVEL_DAYS - 1, totals.shape[1] - MIN_LEVEL_DAYS)
    first_y, first_n = y[:, ends], n[:, ends]
    parts = _likelihood(first_y, first_n) + _likelihood(all_y - first_y, all_n - first_n)
    gains: Floats = parts - _likelihood(all_y, all_n)
    return gains


def _likelihood(y: "Floats", n: "Floats") -> "Floats":
    """The largest log-likelihood of y of n."""
    from scipy import special

    likelihood: Floats = special.xlogy(y, y / n) + special.xlogy(n - y, 1 - y / n)
    return likelihood


def _p_value(totals: "Floats", sizes: "Floats", significance: float) -> float | None:
    """The share of orders of the days whose best split is at least as good.

    None if it is above `significance`.
    """
    import numpy as np

    rng, days = np.random.default_rng(_SEED), len(totals)
    # The smallest p-value is 1 / (permutations + 1): at most half of the significance.
    permutations = max(_PERMUTATIONS, ceil(2 / significance) - 1)
    observed = _gains(totals[None, :], sizes[None, :]).max()
    threshold = observed - 1e-9 * max(1.0, abs(observed))
    batch, as_good, done = max(1, _BATCH // days), 1, 0
    while done < permutations and as_good <= significance * (permutations + 1):
        count = min(batch, permutations - done)
        order = rng.random((count, days)).argsort(axis=1)
        as_good += int((_gains(totals[order], sizes[order]).max(axis=1) >= threshold).sum())
        done += count
    p_value = as_good / (permutations + 1)
    return p_value if p_value <= significance else None
