"""Display: how calls are shown. Charts, panels and reports receive it as one value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from ..frames import Frame
from ..metrics import MetricOptions
from ..phone_numbers import mask
from ..privacy import mask_numbers

__all__ = ["Display"]

_NUMBER_COLUMNS = ("caller", "callee", "target_number")


@dataclass(frozen=True, kw_only=True)
class Display:
    """How calls are shown: which phone numbers, by which names, computed with which options.

    Attributes:
        options: what the measures depend on.
        show_numbers: whether external phone numbers are shown in full; masked by default.
        own_numbers: numbers that are always shown, such as the organisation's hotlines. The
            options' `ivr_numbers` are too.
        names: of a dimension, the name of each of its values, as `names.labels` returns it.
    """

    options: MetricOptions = MetricOptions()
    show_numbers: bool = False
    own_numbers: tuple[str, ...] = ()
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def unmasked(self) -> tuple[str, ...]:
        """The numbers that are shown even where others are masked."""
        return (*self.own_numbers, *self.options.ivr_numbers)

    def masked(self, calls: Frame) -> Frame:
        """The table with external phone numbers masked, unless they are shown."""
        return calls if self.show_numbers else mask_numbers(calls, keep=self.unmasked)

    def label(self, dimension: str, value: object) -> str:
        """A value of a dimension as it is shown: by its name, and masked where it is private."""
        if value is None:
            return "none"
        name = self.names.get(dimension, {}).get(str(value), str(value))
        if self.show_numbers or dimension not in _NUMBER_COLUMNS:
            return name
        if name != str(value):
            return mask(name)
        table = pl.DataFrame({dimension: [name]})
        return str(mask_numbers(table, keep=self.unmasked).item())
