"""Display: one value that defines how charts, panels and reports show calls."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain

import polars as pl
from polars import selectors

from ..frames import Frame
from ..language import speaking, tr
from ..metrics import MetricOptions
from ..phone_numbers import mask, masked_digits
from ..privacy import Privacy, mask_numbers

__all__ = ["Display"]

_NUMBER_COLUMNS = ("caller", "callee", "target_number")


@dataclass(frozen=True, kw_only=True)
class Display:
    """How calls are shown: computed with which options, by which names, and with which numbers.

    Attributes:
        options: the options of all measures.
        show_numbers: whether external phone numbers are shown in full; masked by default.
        own_numbers: numbers that are never masked, such as the organisation's hotlines. The
            options' numbers of IVRs, queues and voicemail are not masked either.
        names: the names of a dimension's values, as returned by `names.labels`, by dimension.
        language: the language of texts, "en" or "vi".

    Examples:
        >>> from etelecom_analytics.locale.display import Display
        >>> display = Display(own_numbers=("19001234",))
        >>> display.label("caller", "0912345678"), display.label("callee", "19001234")
        ('091*****78', '19001234')
    """

    options: MetricOptions = MetricOptions()
    show_numbers: bool = False
    own_numbers: tuple[str, ...] = ()
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    language: str = "en"

    def speaking(self) -> AbstractContextManager[None]:
        """A context in which texts are made in the language of the display."""
        return speaking(self.language)

    @property
    def unmasked(self) -> tuple[str, ...]:
        """The numbers that are never masked."""
        options = self.options
        lists = (options.ivr_numbers, options.queue_numbers, options.voicemail_numbers)
        return (*self.own_numbers, *chain(*lists))

    def masked(self, calls: Frame) -> Frame:
        """The table with external phone numbers masked, unless `show_numbers` is set."""
        return calls if self.show_numbers else mask_numbers(calls, keep=self.unmasked)

    def anonymized(self, calls: pl.DataFrame) -> pl.DataFrame:
        """The calls for a file: masked, in notes too, unless `show_numbers` is set.

        Links to recordings are withheld.
        """
        if self.show_numbers:
            return Privacy(numbers="kept", notes="kept").apply(calls)
        privacy = Privacy(numbers="masked", own_numbers=self.unmasked, notes="kept")
        notes = selectors.by_name("note", require_all=False)
        return privacy.apply(calls).with_columns(masked_digits(notes.as_expr()))

    def label(self, dimension: str, value: object) -> str:
        """The text for a value of a dimension: its name, if any, with external numbers masked."""
        if value is None:
            return tr("none")
        name = self.names.get(dimension, {}).get(str(value), str(value))
        if self.show_numbers or dimension not in _NUMBER_COLUMNS:
            return name
        if name != str(value):
            return mask(name)
        table = pl.DataFrame({dimension: [name]})
        return str(mask_numbers(table, keep=self.unmasked).item())
