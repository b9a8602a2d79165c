"""Shades of cells: a value as the strength of one hue, on light and on dark pages.

Zero has the colour of the page, and the strongest shade the most contrast with it. Values around
a target have two hues: one for each side. All shades are opaque, so a page of an unknown colour
shows them as on a light one. The parameter `theme` of a specification selects the shades.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import altair as alt
import polars as pl

from ..metrics.registry import Measure, Total
from .theme import GROUNDS, THEME

__all__ = ["CELL_TEXT", "Shades", "shades_of"]

CELL_TEXT = "cell-text"
"""Style of the texts of cells, which pages leave out where there is no room."""

_VOLUME = {"light": "#0b4f84", "dark": "#60b0e6"}
_LOST = {"light": "#9d3400", "dark": "#f2955c"}

_LOSSES = frozenset(
    {
        *("missed", "missed_rate", "abandoned", "abandon_rate", "abandon_rate_no_short"),
        *("short_abandoned", "ended_by_pbx", "end_unknown"),
        *("rna", "rna_rate", "busy_offers", "ring_wasted_s"),
    }
)
"""Measures of lost calls and offers, which have the hue of losses everywhere."""

_EQUAL_CONTRAST = 0.179
"""Black and white text have the same contrast, 4.6:1, on a colour of this luminance (WCAG 2)."""


@dataclass(frozen=True, kw_only=True)
class Shades:
    """The scale of the colours of some cells.

    Attributes:
        domain: the values between which colours are interpolated.
        hues: the colours at these values, by theme.
    """

    domain: tuple[float, ...]
    hues: Mapping[str, tuple[str, ...]]

    @property
    def scale(self) -> alt.Scale:
        """The scale of a colour channel."""
        colours = zip(self.hues["light"], self.hues["dark"], strict=True)
        by_theme = [
            alt.ExprRef(f"{THEME} === 'dark' ? '{dark}' : '{light}'") for light, dark in colours
        ]
        return alt.Scale(domain=list(self.domain), range=by_theme, interpolate="rgb")

    def with_ink(self, cells: pl.DataFrame, column: str) -> pl.DataFrame:
        """The cells with what `texts` needs: whether the text on each cell is white, by theme."""
        values = cells[column].to_list()
        return cells.with_columns(
            pl.Series(f"white_{theme}", [self._needs_white(theme, value) for value in values])
            for theme in self.hues
        )

    def texts(self, base: alt.Chart, field: str) -> alt.Chart:
        """The texts of cells, black or white; `base` has cells `with_ink`."""
        is_white = f"{THEME} === 'dark' ? datum.white_dark : datum.white_light"
        # A class of its own, since Altair takes 10 ms to find the class of a condition.
        ink = alt.ColorValue("#000000", condition=[{"test": is_white, "value": "#ffffff"}])
        mark = base.mark_text(style=CELL_TEXT, fontSize=10)
        texts: alt.Chart = mark.encode(alt.Text(f"{field}:N"), ink)
        return texts

    def _needs_white(self, theme: str, value: float | None) -> bool | None:
        return None if value is None else _luminance(self._colour(theme, value)) < _EQUAL_CONTRAST

    def _colour(self, theme: str, value: float) -> list[float]:
        """Red, green and blue of a value, from 0 to 1."""
        hues, ends = self.hues[theme], list(zip(self.domain, self.domain[1:], strict=False))
        place = next((nth for nth, (_, end) in enumerate(ends) if value <= end), len(ends) - 1)
        begin, end = ends[place]
        part = min(max((value - begin) / (end - begin), 0.0), 1.0)
        pairs = zip(_rgb(hues[place]), _rgb(hues[place + 1]), strict=True)
        return [low + (high - low) * part for low, high in pairs]


def shades_of(
    values: pl.Series, measure: Measure | None = None, *, target: float | None = None
) -> Shades:
    """The shades of the values of a measure; without a measure those of a volume.

    Args:
        values: at least one value.
        measure: sets the hue, and on which side of the target values are good.
        target: the value without colour. None: zero for a count or a sum, else the lowest value.
    """
    lowest, highest = (float(end) for end in (values.min(), values.max()))  # type: ignore[arg-type]
    if target is None or measure is None:
        is_total = measure is None or isinstance(measure.aggregation, Total)
        bottom = 0.0 if is_total or lowest == highest else lowest
        hue = _LOST if measure is not None and measure.name in _LOSSES else _VOLUME
        return Shades(
            domain=(bottom, max(highest, bottom + 1e-6)),
            hues={theme: (ground, hue[theme]) for theme, ground in GROUNDS.items()},
        )
    reach = max(abs(lowest - target), abs(highest - target), 1e-6)
    low, high = (_VOLUME, _LOST) if measure.better == "lower" else (_LOST, _VOLUME)
    margin = 1e-9 * max(1.0, target)  # the domain needs three different values
    # Equal distances from the target have equal strength, and no colour is without a value.
    least, most = min(lowest, target), max(highest, target)
    strengths = (target - least) / reach, (most - target) / reach
    return Shades(
        domain=(least - margin, target, most + margin),
        hues={
            theme: (
                _mixed(ground, low[theme], strengths[0]),
                ground,
                _mixed(ground, high[theme], strengths[1]),
            )
            for theme, ground in GROUNDS.items()
        },
    )


def _mixed(ground: str, hue: str, strength: float) -> str:
    """A colour between the ground (0) and the hue (1)."""
    pairs = zip(_rgb(ground), _rgb(hue), strict=True)
    parts = (round(255 * (low + (high - low) * strength)) for low, high in pairs)
    return "#" + "".join(f"{part:02x}" for part in parts)


def _rgb(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _luminance(rgb: list[float]) -> float:
    """The relative luminance of a colour (WCAG 2.2)."""
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in rgb
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
