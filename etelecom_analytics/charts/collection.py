"""Every chart of some calls at once, as one thing that a notebook shows."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from ..errors import InputError, UnknownName
from ..logs import FetchReport
from ..metrics import Calls, MetricOptions, Selection
from .answer_rates import answer_rate
from .distributions import ring_durations, wait_distribution
from .extensions import extension_performance
from .funnels import funnel
from .heatmaps import heatmap
from .png import write_pngs
from .routes import hunt_paths
from .service_levels import service_level
from .staffing import agents_needed
from .survival import patience, time_to_callback
from .traffic import concurrency, erlangs
from .trunks import trunk_failures

__all__ = ["Gallery", "gallery"]

_OF_CALLS_IN: Mapping[str, Callable[..., Any]] = MappingProxyType(
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
"""What callers live through: of calls of direction in."""
_OF_ALL: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "extension_performance": extension_performance,
        "time_to_callback": time_to_callback,
        "concurrency": concurrency,
        "erlangs": erlangs,
        "agents_needed": agents_needed,
        "trunk_failures": trunk_failures,
    }
)
"""Those that choose among the directions by themselves, or count all of them."""
_SAID = "Of the calls in."


class Gallery:
    """Charts with their names, in their order: iterate over (name, chart), or ask for one, `gallery["funnel"]`.

    A notebook shows them one below the other, each as its own output, drawn by whichever renderer
    is active.
    """

    def __init__(self, charts: Mapping[str, Any]) -> None:
        self._charts = dict(charts)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the charts, in their order."""
        return tuple(self._charts)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self._charts.items())

    def __len__(self) -> int:
        return len(self._charts)

    def __getitem__(self, name: str) -> Any:
        if name not in self._charts:
            raise UnknownName("chart", name, self._charts)
        return self._charts[name]

    def save(self, folder: str | Path) -> list[Path]:
        """The PNG files that were written into the folder, one a chart, on a white ground."""
        return write_pngs({name: chart.to_dict() for name, chart in self}, folder)

    def __repr__(self) -> str:
        return f"Gallery: {', '.join(self._charts)}"

    def _ipython_display_(self) -> None:
        """Show each chart as an output of its own: in one drawing for all, what is tall would not fit on a canvas."""
        from IPython.display import display

        display(*self._charts.values())  # type: ignore[no-untyped-call]


def gallery(
    calls: Calls,
    *,
    options: MetricOptions = MetricOptions(),
    coverage: FetchReport | None = None,
) -> Gallery:
    """Every chart of these calls at once: how callers fared, who answered, and what the lines carried. Collects.

    What callers live through is drawn of the calls in, and says so; callbacks, lines, trunks and
    extensions of calls of all directions.

    Args:
        calls: calls of all directions.
        options: what the numbers depend on besides the calls.
        coverage: `logs.report`; shades what was not fetched or not asked for, and says up to when
            the calls are complete.
    """
    if not isinstance(calls, Calls):
        raise InputError(
            f"gallery takes a table of calls, such as logs.calls; got {type(calls).__name__}."
        )
    chosen = calls if isinstance(calls, Selection) else Selection(calls.lazy().collect())
    calls_in = chosen.where(pl.col("direction").cast(pl.String) == "in")
    of_calls_in = {
        name: _said(draw(calls_in, options=options, coverage=coverage))
        for name, draw in _OF_CALLS_IN.items()
    }
    return Gallery(
        {
            **of_calls_in,
            **{
                name: draw(chosen, options=options, coverage=coverage)
                for name, draw in _OF_ALL.items()
            },
        }
    )


def _said(chart: Any) -> Any:
    """The chart, saying which calls it is about."""
    chart.title.subtitle = [_SAID, *chart.title.subtitle]
    chart.description = f"{chart.description} {_SAID}"
    return chart
