"""All charts of some calls as one object that a notebook shows."""

from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from ..errors import UnknownName
from ..fetch_report import FetchReport
from ..language import Language, in_language, mark, tr
from ..metrics import Calls, MetricOptions, Selection
from ..phone_numbers import describe
from .answer_rates import answer_rate
from .concurrent_calls import concurrency
from .distributions import ring_durations, wait_distribution
from .extensions import extension_performance
from .funnels import funnel
from .heatmaps import heatmap
from .inputs import chart_input
from .png import Theme, write_pngs
from .routes import hunt_paths
from .service_levels import service_level
from .staffing import agents_by_interval
from .survival import patience, time_to_callback
from .traffic import erlangs
from .trunks import trunk_failures

__all__ = ["Gallery", "gallery"]

_OF_INBOUND_CALLS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "answer_rate": answer_rate,
        "heatmap": heatmap,
        "service_level": service_level,
        "wait_distribution": wait_distribution,
        "patience": patience,
        "funnel": funnel,
        "ring_durations": ring_durations,
        "hunt_paths": hunt_paths,
    }
)
"""What callers experience."""

_OF_ALL_CALLS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "extension_performance": extension_performance,
        "time_to_callback": time_to_callback,
        "concurrency": concurrency,
        "erlangs": erlangs,
        "agents_by_interval": agents_by_interval,
        "trunk_failures": trunk_failures,
    }
)
"""Charts that select the directions themselves, or count all."""

_INBOUND_NOTE = mark("inbound calls only")


class Gallery:
    """Charts by name, in order: iterate over (name, chart), or index by name, `gallery["funnel"]`.

    A notebook shows them one below the other, each as its own output, drawn by the active renderer.
    Two galleries are equal if their charts look the same.

    Examples:
        >>> calls = et.sample_logs().calls
        >>> charts = et.charts.Gallery({"calls": et.charts.heatmap(calls)})
        >>> charts
        Gallery: calls
        >>> charts["calls"].title.text
        ['Offered (calls) by weekday and hour: most on Mon at 11:00, 14']
    """

    def __init__(self, charts: Mapping[str, Any]) -> None:
        self._charts = dict(charts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the charts, in order."""
        return tuple(self._charts)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._charts.items())

    def __len__(self) -> int:
        return len(self._charts)

    def __getitem__(self, name: str) -> Any:
        if not isinstance(name, str) or name not in self._charts:
            shown = name if isinstance(name, str) else describe(name)
            raise UnknownName("chart", shown, self._charts)
        return self._charts[name]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Gallery):
            return NotImplemented
        return self.names == other.names and self._specs() == other._specs()

    __hash__ = None  # type: ignore[assignment]  # charts can be changed

    def _specs(self) -> dict[str, Any]:
        return {name: chart.to_dict() for name, chart in self}

    def save(self, folder: str | Path, *, theme: Theme = "light") -> list[Path]:
        """The paths of new PNG files in the folder, one per chart.

        Args:
            folder: the folder; made if missing.
            theme: "light" for a white ground, or "dark".

        Raises:
            UnknownName: there is no such theme.
            ReportError: the files cannot be written.
        """
        return write_pngs(self._specs(), folder, theme)

    def __repr__(self) -> str:
        return f"Gallery: {', '.join(self._charts)}"

    def _ipython_display_(self) -> None:
        """Show each chart as its own output: a single one could exceed the canvas size."""
        from IPython.display import display

        display(*self._charts.values())  # type: ignore[no-untyped-call]

    def _display_(self) -> Any:
        """What marimo shows in place of `_ipython_display_`: the charts below each other."""
        return import_module("marimo").vstack(list(self._charts.values()))


@in_language
def gallery(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
    language: Language | None = None,
) -> Gallery:
    """All charts of these calls: what callers experienced, who answered, and the traffic. Collects.

    Charts of what callers experience are of inbound calls, and have a note; charts of callbacks,
    traffic, trunks and extensions are of calls of all directions.

    Args:
        calls: calls of all directions.
        options: parameters of the metrics.
        coverage: `logs.report`. Times that were not fetched or not requested are shaded, and a
            note states which times are complete.
        language: "en" or "vi", the language of texts. None: English, or that of the report.

    Examples:
        >>> logs = et.sample_logs()
        >>> charts = et.charts.gallery(logs.calls, coverage=logs.report)
        >>> len(charts), charts.names[:3]
        (14, ('answer_rate', 'heatmap', 'service_level'))
    """
    calls, options = chart_input(calls, options, coverage)
    selection = calls if isinstance(calls, Selection) else Selection(calls.collect())
    inbound = selection.where(pl.col("direction").cast(pl.String) == "in")
    charts = {
        name: _with_inbound_note(draw(inbound, options=options, coverage=coverage))
        for name, draw in _OF_INBOUND_CALLS.items()
    }
    for name, draw in _OF_ALL_CALLS.items():
        charts[name] = draw(selection, options=options, coverage=coverage)
    return Gallery(charts)


def _with_inbound_note(chart: Any) -> Any:
    first, *others = chart.title.subtitle
    chart.title.subtitle = [f"{tr(_INBOUND_NOTE)} · {first}", *others]
    chart.description = f"{chart.description} {tr('Inbound calls only.')}"
    return chart
