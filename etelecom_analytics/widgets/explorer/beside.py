"""What is asked beside a query: in words, as buttons that take it away, and as code."""

from collections.abc import Callable, Iterable, Sequence

import ipywidgets as ui
import polars as pl

from ...codegen import literal
from ...metrics import MetricOptions
from ...phone_numbers import mask
from ...privacy import mask_numbers
from ..choice import PanelState
from ..panel import BUTTON

__all__ = ["Chips", "code_of", "value_text"]

_NUMBERS = ("caller", "callee", "target_number")


class Chips(ui.HBox):  # type: ignore[misc]  # ipywidgets has no types
    """A button for each dimension that is asked; `taken(name)` is called when one is pressed."""

    def __init__(self, taken: Callable[[str], object]) -> None:
        super().__init__(layout={"flex_flow": "wrap"})
        self._taken = taken
        self._shown: list[ui.Button] = []

    def show(self, asked: Iterable[tuple[str, str]]) -> None:
        """Show these dimensions and values, and no others."""
        gone, self._shown = self._shown, [self._chip(name, value) for name, value in asked]
        self.children = self._shown
        for each in gone:
            each.close()

    def _chip(self, name: str, value: str) -> ui.Button:
        words = name.replace("_", " ")
        chip = ui.Button(
            description=f"{words}: {value}  ✕", tooltip=f"Any {words} again", layout=BUTTON
        )
        chip.on_click(lambda _: self._taken(name))
        return chip


def value_text(name: str, value: object, *, label: str, keep: Sequence[str] | None) -> str:
    """A value of a dimension as it is shown, by its label; outside numbers masked but for those to `keep`, None masks none."""
    if value is None:
        return "none"
    if keep is None or name not in _NUMBERS:
        return label
    return (
        str(mask_numbers(pl.DataFrame({name: [str(value)]}), keep=keep).item())
        if label == str(value)
        else mask(label)
    )


def code_of(choice: PanelState, *, options: MetricOptions, chart: str) -> str:
    """Python that gives the calls chosen of `logs` as `filtered`, their headline numbers, and the chart."""
    query = choice.query.code().replace("\n\n", "\n\net.charts.use_offline_renderer()\n", 1)
    matching = "logs.calls.filter(query.to_expr())"
    if choice.beside:
        matching = (
            f"et.metrics.drill_through({matching}, {literal(dict(choice.beside))}, options=options)"
        )
    numbers = "display(et.summarize(filtered, options=options, confidence=True))"
    return f"{query}{_statement(options.code())}filtered = {matching}\n{numbers}\n{chart}"


def _statement(code: str) -> str:
    """The code without its import, which stands above already."""
    return code.split("\n\n", 1)[1]
